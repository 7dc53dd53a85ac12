"""Aligned faces as the identity network expects them, from 68 landmarks, differentiable in image and landmarks."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor

#: nose, eyes, upper lip outside and inside: the points that follow neither brows nor jaw
POINTS = (*range(27, 48), *range(48, 55), *range(60, 65))
#: where dlib puts them in a chip without padding, as a share of its side; found from dlib's own chips by
#: moving one point at a time, to about a thousandth
PLACES = (
    (0.491, 0.204), (0.491, 0.308), (0.491, 0.410), (0.491, 0.516),
    (0.368, 0.587), (0.427, 0.609), (0.491, 0.628), (0.555, 0.609), (0.613, 0.587),
    (0.123, 0.217), (0.189, 0.180), (0.267, 0.181), (0.336, 0.233), (0.262, 0.246), (0.184, 0.245),
    (0.646, 0.233), (0.714, 0.181), (0.793, 0.180), (0.858, 0.217), (0.797, 0.245), (0.719, 0.246),
    (0.255, 0.779), (0.342, 0.745), (0.430, 0.727), (0.491, 0.742), (0.552, 0.727), (0.639, 0.745), (0.726, 0.779),
    (0.292, 0.784), (0.429, 0.778), (0.491, 0.784), (0.552, 0.778), (0.690, 0.784),
)  # fmt: skip


def face_chips(
    images: Float[Tensor, "b 3 h w"], landmarks: Float[Tensor, "b 68 2"], size: int = 150, padding: float = 0.25
) -> Float[Tensor, "b 3 {size} {size}"]:
    """Faces turned upright and cut out at ``size`` pixels, as ``dlib.get_face_chip`` does it; values stay in [0, 1].

    The similarity (turn, scale, shift) that brings dlib's mean face nearest to the landmarks in least squares;
    what lies outside the image is black. Chips agree with dlib's to a fraction of a pixel; where the face is more
    than twice as large as the chip, finer chips are averaged down (dlib halves the image). Landmarks in pixels of ``images``. Raises ValueError when one of those used is missing.
    """
    used = landmarks[:, list(POINTS)]
    if not torch.isfinite(used).all():
        raise ValueError("a face chip needs the landmarks of eyes, nose and mouth; some are missing in this frame")
    places = used.new_tensor(PLACES)
    turn, shift = _similarity(size * (places + padding) / (1 + 2 * padding), used)
    finer = max(int(turn.detach().norm(dim=-1).max().item()), 1)
    pixels = (torch.arange(size * finer, device=images.device, dtype=images.dtype) + 0.5) / finer  # chip's left edge at 0, as dlib
    v, u = torch.meshgrid(pixels, pixels, indexing="ij")
    a, b = turn[:, 0, None, None], turn[:, 1, None, None]
    x = a * u - b * v + shift[:, 0, None, None]
    y = b * u + a * v + shift[:, 1, None, None]
    height, width = images.shape[-2:]
    grid = torch.stack([(2 * x + 1) / width - 1, (2 * y + 1) / height - 1], -1)
    return F.avg_pool2d(F.grid_sample(images, grid, align_corners=False), finer)


def _similarity(start: Float[Tensor, "p 2"], end: Float[Tensor, "b p 2"]) -> tuple[Float[Tensor, "b 2"], Float[Tensor, "b 2"]]:
    """(a, b) and shift of the similarity x = a u − b v + t, y = b u + a v + s nearest to ``start`` → ``end``."""
    middle, goal = start.mean(0), end.mean(1)
    q, p = start - middle, end - goal[:, None]
    across = q[:, 0] * p[..., 1] - q[:, 1] * p[..., 0]
    a, b = (q * p).sum((-2, -1)) / (q**2).sum(), across.sum(-1) / (q**2).sum()
    shift = goal - torch.stack([a * middle[0] - b * middle[1], b * middle[0] + a * middle[1]], -1)
    return torch.stack([a, b], -1), shift
