"""Picture strips of the lab for the README: one run each, some of the loss taken away in the middle and given back.

    python -m data_scripts.lab_picture --of heads --out notebooks/pictures/lab-heads.png
    python -m data_scripts.lab_picture --of plane --out notebooks/pictures/lab.png

``heads`` goes on from the shipped weights with preset ``tiny``; about a second a step on one CPU core.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path

import torch
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle
from matplotlib.text import Text
from torch import Tensor

import tlk
from tlk.data import heads
from tlk.files import write_whole
from tlk.learning import MetaLearning
from tlk.learning.starting import start_from
from tlk.learning.toy import ToyGAN
from tlk.show.figures import COLOURS
from tlk.show.lab.drawing import draw_losses, draw_plane, draw_quality
from tlk.show.lab.session import Session
from tlk.show.lab.views import FacesView, Look, ToyView

Scene = tuple[str, int, dict[str, float]]  #: title, steps, weights that are set at its beginning

PLANE = (
    ("as it begins: content, D's opinion, feature matching", 300, {}),
    ("content only: points drift off the clusters", 300, {"adversarial": 0.0, "feature_matching": 0.0}),
    ("D's terms back: points return", 300, {"adversarial": 1.0, "feature_matching": 0.3}),
)
HEADS = (
    ("all terms", 25, {}),
    ("content and feature matching off", 100, {"content": 0.0, "feature_matching": 0.0}),
    ("both back", 75, {"content": 1.25, "feature_matching": 3.0}),  # those of preset `tiny`
)
CLIPS, FRAMES, UNSEEN = 48, 12, 3  #: training clips and their frames; people on show, of another split
PICTURES = 25  #: steps between two pictures of the people
WIDE, EDGE, GAP, HEAD, BELOW = 10.5, 0.06, 0.15, 0.52, 3.35  #: of that strip, in inches
GROUNDS = ("white", "0.9", "white")


def main(arguments: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--of", choices=("heads", "plane"), default="plane")
    parser.add_argument("--out", type=Path, required=True, help="a PNG file")
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args(arguments)
    figure = {"heads": heads_strip, "plane": plane_strip}[options.of](options.seed)
    with write_whole(options.out) as temporary:
        FigureCanvasAgg(figure).print_figure(temporary, format="png", pil_kwargs={"optimize": True})


def plane_strip(seed: int) -> Figure:
    """Three moments of one run above, its curves with the marks below."""
    session = Session(ToyGAN(seed))
    looks = record(session, ToyView(), PLANE, 10)
    ends = [look for step, look in looks if step in ends_of(PLANE)]
    return draw_plane_strip(session, ends, quality_of(looks))


def heads_strip(seed: int) -> Figure:
    """People outside the training set at some moments of one run, in a row above the run's curves."""
    clips = heads.dataset("train", CLIPS, FRAMES, 64)
    session = Session(start_from(MetaLearning("tiny", clips, seed), tlk.load("heads-64")))
    view = FacesView(session.stepper, heads.dataset("validation", UNSEEN, FRAMES, 64))
    return draw_heads_strip(session, record(session, view, HEADS, 5), HEADS)


def record(session: Session, view: ToyView | FacesView, scenes: Sequence[Scene], every: int) -> list[tuple[int, Look]]:
    """Play the scenes, and look at the start, every so many steps and at each scene's end: (step, what was seen)."""
    looks = [(session.stepper.step, view.look(session.stepper, session.stepper.weights))]
    for _, steps, weights in scenes:
        for name, value in weights.items():
            session.ask("set", name, value)
        for n in range(1, steps + 1):
            step = session.advance().step
            if step % every == 0 or n == steps:
                looks.append((step, view.look(session.stepper, session.stepper.weights)))
    return looks


def ends_of(scenes: Sequence[Scene]) -> list[int]:
    """The step at which each scene ends."""
    return [sum(steps for _, steps, _ in scenes[: n + 1]) for n in range(len(scenes))]


def quality_of(looks: Sequence[tuple[int, Look]]) -> list[dict[str, float]]:
    return [{"step": step, **look.quality} for step, look in looks]


def draw_plane_strip(session: Session, looks: Sequence[Look], quality: list[dict[str, float]]) -> Figure:
    figure = Figure((10.5, 5.9), dpi=80)
    grid = figure.add_gridspec(2, 6, height_ratios=(1.75, 1), left=0.05, right=0.99, top=0.925, bottom=0.075, hspace=0.24, wspace=0.35)
    for n, ((title, _, _), look) in enumerate(zip(PLANE, looks)):
        axis = figure.add_subplot(grid[0, 2 * n : 2 * n + 2])
        draw_plane(axis, look.picture)
        axis.set_title(f"{title}\non a cluster: {look.quality['on a cluster']:.0%}", fontsize=8)
        if n:
            axis.get_legend().remove()
    draw_losses(figure.add_subplot(grid[1, :3]), session, window=None, written=4)
    draw_quality(figure.add_subplot(grid[1, 3:]), session, quality, window=None)
    return figure


def draw_heads_strip(session: Session, looks: Sequence[tuple[int, Look]], scenes: Sequence[Scene]) -> Figure:
    """Above, people whom the training does not see: what is fixed, then what G draws at some steps. Below, the curves of the run.
    The scene in which something is taken away has a grey ground in both."""
    first = looks[0][1].picture
    shown = [(step, look.picture["generated"]) for step, look in looks if step % PICTURES == 0]
    columns, people = 3 + len(shown), len(first["truth"])
    face = (WIDE - 2 * EDGE - GAP) / columns  # inches
    figure = Figure((WIDE, HEAD + face * people + BELOW), dpi=86)
    tall = figure.get_figheight()
    places = [EDGE + n * face + (n >= 3) * GAP for n in range(columns)]
    for left, (title, frames) in zip(places, [("source", first["source"]), ("landmarks", first["driver"]), ("truth", first["truth"]), *shown]):
        axis = figure.add_axes((left / WIDE, BELOW / tall, face / WIDE, face * people / tall))
        draw_column(axis, frames, f"step {title}" if isinstance(title, int) else title)
    for title, (left, right), ground in spans(scenes, [step for step, _ in shown], places[3:], face):
        figure.add_artist(Rectangle((left / WIDE, (BELOW - 0.05) / tall), (right - left) / WIDE, (face * people + HEAD) / tall, color=ground, zorder=-1))
        figure.text((left + right) / 2 / WIDE, 1 - 0.16 / tall, title, ha="center", va="center", fontsize=9, weight="bold")
    draw_curves(figure, session, quality_of(looks), [step for step, _ in shown], scenes)
    return figure


def draw_column(axis: Axes, frames: Tensor, title: str) -> None:
    """Frames under one another as one image."""
    image = torch.cat(list(frames.detach().cpu()), dim=1).clamp(0, 1)
    axis.imshow(image.permute(1, 2, 0).numpy(), interpolation="bicubic", aspect="auto")
    axis.set_title(title, fontsize=8.5, pad=3, color=COLOURS["generated"] if title.startswith("step") else COLOURS["real"] if title == "truth" else "black")
    axis.axis("off")


def spans(scenes: Sequence[Scene], steps: Sequence[int], places: Sequence[float], face: float) -> list[tuple[str, tuple[float, float], str]]:
    """Title, left and right end in inches, and ground of each scene's columns."""
    found, begin = [], -1
    for (title, _, _), end, ground in zip(scenes, ends_of(scenes), GROUNDS):
        own = [left for step, left in zip(steps, places) if begin < step <= end]
        found.append((title, (own[0], own[-1] + face), ground))
        begin = end
    return found


def draw_curves(figure: Figure, session: Session, quality: list[dict[str, float]], steps: Sequence[int], scenes: Sequence[Scene]) -> None:
    """The terms above D's accuracy and the quality, over the same steps; each step that has a picture has a tick."""
    tall, (begin, end, _) = figure.get_figheight(), ends_of(scenes)
    for bottom, height, draw in ((1.78, 1.2, lambda a: draw_losses(a, session, window=None, written=4)), (0.36, 0.95, lambda a: draw_quality(a, session, quality, window=None))):
        axis = figure.add_axes((0.055, bottom / tall, 0.935, height / tall))
        axis.axvspan(begin + 0.5, end + 0.5, color=GROUNDS[1], zorder=-1)
        draw(axis)
        axis.set(xlim=(0, steps[-1] + 1), xticks=steps)
    for text in figure.axes[-1].findobj(Text) + figure.axes[-2].findobj(Text):
        text.set_fontsize(text.get_fontsize() * 1.3)
    figure.axes[-1].set_ylabel("shares", fontsize=9)


if __name__ == "__main__":
    main()
