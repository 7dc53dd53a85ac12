"""Strands of scalp hair, rooted in the chart, grown step by step, kept outside the head."""

from __future__ import annotations

import numpy as np

from tlk.data.heads.asset import load_asset
from tlk.data.heads.chart import load_chart
from tlk.data.heads.hull import CORE, Hull, unit
from tlk.data.heads.paint import hairline
from tlk.data.heads.strands import Strands, rest_place

KNOT = np.array([0.0, 0.38, -1.02])  #: where tied hair meets, from ``CORE``


def roots(area: np.ndarray, count: int, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """Random texels in proportion to ``area`` × surface: triangle vertices (n, 3) and weights (n, 3)."""
    chart = load_chart()
    radius = np.hypot(chart.position[..., 0], chart.position[..., 2] - 0.3)
    slope = np.gradient(radius, axis=0) / (3.3 / 384)
    odds = (area * (chart.triangle >= 0) * (radius + 0.02) * np.sqrt(1 + np.clip(slope, -8, 8) ** 2)).ravel()
    if odds.sum() <= 0 or count == 0:
        return np.zeros((0, 3), int), np.zeros((0, 3))
    pick = np.searchsorted(np.cumsum(odds), rng.random(count) * odds.sum())
    b1, b2 = chart.b1.ravel()[pick], chart.b2.ravel()[pick]
    return load_asset().triangles[chart.triangle.ravel()[pick]], np.stack([1 - b1 - b2, b1, b2], 1)


def _flow(kind: str, place: np.ndarray, parting: float) -> np.ndarray:
    """The direction in which hair is combed at each root (from ``CORE``)."""
    x, y, z = place.T
    away = np.sign(x - parting * 0.8 + 1e-9)
    one = np.ones_like(x)
    front = np.clip(z / 0.8, 0, 1)
    if kind == "part":
        return np.stack([away * (0.9 - 0.3 * front), -0.25 * one, 0.2 - 0.9 * front], 1)
    if kind == "back":
        return np.stack([0.15 * x, 0.1 * one, -one], 1)
    if kind == "forward":
        return np.stack([0.2 * x + 0.25 * parting, -0.3 * one, one * 0.8], 1)
    if kind == "fringe":
        return np.stack([0.75 * x, -0.5 * one, np.where(z > 0.25, 1.0, -0.3)], 1)
    if kind == "tied":
        return np.stack([-x, 0.45 - y, -1.3 - z], 1)
    return place


def _lengths(style, place: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    top = np.clip((place[:, 1] - 0.45) / 0.5, 0, 1)
    behind = np.clip(0.5 - place[:, 2] / 0.8, 0, 1)
    low = style.side * (1 - behind) + style.back * behind
    length = style.top * top + low * (1 - top)
    if style.flow == "fringe":  # cut above the brows
        front = (place[:, 2] > 0.3) & (place[:, 1] > 0.3)
        length = np.where(front, np.minimum(length, 1.15 * (place[:, 1] - 0.27)), length)
    return length * rng.uniform(0.8, 1.05, len(place))


def _clear_face(points: np.ndarray, parting: float, layer: np.ndarray, below: float) -> np.ndarray:
    """Points before the face, as far as they lie less than ``below`` above the core, go to the side on which they were combed."""
    x, y, z = (points - CORE).T
    wide = np.interp(y, [-1.3, -0.6, 0.2, 0.55, 0.8], [0.5, 0.72, 0.74, 0.45, 0.0]) + 0.12 * layer
    side = np.where(x > parting * np.clip(y, 0, 1), 1.0, -1.0)
    short = np.clip(wide - side * x, 0, 0.3) * (z > 0.25) * (y < below)
    return points + np.stack([side * short, 0 * x, 0 * x], 1)


class Growth:
    """The state of all strands while they grow; ``step`` adds one point to each."""

    CLUMPS = 140

    def __init__(self, root: np.ndarray, normal: np.ndarray, length: np.ndarray, looks, hull: Hull, rng: np.random.Generator, steps: int):
        n, style = len(root), looks.style
        self.style, self.looks, self.hull, self.length, self.steps = style, looks, hull, length, steps
        self.layer = rng.random(n) ** 0.7
        self.clump = self._clumps(root, rng)
        flow = _flow(style.flow, root - CORE, looks.parting)
        flow = unit(flow - (flow * normal).sum(1, keepdims=True) * normal)
        wild = style.messy * (0.5 * rng.standard_normal((self.CLUMPS, 3))[self.clump] + 0.25 * rng.standard_normal((n, 3)))
        self.direction = unit(flow + style.lift * normal * (0.4 + 0.6 * self.layer[:, None]) + wild)
        self.phase = rng.uniform(0, 6.28, self.CLUMPS)[self.clump] + rng.normal(0, 0.35, n)
        self.turn = rng.uniform(0.8, 1.3, self.CLUMPS)[self.clump] * 1.2
        self.normal, self.side = normal, unit(np.cross(self.direction, normal + 1e-3))
        self.here, self.points = root.copy(), [root]

    def _clumps(self, root: np.ndarray, rng: np.random.Generator) -> np.ndarray:
        """Neighbouring strands share a clump, which bends and curls as one."""
        seeds = root[rng.integers(0, len(root), self.CLUMPS)]
        return ((root[:, None] - seeds[None]) ** 2).sum(-1).argmin(1)

    def step(self, k: int) -> None:
        style, along = self.style, k / self.steps
        direction = self.direction + np.array([0, -1, 0]) * style.gravity * (0.4 + 0.6 * along) * 5.0 / self.steps
        if style.flow == "tied":
            direction = direction + 1.5 * unit(CORE + KNOT - self.here)
        low = np.clip(-0.15 - (self.here - CORE)[:, 1:2], 0, 1)  # below the ears hair hangs
        direction = direction - np.array([0, 0.6, 0]) * low * min(1, 2 * style.gravity)
        here = self.here + unit(direction) * (self.length / (self.steps - 1))[:, None]
        if style.flow != "forward" and style.top > 0.1:
            here = _clear_face(here, self.looks.parting, self.layer, 0.3 if style.flow == "fringe" else 2.0)
        gap = 0.012 + style.volume * self.layer * min(1, 2.5 * along)
        here = self.hull.settle(here, gap, style.cling)
        swing = style.curl * min(1, 2 * along)
        curl = swing * (np.sin(self.phase + self.turn * k)[:, None] * self.side + np.cos(self.phase + self.turn * k)[:, None] * self.normal * 0.7)
        self.direction = unit(0.55 * unit(direction) + 0.45 * unit(here - self.here))
        self.points.append(here + curl)
        self.here = here


def _tail(person, rng: np.random.Generator) -> np.ndarray:
    """A ponytail's or a bun's strands (n, 10, 3) behind the head."""
    n, t = 900, np.linspace(0, 1, 10)[None, :, None]
    knot = CORE + KNOT
    if person.looks.style_name == "bun":
        around, tilt = rng.uniform(0, 6.28, (n, 1, 1)) + t * 3.0, rng.uniform(-1, 1, (n, 1, 1))
        ring = np.concatenate([np.cos(around), np.sin(around), 0.8 * tilt + 0 * t], -1)
        return knot + [0, 0.3, -0.05] + 0.33 * unit(ring)
    spread = rng.standard_normal((n, 1, 3)) * [0.11, 0.1, 0.07]
    return knot + spread * (0.4 + 1.6 * np.sin(t * 2.6)) + np.array([0.0, -1.6, -0.25]) * t**1.6 + np.array([0, 0.15, -0.45]) * np.sin(t * 3.1)


def scalp(person, normals: np.ndarray, hull: Hull) -> list[Strands]:
    """Scalp hair, and what is tied behind."""
    looks, rng = person.looks, np.random.default_rng([int(person.seed), 30])
    if looks.style.count == 0:
        return []
    root, weight = roots(hairline(person) ** 2, looks.style.count, rng)
    place = rest_place(person.neutral, root, weight)
    length = _lengths(looks.style, place - CORE, rng)
    steps = int(np.clip(4 + looks.style.top * 5 + (8 if looks.style.curl > 0.04 else 0), 5, 18))
    growth = Growth(place, unit(rest_place(normals, root, weight)), length, looks, hull, rng, steps)
    for k in range(1, steps):
        growth.step(k)
    along = np.linspace(0, 1, steps)[None, :]
    dark = (0.35 + 0.65 * growth.layer[:, None]) * (0.6 + 0.4 * np.minimum(1, 2 * along))
    tint = looks.hair * np.exp(rng.normal(0, 0.12, Growth.CLUMPS)[growth.clump] + rng.normal(0, 0.1, len(root)))[:, None]
    fade = np.exp(looks.tips * np.linspace(-0.3, 1, steps))[None, :, None]
    sets = [Strands(root, weight, np.stack(growth.points, 1), tint[:, None] * fade, dark, looks.style.width)]
    if looks.style.flow == "tied":
        tail = _tail(person, rng)
        tint = looks.hair * np.exp(rng.normal(0, 0.16, (len(tail), 1, 1)))
        sets.append(Strands(np.repeat(root[:1], len(tail), 0), np.repeat(weight[:1], len(tail), 0), tail, tint, rng.uniform(0.45, 1, (len(tail), 1)), 0.024))
    return sets
