"""Figures: every frame in its place, sizes as said, clear errors."""

import matplotlib

matplotlib.use("Agg")

import matplotlib.pyplot as plt
import pytest
import torch

from tlk.show import draw_landmarks, grid, show_image, side_by_side


def test_grid_shows_every_frame_of_every_row():
    rows = {"float": torch.rand(3, 3, 8, 8), "bytes": torch.randint(0, 256, (2, 3, 8, 8), dtype=torch.uint8)}
    figure = grid(rows, columns=["a", "b", "c"])
    shown = [axis.images[0].get_array() for axis in figure.axes if axis.images]
    assert len(figure.axes) == 6 and len(shown) == 5
    assert torch.allclose(torch.as_tensor(shown[1]), rows["float"][1].permute(1, 2, 0))
    texts = [t.get_text() for axis in figure.axes for t in axis.texts] + [axis.get_title() for axis in figure.axes]
    assert {"float", "bytes", "a", "b", "c"} <= set(texts)
    plt.close(figure)
    with pytest.raises(ValueError, match="nothing to show"):
        grid({})


def test_landmarks_are_drawn_where_they_are_and_rings_are_closed():
    points = torch.rand(68, 2) * 60
    figure, axis = plt.subplots()
    show_image(axis, torch.zeros(3, 64, 64))
    draw_landmarks(axis, points, numbers=True)
    lines = [torch.as_tensor(line.get_xydata()).float() for line in axis.lines]
    assert torch.equal(lines[0], points[:17])  # jaw
    assert torch.equal(lines[-1], points[[*range(60, 68), 60]])  # inner lips, closed
    assert len(axis.texts) == 68
    plt.close(figure)


def test_side_by_side_scales_and_cuts_to_the_shortest():
    out = side_by_side(torch.rand(5, 3, 64, 64), torch.full((4, 3, 32, 16), 255, dtype=torch.uint8), height=96)
    assert out.shape == (4, 3, 96, 96 + 48)
    assert torch.allclose(out[..., 96:], torch.ones(()), atol=1e-5)
    with pytest.raises(ValueError, match="at least one"):
        side_by_side()
