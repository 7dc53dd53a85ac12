"""The two slow parts of the head asset: ambient occlusion by ray casting, and region masks in the chart."""

from __future__ import annotations

from pathlib import Path

import cv2
import numba
import numpy as np

WIDTH, HEIGHT, TOP, BOTTOM, AXIS_Z = 768, 384, 8.75, 5.45, 0.3  # the chart; tlk.data.heads.asset has the same numbers


@numba.njit(parallel=True, cache=True)
def _cast(points, normals, directions, a, e1, e2, reach):  # pragma: no cover - compiled
    out = np.zeros(len(points), np.float32)
    for i in numba.prange(len(points)):
        total, open_ = 0.0, 0.0
        o = points[i] + normals[i] * 0.015
        for k in range(len(directions)):
            d = directions[k]
            cosine = (d * normals[i]).sum()
            if cosine <= 0.05:
                continue
            nearest = reach
            for t in range(len(a)):
                px, py, pz = d[1] * e2[t, 2] - d[2] * e2[t, 1], d[2] * e2[t, 0] - d[0] * e2[t, 2], d[0] * e2[t, 1] - d[1] * e2[t, 0]
                det = e1[t, 0] * px + e1[t, 1] * py + e1[t, 2] * pz
                if abs(det) < 1e-12:
                    continue
                sx, sy, sz = o[0] - a[t, 0], o[1] - a[t, 1], o[2] - a[t, 2]
                u = (sx * px + sy * py + sz * pz) / det
                if u < 0 or u > 1:
                    continue
                qx, qy, qz = sy * e1[t, 2] - sz * e1[t, 1], sz * e1[t, 0] - sx * e1[t, 2], sx * e1[t, 1] - sy * e1[t, 0]
                v = (d[0] * qx + d[1] * qy + d[2] * qz) / det
                if v < 0 or u + v > 1:
                    continue
                s = (e2[t, 0] * qx + e2[t, 1] * qy + e2[t, 2] * qz) / det
                if 1e-4 < s < nearest:
                    nearest = s
            total += cosine
            open_ += cosine * (nearest / reach) ** 0.7
        out[i] = open_ / max(total, 1e-6)
    return out


def vertex_normals(vertices: np.ndarray, triangles: np.ndarray) -> np.ndarray:
    corner = vertices[triangles]
    face = np.cross(corner[:, 1] - corner[:, 0], corner[:, 2] - corner[:, 0])
    normal = np.zeros_like(vertices)
    for k in range(3):
        np.add.at(normal, triangles[:, k], face)
    return normal / np.maximum(np.linalg.norm(normal, axis=1, keepdims=True), 1e-12)


def ambient_occlusion(vertices: np.ndarray, triangles: np.ndarray, part: np.ndarray) -> np.ndarray:
    """(vertices,) uint8, 255 = sees everything within 1 dm. Clothing and lashes cast none."""
    solid = triangles[part < 5]
    vertices = vertices.astype(np.float64)
    normals = vertex_normals(vertices, triangles)
    k = np.arange(96) + 0.5
    polar, turn = np.arccos(1 - 2 * k / 96), np.pi * (1 + 5**0.5) * k
    directions = np.stack([np.cos(turn) * np.sin(polar), np.sin(turn) * np.sin(polar), np.cos(polar)], 1)
    a = vertices[solid[:, 0]]
    light = _cast(vertices, normals, directions, a, vertices[solid[:, 1]] - a, vertices[solid[:, 2]] - a, 1.0)
    return np.round(light * 255).astype(np.uint8)


def chart_masks(folder: Path, vertices: np.ndarray, triangles: np.ndarray, corners: np.ndarray, part: np.ndarray) -> dict[str, np.ndarray]:
    """The mesh's painted masks (lips, ears, lids, inside of the mouth), resampled.

    Lips go into the cylindrical chart that textures are painted in; the inside of the mouth becomes a value per vertex.
    """
    skin = part == 0
    read = lambda name: cv2.imread(str(folder / f"mpfb_{name}.jpg"), cv2.IMREAD_GRAYSCALE).astype(np.float32) / 255
    sample = lambda image, uv: cv2.remap(image, (uv[..., 0] * 2047).astype(np.float32), ((1 - uv[..., 1]) * 2047).astype(np.float32), cv2.INTER_LINEAR)
    inside = np.zeros(len(vertices), np.float32)
    np.maximum.at(inside, triangles[skin].ravel(), sample(read("inside-mouth"), corners[skin].reshape(-1, 1, 2)).ravel())
    masks = {"inside": np.round(inside * 255).astype(np.uint8)}
    front = skin & (inside[triangles].max(1) < 0.5)
    uv = np.full((HEIGHT, WIDTH, 2), -1, np.float32)
    depth = np.full((HEIGHT, WIDTH), -1.0)
    _rasterise_chart(vertices[triangles[front]].astype(np.float64), corners[front], uv, depth, TOP, BOTTOM, AXIS_Z)
    for name in ("lips", "ears", "eyelids"):
        masks[f"chart_{name}"] = np.round(np.where(depth > 0, sample(read(name), np.maximum(uv, 0)), 0) * 255).astype(np.uint8)
    return masks


@numba.njit(cache=True)
def _rasterise_chart(corner, value, out, depth, top, bottom, axis_z):  # pragma: no cover - compiled
    height, width = depth.shape
    for t in range(len(corner)):
        x, y, r = np.empty(3), np.empty(3), np.empty(3)
        for k in range(3):
            p = corner[t, k]
            x[k] = (0.5 + np.arctan2(p[0], p[2] - axis_z) / (2 * np.pi)) * width
            y[k] = (top - p[1]) / (top - bottom) * height
            r[k] = np.hypot(p[0], p[2] - axis_z)
        if x.max() - x.min() > width / 2:
            for k in range(3):
                if x[k] < width / 2:
                    x[k] += width
        area = (x[1] - x[0]) * (y[2] - y[0]) - (x[2] - x[0]) * (y[1] - y[0])
        if abs(area) < 1e-9:
            continue
        for j in range(max(0, int(np.floor(y.min()))), min(height - 1, int(np.ceil(y.max()))) + 1):
            for i in range(int(np.floor(x.min())), int(np.ceil(x.max())) + 1):
                b1 = ((i - x[0]) * (y[2] - y[0]) - (x[2] - x[0]) * (j - y[0])) / area
                b2 = ((x[1] - x[0]) * (j - y[0]) - (i - x[0]) * (y[1] - y[0])) / area
                b0 = 1 - b1 - b2
                if min(b0, b1, b2) < -1e-6:
                    continue
                radius = b0 * r[0] + b1 * r[1] + b2 * r[2]
                if radius > depth[j, i % width]:
                    depth[j, i % width] = radius
                    for c in range(out.shape[2]):
                        out[j, i % width, c] = b0 * value[t, 0, c] + b1 * value[t, 1, c] + b2 * value[t, 2, c]
