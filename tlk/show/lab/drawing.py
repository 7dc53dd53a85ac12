"""The lab's picture, with matplotlib's ``Figure`` and never pyplot: it may be drawn from any thread and opens no window."""

from __future__ import annotations

import io
import textwrap
from collections.abc import Sequence

import torch
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.text import Annotation
from matplotlib.ticker import MaxNLocator
from torch import Tensor

from tlk.learning import LossWeights
from tlk.show.figures import COLOURS

from .session import Session, words
from .telling import ahead, difference
from .views import Look, ToyView

#: One colour for each term, none of them a role's (``COLOURS``); D's loss has D's.
TERMS = {"content": "#56B4E9", "adversarial": "#000000", "feature_matching": "#8C564B", "match": "#999933", "discriminator": COLOURS["discriminator"]}
LARGE = 5.0  #: terms beyond this are drawn on a logarithmic scale, or the others would lie on the floor
INCHES, DPI, WINDOW = (8.8, 3.9), 108, 600  #: 950 pixels wide on the page, so that the smallest type, 6 points, has 9; low enough for a window of 768 with the dials
FAINT = {"alpha": 0.35, "linewidth": 0.7}  #: curves of steps that were taken back: each in its term's colour, pale
EQUAL = "no weight was changed: the two runs are equal"
BETTER = {"SSIM": "SSIM ↑", "landmark error": "landmark error ↓"}  #: which way is better, where the name does not say it
WRITTEN, ROW = 2, 0.09  #: changes that are written beside their marks, and the height of each as a share of the axes: more would press the curves together, and all of them stand in a list below


def colour_of(term: str) -> str:
    return TERMS.get(term.partition("/")[0], "#555555")


def label_of(term: str) -> str:
    """Of ``content/net@face`` no more than content @face."""
    kind, part = term.partition("/")[0], term.partition("@")[2]
    return "D's loss" if term == "discriminator" else words(kind) + (f" @{part}" if part else "")


def line_of(term: str) -> dict[str, object]:
    """Colour and label of a term's curve; close-ups are drawn like their content, dotted, and not listed a second time."""
    close_up = "@" in term
    return {"color": colour_of(term), "linestyle": ":" if close_up else "-", "label": "_" * close_up + label_of(term)}


def png(figure: Figure) -> bytes:
    buffer = io.BytesIO()
    FigureCanvasAgg(figure).print_png(buffer, pil_kwargs={"compress_level": 1})
    return buffer.getvalue()


def jpeg(figure: Figure, quality: int = 45) -> bytes:
    """A figure in few bytes: a still picture for notebooks that are kept in git."""
    buffer = io.BytesIO()
    FigureCanvasAgg(figure).print_jpg(buffer, pil_kwargs={"quality": quality})
    return buffer.getvalue()


def draw_lab(session: Session, look: Look, quality: Sequence[dict[str, float]], dpi: float = DPI) -> Figure:
    """Picture at the left; losses, accuracy with quality, scores and shares at the right."""
    figure = Figure(INCHES, dpi=dpi)
    grid = figure.add_gridspec(2, 4, width_ratios=(0.95, 0.95, 1.75, 1.1), left=0.025, right=0.985, top=0.88, bottom=0.108, wspace=0.3, hspace=0.58)
    place = figure.add_subplot(grid[:, :2])
    draw_plane(place, look.picture) if "map" in look.picture else draw_frames(place, look.picture)
    losses, shares = figure.add_subplot(grid[0, 2]), figure.add_subplot(grid[1, 2])
    draw_losses(losses, session)
    draw_quality(shares, session, quality)
    shares.set_xlim(losses.get_xlim())  # so that a mark is one line through both
    draw_scores(figure.add_subplot(grid[0, 3]), session)
    draw_shares(figure.add_subplot(grid[1, 3]), look.shares, look.at, ahead(session))
    figure.text(0.025, 0.015, f"drawn at step {session.stepper.step}", fontsize=7, color="#555555")  # while it trains, the picture is older than the line above it
    return figure


def draw_comparison(runs: dict[str, tuple[list[dict[str, float]], Look]], without: LossWeights, with_: LossWeights, note: str = "", dpi: float = DPI) -> Figure:
    """A and B side by side: their pictures at the end, and their terms in one plot (A thin and dashed). ``note``: when it was made, or that it was stopped."""
    figure = Figure((INCHES[0], 3.8), dpi=dpi)
    grid = figure.add_gridspec(1, 3, left=0.02, right=0.985, top=0.86, bottom=0.2, wspace=0.15, width_ratios=(1, 1, 1.1))
    changed = difference(without, with_)
    curves = figure.add_subplot(grid[2])
    for column, (rows, look) in enumerate(runs.values()):
        axis = figure.add_subplot(grid[column])
        draw_plane(axis, look.picture) if "map" in look.picture else draw_frames(axis, look.picture)
        quality = ", ".join(f"{k} {v:.2f}" for k, v in look.quality.items() if k != "distance to the truth")
        axis.set_title(f"{title_of(column, changed)}\n{quality}", fontsize=8)
        for term, values in terms_of(rows).items():
            style = {"linewidth": 1.4, "label": label_of(term)} if column else {"linestyle": "--", "linewidth": 0.8, "label": label_of(term) if len(runs) == 1 else None}
            curves.plot([r["step"] for r in rows], smooth(values), marker="." if len(rows) == 1 else "", color=colour_of(term), **style)
    curves.set_title(f"{textwrap.fill(changed or EQUAL, 54)}\nterms, mean of 10 steps; dashed: A, full: B", fontsize=8)
    curves.legend(fontsize=6, loc="upper center", bbox_to_anchor=(0.48, -0.17), ncols=3, frameon=False)  # below, where it hides no curve
    figure.text(0.025, 0.015, note, fontsize=7, color="#555555")
    curves.set_xlabel(f"step, from the snapshot at {rows[0]['step'] - 1:.0f}", fontsize=7, labelpad=1)
    curves.xaxis.set_major_locator(MaxNLocator(6, integer=True))
    finish(curves)
    logarithmic(curves, rows)
    return figure


def title_of(column: int, changed: str) -> str:
    return ("A: without the change", "B: with the change")[column] if changed else f"{'AB'[column]}: the weights as kept"


def terms_of(rows: list[dict[str, float]]) -> dict[str, list[float]]:
    """Term → its values; content's parts as one, their mean, for A and B each draw them all."""
    names = [n for n in rows[0] if n not in ("step", "real", "generated")]
    parts = [n for n in names if n.startswith("content/")]
    whole = {"content": [sum(r[n] for n in parts) / len(parts) for r in rows]} if parts else {}
    return whole | {n: [r[n] for r in rows] for n in names if n not in parts}


def draw_plane(axis: Axes, picture: dict[str, Tensor]) -> None:
    """D's score as a map (darker: taken for real), points, and arrows along −∂L/∂x̂ for some of them."""
    end = ToyView.extent
    axis.imshow(picture["map"].numpy(), extent=(-end, end, -end, end), origin="lower", cmap="PuOr", vmin=-2, vmax=2, alpha=0.6, interpolation="bilinear")
    axis.plot(*picture["real"].T.numpy(), ".", color=COLOURS["real"], markersize=2.5, label="real")
    axis.plot(*picture["fake"].T.numpy(), ".", color=COLOURS["generated"], markersize=3.5, label="generated")
    some, pull = picture["fake"][::6], picture["pull"][::6]
    pull = 0.8 * pull / pull.norm(dim=-1).max().clamp_min(1e-12)
    axis.quiver(*some.T.numpy(), *pull.T.numpy(), angles="xy", scale_units="xy", scale=1, width=0.004, color="black")
    axis.set(xlim=(-end, end), ylim=(-end, end), xticks=[], yticks=[])
    axis.set_title("D's score (violet real, brown generated); arrows: the loss", fontsize=8)
    axis.legend(loc="upper right", bbox_to_anchor=(1.0, 0.0), ncols=2, fontsize=7, frameon=False, borderaxespad=0.2, handletextpad=0.2)  # below, where it hides no point


def draw_frames(axis: Axes, picture: dict[str, Tensor]) -> None:
    """One row for each entry, as one image."""
    rows = [torch.cat(list(frames.detach().cpu()), dim=2) for frames in picture.values()]
    image = torch.cat(rows, 1).clamp(0, 1)
    axis.imshow(image.permute(1, 2, 0).numpy(), interpolation="nearest", aspect="equal")
    height = image.shape[1] / len(rows)
    axis.set_yticks([(i + 0.5) * height for i in range(len(rows))], list(picture), fontsize=8, rotation=90, va="center")
    axis.set_xticks([])
    axis.tick_params(length=0)
    for side in axis.spines.values():
        side.set_visible(False)


def draw_losses(axis: Axes, session: Session, window: int | None = WINDOW, written: int = WRITTEN) -> None:
    """Unweighted terms of the last ``window`` steps; what was left behind pale, changes as dashed lines, ``written`` of them in words."""
    rows = session.rows[-(window or 0) :]
    begin = rows[0]["step"] if rows else session.stepper.step + 1
    left = [[r for r in old if window is None or begin <= r["step"] < begin + window] for old in session.left_behind]  # of a long one no more than fits beside what is new
    for old in left:
        draw_lines(axis, old, faint=True)
    if left := any(left):
        axis.plot([], [], color="black", label="left behind", **FAINT)
    draw_lines(axis, rows)
    if not rows and not left:
        say_empty(axis, "no step yet")
    axis.set_ylabel("terms, unweighted", fontsize=7)
    finish(axis)
    logarithmic(axis, rows)
    draw_marks(axis, session, rows, written)
    axis.xaxis.set_major_locator(MaxNLocator(6, integer=True))
    if len(rows) == 1:
        axis.set_xlim(rows[0]["step"] - 1, rows[0]["step"] + 1)
    key(axis, 3)


def logarithmic(axis: Axes, rows: list[dict[str, float]]) -> None:
    """A linear scale up to 1 and a logarithmic one above, where some term is large."""
    if any(v > LARGE for k, v in (rows[-1] if rows else {}).items() if k != "step"):
        axis.set_yscale("symlog", linthresh=1.0)


def draw_lines(axis: Axes, rows: list[dict[str, float]], faint: bool = False) -> None:
    if not rows:
        return
    steps = [r["step"] for r in rows]
    for term in (t for t in rows[0] if t not in ("step", "real", "generated")):
        style = {**line_of(term), "label": None, **FAINT} if faint else {"linewidth": 1.1, **line_of(term)}
        axis.plot(steps, [r[term] for r in rows], marker="." if len(rows) == 1 else "", **style)  # one step is no line


def draw_marks(axis: Axes, session: Session, rows: list[dict[str, float]], written: int = WRITTEN) -> None:
    """A dashed line at each change that the axes still show; of the last ones, what changed is written beside it, each in a row of its own above the curves."""
    first = rows[0]["step"] if rows else 0
    shown = [m for m in session.marks if m[0] + 1 >= first]
    for step, _ in shown:
        axis.axvline(step + 0.5, color="black", linewidth=0.8, linestyle="--")
    parts = last_parts(shown, written)
    raise_top(axis, ROW * len(parts))
    for row, (step, part) in enumerate(parts):
        left = step > sum(axis.get_xlim()) / 2
        text = axis.annotate(
            f"{step}: {part}", (step + 0.5, 1 - ROW * row), xycoords=("data", "axes fraction"), fontsize=6, xytext=(-3 if left else 3, -6), textcoords="offset points",
            ha="right" if left else "left", bbox={"facecolor": "white", "alpha": 0.9, "edgecolor": "none", "pad": 0.5},
        )  # fmt: skip
        keep_inside(axis, text)


def keep_inside(axis: Axes, text: Annotation) -> None:
    """Move a text that is longer than the room beside its mark over the axes' left or right edge back."""
    box, (x, y) = text.get_window_extent(FigureCanvasAgg(axis.figure).get_renderer()), text.xyann
    over = max(0.0, axis.bbox.x0 + 2 - box.x0) - max(0.0, box.x1 - axis.bbox.x1)
    text.xyann = x + over * 72 / axis.figure.dpi, y


def last_parts(marks: Sequence[tuple[int, str]], written: int) -> list[tuple[int, str]]:
    """The last ``written`` changes, each with its step; where the last mark alone has more of them, its first ones and how many follow."""
    parts = [(step, part) for step, text in marks for part in text.split(", ")]
    if marks and (many := marks[-1][1].count(", ") + 1) > written:
        return [*parts[-many:][: written - 1], (marks[-1][0], f"and {many - written + 1} more: see below")]
    return parts[-written:]


def raise_top(axis: Axes, share: float) -> None:
    """Leave ``share`` of the axes' height free above what is drawn."""
    scale, (low, high) = axis.yaxis.get_transform(), axis.get_ylim()
    ends = scale.transform([low, high])
    axis.set_ylim(low, scale.inverted().transform([ends[0] + (ends[1] - ends[0]) / (1 - share)])[0])


def draw_quality(axis: Axes, session: Session, quality: Sequence[dict[str, float]], window: int | None = WINDOW) -> None:
    """D's accuracy on both kinds (mean of 10 steps), and the quality of what is generated."""
    rows = session.rows[-(window or 0) :]
    steps = [r["step"] for r in rows]
    for kind in ("real", "generated"):
        axis.plot(steps, smooth([r[kind] for r in rows]), color=COLOURS[kind], linewidth=1, marker="." * (len(rows) == 1), label=f"D right on {kind}")
    shown = [q for q in quality if rows and steps[0] - 1 <= q["step"] <= steps[-1]]
    names = dict.fromkeys(n for q in shown for n in q if n not in ("step", "distance to the truth"))
    for name, style in zip(names, (".-", ".:"), strict=False):
        known = [q for q in shown if name in q]
        axis.plot([q["step"] for q in known], [q[name] for q in known], style, color=COLOURS["generator"], linewidth=1.6, markersize=4, label=BETTER.get(name, name))
    draw_marks_plain(axis, session, steps)
    axis.xaxis.set_major_locator(MaxNLocator(6, integer=True))
    axis.set(ylim=(-0.03, 1.03))
    axis.set_ylabel("quality, how often D is right", fontsize=7)
    axis.set_xlabel("step" if len(rows) == len(session.rows) else f"step (the last {len(rows)} of {len(session.rows)})", fontsize=7)
    finish(axis)
    key(axis, 2)


def draw_marks_plain(axis: Axes, session: Session, steps: list[float]) -> None:
    for step, _ in session.marks:
        if steps and step + 1 >= steps[0]:
            axis.axvline(step + 0.5, color="black", linewidth=0.8, linestyle="--")


def smooth(values: list[float], window: int = 10) -> list[float]:
    """Mean of the last ``window`` values at each place."""
    total, out = 0.0, []
    for i, v in enumerate(values):
        total += v - (values[i - window] if i >= window else 0.0)
        out.append(total / min(i + 1, window))
    return out


def draw_scores(axis: Axes, session: Session) -> None:
    """D's scores over the last steps; the hinge asks for real ones above 1 and generated ones below −1."""
    for kind in ("real", "generated"):
        scores = torch.cat([getattr(r, "real_scores" if kind == "real" else "fake_scores") for r in session.recent]) if session.recent else torch.zeros(0)
        axis.hist(scores.clamp(-3, 3).numpy(), bins=25, range=(-3, 3), color=COLOURS[kind], alpha=0.6, label=kind)
    if not session.recent:
        say_empty(axis, "no step from here yet" if any(session.left_behind) else "no step yet")
    for place in (-1, 1) if session.recent else ():
        axis.axvline(place, color="#555555", linewidth=0.7, linestyle=":")
    axis.set_title("D's scores, last steps", fontsize=8, pad=13)
    axis.set_xlabel("dotted: D's loss asks for real > 1,\ngenerated < −1", fontsize=6, labelpad=1)
    finish(axis)
    axis.set_yticks([])
    key(axis, 2)


def draw_shares(axis: Axes, shares: dict[str, float], at: int | None = None, turned: bool = False) -> None:
    """‖weight · ∂term/∂x̂‖ of each term over their sum; ``turned``: with weights that no step has used yet."""
    if not shares:
        say_empty(axis, "no step yet")
    names = list(shares)[::-1]
    axis.barh(names, [shares[n] for n in names], height=0.4, color=[colour_of(n) for n in names])
    for place, name in enumerate(names):  # above its bar: the bar's end is what is read
        axis.text(0.01, place + 0.24, label_of(name), va="bottom", fontsize=6)
    axis.set(xlim=(0, 1), ylim=(-0.35, len(names) - 0.35), yticks=[])
    axis.set_title("share of the pull on x̂" + (f", step {at}" if at is not None else ""), fontsize=8, pad=13 if turned else None)
    if turned:
        axis.text(0, 1.02, "with the dials as they stand now", transform=axis.transAxes, fontsize=6)
    finish(axis)


def say_empty(axis: Axes, text: str) -> None:
    axis.text(0.5, 0.5, text, transform=axis.transAxes, ha="center", va="center", fontsize=7, color="#777777")


def key(axis: Axes, columns: int) -> None:
    """The legend above the axes, where it hides neither curve nor mark."""
    if axis.get_legend_handles_labels()[1]:
        made = axis.legend(fontsize=6, loc="lower left", bbox_to_anchor=(-0.02, 0.98), ncols=columns, frameon=False, handlelength=1.4, columnspacing=1.0, labelspacing=0.2)
        for line in made.get_lines():
            line.set_linewidth(2.5)  # a thin swatch shows no colour


def finish(axis: Axes) -> None:
    axis.tick_params(labelsize=6)
    for side in ("top", "right"):
        axis.spines[side].set_visible(False)
