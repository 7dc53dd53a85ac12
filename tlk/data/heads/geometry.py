"""From a person and one frame of motion to points in space and on the screen."""

from __future__ import annotations

import numpy as np

from tlk.data.heads.asset import load_asset
from tlk.data.heads.compiled import compiled

CENTRE = np.array([0.0, 7.05, 0.5], np.float32)  #: where the camera looks, dm in the mesh's frame


def rotation(yaw: float, pitch: float, roll: float) -> np.ndarray:
    """(3, 3) head rotation; degrees, signs as in ``Motion``: R = Ry(yaw) Rx(-pitch) Rz(-roll)."""
    y, p, r = np.radians([yaw, -pitch, -roll])
    cy, sy, cp, sp, cr, sr = np.cos(y), np.sin(y), np.cos(p), np.sin(p), np.cos(r), np.sin(r)
    turn = np.array([[cy, 0, sy], [0, 1, 0], [-sy, 0, cy]])
    nod = np.array([[1, 0, 0], [0, cp, -sp], [0, sp, cp]])
    tilt = np.array([[cr, -sr, 0], [sr, cr, 0], [0, 0, 1]])
    return turn @ nod @ tilt


def part_of_turn(matrix: np.ndarray, share: float) -> np.ndarray:
    """The rotation about the same axis by a share of the angle."""
    cosine = np.clip((np.trace(matrix) - 1) / 2, -1, 1)
    angle = np.arccos(cosine)
    if angle < 1e-7:
        return np.eye(3)
    axis = np.array([matrix[2, 1] - matrix[1, 2], matrix[0, 2] - matrix[2, 0], matrix[1, 0] - matrix[0, 1]]) / (2 * np.sin(angle))
    k = np.array([[0, -axis[2], axis[1]], [axis[2], 0, -axis[0]], [-axis[1], axis[0], 0]])
    return np.eye(3) + np.sin(angle * share) * k + (1 - np.cos(angle * share)) * k @ k


def neck_transforms(head: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Rotations (5, 3, 3) and shifts (5, 3) of the body, three neck bones and the head; the neck bends evenly."""
    pivots = load_asset().pivots.astype(float)
    turns, shifts = [np.eye(3)], [np.zeros(3)]
    for k in range(4):
        turn = part_of_turn(head, (k + 1) / 4)
        place = turns[-1] @ pivots[k] + shifts[-1]
        shifts.append(place - turn @ pivots[k])
        turns.append(turn)
    return np.array(turns, np.float32), np.array(shifts, np.float32)


def bend(points: np.ndarray, weights: np.ndarray, turns: np.ndarray, shifts: np.ndarray) -> np.ndarray:
    """Linear blend skinning of ``points`` (n, 3) by ``weights`` (n, 5) with ``neck_transforms``."""
    return _bend(np.ascontiguousarray(points, np.float32), np.ascontiguousarray(weights, np.float32), turns, shifts)


@compiled
def _bend(points, weights, turns, shifts):
    out = np.zeros_like(points)
    for i in range(len(points)):
        x, y, z = points[i, 0], points[i, 1], points[i, 2]
        for b in range(5):
            w = weights[i, b]
            if w > 0:
                for c in range(3):
                    out[i, c] += w * (turns[b, c, 0] * x + turns[b, c, 1] * y + turns[b, c, 2] * z + shifts[b, c])
    return out


@compiled
def rooted(points, root, weight, offset):
    """(n, 3): weighted sums of three mesh points each, plus an offset."""
    out = offset.copy()
    for i in range(len(out)):
        for k in range(3):
            for c in range(3):
                out[i, c] += weight[i, k] * points[root[i, k], c]
    return out


def view(points: np.ndarray, distance: float) -> np.ndarray:
    """(n, 3) in a picture of unit focal length: x to the right, y down, 1/z; the camera looks at ``CENTRE``."""
    return project(np.ascontiguousarray(points, np.float32), np.float32(distance), 1.0, 0.0, 0.0)


@compiled
def project(points, distance, focal, shift_x, shift_y):
    """(n, 3) x, y and 1/z on the screen: ``focal`` × the unit picture + shift."""
    out = np.empty_like(points)
    for i in range(len(points)):
        inverse = 1.0 / (distance - (points[i, 2] - 0.5))
        out[i, 0] = focal * points[i, 0] * inverse + shift_x
        out[i, 1] = -focal * (points[i, 1] - 7.05) * inverse + shift_y
        out[i, 2] = inverse
    return out
