"""The lab's pictures for pages without a kernel: fewer panels than the live one, in type that can be read on a page."""

from __future__ import annotations

import textwrap
from collections.abc import Sequence

from matplotlib.figure import Figure
from matplotlib.text import Text

from tlk.learning import LossWeights

from .drawing import EQUAL, WRITTEN, draw_comparison, draw_frames, draw_losses, draw_plane, draw_quality, title_of
from .session import Session
from .telling import difference
from .views import Look

INCHES, DPI, LARGER, LINE = (8.8, 4.3), 74, 1.4, 0.17  #: of a still; its type over the live picture's; inches of a line below it


def draw_still(session: Session, look: Look, quality: Sequence[dict[str, float]], dpi: float = DPI) -> Figure:
    """The picture at the left; the terms of the loss above D's accuracy and the quality at the right."""
    told = told_below(session)
    below = LINE * len(told)
    tall = INCHES[1] + below
    figure = Figure((INCHES[0], tall), dpi=dpi)
    grid = figure.add_gridspec(2, 2, width_ratios=(1, 1.05), left=0.035, right=0.985, top=1 - 0.54 / tall, bottom=(0.5 + below) / tall, wspace=0.2, hspace=0.62)
    figure.text(0.035, 0.05 / tall, "\n".join(told), fontsize=6, va="bottom")
    place = figure.add_subplot(grid[:, 0])
    draw_plane(place, look.picture) if "map" in look.picture else draw_frames(place, look.picture)
    losses, shares = figure.add_subplot(grid[0, 1]), figure.add_subplot(grid[1, 1])
    draw_losses(losses, session)
    draw_quality(shares, session, quality)
    if "map" in look.picture:
        place.set_title("colours: D's score; arrows: where L pulls", fontsize=7)
    losses.set_ylabel("terms")
    shares.set_ylabel("shares")
    return enlarged(figure)


def told_below(session: Session) -> list[str]:
    """All marks in words, where there are more than are written beside the curves."""
    if sum(text.count(", ") + 1 for _, text in session.marks) <= WRITTEN:
        return []
    return textwrap.wrap("Marks: " + " · ".join(f"after step {step} {text}" for step, text in session.marks), 125)


def draw_compared(runs: dict[str, tuple[list[dict[str, float]], Look]], without: LossWeights, with_: LossWeights, dpi: float = DPI) -> Figure:
    """A and B side by side: their pictures at the end, and their terms in one plot."""
    figure = draw_comparison(runs, without, with_, dpi=dpi)
    figure.set_size_inches(INCHES[0], 3.7)
    *pictures, curves = sorted(figure.axes, key=lambda axis: axis.get_position().x0)
    for axis, place in zip((*pictures, curves), ((0.01, 0.14, 0.3, 0.66), (0.32, 0.14, 0.3, 0.66), (0.685, 0.3, 0.305, 0.5))):
        axis.set_position(place)
    curves.legend(fontsize=6, loc="upper center", bbox_to_anchor=(0.48, -0.25), ncols=2, frameon=False)  # two columns: its type is larger
    curves.set_title((difference(without, with_) or EQUAL).replace(", ", "\n") + "\n(dashed: A, full: B)", fontsize=7)
    for column, (axis, (_, look)) in enumerate(zip(pictures, runs.values())):
        best = next(iter(look.quality.items()), ("", 0.0))
        axis.set_title(f"{title_of(column, difference(without, with_))}\n{best[0]}: {best[1]:.2f}", fontsize=7)
        if axis.get_legend() is not None and axis is not pictures[0]:
            axis.get_legend().remove()
    return enlarged(figure)


def enlarged(figure: Figure) -> Figure:
    """All type larger by one factor."""
    for text in figure.findobj(Text):
        text.set_fontsize(text.get_fontsize() * LARGER)
    return figure
