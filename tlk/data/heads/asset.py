"""The head mesh: what `data_scripts/head_asset.py` packed, loaded once."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache, cached_property
from pathlib import Path

import numpy as np

CHART = (768, 384)  #: width and height of the cylindrical chart that skin is painted in
CHART_TOP, CHART_BOTTOM, CHART_AXIS_Z = 8.75, 5.45, 0.3  #: dm; heights of its upper and lower edge, depth of its axis
SKIN, LEFT_EYE, RIGHT_EYE, TEETH, TONGUE, LASHES, CLOTH = range(7)  #: values of ``part``


@dataclass(frozen=True)
class Shapes:
    """A sparse table of blend shapes: offsets in dm that are added to the template."""

    names: list[str]
    starts: np.ndarray
    scales: np.ndarray
    vertices: np.ndarray
    values: np.ndarray

    @cached_property
    def index(self) -> dict[str, int]:
        return {name: i for i, name in enumerate(self.names)}

    @cached_property
    def offsets(self) -> np.ndarray:
        scale = np.repeat(self.scales, np.diff(self.starts))
        return self.values.astype(np.float32) * scale[:, None]

    def add(self, points: np.ndarray, weights: dict[str, float]) -> None:
        """Add the weighted shapes to ``points`` (vertices, 3) in place. KeyError for an unknown name."""
        for name, weight in weights.items():
            i = self.index[name]
            rows = slice(self.starts[i], self.starts[i + 1])
            points[self.vertices[rows]] += weight * self.offsets[rows]


@dataclass(frozen=True)
class Asset:
    """Template (n, 3) in dm, y up, z to the front, x to the person's left; triangles (t, 3) and the part of each."""

    template: np.ndarray
    triangles: np.ndarray
    part: np.ndarray
    neck: np.ndarray  #: (n, 5) shares of the body, three neck bones and the head
    pivots: np.ndarray  #: (4, 3) where the neck bones and the head turn
    occlusion: np.ndarray  #: (n,) share of the sky that a vertex sees
    inside: np.ndarray  #: (n,) 1 inside the mouth
    chart_lips: np.ndarray
    chart_ears: np.ndarray
    shape: Shapes
    unit: Shapes

    @cached_property
    def eye_vertices(self) -> tuple[np.ndarray, np.ndarray]:
        """Vertex numbers of the left and of the right eyeball."""
        return tuple(np.unique(self.triangles[self.part == p]) for p in (LEFT_EYE, RIGHT_EYE))


@cache
def load_asset() -> Asset:
    """The asset that comes with the package."""
    path = Path(__file__).with_name("head.npz")
    with np.load(path, allow_pickle=False) as data:
        table = lambda p: Shapes([str(n) for n in data[f"{p}_names"]], *(data[f"{p}_{k}"] for k in ("starts", "scales", "vertices", "values")))
        unit = lambda name: data[name].astype(np.float32) / 255
        return Asset(
            data["template"], data["triangles"], data["part"], unit("neck"), data["pivots"], unit("occlusion"), unit("inside"),
            unit("chart_lips"), unit("chart_ears"), table("shape"), table("unit"),
        )
