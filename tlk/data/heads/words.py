"""A person's draws in words."""

from __future__ import annotations

import numpy as np

from tlk.data.heads.background import kind
from tlk.data.heads.styles import Looks

TONE_NAMES = ("very light", "light", "light brown", "olive-brown", "brown", "dark brown", "very dark")
CLOTH_NAMES = {
    "black": (0.02, 0.02, 0.02), "white": (0.8, 0.8, 0.8), "grey": (0.2, 0.2, 0.2), "red": (0.5, 0.06, 0.06), "green": (0.08, 0.3, 0.1), "blue": (0.06, 0.12, 0.45),
    "yellow": (0.7, 0.6, 0.1), "brown": (0.16, 0.08, 0.04), "purple": (0.25, 0.08, 0.35), "pink": (0.75, 0.35, 0.45), "turquoise": (0.15, 0.5, 0.5), "beige": (0.6, 0.5, 0.38),
}


def colour_name(rgb: np.ndarray) -> str:
    """The nearest everyday name of a linear colour."""
    return min(CLOTH_NAMES, key=lambda n: float(((np.sqrt(rgb) - np.sqrt(CLOTH_NAMES[n])) ** 2).sum()))


def _article(words: str) -> str:
    return ("an " if words[0] in "aeiou" else "a ") + words


def describe(looks: Looks) -> str:
    """Age, skin, hair, eyes, then what is worn and what is behind."""
    age = "young" if looks.age < 0.3 else ("middle-aged" if looks.age < 0.65 else "old")
    build = "thin" if looks.weight < -0.45 else ("heavy" if looks.weight > 0.35 else "")
    who = " ".join(w for w in (build, age, "man" if looks.masculine > 0.5 else "woman") if w)
    hair = "a bald head" if looks.style_name == "bald" else f"{looks.hair_name} hair ({looks.style_name})"
    parts = [f"{TONE_NAMES[round(looks.tone)]} skin", hair, f"{looks.eye_name} eyes"]
    if looks.freckles > 0.4:
        parts.append("freckles")
    if looks.beard != "none":
        parts.append(looks.beard if looks.beard == "stubble" else _article(looks.beard))
    if looks.makeup > 0.7:
        parts.append("make-up")
    worn = [f"{'striped ' if looks.cloth[2, 2] and looks.cloth[2, :2].any() else ''}{colour_name(looks.cloth[0])} clothes"]
    if looks.glasses != "none":
        worn.append(f"{looks.glasses} glasses")
    if looks.hat != "none":
        worn.append(_article(f"{colour_name(looks.hat_colour)} {looks.hat}"))
    join = lambda items: items[0] if len(items) == 1 else ", ".join(items[:-1]) + " and " + items[-1]
    scene = kind(looks.background)
    behind = "a room out of focus" if scene == "a room" else _article(f"{scene} background")
    return f"{_article(who).capitalize()} with {join(parts)}, in {join(worn)}, before {behind}."
