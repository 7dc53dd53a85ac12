"""The head as distances from a point inside it: cheap collision for hair, hats and glasses."""

from __future__ import annotations

import numpy as np

CORE = np.array([0.0, 7.3, 0.3])  #: a point inside the head from which all of it can be seen, dm


def unit(v: np.ndarray) -> np.ndarray:
    """Vectors along the last axis, made one long."""
    return v / np.maximum(np.linalg.norm(v, axis=-1, keepdims=True), 1e-9)


class Hull:
    """How far the skin reaches from ``CORE`` in every direction, on a 5° grid."""

    ROWS, COLUMNS = 36, 72

    def __init__(self, points: np.ndarray):
        relative = points - CORE
        i, j = self._cell(relative)
        radius = np.zeros((self.ROWS, self.COLUMNS))
        np.maximum.at(radius, (i, j), np.linalg.norm(relative, axis=1))
        for _ in range(8):
            padded = np.pad(radius, ((1, 1), (0, 0)), mode="edge")
            near = np.maximum.reduce([padded[:-2], padded[2:], np.roll(radius, 1, 1), np.roll(radius, -1, 1)])
            radius = np.where(radius == 0, near, radius)
        blurred = sum(np.roll(radius, s, 1) for s in (-1, 0, 1)) / 3
        self.radius = np.maximum(radius * 0.5 + 0.5 * blurred, radius - 0.03)

    @classmethod
    def _cell(cls, relative: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        radius = np.maximum(np.linalg.norm(relative, axis=1), 1e-9)
        polar = np.arccos(np.clip(relative[:, 1] / radius, -1, 1))
        turn = np.arctan2(relative[:, 0], relative[:, 2]) + np.pi
        return np.minimum((polar / np.pi * cls.ROWS).astype(int), cls.ROWS - 1), (turn / (2 * np.pi) * cls.COLUMNS).astype(int) % cls.COLUMNS

    def reach(self, relative: np.ndarray) -> np.ndarray:
        """Distance of the skin in the direction of each vector, bilinear on the grid."""
        radius = np.maximum(np.linalg.norm(relative, axis=1), 1e-9)
        v = np.arccos(np.clip(relative[:, 1] / radius, -1, 1)) / np.pi * self.ROWS - 0.5
        u = (np.arctan2(relative[:, 0], relative[:, 2]) + np.pi) / (2 * np.pi) * self.COLUMNS - 0.5
        j, i = np.floor(v).astype(int), np.floor(u).astype(int)
        fv, fu = v - j, u - i
        at = lambda a, b: self.radius[np.clip(a, 0, self.ROWS - 1), b % self.COLUMNS]
        return (1 - fv) * ((1 - fu) * at(j, i) + fu * at(j, i + 1)) + fv * ((1 - fu) * at(j + 1, i) + fu * at(j + 1, i + 1))

    def settle(self, points: np.ndarray, gap: np.ndarray, cling: float) -> np.ndarray:
        """Points nearer to the skin than ``gap`` move out along the ray from the core (at most 0.08 dm at once);
        points farther out above the ears are drawn in by the share ``cling``."""
        relative = points - CORE
        radius = np.maximum(np.linalg.norm(relative, axis=1), 1e-9)
        wanted = self.reach(relative) + gap
        out = np.clip(wanted - radius, 0, 0.08)
        inwards = cling * np.clip(radius - wanted, 0, None) * np.clip((relative[:, 1] + 0.5) / 0.6, 0, 1)
        return CORE + relative * ((radius + out - inwards) / radius)[:, None]
