"""What is behind the person: plain, graded, patterned, or a room out of focus. Linear RGB."""

from __future__ import annotations

import numpy as np
import torch
import torch.nn.functional as F

from tlk.data.heads.styles import linear

KINDS = ("plain", "gradient", "textured", "room")


def _smooth(image: np.ndarray, size: int) -> np.ndarray:
    t = torch.from_numpy(np.ascontiguousarray(image.transpose(2, 0, 1), np.float32))[None]
    return F.interpolate(t, (size, size), mode="bicubic", align_corners=False)[0].permute(1, 2, 0).numpy()


def kind(seed: int) -> str:
    return str(np.random.default_rng([seed, 1]).choice(KINDS, p=[0.2, 0.25, 0.2, 0.35]))


def background(seed: int, size: int) -> np.ndarray:
    """(size, size, 3) float32, the same picture at every size."""
    r = np.random.default_rng([seed, 2])
    colour = lambda low=0.08, high=0.9: linear(np.clip(r.uniform(low, high) + r.normal(0, 0.09, 3), 0.03, 0.97))
    first, second = colour(), colour()
    y, x = np.mgrid[0:24, 0:24] / 23
    what = kind(seed)
    turn = r.uniform(0, 2 * np.pi)
    ramp = np.clip(0.5 + 0.7 * ((x - 0.5) * np.cos(turn) + (y - 0.5) * np.sin(turn)), 0, 1)[..., None]
    image = first * (1 - ramp) + second * ramp
    if what == "plain":
        image = first * (1.05 - 0.35 * ((x - 0.5) ** 2 + (y - 0.4) ** 2))[..., None]
    elif what == "textured":
        image = image * np.exp(0.35 * r.standard_normal((24, 24, 1)))
    elif what == "room":
        image = _room(r, colour)
    return np.clip(_smooth(image, size), 0.003, 1.2).astype(np.float32)


def _room(r: np.random.Generator, colour) -> np.ndarray:
    """Rectangles (shelves, windows, doors) and lamps, blurred as by a wide lens."""
    image = np.ones((64, 64, 3)) * colour(0.2, 0.8)
    image[int(r.uniform(40, 60)) :] = colour(0.1, 0.6)
    for _ in range(r.integers(4, 12)):
        top, left, high, wide = r.integers(0, 56), r.integers(0, 56), r.integers(6, 40), r.integers(4, 26)
        image[top : top + high, left : left + wide] = colour(0.05, 0.95)
    for _ in range(r.poisson(0.8)):
        top, left = r.integers(0, 40, 2)
        image[top : top + 6, left : left + 6] = 1.1
    t = torch.from_numpy(image.transpose(2, 0, 1).astype(np.float32))[None]
    radius = int(r.integers(2, 6))
    for _ in range(2):
        t = F.avg_pool2d(F.pad(t, [radius] * 4, mode="replicate"), 2 * radius + 1, 1)
    return t[0].permute(1, 2, 0).numpy()
