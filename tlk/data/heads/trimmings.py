"""Brows, lashes, beards, glasses and hats, all as strands."""

from __future__ import annotations

import numpy as np

from tlk.data.heads.asset import LASHES, SKIN, load_asset
from tlk.data.heads.hair import roots, scalp
from tlk.data.heads.hull import CORE, Hull, unit
from tlk.data.heads.paint import beard_area, brow_area
from tlk.data.heads.raster import vertex_normals
from tlk.data.heads.strands import Strands, rest_place


def _rng(person, topic: int) -> np.random.Generator:
    return np.random.default_rng([int(person.seed), topic])


def _short(person, normals, area: np.ndarray, count: int, length: float, comb: np.ndarray, lift: float, width: float, rng, rise: float = 0.0) -> Strands:
    """Short hair close to the skin. ``comb`` is a direction on the person's left side, mirrored on the right;
    ``rise`` turns it upwards near the nose and a little down at the temples."""
    root, weight = roots(area, count, rng)
    place, normal = rest_place(person.neutral, root, weight), unit(rest_place(normals, root, weight))
    rising = np.clip(1 - (np.abs(place[:, 0]) - 0.14) / 0.22, -0.5, 1) * rise
    comb = comb * np.stack([np.sign(place[:, 0]), np.ones(len(place)), np.ones(len(place))], 1) + rising[:, None] * [0, 1.0, 0]
    direction = unit(comb - (comb * normal).sum(1, keepdims=True) * normal + lift * normal + 0.13 * rng.standard_normal(place.shape))
    t = np.linspace(0, 1, 3)[None, :, None]
    points = place[:, None] + 0.004 * normal[:, None] + direction[:, None] * t * length * rng.uniform(0.6, 1.2, (len(place), 1, 1)) + np.array([0, -0.2 * length, 0]) * t**2
    tint = np.minimum(person.looks.hair, person.looks.skin * 0.35) * 0.8 * np.exp(rng.normal(0, 0.15, (len(place), 1, 1)))
    return Strands(root, weight, points, tint, rng.uniform(0.65, 1.0, (len(place), 1)), width)


def brows(person, normals) -> list[Strands]:
    """Three rows of combing: the inner end stands, the outer end lies."""
    looks, rng = person.looks, _rng(person, 31)
    return [_short(person, normals, brow_area(looks), int(190 + 200 * looks.brow_weight), 0.07, np.array([1.0, 0.2, 0.0]), 0.05, 0.0075, rng, 0.9)]


def beard(person, normals) -> list[Strands]:
    looks, rng = person.looks, _rng(person, 32)
    if looks.beard in ("none", "stubble"):
        return []
    count, length = {"short beard": (2600, 0.065), "full beard": (3200, 0.16), "goatee": (1100, 0.08), "moustache": (700, 0.075)}[looks.beard]
    long = _short(person, normals, beard_area(looks.beard) ** 2, count, length, np.array([0.12, -1.0, 0.12]), 0.3, 0.0105, rng)
    long.colour[:] *= np.exp(0.25 * looks.age) * 1.15
    return [long]


def lashes(person) -> list[Strands]:
    """From the mesh's lash strips: from each point on the lid to the nearest point of the strip's outer edge."""
    asset, looks, rng = load_asset(), person.looks, _rng(person, 34)
    ours = np.unique(asset.triangles[asset.part == LASHES])
    skin = asset.template[np.unique(asset.triangles[asset.part == SKIN])]
    skin = skin[(skin[:, 2] > 1.1) & (np.abs(skin[:, 1] - 7.28) < 0.2)]
    near = np.sqrt(((asset.template[ours][:, None] - skin[None]) ** 2).sum(-1)).min(1)
    foot, tip = ours[near < 0.012], ours[near > 0.025]
    gap = ((asset.template[foot][:, None] - asset.template[tip][None]) ** 2).sum(-1)
    pairs = np.stack([foot, tip[gap.argmin(1)]], 1)[gap.min(1) < 0.07**2]
    upper = np.isin(pairs[:, 0], np.flatnonzero(asset.template[:, 1] > 7.28))
    pairs = pairs[upper | (looks.makeup > 0.5)]
    order = np.lexsort((asset.template[pairs[:, 0], 0], asset.template[pairs[:, 0], 1] > 7.28))
    pairs = pairs[order]
    a, b = pairs[:-1], pairs[1:]
    close = np.linalg.norm(asset.template[a[:, 0]] - asset.template[b[:, 0]], axis=1) < 0.09
    a, b = a[close], b[close]
    share = np.tile(np.linspace(0, 1, 5)[:-1], len(a))[:, None]
    a, b = np.repeat(a, 4, 0), np.repeat(b, 4, 0)
    root = np.stack([a, b, b], 2)
    weight = np.broadcast_to(np.stack([1 - share, share, 0 * share], 2), root.shape)
    strength = 0.45 + 0.55 * (looks.masculine < 0.5)
    points = rest_place(person.neutral, root, weight)
    points[:, 1] = points[:, 0] + (points[:, 1] - points[:, 0]) * strength
    colour = np.array([0.012, 0.009, 0.008]) + 0.15 * looks.hair
    width = 0.009 + 0.006 * min(looks.makeup, 1.0)
    line = Strands(root, weight, np.repeat(points[:, :1], 2, 1) + np.array([[[-0.006, 0, 0.004], [0.006, 0, 0.004]]]), colour * np.ones((len(root), 1, 1)), np.full((len(root), 1), 0.9), width * 1.3, 1.0, False)
    return [line, Strands(root, weight, points, colour * np.ones((len(root), 1, 1)), np.full((len(root), 1), rng.uniform(0.8, 1)), width * 0.8, 0.3, False)]


def _rigid(points: np.ndarray, person, colour: np.ndarray, width, occlusion: float = 1.0) -> Strands:
    """Strands that only follow the skull."""
    anchor = int(np.abs(load_asset().template - [0, 8.2, 0.9]).sum(1).argmin())
    n = len(points)
    return Strands(np.full((n, 3), anchor), np.tile([1.0, 0, 0], (n, 1)), points, colour, np.full((n, 1), occlusion), width, 1.0, False)


def glasses(person) -> list[Strands]:
    """Two rims, a bridge and temples."""
    looks = person.looks
    if looks.glasses == "none":
        return []
    asset, (wide, high, power) = load_asset(), {"round": (0.24, 0.22, 2.0), "square": (0.27, 0.19, 4.5), "thin": (0.25, 0.16, 3.0), "large": (0.3, 0.25, 3.0)}[looks.glasses]
    centres = [(person.neutral[v].min(0) + person.neutral[v].max(0)) / 2 for v in asset.eye_vertices]
    turn = np.linspace(0, 2 * np.pi, 33)
    x, y = np.cos(turn), np.sin(turn)
    round_ = (np.abs(x) ** power + np.abs(y) ** power) ** (-1 / power)
    front = max(c[2] for c in centres) + 0.31
    nose = person.neutral[np.abs(asset.template[:, 0]) < 1e-3]
    front = max(front, nose[np.abs(nose[:, 1] - centres[0][1] + 0.05) < 0.1][:, 2].max(initial=0) + 0.05)
    rims, sides = [], []
    for c, side in zip(centres, (1, -1), strict=True):
        middle = np.array([c[0] + side * 0.02, c[1] - 0.035, front])
        bow = -0.25 * np.clip(side * (x * round_ * wide + 0.02 * side), 0, 1) ** 2 * 2
        rims.append(np.stack([middle[0] + x * round_ * wide, middle[1] + y * round_ * high, front + bow], 1))
        hinge = middle + np.array([side * wide, 0.06, -0.12])
        ear = np.array([side * 0.8, c[1] + 0.03, 0.25])
        sides.append(np.linspace(hinge, ear, 33))
    bridge = np.linspace(rims[1][np.abs(turn).argmin()], rims[0][np.abs(turn - np.pi).argmin()], 33)
    bridge[:, 1] += 0.05 + 0.03 * np.sin(np.linspace(0, np.pi, 33))
    bridge[:, 2] = front + 0.02
    width = {"thin": 0.012, "round": 0.015, "square": 0.023}.get(looks.glasses, 0.019)
    return [_rigid(np.array([*rims, *sides, bridge]), person, looks.frame * np.ones((5, 1, 1)), width)]


def hat(person, hull: Hull) -> list[Strands]:
    """A knitted hat, a cap with a brim, or a headband, wound from thick strands."""
    looks, rng = person.looks, _rng(person, 35)
    if looks.hat == "none":
        return []
    n, k = 150, 14
    turn = np.linspace(0, 2 * np.pi, n, endpoint=False)[:, None]
    rise = np.linspace(0, 1, k)[None, :]
    brim = np.arccos(0.38 + 0.15 * np.cos(turn))
    polar = brim - 0.22 * rise if looks.hat == "headband" else brim * (1 - rise)
    direction = np.stack([np.sin(turn) * np.sin(polar), np.cos(polar) * np.ones_like(turn), np.cos(turn) * np.sin(polar)], -1)
    thick = 0.1 + 0.05 * np.sin(np.pi * rise) + (0.12 * rise if looks.hat == "beanie" else 0.05 * rise)
    points = CORE + direction * (hull.reach(direction.reshape(-1, 3)).reshape(n, k) + thick + 0.3 * looks.style.volume)[..., None]
    rib = 0.72 + 0.28 * (np.arange(n) % 3 > 0) if looks.hat == "beanie" else np.ones(n)
    band = np.where(rise < 0.2, 0.82, 1.0) if looks.hat != "headband" else np.ones((1, k))
    colour = looks.hat_colour * (rib[:, None] * band)[..., None] * np.exp(0.05 * rng.standard_normal((n, k, 1)))
    taper = np.maximum(np.sin(np.maximum(polar, 0.1)), 0.2) * 0.06 * np.ones((n, k))
    sets = [_rigid(points, person, colour, np.maximum(taper, 0.02))]
    if looks.hat == "cap":
        across = np.linspace(-1, 1, 60)[:, None]
        out = np.linspace(0, 1, 8)[None, :]
        start = points[np.round((across[:, 0] * 0.17 * n)).astype(int) % n, 0]
        forward = np.stack([0.12 * across * np.ones_like(out), -0.14 * out - 0.1 * across**2, np.ones_like(across) * out], -1) * np.array([1, 1, 0.75])
        sets.append(_rigid(start[:, None] + forward * np.sqrt(np.clip(1.15 - across**2, 0, 1))[..., None], person, looks.hat_colour * 0.8 * np.ones((60, 1, 1)), 0.06))
    return sets


def grow(person) -> list[Strands]:
    """Everything of a person that is drawn as strands."""
    asset = load_asset()
    normals = vertex_normals(person.neutral, asset.triangles)
    hull = Hull(person.neutral[(asset.inside < 0.5) & (asset.neck[:, 0] < 0.97)])
    return [*scalp(person, normals, hull), *brows(person, normals), *lashes(person), *beard(person, normals), *glasses(person), *hat(person, hull)]

