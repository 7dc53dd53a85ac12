"""How the course's figures look: one size, one font, one colour for each role."""

from __future__ import annotations

import matplotlib.pyplot as plt

from tlk.show.figures import COLOURS

STYLE = {
    "figure.figsize": (7.5, 2.8),  # inches; at most 7.5 wide, so that a page holds it
    "figure.dpi": 100,
    "font.family": "DejaVu Sans",  # comes with matplotlib: the same page everywhere
    "font.size": 9,
    "axes.titlesize": 9,
    "axes.labelsize": 9,
    "legend.fontsize": 8,
    "xtick.labelsize": 8,
    "ytick.labelsize": 8,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.grid": False,
    "legend.frameon": False,
    "lines.linewidth": 1.5,
    "image.cmap": "viridis",  # even in brightness, and told apart by colour-blind readers
    "image.interpolation": "nearest",
}


def style() -> None:
    """Let all figures drawn from here on look like the course's; lines take the colours of COLOURS in order."""
    plt.rcParams.update(STYLE | {"axes.prop_cycle": plt.cycler(color=list(COLOURS.values()))})
