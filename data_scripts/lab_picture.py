"""A picture strip of the lab for the README: one run of the points, D's terms taken away in the middle and given back.

    python -m data_scripts.lab_picture --out notebooks/pictures/lab.png
"""

from __future__ import annotations

import argparse
from pathlib import Path

from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from tlk.files import write_whole
from tlk.learning.toy import ToyGAN
from tlk.show.lab.drawing import draw_losses, draw_plane, draw_quality
from tlk.show.lab.session import Session
from tlk.show.lab.views import Look, ToyView

SCENES = (("as it begins: content, D's opinion, feature matching", {}), ("content only: points drift off the clusters", {"adversarial": 0.0, "feature_matching": 0.0}), ("D's terms back: points return", {"adversarial": 1.0, "feature_matching": 0.3}))  # fmt: skip


def main(arguments: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, required=True, help="a PNG file")
    parser.add_argument("--steps", type=int, default=300, help="of each of the three parts")
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args(arguments)
    figure = strip(options.steps, options.seed)
    with write_whole(options.out) as temporary:
        FigureCanvasAgg(figure).print_figure(temporary, format="png")


def strip(steps: int, seed: int) -> Figure:
    """Three moments of one run above, its curves with the marks below."""
    session, view, quality, looks = Session(ToyGAN(seed)), ToyView(), [], []
    for _, weights in SCENES:
        for name, value in weights.items():
            session.ask("set", name, value)
        for n in range(steps):
            session.advance()
            if n % 10 == 9:
                look = view.look(session.stepper, session.stepper.weights)
                quality.append({"step": session.stepper.step, **look.quality})
        looks.append(look)
    return drawn(session, looks, quality)


def drawn(session: Session, looks: list[Look], quality: list[dict[str, float]]) -> Figure:
    figure = Figure((10.5, 5.9), dpi=80)
    grid = figure.add_gridspec(2, 6, height_ratios=(1.75, 1), left=0.05, right=0.99, top=0.925, bottom=0.075, hspace=0.24, wspace=0.35)
    for n, ((title, _), look) in enumerate(zip(SCENES, looks)):
        axis = figure.add_subplot(grid[0, 2 * n : 2 * n + 2])
        draw_plane(axis, look.picture)
        axis.set_title(f"{title}\non a cluster: {look.quality['on a cluster']:.0%}", fontsize=8)
        if n:
            axis.get_legend().remove()
    draw_losses(figure.add_subplot(grid[1, :3]), session, window=None)
    draw_quality(figure.add_subplot(grid[1, 3:]), session, quality, window=None)
    return figure


if __name__ == "__main__":
    main()
