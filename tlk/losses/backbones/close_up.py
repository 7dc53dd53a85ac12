"""A backbone that looks at a part of the face alone, such as VGGFace learned to do and a network of general pictures does by a crop."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from jaxtyping import Bool, Float
from torch import Tensor

from tlk.landmarks.points import GROUPS
from tlk.losses.backbones.base import Backbone

#: part → (side of what is cropped, in sides of the square around the part; groups of landmarks, None for all)
PARTS = {"face": (1.15, None), "mouth": (1.5, ("outer lips", "inner lips"))}
SIDE = 0.75  #: of the crop, in sides of the frame


class CloseUp(Backbone):
    """``backbone`` on the square around ``part``; its layers and gains, and its name with ``@part``: ``efficientnet-lite0@face``.

    Takes (images, landmark images). A face is a fifth of a frame and a mouth a hundredth, so a mean over the frame hardly asks for an
    open mouth. The paper's second content network, VGGFace, answers to faces by training; this stands in its place where it cannot be had.
    """

    def __init__(self, backbone: Backbone, part: str) -> None:
        super().__init__()
        if part not in PARTS:
            raise ValueError(f"{backbone.name}@{part}: there is no close-up of {part!r}; choose one of {', '.join(PARTS)}")
        self.backbone, self.name, self.part = backbone, f"{backbone.name}@{part}", part
        self.layers, self.gains = backbone.layers, backbone.gains

    def forward(self, images: Float[Tensor, "b 3 h w"], landmark_images: Float[Tensor, "b 3 h w"]) -> list[Tensor]:
        return self.backbone(close_up(images, landmark_images, self.part))


def close_up(images: Float[Tensor, "b 3 h w"], landmark_images: Float[Tensor, "b 3 h w"], part: str = "face") -> Float[Tensor, "b 3 s s"]:
    """The square around ``part`` as ``landmark_images`` shows it (dark canvas 0), with a margin, at s = ``SIDE`` · w pixels.

    Bilinear; beyond the frame its border goes on. Gradients reach ``images``. Where nothing is drawn it is the whole frame.
    """
    b, _, h, w = images.shape
    margin, groups = PARTS[part]
    inked = drawn(landmark_images, groups)
    (left, right), (top, bottom) = _extent(inked.any(1)), _extent(inked.any(2))
    half = margin * torch.maximum(right - left, bottom - top) / 2
    nothing = ~inked.flatten(1).any(1)
    rows = []
    for low, high, length in ((left, right, w), (top, bottom, h)):  # in affine_grid's units the frame is [-1, 1]
        rows.append((torch.where(nothing, 1.0, 2 * half / length), torch.where(nothing, 0.0, (low + high) / length - 1)))
    (wide, x), (high, y) = rows
    zero, side = torch.zeros_like(x), round(SIDE * w)
    theta = torch.stack([wide, zero, x, zero, high, y], 1).unflatten(1, (2, 3)).to(images.dtype)
    return F.grid_sample(images, F.affine_grid(theta, [b, 3, side, side], align_corners=False), padding_mode="border", align_corners=False)


def drawn(landmark_images: Float[Tensor, "b 3 h w"], groups: tuple[str, ...] | None = None) -> Bool[Tensor, "b h w"]:
    """Where something is drawn; with ``groups``, where it has the colour of one of them, however faint."""
    strength = landmark_images.amax(1)
    inked = strength > 0.1
    if groups is None:
        return inked
    colours = torch.tensor([g.colour for g in GROUPS if g.name in groups], device=landmark_images.device).unique(dim=0) / 255
    full = landmark_images / strength.clamp_min(1e-6).unsqueeze(1)
    away = (full.unsqueeze(1) - colours.to(full)[:, :, None, None]).abs().amax(2)
    return inked & (away < 0.25).any(1)


def _extent(inked: Bool[Tensor, "b n"]) -> tuple[Tensor, Tensor]:
    """First and last edge, in pixels from the frame's edge, of what is true in each row of (b, n)."""
    n = inked.shape[1]
    at = torch.arange(n, device=inked.device, dtype=torch.float32)
    return torch.where(inked, at, float(n)).amin(1), torch.where(inked, at, -1.0).amax(1) + 1
