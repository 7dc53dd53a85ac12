"""What is drawn as strands: the common form of hair, brows, lashes, beards, glasses and hats."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Strands:
    """A set of n strands of k points. ``root`` (n, 3) mesh vertices with ``weight`` (n, 3), or (n, k, 3) both when each
    point has its own; ``points`` (n, k, 3) at rest in dm; ``colour`` linear RGB, ``occlusion`` in [0, 1] and ``width`` in dm
    broadcast over (n, k)."""

    root: np.ndarray
    weight: np.ndarray
    points: np.ndarray
    colour: np.ndarray
    occlusion: np.ndarray
    width: float | np.ndarray
    taper: float = 0.5  #: width at the tip as a share of that at the root
    thin: bool = True  #: small pictures may leave some out


@dataclass(frozen=True)
class Hair:
    """All strands of a person as points: root vertices (n, 3) with weights (n, 3), offset from the root (n, 3) in dm, neck
    weights (n, 5), colour (n, 3), occlusion (n,), width (n,) in dm; strand i owns points starts[i]:starts[i+1]."""

    starts: np.ndarray
    root: np.ndarray
    root_weight: np.ndarray
    offset: np.ndarray
    neck: np.ndarray
    colour: np.ndarray
    occlusion: np.ndarray
    width: np.ndarray


def rest_place(values: np.ndarray, root: np.ndarray, weight: np.ndarray) -> np.ndarray:
    """Weighted sum over three vertices each."""
    return (values[root] * weight[..., None]).sum(-2)


def neck_share(height: np.ndarray) -> np.ndarray:
    """(n, 5) skinning weights for strands by their height: the head above 6.6 dm, the body below 5.7."""
    place = np.clip((height - 5.7) / 0.9, 0, 1) * 4
    return np.clip(1 - np.abs(place[:, None] - np.arange(5)), 0, 1).astype(np.float32)


def collect(neutral: np.ndarray, sets: list[Strands], every: int) -> Hair:
    """All sets as one table; of those that may be thinned, each ``every``-th strand, wider instead."""
    rows, counts = [], []
    for s in sets:
        step = every if s.thin and len(s.points) > 40 else 1
        points = s.points[::step]
        n, k = points.shape[:2]
        if n == 0:
            continue
        each = lambda a, step=step, n=n, k=k: (a[::step] if a.ndim == 3 else np.repeat(a[::step, None], k, 1)).reshape(n * k, 3)
        root, weight = each(s.root), each(s.weight)
        flat = lambda a, c, step=step, n=n, k=k: np.broadcast_to(np.broadcast_to(a, (len(s.points), *np.shape(a)[1:])) if np.ndim(a) > 1 else a, (len(s.points), k, *c))[::step].reshape(n * k, *c)
        width = flat(np.broadcast_to(np.asarray(s.width, float), (len(s.points), k)), ()) * np.tile(np.linspace(1, s.taper, k), n) * step**0.8
        rest = points.reshape(-1, 3)
        rows.append((root, weight, rest - rest_place(neutral, root, weight), neck_share(rest[:, 1]), flat(s.colour, (3,)), flat(s.occlusion, ()), width))
        counts.append(np.full(n, k))
    starts = np.concatenate([[0], np.cumsum(np.concatenate(counts))]).astype(np.int32)
    merged = [np.ascontiguousarray(np.concatenate(column)) for column in zip(*rows, strict=True)]
    return Hair(starts, merged[0].astype(np.int32), *(m.astype(np.float32) for m in merged[1:]))
