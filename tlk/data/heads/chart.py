"""The cylindrical chart of the template: where paint goes and where hair has its roots."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

import numpy as np
import torch
import torch.nn.functional as F

from tlk.data.heads.asset import CHART, CHART_AXIS_Z, CHART_BOTTOM, CHART_TOP, SKIN, load_asset
from tlk.data.heads.raster import triangle
from tlk.data.heads.compiled import compiled


@dataclass(frozen=True)
class Chart:
    """Per texel (h, w): angle about the axis in degrees (0 front, positive to the person's left), height in dm,
    triangle number (-1: none) with two barycentric coordinates, and the template's position (h, w, 3)."""

    angle: np.ndarray
    height: np.ndarray
    triangle: np.ndarray
    b1: np.ndarray
    b2: np.ndarray
    position: np.ndarray


@compiled
def _fill(x, y, radius, triangles, wanted, width, who, near, b1, b2):
    for t in range(len(triangles)):
        if not wanted[t]:
            continue
        a, b, c = triangles[t, 0], triangles[t, 1], triangles[t, 2]
        ax, bx, cx = x[a], x[b], x[c]
        if max(ax, bx, cx) - min(ax, bx, cx) > width / 2:
            ax, bx, cx = ax + (width if ax < width / 2 else 0), bx + (width if bx < width / 2 else 0), cx + (width if cx < width / 2 else 0)
        triangle(t, ax, y[a], radius[a], bx, y[b], radius[b], cx, y[c], radius[c], who, near, b1, b2)


def chart_xy(points: np.ndarray) -> np.ndarray:
    """Template positions (n, 3) → texel coordinates (n, 2)."""
    width, height = CHART
    u = (0.5 + np.arctan2(points[:, 0], points[:, 2] - CHART_AXIS_Z) / (2 * np.pi)) * width
    return np.stack([u, (CHART_TOP - points[:, 1]) / (CHART_TOP - CHART_BOTTOM) * height], 1)


@cache
def load_chart() -> Chart:
    """Rasterise the template's outer skin into the chart."""
    asset, (width, height) = load_asset(), CHART
    xy = chart_xy(asset.template)
    radius = np.hypot(asset.template[:, 0], asset.template[:, 2] - CHART_AXIS_Z).astype(np.float32)
    wide = int(width * 1.5)
    who, near = np.full((height, wide), -1, np.int32), np.full((height, wide), -1e9, np.float32)
    b1, b2 = np.zeros((height, wide), np.float32), np.zeros((height, wide), np.float32)
    wanted = (asset.part == SKIN) & (asset.inside[asset.triangles].max(1) < 0.5)
    _fill(xy[:, 0].astype(np.float32), xy[:, 1].astype(np.float32), radius, asset.triangles, wanted, width, who, near, b1, b2)
    spill = near[:, width:] > near[:, : wide - width]
    for a in (who, b1, b2):
        a[:, : wide - width] = np.where(spill, a[:, width:], a[:, : wide - width])
    who, b1, b2 = who[:, :width], b1[:, :width], b2[:, :width]
    corner = asset.template[asset.triangles[np.maximum(who, 0)]]
    position = corner[..., 0, :] * (1 - b1 - b2)[..., None] + corner[..., 1, :] * b1[..., None] + corner[..., 2, :] * b2[..., None]
    rows, columns = np.mgrid[:height, :width].astype(np.float32)
    return Chart((columns / width - 0.5) * 360, CHART_TOP - rows / height * (CHART_TOP - CHART_BOTTOM), who, b1, b2, position)


def noise(rng: np.random.Generator, cells: float, octaves: int = 1) -> np.ndarray:
    """(h, w) smooth noise of about unit variance over the chart, without a seam; ``cells`` to the decimetre."""
    width, height = CHART
    total, weight = np.zeros((height, width), np.float32), 0.0
    for k in range(octaves):
        n = (max(2, round(cells * 3.3 * 2**k)), max(4, round(cells * 6.0 * 2**k)))
        lattice = torch.from_numpy(rng.standard_normal(n).astype(np.float32))[None, None]
        wrapped = torch.cat([lattice[..., -2:], lattice, lattice[..., :2]], -1)
        fine = F.interpolate(wrapped, (height, round(width * (n[1] + 4) / n[1])), mode="bicubic", align_corners=False)[0, 0].numpy()
        start = round(2 * width / n[1])
        total += fine[:, start : start + width] * 0.5**k * 1.4
        weight += 0.25**k
    return total / weight**0.5
