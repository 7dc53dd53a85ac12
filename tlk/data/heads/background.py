"""What is behind the person: plain, graded, patterned, or a room out of focus. Linear RGB."""

from __future__ import annotations

import numpy as np
import torch
import torch.nn.functional as F

from tlk.data.heads.styles import linear

KINDS = ("plain", "graded", "textured", "a room")


def _smooth(image: np.ndarray, size: int) -> np.ndarray:
    t = torch.from_numpy(np.ascontiguousarray(image.transpose(2, 0, 1), np.float32))[None]
    return F.interpolate(t, (size, size), mode="bicubic", align_corners=False)[0].permute(1, 2, 0).numpy()


def kind(seed: int) -> str:
    """Which of ``KINDS`` a seed gives."""
    return str(np.random.default_rng([seed, 1]).choice(KINDS, p=[0.18, 0.22, 0.15, 0.45]))


def background(seed: int, size: int) -> np.ndarray:
    """(size, size, 3) float32, the same picture at every size."""
    r = np.random.default_rng([seed, 2])
    colourful = abs(r.normal(0, 0.06))
    colour = lambda low=0.08, high=0.85: linear(np.clip(r.uniform(low, high) + r.normal(0, 0.03 + colourful, 3), 0.03, 0.95))
    first, second = colour(), colour()
    y, x = np.mgrid[0:24, 0:24] / 23
    what, turn = kind(seed), r.uniform(0, 2 * np.pi)
    ramp = np.clip(0.5 + 0.7 * ((x - 0.5) * np.cos(turn) + (y - 0.5) * np.sin(turn)), 0, 1)[..., None]
    image = first * (1 - ramp) + second * ramp
    if what == "plain":
        image = first * (1.05 - 0.35 * ((x - 0.5) ** 2 + (y - 0.4) ** 2))[..., None]
    elif what == "textured":
        image = _textured(r, first, second)
    elif what == "a room":
        image = _room(r, colour)
    return np.clip(_smooth(image, size), 0.003, 1.2).astype(np.float32)


def _textured(r: np.random.Generator, first: np.ndarray, second: np.ndarray) -> np.ndarray:
    """Wallpaper, brick, foliage: a regular or an irregular pattern between two colours."""
    y, x = np.mgrid[0:64, 0:64] / 64
    if r.random() < 0.5:
        a, b = r.uniform(3, 12, 2)
        pattern = 0.5 + 0.5 * np.sin(2 * np.pi * (a * x + r.uniform(-2, 2) * y)) * np.sin(2 * np.pi * b * y + r.uniform(0, 6))
    else:
        rough = sum(_smooth(r.standard_normal((n, n, 1)), 64)[..., 0] * 4 / n for n in (4, 8, 16, 28))
        pattern = 0.5 + 0.35 * rough
    strength = r.uniform(0.2, 0.8)
    return first + np.clip(pattern, 0, 1)[..., None] * strength * (second - first)


def _room(r: np.random.Generator, colour) -> np.ndarray:
    """Walls that meet, shelves, windows, doors and lamps, blurred as by a wide lens."""
    image = np.ones((64, 64, 3)) * colour(0.3, 0.8)
    corner = r.integers(0, 64)
    image[:, corner:] *= r.uniform(0.65, 1.0)
    for _ in range(r.integers(3, 10)):
        top, left, high, wide = r.integers(0, 56), r.integers(0, 56), r.integers(6, 44), r.integers(3, 24)
        image[top : top + high, left : left + wide] = colour(0.05, 0.9)
        if r.random() < 0.4:
            image[top : top + high : r.integers(4, 9), left : left + wide] *= r.uniform(0.4, 0.8)
    if r.random() < 0.3:
        top, left = r.integers(0, 20), r.integers(0, 44)
        image[top : top + r.integers(14, 30), left : left + r.integers(8, 18)] = r.uniform(0.8, 1.2)
    for _ in range(r.poisson(0.5)):
        top, left = r.integers(0, 40, 2)
        image[top : top + 5, left : left + 5] = 1.15
    t = torch.from_numpy(image.transpose(2, 0, 1).astype(np.float32))[None]
    radius = int(r.integers(1, 5))
    for _ in range(2):
        t = F.avg_pool2d(F.pad(t, [radius] * 4, mode="replicate"), 2 * radius + 1, 1)
    return t[0].permute(1, 2, 0).numpy()
