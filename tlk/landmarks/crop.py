"""One square for a whole clip, from the extent of its landmarks. The same in training and in use.

No rotation and no following of the face: the motion of the head must stay in the picture, since the
landmarks are the only thing that drives the generator.

Where the square reaches over the image's border, the border's pixels are continued outwards. That too is one
rule for training and use: a network trained on black bars draws black bars.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Float, UInt8
from PIL import Image
from torch import Tensor


@dataclass(frozen=True)
class Square:
    """A square of an image, given by its outer edges in pixels (pixel i reaches from i - 0.5 to i + 0.5)."""

    left: float
    top: float
    side: float

    def points(self, points: Float[Tensor, "*f p 2"], size: int) -> Float[Tensor, "*f p 2"]:
        """Points of the whole image → points of the square resampled to ``size`` pixels."""
        origin = points.new_tensor([self.left, self.top])
        return (points - origin) * (size / self.side) - 0.5

    def points_back(self, points: Float[Tensor, "*f p 2"], size: int) -> Float[Tensor, "*f p 2"]:
        """Inverse of ``points``."""
        origin = points.new_tensor([self.left, self.top])
        return (points + 0.5) * (self.side / size) + origin


def crop_square(landmarks: Float[Tensor, "f p 2"], margin: float = 0.35, lift: float = 0.12) -> Square:
    """The square around all finite points of a clip.

    Its side is the larger extent of the points times ``1 + 2 margin``; it sits ``lift`` of that extent
    above their middle, since points end at the brows and heads do not.
    Raises ValueError when no point is finite.
    """
    finite = landmarks.reshape(-1, 2)[torch.isfinite(landmarks.reshape(-1, 2)).all(-1)]
    if len(finite) == 0:
        raise ValueError("no landmark to crop around: every point is missing")
    low, high = finite.min(0).values, finite.max(0).values
    extent = max((high - low).max().item(), 1.0)
    side = extent * (1 + 2 * margin)
    x, y = ((low + high) / 2).tolist()
    return Square(x - side / 2, y - lift * extent - side / 2, side)


def crop_image(image: UInt8[Tensor, "3 h w"], square: Square, size: int) -> UInt8[Tensor, "3 {size} {size}"]:
    """The square of an image at ``size`` pixels, antialiased; landmarks follow by ``square.points``."""
    box = (square.left + 0.5, square.top + 0.5, square.left + square.side + 0.5, square.top + square.side + 0.5)
    return _chw(_resample(_hwc(image), box, (size, size)))


def paste_back(
    image: UInt8[Tensor, "3 h w"], result: UInt8[Tensor, "3 s s"] | Float[Tensor, "3 s s"], square: Square, feather: float = 0.0
) -> UInt8[Tensor, "3 h w"]:
    """``image`` with ``result`` (uint8, or float in [0, 1]) put where ``square`` was cut out: the inverse of ``crop_image``.

    feather: share of the side over which the result fades into the image at each edge, 0 to 0.5.
    """
    if result.is_floating_point():
        result = (result.clamp(0, 1) * 255).round().to(torch.uint8)
    height, width = image.shape[-2:]
    left, right, alpha_x = _overlap(square.left + 0.5, square.side, width, feather)
    top, bottom, alpha_y = _overlap(square.top + 0.5, square.side, height, feather)
    out = image.clone()
    if right <= left or bottom <= top:
        return out
    scale = result.shape[-1] / square.side
    box = ((left - square.left - 0.5) * scale, (top - square.top - 0.5) * scale, (right - square.left - 0.5) * scale, (bottom - square.top - 0.5) * scale)
    patch = _chw(_resample(_hwc(result), box, (right - left, bottom - top))).float()
    alpha = (alpha_y[:, None] * alpha_x).float()
    under = image[:, top:bottom, left:right].float().cpu()
    out[:, top:bottom, left:right] = (under + alpha * (patch - under)).round().to(image)
    return out


def _overlap(start: float, side: float, length: int, feather: float) -> tuple[int, int, Tensor]:
    """First and last+1 pixel of an axis that the square covers, and how much of each it covers or fades in."""
    first, last = max(math.floor(start), 0), min(math.ceil(start + side), length)
    edge = torch.arange(first, max(last, first), dtype=torch.float64)
    covered = torch.minimum(edge + 1, torch.tensor(start + side)) - torch.maximum(edge, torch.tensor(start))
    inside = torch.minimum(edge + 0.5 - start, start + side - edge - 0.5) / max(feather * side, 1e-9)
    return first, last, covered.clamp(0, 1) * (inside.clamp(0, 1) if feather else 1)


def _resample(image: np.ndarray, box: tuple[float, float, float, float], size: tuple[int, int]) -> np.ndarray:
    """A box (left, top, right, bottom; edges, pixel i from i to i + 1) of an (h, w, 3) image at ``size`` (w, h)."""
    height, width = image.shape[:2]
    support = 3 * max((box[2] - box[0]) / size[0], (box[3] - box[1]) / size[1], 1)  # what the filter reads around the box
    low = [math.floor(min(max(edge - support, 0), length - 1)) for edge, length in zip(box[:2], (width, height), strict=True)]
    high = [math.ceil(max(min(edge + support, length), at + 1)) for edge, length, at in zip(box[2:], (width, height), low, strict=True)]
    image = image[low[1] : high[1], low[0] : high[0]]
    box = (box[0] - low[0], box[1] - low[1], box[2] - low[0], box[3] - low[1])
    before = [math.ceil(max(support - edge, 0)) for edge in box[:2]]
    after = [math.ceil(max(edge + support - length, 0)) for edge, length in zip(box[2:], (image.shape[1], image.shape[0]), strict=True)]
    if any(before + after):
        image = np.pad(image, ((before[1], after[1]), (before[0], after[0]), (0, 0)), mode="edge")
    box = (box[0] + before[0], box[1] + before[1], box[2] + before[0], box[3] + before[1])
    return np.asarray(Image.fromarray(np.ascontiguousarray(image)).resize(size, Image.Resampling.BICUBIC, box=box))


def _hwc(image: Tensor) -> np.ndarray:
    return image.detach().cpu().permute(1, 2, 0).numpy()


def _chw(image: np.ndarray) -> Tensor:
    return torch.from_numpy(image.copy()).permute(2, 0, 1).contiguous()
