"""The course's style: really used by the next figure, and colours that colour-blind readers tell apart."""

import itertools

import matplotlib as mpl
import matplotlib.pyplot as plt
import numpy as np
import pytest

from tlk.show import COLOURS, style

# Machado, Oliveira and Fernandes 2009, severity 1: linear RGB as a protanope and a deuteranope see it.
SEEN = {
    "protanopia": np.array([[0.152286, 1.052583, -0.204868], [0.114503, 0.786281, 0.099216], [-0.003882, -0.048116, 1.051998]]),
    "deuteranopia": np.array([[0.367322, 0.860646, -0.227968], [0.280085, 0.672501, 0.047413], [-0.011820, 0.042940, 0.968881]]),
}


def nearest(colours, matrix) -> float:
    """The smallest distance of two colours, in sRGB from 0 to 1, as somebody sees them."""
    linear = np.array([mpl.colors.to_rgb(c) for c in colours]) ** 2.2
    seen = np.clip(linear @ matrix.T, 0, 1) ** (1 / 2.2)
    return min(np.linalg.norm(a - b) for a, b in itertools.combinations(seen, 2))


@pytest.mark.parametrize("matrix", [np.eye(3), *SEEN.values()], ids=["all colours", *SEEN])
def test_roles_are_told_apart(matrix):
    assert nearest(COLOURS.values(), matrix) > 0.15


def test_red_and_green_would_not_be():
    assert nearest(["#d62728", "#2ca02c", "#8c564b"], SEEN["deuteranopia"]) < 0.15


def test_the_next_figure_has_the_style():
    with mpl.rc_context():
        style()
        figure, axes = plt.subplots()
        (line,) = axes.plot([0, 1])
        assert tuple(figure.get_size_inches()) == (7.5, 2.8) and line.get_color() == COLOURS["real"]
        assert plt.rcParams["font.family"] == ["DejaVu Sans"] and not axes.spines["top"].get_visible()
        plt.close(figure)
