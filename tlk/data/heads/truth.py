"""The 68 points of a rendered frame: 51 fixed places on the mesh, 17 that march along the visible contour.

Jaw points as in Zhu et al., "High-fidelity pose and expression normalization" (CVPR 2015): each owns a line of
places from the back of the jaw towards the front of the face, and sits where that line reaches farthest outwards.
"""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path

import numpy as np

from tlk.data.heads.compiled import compiled

SOFTNESS = 0.012  #: dm; how sharply the farthest place of a line wins


@cache
def places() -> dict[str, np.ndarray]:
    """``inner`` (51, 3) vertices with ``inner_weights`` (51, 3); ``jaw`` (17, s, 3) vertices with ``jaw_weights`` (17, s, 3); ``outwards`` (17, 2) unit vectors, x right, y up."""
    raw = json.loads(Path(__file__).with_name("landmarks.json").read_text())
    found = {k: np.array(v, np.float32 if k in ("jaw_weights", "inner_weights", "outwards") else int) for k, v in raw.items()}
    for k in ("jaw_weights", "inner_weights"):
        found[k] /= found[k].sum(-1, keepdims=True)
    return found


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
    """(68, c) on the screen. ``points`` (n, 3) in dm after posing, ``screen`` (n, c) the same projected: x, y down and
    perhaps 1/z, which is then known for each landmark too."""
    p = places()
    mean = lambda values, which: (values[p[which]] * p[f"{which}_weights"][..., None]).sum(-2)
    return np.concatenate([contour(mean(points, "jaw"), mean(screen, "jaw"), p["outwards"], roll), mean(screen, "inner")]).astype(np.float32)


@compiled
def hidden(near, factor, placed):
    """(68,) whether something lies in front of each landmark. ``placed`` (68, 3): x and y in pixels, 1/z.

    Compared with the surfaces in the 3 × 3 pixels about it: more than half of these must lie 7 mm in front, or
    all of them 15 mm on the contour, where the surface falls away.
    ``near``: 1/z of every sample, ``factor`` to a pixel. Landmarks outside the frame count as hidden.
    """
    size = len(near) // factor
    out = np.ones(len(placed), np.bool_)
    for i in range(len(placed)):
        x, y = placed[i, 0], placed[i, 1]
        if x < 0 or y < 0 or x > size - 1 or y > size - 1:
            continue
        cx, cy = int((x + 0.5) * factor), int((y + 0.5) * factor)
        slack = 0.15 if i < 17 else 0.07
        covered = before = 0
        for v in range(max(0, cy - factor), min(len(near), cy + factor + 1)):
            for u in range(max(0, cx - factor), min(len(near), cx + factor + 1)):
                if near[v, u] > 0:
                    covered += 1
                    before += 1 / near[v, u] < 1 / placed[i, 2] - slack
        out[i] = before > 0.5 * covered if i > 16 else (covered > 0 and before == covered)
    return out
