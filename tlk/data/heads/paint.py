"""Skin painted in the chart: tone, blotches, freckles, pores, lips, lids, beard shadow, the scalp under hair."""

from __future__ import annotations

import numpy as np

from tlk.data.heads.asset import load_asset
from tlk.data.heads.chart import load_chart, noise

HAIRLINE = np.array([(0, 7.98), (22, 8.0), (38, 7.93), (50, 7.72), (60, 7.5), (67, 7.2), (76, 7.12), (83, 7.45), (103, 7.42), (113, 6.95), (140, 6.62), (180, 6.55)])
BROW = np.array([(6.5, 7.465), (13, 7.485), (20, 7.497), (28, 7.482), (36, 7.425)])  #: degrees, dm: inner end to outer end
EYE, MOUTH, NOSE, CHIN = (17.6, 7.285), (0.0, 6.66), (0.0, 6.98), (0.0, 6.3)  #: places in the chart


def spot(place: tuple[float, float], wide: float, high: float, both: bool = True) -> np.ndarray:
    """A soft spot, ``wide`` degrees and ``high`` dm, on both sides of the face."""
    chart = load_chart()
    angle = np.abs(chart.angle) if both else chart.angle
    return np.exp(-(((angle - place[0]) / wide) ** 2) - ((chart.height - place[1]) / high) ** 2)


def hairline(person) -> np.ndarray:
    """(h, w) 1 where the scalp bears hair, soft at the border."""
    chart, looks = load_chart(), person.looks
    angle = np.abs(chart.angle)
    line = np.interp(angle, HAIRLINE[:, 0], HAIRLINE[:, 1])
    recede = looks.hairline + (0.35 if looks.style_name == "thinning" else 0)
    line = line + recede * np.exp(-((angle - 33) / 14) ** 2) + 0.4 * recede * np.exp(-((angle / 20) ** 2))
    wobble = 0.02 * noise(np.random.default_rng([person.seed, 20]), 3, 2)
    ears = load_asset().chart_ears > 0.3
    return np.clip((chart.height - line + wobble) / 0.06 + 0.5, 0, 1) * ~ears


def beard_area(kind: str) -> np.ndarray:
    """(h, w) where a beard grows."""
    chart = load_chart()
    angle, y = np.abs(chart.angle), chart.height
    lip = load_asset().chart_lips
    step = lambda x, soft: np.clip(x / soft + 0.5, 0, 1)
    moustache = step(6.84 - y, 0.05) * step(y - 6.68, 0.04) * step(25 - angle, 8)
    chin = step(6.58 - y, 0.06) * step(y - 6.12, 0.08) * step(22 - angle, 8)
    jaw = step(np.interp(angle, [0, 25, 45, 62, 75], [6.5, 6.55, 6.62, 6.95, 7.2]) - y, 0.08) * step(y - np.interp(angle, [0, 40, 75], [6.1, 6.2, 6.6]), 0.1) * step(78 - angle, 8)
    areas = {"moustache": moustache, "goatee": np.maximum(moustache * step(24 - angle, 6), chin)}
    return areas.get(kind, np.maximum(np.maximum(moustache, chin), jaw)) * (lip < 0.3)


def brow_area(looks) -> np.ndarray:
    """(h, w) density of the eyebrows."""
    chart = load_chart()
    angle = np.abs(chart.angle)
    middle = np.interp(angle, BROW[:, 0], BROW[:, 1]) + looks.brow_height
    thick = np.interp(angle, [BROW[0, 0], 14, BROW[-1, 0]], [0.04, 0.042, 0.015]) * (0.5 + 0.5 * looks.brow_weight)
    ends = np.clip((angle - BROW[0, 0]) / 4.0 + 0.7, 0, 1) * np.clip((BROW[-1, 0] - angle) / 4.0 + 0.6, 0, 1)
    return ends * np.exp(-(((chart.height - middle) / thick) ** 4))


def paint(person) -> np.ndarray:
    """(h, w, 4) float32: linear colour and relief in dm."""
    looks, seed = person.looks, int(person.seed)
    rng = np.random.default_rng([seed, 21])
    skin = np.broadcast_to(looks.skin, (*load_chart().angle.shape, 3)).copy()
    uneven = noise(rng, 1.2, 2) * 0.04 + noise(rng, 12, 2) * 0.02 * looks.blotch
    skin *= np.exp(uneven * (0.3 + 0.7 * np.clip((load_chart().height - 6.2) / 0.3, 0, 1)))[..., None]
    red = 0.45 * spot((0, NOSE[1]), 10, 0.12, False) + 0.5 * spot((27, 6.97), 15, 0.22) + 0.25 * spot(CHIN, 14, 0.14, False) + 0.5 * (load_asset().chart_ears > 0.3)
    red = red * (0.35 + 0.65 * looks.blotch) + 0.06 * looks.blotch * noise(rng, 6, 2)
    skin *= np.exp(red[..., None] * np.array([0.06, -0.22, -0.16]))
    tired = (0.25 + 0.4 * looks.age) * spot((EYE[0], EYE[1] - 0.17), 10, 0.06) + 0.35 * spot((9, EYE[1]), 4, 0.08)
    skin *= np.exp(-tired[..., None] * np.array([0.35, 0.45, 0.4]))
    skin = _freckles(skin, looks, rng)
    shadow = np.clip(looks.makeup - 0.3, 0, 0.8) * spot((EYE[0] + 1, EYE[1] + 0.07), 8, 0.07)
    skin *= np.exp(-shadow[..., None] * np.array([0.9, 1.1, 0.9]))
    lips = np.clip(load_asset().chart_lips * 1.3 - 0.15, 0, 1)[..., None]
    skin = skin * (1 - lips) + lips * looks.lips * np.exp(noise(rng, 14, 1) * 0.06)[..., None]
    relief = (0.0008 * noise(rng, 9, 2) * (0.2 + looks.age) + 0.0007 * noise(rng, 45, 1))
    relief *= 0.2 + 0.8 * np.clip((load_chart().height - 6.2) / 0.3, 0, 1)
    return np.concatenate([_hairy(skin, person, rng), relief[..., None]], -1).astype(np.float32)


def _freckles(skin: np.ndarray, looks, rng: np.random.Generator) -> np.ndarray:
    grain = noise(rng, 34, 1)
    freckle = np.clip((grain - 1.3) * 1.2, 0, 0.6) * min(looks.freckles, 1.0) * (0.2 + spot((16, 7.0), 26, 0.22))
    mole = np.zeros_like(grain)
    for _ in range(rng.poisson(1.5)):
        mole += spot((rng.uniform(-45, 45), rng.uniform(6.3, 7.6)), 0.9, 0.016, False)
    return skin * np.exp(-np.clip(freckle + 1.3 * np.minimum(mole, 1), 0, 1.5)[..., None] * np.array([0.5, 0.85, 1.0]))


def _hairy(skin: np.ndarray, person, rng: np.random.Generator) -> np.ndarray:
    """Scalp, brows and beard shadow: colour under the strands."""
    looks, level = person.looks, np.clip((load_chart().height - 6.2) / 0.3, 0, 1)
    strokes = np.exp(noise(rng, 40, 1) * 0.2)[..., None]
    if looks.beard != "none":
        strength = {"stubble": 0.45, "moustache": 0.8, "goatee": 0.75}.get(looks.beard, 0.8)
        area = (beard_area("full") * 0.2 + beard_area(looks.beard if looks.beard != "stubble" else "full") * strength).clip(0, 0.85)[..., None]
        area = area * np.clip(0.85 + 0.22 * noise(rng, 45, 1) * level, 0.3, 1)[..., None]
        skin = skin * (1 - area) + area * looks.hair * 0.8
    brow = (np.clip(brow_area(looks) * (0.5 + 0.25 * looks.brow_weight), 0, 0.85) * np.clip(0.9 + 0.15 * noise(rng, 40, 1), 0.2, 1))[..., None]
    tint = np.minimum(looks.hair, looks.skin * 0.3) * 0.7
    skin = skin * (1 - brow) + brow * tint * strokes
    cover = {"bald": 0.0, "buzz cut": 0.72, "thinning": 0.5}.get(looks.style_name, 0.92)
    shaven = 0.16 if looks.style_name == "bald" else cover
    scalp = (hairline(person) * shaven)[..., None]
    return skin * (1 - scalp) + scalp * looks.hair * 0.6 * strokes
