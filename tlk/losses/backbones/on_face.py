"""A backbone that looks at the face alone: what VGGFace does by its training, a network of general pictures does by a crop."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from jaxtyping import Bool, Float
from torch import Tensor

from tlk.losses.backbones.base import Backbone

SUFFIX = "@face"  #: of the name: ``efficientnet-lite0@face``
SIDE = 0.75  #: of the crop, in sides of the frame
MARGIN = 1.15  #: side of what is cropped, in sides of the square around the landmarks


class OnFace(Backbone):
    """``backbone`` on the square around the landmarks; its layers and gains, and its name with ``@face``.

    A face is a fifth of a frame and a mouth a hundredth, so a mean over the frame hardly asks for an open mouth. The paper's second
    content network, VGGFace, answers to faces by training; where it cannot be had, this stands in its place.
    """

    on_face = True

    def __init__(self, backbone: Backbone) -> None:
        super().__init__()
        self.backbone, self.name = backbone, backbone.name + SUFFIX
        self.layers, self.gains = backbone.layers, backbone.gains

    def forward(self, images: Float[Tensor, "b 3 h w"], landmark_images: Float[Tensor, "b 3 h w"]) -> list[Tensor]:
        return self.backbone(face_crop(images, landmark_images))


def face_crop(images: Float[Tensor, "b 3 h w"], landmark_images: Float[Tensor, "b 3 h w"]) -> Float[Tensor, "b 3 s s"]:
    """The square around what is drawn in ``landmark_images`` (dark canvas 0), ``MARGIN`` wider, at s = ``SIDE`` · w pixels.

    Bilinear; beyond the frame its border goes on. Gradients reach ``images``. Where nothing is drawn it is the whole frame.
    """
    b, _, h, w = images.shape
    inked = landmark_images.amax(1) > 0.1
    (left, right), (top, bottom) = _extent(inked.any(1)), _extent(inked.any(2))
    half = MARGIN * torch.maximum(right - left, bottom - top) / 2
    nothing = ~inked.flatten(1).any(1)
    rows = []
    for low, high, length in ((left, right, w), (top, bottom, h)):  # in affine_grid's units the frame is [-1, 1]
        rows.append((torch.where(nothing, 1.0, 2 * half / length), torch.where(nothing, 0.0, (low + high) / length - 1)))
    (wide, x), (high, y) = rows
    zero, side = torch.zeros_like(x), round(SIDE * w)
    theta = torch.stack([wide, zero, x, zero, high, y], 1).unflatten(1, (2, 3)).to(images.dtype)
    return F.grid_sample(images, F.affine_grid(theta, [b, 3, side, side], align_corners=False), padding_mode="border", align_corners=False)


def _extent(inked: Bool[Tensor, "b n"]) -> tuple[Tensor, Tensor]:
    """First and last edge, in pixels from the frame's edge, of what is true in each row of (b, n)."""
    n = inked.shape[1]
    at = torch.arange(n, device=inked.device, dtype=torch.float32)
    return torch.where(inked, at, float(n)).amin(1), torch.where(inked, at, -1.0).amax(1) + 1
