"""Pictures for notebooks: labelled grids of frames, landmarks on a frame, videos side by side."""

from __future__ import annotations

from collections.abc import Sequence

import matplotlib.pyplot as plt
import torch
import torch.nn.functional as F
from jaxtyping import Float
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from torch import Tensor

from tlk.landmarks import GROUPS

#: One colour for each role, told apart by colour-blind readers too (Okabe and Ito's palette).
COLOURS = {"real": "#0072B2", "generated": "#D55E00", "generator": "#009E73", "discriminator": "#CC79A7", "landmarks": "#E69F00"}


def grid(rows: dict[str, Tensor], columns: Sequence[str] = (), inches: float = 1.1) -> Figure:
    """One row of frames for each entry, its key at the left.

    Args:
        rows: label → (f, 3, h, w) float in [0, 1] or uint8; shorter rows leave their last places empty.
        columns: labels above the columns.
        inches: width of one frame on the page.

    Raises:
        ValueError: when there is nothing to show.
    """
    width = max((len(images) for images in rows.values()), default=0)
    if width == 0:
        raise ValueError("nothing to show: give at least one row with at least one frame")
    margin = 0.2 + 0.075 * max(map(len, rows))  # inches, for labels of 9 points
    figure, axes = plt.subplots(len(rows), width, figsize=(width * inches + margin, len(rows) * inches + 0.25), squeeze=False)
    for line, (label, images) in zip(axes, rows.items()):
        for axis in line:
            axis.axis("off")
        for axis, image in zip(line, images):
            show_image(axis, image)
        line[0].text(-0.08, 0.5, label, transform=line[0].transAxes, ha="right", va="center", fontsize=9)
    for axis, label in zip(axes[0], columns):
        axis.set_title(label, fontsize=8)
    figure.subplots_adjust(margin / (width * inches + margin), 0, 1, 1 - 0.25 / (len(rows) * inches + 0.25), 0.03, 0.03)
    return figure


def show_image(axis: Axes, image: Tensor) -> None:
    """Draw (3, h, w), float in [0, 1] or uint8, without a frame around it."""
    picture = image if image.dtype == torch.uint8 else image.detach().float().clamp(0, 1)
    axis.imshow(picture.permute(1, 2, 0).cpu().numpy(), interpolation="nearest")
    axis.axis("off")


def draw_landmarks(axis: Axes, points: Float[Tensor, "68 2"], numbers: bool = False) -> None:
    """Draw the 68 points as lines by group, in pixels of the image below; ``numbers`` writes each one's index."""
    for group in GROUPS:
        order = group.indices + [group.first] * group.closed
        axis.plot(*points[order].T.cpu().numpy(), "-o", color=COLOURS["landmarks"], linewidth=0.8, markersize=1.5)
    if numbers:
        for i, (x, y) in enumerate(points.tolist()):
            axis.annotate(str(i), (x, y), fontsize=4, color="white", xytext=(1, 1), textcoords="offset points")


def side_by_side(*clips: Tensor, height: int = 192) -> Float[Tensor, "f 3 h w"]:
    """Frames of several videos next to each other, as long as the shortest; each scaled to ``height`` pixels.

    Raises ValueError when no video is given.
    """
    if not clips:
        raise ValueError("give at least one video")
    length = min(map(len, clips))
    return torch.cat([_scaled(clip[:length], height) for clip in clips], dim=-1)


def _scaled(frames: Tensor, height: int) -> Tensor:
    frames = frames.float() / 255 if frames.dtype == torch.uint8 else frames.float()
    width = round(frames.shape[-1] * height / frames.shape[-2])
    return F.interpolate(frames, (height, width), mode="bicubic", align_corners=False, antialias=True).clamp(0, 1)
