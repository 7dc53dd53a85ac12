"""The 68 points of a rendered frame: 51 fixed places on the mesh, 17 that march along the visible contour.

Jaw points as in Zhu et al., "High-fidelity pose and expression normalization" (CVPR 2015): each owns a line of
places from the back of the jaw towards the front of the face, and sits where that line reaches farthest outwards.
"""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path

import numpy as np

SOFTNESS = 0.012  #: dm; how sharply the farthest place of a line wins


@cache
def places() -> dict[str, np.ndarray]:
    """``inner`` (51,) vertices; ``jaw`` (17, s, 3) vertices with ``jaw_weights`` (17, s, 3); ``outwards`` (17, 2) unit vectors, x right, y up."""
    raw = json.loads(Path(__file__).with_name("landmarks.json").read_text())
    return {k: np.array(v, np.float32 if k in ("jaw_weights", "outwards") else int) for k, v in raw.items()}


def contour(lines: np.ndarray, screen: np.ndarray, outwards: np.ndarray, roll: float) -> np.ndarray:
    """(17, 2) points of ``screen`` (17, s, 2; y down), the farthest of each line along its outward direction, which tilts with the head.

    ``lines`` (17, s, 3) in dm gives the scale of the soft maximum.
    """
    angle = np.radians(roll)
    tilt = np.array([[np.cos(angle), np.sin(angle)], [-np.sin(angle), np.cos(angle)]])
    direction = outwards @ tilt.T
    reach = (lines[..., :2] * direction[:, None]).sum(-1)
    weight = np.exp((reach - reach.max(1, keepdims=True)) / SOFTNESS)
    weight /= weight.sum(1, keepdims=True)
    return (screen * weight[..., None]).sum(1)


def landmarks(points: np.ndarray, screen: np.ndarray, roll: float) -> np.ndarray:
    """(68, 2) on the screen. ``points`` (n, 3) in dm after posing, ``screen`` (n, 2) the same projected, y down."""
    p = places()
    weight = p["jaw_weights"][..., None]
    jaw = contour((points[p["jaw"]] * weight).sum(2), (screen[p["jaw"]] * weight).sum(2), p["outwards"], roll)
    return np.concatenate([jaw, screen[p["inner"]]]).astype(np.float32)
