"""The draws behind a person: colours, hair, clothing, background. Numbers only; painting and growing are elsewhere."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

TONES = np.array([(247, 221, 203), (238, 200, 174), (222, 176, 143), (196, 144, 108), (150, 102, 72), (104, 68, 48), (70, 46, 35)]) / 255.0
HAIR_COLOURS = {  # sRGB
    "black": (20, 17, 16), "dark brown": (46, 31, 23), "brown": (78, 52, 34), "light brown": (118, 84, 54), "blond": (178, 140, 88),
    "light blond": (214, 186, 136), "red": (132, 58, 26), "auburn": (92, 42, 26), "grey": (128, 124, 120), "white": (205, 202, 196), "dyed blue": (48, 70, 120), "dyed pink": (170, 80, 110),
}
EYE_COLOURS = {"dark brown": (48, 28, 16), "brown": (92, 56, 28), "hazel": (118, 92, 46), "green": (92, 112, 70), "blue": (86, 122, 158), "grey": (118, 130, 138)}


@dataclass(frozen=True)
class Style:
    """A hairstyle: lengths in dm on top, at the sides and at the back; how it lies."""

    top: float
    side: float
    back: float
    lift: float = 0.35  #: 1 stands up, 0 lies flat
    volume: float = 0.1  #: thickness of the layer, dm
    gravity: float = 0.25
    curl: float = 0.0  #: radius of the curls, dm
    flow: str = "part"  #: part, back, forward, radial, fringe, tied
    cling: float = 0.6  #: how strongly it is drawn to the head above the ears
    messy: float = 0.2
    width: float = 0.0135  #: of one drawn strand, dm
    count: int = 9000


STYLES = {
    "bald": Style(0, 0, 0, count=0),
    "buzz cut": Style(0.06, 0.05, 0.05, lift=0.9, volume=0.02, flow="radial", gravity=0, cling=0),
    "crop": Style(0.26, 0.12, 0.12, lift=0.35, volume=0.07, flow="forward", gravity=0.1, cling=0.2),
    "side part": Style(0.75, 0.2, 0.22, lift=0.35, volume=0.15),
    "slicked back": Style(0.8, 0.4, 0.35, lift=0.3, volume=0.1, flow="back", messy=0.1),
    "quiff": Style(0.5, 0.13, 0.13, lift=1.0, volume=0.26, flow="back", gravity=0.1, cling=0.25),
    "tousled": Style(0.55, 0.3, 0.3, lift=0.8, volume=0.22, flow="forward", gravity=0.2, cling=0.3, messy=0.55, curl=0.025),
    "fringe": Style(0.95, 0.6, 0.55, lift=0.3, volume=0.13, flow="fringe", gravity=0.5, messy=0.15),
    "bob": Style(1.55, 1.2, 1.1, lift=0.35, volume=0.17, gravity=0.7, messy=0.12),
    "bob with fringe": Style(1.5, 1.15, 1.05, lift=0.3, volume=0.16, flow="fringe", gravity=0.7, messy=0.12),
    "long": Style(2.9, 2.6, 2.6, lift=0.3, volume=0.17, gravity=0.8, messy=0.12),
    "long wavy": Style(2.7, 2.4, 2.4, lift=0.35, volume=0.22, curl=0.045, gravity=0.7),
    "curly": Style(0.8, 0.6, 0.6, lift=0.8, volume=0.34, curl=0.08, flow="radial", gravity=0.1, width=0.016, cling=0.3, messy=0.5),
    "long curly": Style(2.0, 1.8, 1.8, lift=0.6, volume=0.34, curl=0.085, gravity=0.5, width=0.016, cling=0.4, messy=0.4),
    "afro": Style(0.75, 0.6, 0.6, lift=1.6, volume=0.45, curl=0.05, flow="radial", gravity=0.0, width=0.018, count=10000, cling=0.5, messy=0.5),
    "ponytail": Style(1.2, 1.1, 0.8, lift=0.15, volume=0.05, flow="tied", gravity=0.0, messy=0.05, cling=0.9),
    "bun": Style(1.2, 1.1, 0.8, lift=0.15, volume=0.05, flow="tied", gravity=0.0, messy=0.05, cling=0.9),
    "thinning": Style(0.4, 0.25, 0.25, lift=0.3, volume=0.05, flow="back", count=4000),
}


@dataclass(frozen=True)
class Looks:
    """One person's draws. Colours are linear RGB unless a name."""

    masculine: float
    age: float  #: 0 young … 1 old
    weight: float  #: -1 thin … 1 heavy
    ancestry: tuple[float, float, float]  #: African, Asian, Caucasian shares of MakeHuman's targets
    tone: float  #: 0 lightest … 6 darkest
    skin: np.ndarray
    lips: np.ndarray
    blotch: float
    freckles: float
    eye_name: str
    eyes: np.ndarray
    hair_name: str
    hair: np.ndarray
    style_name: str
    style: Style
    parting: float
    hairline: float
    brow_weight: float
    brow_height: float
    beard: str
    makeup: float
    gloss: float
    cloth: np.ndarray  #: (3, 3): two colours, then (stripe frequency up, across, strength)
    neckline: tuple[float, float]  #: height at the side and how deep the front dips, dm
    tips: float  #: how much lighter the tips are
    glasses: str  #: none, round, square, thin, large
    frame: np.ndarray
    hat: str  #: none, beanie, cap, headband
    hat_colour: np.ndarray
    background: int
    distance: float  #: of the camera, dm


def linear(srgb) -> np.ndarray:
    """sRGB in [0, 1] → linear."""
    srgb = np.asarray(srgb, float)
    return np.where(srgb <= 0.04045, srgb / 12.92, ((srgb + 0.055) / 1.055) ** 2.4)


def _skin(r: np.random.Generator, ancestry: np.ndarray) -> tuple[float, np.ndarray]:
    tone = float(np.clip(ancestry @ [4.7, 1.6, 1.2] + r.normal(0, 0.8), 0, 6))
    i = min(int(tone), 5)
    base = TONES[i] * (1 - tone + i) + TONES[i + 1] * (tone - i)
    warm, red = r.normal(0, 0.025), r.normal(0, 0.02)
    return tone, 0.8 * linear(np.clip(base * [1 + red, 1 - red / 2, 1 - warm - red / 2], 0.02, 1))


def _hair_colour(r: np.random.Generator, ancestry: np.ndarray, age: float) -> str:
    light = ancestry[2]
    names = ["black", "dark brown", "brown", "light brown", "blond", "light blond", "red", "auburn", "grey", "white", "dyed blue", "dyed pink"]
    odds = np.array([0.25 + 3 * (1 - light), 0.5 + (1 - light), 0.2 + light, 0.9 * light, 0.8 * light, 0.45 * light, 0.3 * light, 0.35 * light, 0.15 + 2.5 * age**2, 2.5 * max(0, age - 0.5), 0.06, 0.06])
    return str(r.choice(names, p=odds / odds.sum()))


def _style(r: np.random.Generator, masculine: float, ancestry: np.ndarray, age: float) -> str:
    man = {"bald": 0.6 + age, "buzz cut": 0.9, "crop": 1.3, "tousled": 1.0, "side part": 1.4, "slicked back": 0.8, "quiff": 0.8, "fringe": 0.5, "thinning": 1.2 * age, "curly": 0.4, "long": 0.25, "bun": 0.15}
    woman = {"fringe": 0.5, "bob with fringe": 0.9, "tousled": 0.3, "bob": 1.3, "long": 1.5, "long wavy": 1.4, "curly": 0.4, "long curly": 0.7, "ponytail": 0.8, "bun": 0.8, "side part": 0.4, "crop": 0.3, "buzz cut": 0.1}
    pick = dict(man if masculine > 0.5 else woman)
    pick["afro"] = 0.1 + 1.6 * ancestry[0]
    odds = np.array(list(pick.values()))
    return str(r.choice(list(pick), p=odds / odds.sum()))


def draw_looks(seed: int) -> Looks:
    """All draws of one person, each topic from its own stream so that one can change without the others."""
    g = lambda k: np.random.default_rng([seed, k])
    r = g(0)
    masculine = float(np.clip(r.choice([0.0, 1.0]) + r.normal(0, 0.15), -0.2, 1.2))
    age = float(r.beta(1.1, 1.6))
    ancestry = r.dirichlet([0.3, 0.3, 0.35])
    tone, skin = _skin(g(1), ancestry)
    r = g(2)
    hair_name, style_name = _hair_colour(r, ancestry, age), _style(r, masculine, ancestry, age)
    hair = linear(np.array(HAIR_COLOURS[hair_name]) / 255) * np.exp(r.normal(0, 0.15))
    extras, style = _extras(g(5), age, style_name), STYLES[style_name]
    if extras["hat"] != "none":  # a hat presses the hair down
        style = replace(style, volume=min(style.volume, 0.05), lift=min(style.lift, 0.2), curl=min(style.curl, 0.03))
    eye_odds = np.array([0.4 + 3 * (1 - ancestry[2]), 0.9, 0.5 * ancestry[2], 0.4 * ancestry[2], 1.1 * ancestry[2], 0.4 * ancestry[2]])
    eye_name = str(r.choice(list(EYE_COLOURS), p=eye_odds / eye_odds.sum()))
    eye = linear(np.array(EYE_COLOURS[eye_name]) / 255)
    white = np.array([0.75, 0.72, 0.68]) * r.uniform(0.85, 1.05)
    eyes = np.stack([white, eye * r.uniform(0.7, 1.2), eye * r.uniform(1.1, 1.9) + 0.01, [r.uniform(0.4, 0.46), r.uniform(0.13, 0.2), 0]]).astype(np.float32)
    r = g(3)
    makeup = float(max(0, r.normal(0.35, 0.4))) * (masculine < 0.5)
    rosy = np.clip(skin * [0.86, 0.56, 0.56] + [0.02, 0.0, 0.005], 0, 1)
    stick = linear(r.choice([[0.62, 0.1, 0.16], [0.7, 0.3, 0.3], [0.45, 0.08, 0.14], [0.75, 0.4, 0.38]]))
    lips = rosy * (1 - min(makeup, 0.85)) + stick * min(makeup, 0.85)
    beards = ["none", "stubble", "moustache", "goatee", "short beard", "full beard"]
    beard = str(r.choice(beards, p=[0.42, 0.2, 0.07, 0.09, 0.13, 0.09])) if masculine > 0.5 else "none"
    r = g(4)
    hue = lambda: linear(np.clip(np.array([r.uniform(0.05, 0.92)] * 3) + r.normal(0, 0.13, 3), 0.02, 0.95))
    cloth = np.stack([hue(), hue(), [r.uniform(10, 40) * r.integers(0, 2), r.uniform(10, 40) * r.integers(0, 2), float(r.random() < 0.3)]]).astype(np.float32)
    return Looks(
        masculine, age, float(np.clip(r.normal(-0.15, 0.4), -1, 1)), tuple(ancestry), tone, skin, lips, float(r.uniform(0.3, 1.0)), float(max(0, r.normal(-0.2, 0.5))) * (tone < 3), eye_name, eyes,
        hair_name, hair, style_name, style, float(r.choice([-0.45, 0.0, 0.45]) + r.normal(0, 0.08)), float(r.normal(0, 0.06) + 0.1 * age * (masculine > 0.5)),
        float(r.uniform(0.35, 1.1) * (0.7 + 0.4 * masculine)), float(r.normal(0, 0.02)), beard, makeup, float(r.uniform(0.05, 0.32) * (1 - 0.11 * tone)), cloth,
        (float(r.uniform(5.75, 6.15)), float(r.choice([0.0, 0.15, 0.5]))),
        **extras, background=int(r.integers(2**31)), distance=float(r.uniform(9, 16)),
    )


def _extras(r: np.random.Generator, age: float, style_name: str) -> dict:
    """Glasses now and then, more often with age; seldom a hat; lighter tips."""
    glasses = str(r.choice(["round", "square", "thin", "large"])) if r.random() < 0.12 + 0.2 * age else "none"
    frame = linear(r.choice([[0.05, 0.05, 0.06], [0.3, 0.18, 0.1], [0.55, 0.5, 0.42], [0.45, 0.1, 0.12], [0.12, 0.16, 0.3]]))
    under = style_name not in ("afro", "curly", "quiff", "ponytail", "bun")
    hat = str(r.choice(["beanie", "cap", "headband"], p=[0.45, 0.35, 0.2])) if under and r.random() < 0.09 else "none"
    colour = linear(np.clip(np.array([r.uniform(0.08, 0.8)] * 3) + r.normal(0, 0.14, 3), 0.03, 0.9))
    return {"tips": float(r.uniform(0, 0.35)), "glasses": glasses, "frame": frame, "hat": hat, "hat_colour": colour}
