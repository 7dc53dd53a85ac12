"""One square for a whole clip, from the extent of its landmarks. The same in training and in use.

No rotation and no following of the face: the motion of the head must stay in the picture, since the
landmarks are the only thing that drives the generator.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
import torch.nn.functional as F
from jaxtyping import Float
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
