"""Light: a soft key, a fill, a rim and the sky, as numbers."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np


@dataclass(frozen=True)
class Light:
    """Directions point from the head to the lamp (x right in the picture, y up, z to the camera); colours are linear RGB."""

    key_direction: tuple[float, float, float] = (-0.45, 0.55, 0.75)
    key: tuple[float, float, float] = (2.1, 2.0, 1.9)
    fill_direction: tuple[float, float, float] = (0.7, 0.1, 0.7)
    fill: tuple[float, float, float] = (0.35, 0.37, 0.4)
    rim: tuple[float, float, float] = (0.3, 0.3, 0.3)
    sky: tuple[float, float, float] = (0.62, 0.65, 0.7)
    ground: tuple[float, float, float] = (0.3, 0.27, 0.25)

    @classmethod
    def random(cls, seed: int | list[int]) -> Light:
        """A lamp somewhere in front and above, warm or cool, hard or soft."""
        r = np.random.default_rng(seed)
        side, height = np.radians(r.uniform(-65, 65)), np.radians(r.uniform(5, 55))
        direction = np.array([np.sin(side) * np.cos(height), np.sin(height), np.cos(side) * np.cos(height)])
        warm, level = r.normal(0, 0.11), r.uniform(1.5, 2.5)
        tint = np.array([1 + warm, 1, 1 - warm])
        soft = r.uniform(0.45, 1.1)
        cool = np.array([1 - 0.5 * warm, 1, 1 + 0.5 * warm])
        as_tuple = lambda a: tuple(float(x) for x in a)
        return cls(
            as_tuple(direction), as_tuple(level * tint * (1.25 - 0.35 * soft)), as_tuple((-direction[0], 0.15, 0.8)),
            as_tuple(r.uniform(0.1, 0.6) * cool), as_tuple(r.uniform(0, 0.8) * cool),
            as_tuple(0.65 * soft * cool), as_tuple(0.32 * soft * tint),
        )

    def scaled(self, gain: float) -> Light:
        """The same light, brighter or darker."""
        names = ("key", "fill", "rim", "sky", "ground")
        return replace(self, **{n: tuple(gain * x for x in getattr(self, n)) for n in names})

    def array(self) -> np.ndarray:
        """(7, 3) float32 in the order of the fields, directions normalised."""
        rows = np.array([self.key_direction, self.key, self.fill_direction, self.fill, self.rim, self.sky, self.ground], np.float32)
        for i in (0, 2):
            rows[i] /= max(np.linalg.norm(rows[i]), 1e-9)
        return rows
