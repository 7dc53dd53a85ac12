"""Strands of hair: rooted in the chart, grown step by step, kept outside the head."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from tlk.data.heads.asset import load_asset
from tlk.data.heads.chart import load_chart
from tlk.data.heads.paint import beard_area, brow_area, hairline
from tlk.data.heads.raster import vertex_normals

CORE = np.array([0.0, 7.3, 0.3])  #: a point inside the head from which all of it can be seen


@dataclass(frozen=True)
class Hair:
    """Strands as points: root vertices (n, 3) with weights (n, 3), offset from the root (n, 3) in dm, neck weights
    (n, 5), colour (n, 3), occlusion (n,), width (n,) in dm; strand i owns points starts[i]:starts[i+1]."""

    starts: np.ndarray
    root: np.ndarray
    root_weight: np.ndarray
    offset: np.ndarray
    neck: np.ndarray
    colour: np.ndarray
    occlusion: np.ndarray
    width: np.ndarray


class Hull:
    """How far the skin reaches from ``CORE`` in every direction, on a 5° grid."""

    def __init__(self, points: np.ndarray):
        relative = points - CORE
        radius = np.linalg.norm(relative, axis=1)
        i, j = self._cell(relative)
        self.radius = np.zeros((36, 72))
        np.maximum.at(self.radius, (i, j), radius)
        for _ in range(6):
            padded = np.pad(self.radius, ((1, 1), (0, 0)), mode="edge")
            near = np.maximum.reduce([padded[:-2], padded[2:], np.roll(self.radius, 1, 1), np.roll(self.radius, -1, 1)])
            self.radius = np.where(self.radius == 0, near, self.radius)
        blurred = sum(np.roll(self.radius, s, 1) for s in (-1, 0, 1)) / 3
        self.radius = np.maximum(self.radius * 0.5 + 0.5 * blurred, self.radius - 0.03)

    @staticmethod
    def _cell(relative: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        radius = np.maximum(np.linalg.norm(relative, axis=1), 1e-9)
        polar = np.arccos(np.clip(relative[:, 1] / radius, -1, 1))
        turn = np.arctan2(relative[:, 0], relative[:, 2]) + np.pi
        return np.minimum((polar / np.pi * 36).astype(int), 35), (turn / (2 * np.pi) * 72).astype(int) % 72

    def push_out(self, points: np.ndarray, gap: np.ndarray) -> np.ndarray:
        """Points that lie deeper than ``gap`` above the skin are moved out along the ray from the core."""
        relative = points - CORE
        radius = np.maximum(np.linalg.norm(relative, axis=1), 1e-9)
        i, j = self._cell(relative)
        wanted = np.maximum(radius, np.minimum(self.radius[i, j] + gap, radius + 0.08))
        return CORE + relative * (wanted / radius)[:, None]


def neck_share(height: np.ndarray) -> np.ndarray:
    """(n, 5) skinning weights for hair by its height: the head above 6.6 dm, the body below 5.7."""
    place = np.clip((height - 5.7) / 0.9, 0, 1) * 4
    return np.clip(1 - np.abs(place[:, None] - np.arange(5)), 0, 1).astype(np.float32)


def roots(area: np.ndarray, count: int, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """Random texels in proportion to ``area`` × surface: triangle vertices (n, 3) and weights (n, 3)."""
    chart = load_chart()
    radius = np.hypot(chart.position[..., 0], chart.position[..., 2] - 0.3)
    slope = np.gradient(radius, axis=0) / (3.3 / 384)
    odds = (area * (chart.triangle >= 0) * (radius + 0.02) * np.sqrt(1 + np.clip(slope, -8, 8) ** 2)).ravel()
    if odds.sum() <= 0 or count == 0:
        return np.zeros((0, 3), int), np.zeros((0, 3))
    pick = rng.choice(len(odds), count, p=odds / odds.sum())
    b1, b2 = chart.b1.ravel()[pick], chart.b2.ravel()[pick]
    return load_asset().triangles[chart.triangle.ravel()[pick]], np.stack([1 - b1 - b2, b1, b2], 1)


def _unit(v: np.ndarray) -> np.ndarray:
    return v / np.maximum(np.linalg.norm(v, axis=-1, keepdims=True), 1e-9)


def _flow(kind: str, place: np.ndarray, parting: float) -> np.ndarray:
    """The direction in which hair is combed at each root."""
    x, y, z = place.T
    away = np.sign(x - parting * 0.8 + 1e-9)
    zero, one = np.zeros_like(x), np.ones_like(x)
    front = np.clip(z / 0.8, 0, 1)
    if kind == "part":
        return np.stack([away * 0.9, -0.25 * one, 0.2 - 0.75 * front], 1)
    if kind == "back":
        return np.stack([0.15 * x, 0.1 * one, -one], 1)
    if kind == "forward":
        return np.stack([0.2 * x, -0.3 * one, one * 0.8], 1)
    if kind == "fringe":
        return np.stack([0.75 * x, -0.5 * one, np.where(z > 0.25, 1.0, -0.3)], 1)
    if kind == "tied":
        return np.stack([-x, 7.75 - y - 0 * zero, -1.3 * one - z], 1)
    return place


def _lengths(style, place: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    top = np.clip((place[:, 1] - 0.45) / 0.5, 0, 1)
    behind = np.clip(0.5 - place[:, 2] / 0.8, 0, 1)
    low = style.side * (1 - behind) + style.back * behind
    return (style.top * top + low * (1 - top)) * rng.uniform(0.75, 1.1, len(place))


def _clear_face(points: np.ndarray, parting: float, layer: np.ndarray) -> np.ndarray:
    """Points before the face go to the side on which they were combed."""
    x, y, z = (points - CORE).T
    wide = np.interp(y, [-1.3, -0.6, 0.2, 0.55, 0.8], [0.5, 0.72, 0.74, 0.45, 0.0]) + 0.12 * layer
    side = np.where(x > parting * np.clip(y, 0, 1), 1.0, -1.0)
    short = np.clip(wide - side * x, 0, 0.3) * (z > 0.25)
    return points + np.stack([side * short, 0 * x, 0 * x], 1)


def _grow(root: np.ndarray, normal: np.ndarray, length: np.ndarray, looks, hull: Hull, rng: np.random.Generator, steps: int) -> tuple[np.ndarray, np.ndarray]:
    """Points (n, steps, 3) and the depth of each strand in its layer, 0 … 1."""
    style, n = looks.style, len(root)
    layer = rng.random(n) ** 0.7
    flow = _flow(style.flow, root - CORE, looks.parting)
    flow = _unit(flow - (flow * normal).sum(1, keepdims=True) * normal)
    clump = rng.integers(0, 90, n)
    direction = _unit(flow + style.lift * normal * (0.4 + 0.6 * layer[:, None]) + 0.12 * rng.standard_normal((90, 3))[clump] + 0.05 * rng.standard_normal((n, 3)))
    phase = rng.uniform(0, 6.28, 90)[clump] + rng.normal(0, 0.5, n)
    turn = rng.uniform(0.8, 1.3, n) * 2.2
    side = _unit(np.cross(direction, normal + 1e-3))
    points, here = [root], root.copy()
    target = None if style.flow != "tied" else CORE + np.array([0, 0.35, -1.05])
    for k in range(1, steps):
        direction = direction + np.array([0, -1, 0]) * style.gravity * (0.4 + 0.6 * k / steps) * 0.7
        if target is not None:
            direction = direction + 1.5 * _unit(target - here)
        direction = _unit(direction)
        here = here + direction * (length / (steps - 1))[:, None]
        if style.flow not in ("fringe", "forward", "radial"):
            here = _clear_face(here, looks.parting, layer)
        here = hull.push_out(here, 0.015 + style.volume * layer * min(1, 1.6 * k / steps))
        swing = style.curl * min(1, 2 * k / steps)
        curl = swing * (np.sin(phase + turn * k)[:, None] * side + np.cos(phase + turn * k)[:, None] * normal * 0.7)
        points.append(here + curl)
        direction = _unit(0.75 * direction + 0.25 * _unit(here - points[-2]))
    return np.stack(points, 1), layer


def _tail(person, rng: np.random.Generator) -> np.ndarray:
    """A ponytail's or a bun's strands (n, 10, 3) behind the head."""
    knot = CORE + np.array([0, 0.38, -1.02])
    n, t = 420, np.linspace(0, 1, 10)[None, :, None]
    spread = rng.standard_normal((n, 1, 3)) * [0.11, 0.1, 0.07]
    if person.looks.style_name == "bun":
        around = rng.uniform(0, 6.28, (n, 1, 1)) + t * 3.0
        tilt = rng.uniform(-1, 1, (n, 1, 1))
        ring = np.concatenate([np.cos(around), np.sin(around), 0.8 * tilt + 0 * t], -1)
        return knot + [0, 0.12, -0.12] + 0.33 * _unit(ring)
    return knot + spread * (0.4 + 1.6 * np.sin(t * 2.6)) + np.array([0.0, -1.6, -0.25]) * t**1.6 + np.array([0, 0.15, -0.45]) * np.sin(t * 3.1)


def _scalp(person, normals: np.ndarray, hull: Hull) -> list[tuple]:
    looks, rng = person.looks, np.random.default_rng([int(person.seed), 30])
    if looks.style.count == 0:
        return []
    root, weight = roots(hairline(person) ** 2, looks.style.count, rng)
    place = (person.neutral[root] * weight[:, :, None]).sum(1)
    normal = _unit((normals[root] * weight[:, :, None]).sum(1))
    length = _lengths(looks.style, place - CORE, rng)
    steps = int(np.clip(3 + looks.style.top * 4 + (6 if looks.style.curl else 0), 4, 16))
    points, layer = _grow(place, normal, length, looks, hull, rng, steps)
    along = np.linspace(0, 1, steps)[None, :]
    dark = (0.3 + 0.7 * layer[:, None]) * (0.55 + 0.45 * np.minimum(1, 2 * along))
    sets = [(root, weight, points, dark, looks.style.width, 0.14)]
    if looks.style.flow == "tied":
        tail = _tail(person, rng)
        first = np.repeat(root[:1], len(tail), 0), np.repeat(weight[:1], len(tail), 0)
        sets.append((*first, tail, np.broadcast_to(rng.uniform(0.5, 1, (len(tail), 1)), tail.shape[:2]), 0.035, 0.16))
    return sets


def _short(person, area: np.ndarray, count: int, length: float, flow: np.ndarray, lift: float, width: float, normals: np.ndarray, topic: int) -> tuple:
    """Brows and beards: short strands that lie close to the skin."""
    rng = np.random.default_rng([int(person.seed), topic])
    root, weight = roots(area, count, rng)
    place = (person.neutral[root] * weight[:, :, None]).sum(1)
    normal = _unit((normals[root] * weight[:, :, None]).sum(1))
    side = np.sign(place[:, :1])
    comb = flow * np.concatenate([side, np.ones_like(side), np.ones_like(side)], 1)
    direction = _unit(comb - (comb * normal).sum(1, keepdims=True) * normal + lift * normal + 0.2 * rng.standard_normal(place.shape))
    t = np.linspace(0, 1, 3)[None, :, None]
    points = place[:, None] + 0.008 * normal[:, None] + direction[:, None] * t * length * rng.uniform(0.6, 1.2, (len(place), 1, 1)) + np.array([0, -0.15 * length, 0]) * t**2
    return root, weight, points, np.broadcast_to(rng.uniform(0.6, 1.0, (len(place), 1)), points.shape[:2]), width, 0.12


def grow(person) -> Hair:
    """All strands of a person."""
    looks, normals = person.looks, vertex_normals(person.neutral, load_asset().triangles)
    head = load_asset().template[:, 1] > 4.5
    hull = Hull(person.neutral[head & (load_asset().inside < 0.5) & (load_asset().neck[:, 0] < 0.97)])
    sets = _scalp(person, normals, hull)
    sets.append(_short(person, brow_area(looks), int(110 + 130 * looks.brow_weight), 0.075, np.array([1.0, 0.25, 0.0]), 0.08, 0.009, normals, 31))
    if looks.beard in ("short beard", "full beard", "goatee", "moustache"):
        long = 0.3 if looks.beard == "full beard" else 0.14
        area = beard_area(looks.beard) ** 2
        sets.append(_short(person, area, int(900 if "beard" in looks.beard else 420), long, np.array([0.1, -1.0, 0.1]), 0.45, 0.02, normals, 32))
    return _collect(person, sets)


def _collect(person, sets: list[tuple]) -> Hair:
    looks, rng = person.looks, np.random.default_rng([int(person.seed), 33])
    rows, counts = [], []
    for number, (root, weight, points, dark, width, vary) in enumerate(sets):
        n, k = points.shape[:2]
        place = (person.neutral[root] * weight[:, :, None]).sum(1)
        shade = np.exp(rng.normal(0, vary, (n, 1, 1)) + 0.12 * np.linspace(-1, 1, k)[None, :, None])
        tint = looks.hair if points.shape[1] > 3 or number == 0 else np.minimum(looks.hair, looks.skin * 0.3) * 0.75
        taper = np.linspace(1, 0.45, k)[None, :] * np.ones((n, 1))
        flat = lambda a: np.repeat(a, k, 0)
        rows.append((flat(root), flat(weight), (points - place[:, None]).reshape(-1, 3), neck_share(points[..., 1].ravel()), (tint * shade).reshape(-1, 3), dark.ravel(), (width * taper).ravel()))
        counts.append(np.full(n, k))
    starts = np.concatenate([[0], np.cumsum(np.concatenate(counts))]).astype(np.int32)
    merged = [np.concatenate(column) for column in zip(*rows, strict=True)]
    return Hair(starts, merged[0].astype(np.int32), *(m.astype(np.float32) for m in merged[1:]))
