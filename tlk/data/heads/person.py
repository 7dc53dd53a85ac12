"""``Person``: everything about how somebody looks, drawn from one seed."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property

import numpy as np

from tlk.data.heads import styles
from tlk.data.heads.asset import TEETH, TONGUE, load_asset
from tlk.data.heads.light import Light
from tlk.data.heads.paint import paint
from tlk.data.heads.strands import Hair, Strands, collect
from tlk.data.heads.trimmings import grow
from tlk.data.heads.words import describe

OPPOSITE = {"decr": "incr", "down": "up", "in": "out", "backward": "forward", "concave": "convex", "compress": "uncompress"}


def _draw(seed: int, topic: int) -> np.random.Generator:
    return np.random.default_rng([seed, 1000 + topic])


@dataclass(frozen=True)
class Person:
    """A person who does not exist. The same seed is the same person, whatever else is rendered.

    Raises ValueError for a seed that is not a whole number ≥ 0.
    """

    seed: int
    looks: styles.Looks = field(init=False, repr=False, compare=False)
    tables: dict[int, Hair] = field(init=False, repr=False, compare=False, default_factory=dict)

    def __post_init__(self) -> None:
        if isinstance(self.seed, bool) or not isinstance(self.seed, int | np.integer) or self.seed < 0:
            raise ValueError(f"a person's seed is a whole number from 0 up, not {self.seed!r}")
        object.__setattr__(self, "looks", styles.draw_looks(int(self.seed)))

    @cached_property
    def neutral(self) -> np.ndarray:
        """(n, 3) the mesh with this person's face at rest, dm."""
        points = load_asset().template.copy()
        load_asset().shape.add(points, self.shape_weights)
        skull = load_asset().neck[:, 4] > 0.99  # tall and short bodies carry their heads elsewhere: bring it back to the pivots
        points += (load_asset().template[skull] - points[skull]).mean(0)
        _set_teeth(points)
        return points

    @cached_property
    def shape_weights(self) -> dict[str, float]:
        """Weights of the shape targets: ancestry, sex, age, weight, then local ones for nose, eyes, jaw and so on."""
        return _macro(self.looks) | _local(int(self.seed))

    @cached_property
    def chart(self) -> np.ndarray:
        """(h, w, 4) float32: linear skin colour and relief (dm), painted in the chart."""
        return paint(self)

    @cached_property
    def strands(self) -> list[Strands]:
        """Everything that is drawn as strands: hair, brows, lashes, beard, glasses, a hat."""
        return grow(self)

    def hair(self, every: int) -> Hair:
        """The strands as the renderer takes them, each ``every``-th only; kept for the next frame."""
        if every not in self.tables:
            self.tables[every] = collect(self.neutral, self.strands, every)
        return self.tables[every]

    def describe(self) -> str:
        """The person in a sentence or two.

        >>> Person(3).describe()  # doctest: +SKIP
        'A middle-aged man with brown skin, ...'
        """
        return describe(self.looks)

    @cached_property
    def light(self) -> Light:
        """The light this person is usually seen in, the camera exposed for the face."""
        exposure = np.clip((0.22 / max(self.looks.skin @ [0.25, 0.6, 0.15], 1e-3)) ** 0.5, 0.85, 2.3)
        return Light.random([int(self.seed), 1100]).scaled(float(exposure))


def _set_teeth(points: np.ndarray) -> None:
    """Teeth and tongue back by 4 mm, or they come through a receding chin; upper teeth down by 6, where an open mouth shows them."""
    asset, moved = load_asset(), np.zeros_like(points)
    asset.unit.add(moved, {"jawOpen": 1.0})
    vertices = lambda part: np.unique(asset.triangles[asset.part == part])
    teeth, tongue = vertices(TEETH), vertices(TONGUE)
    points[np.concatenate([teeth, tongue]), 2] -= 0.04
    points[teeth[np.abs(moved[teeth]).max(1) < 1e-4], 1] -= 0.06


def _macro(looks: styles.Looks) -> dict[str, float]:
    """Trilinear weights of MakeHuman's ancestry × sex × age targets and sex × age × weight targets."""
    weights: dict[str, float] = {}
    for sex, a in (("female", 1 - looks.masculine), ("male", looks.masculine)):
        for age, b in (("young", 1 - looks.age), ("old", looks.age)):
            for ancestry, c in zip(("african", "asian", "caucasian"), looks.ancestry, strict=True):
                weights[f"{ancestry}-{sex}-{age}"] = a * b * c
            heavy = looks.weight
            for name, c in (("minweight", max(0, -heavy)), ("averageweight", 1 - abs(heavy)), ("maxweight", max(0, heavy))):
                weights[f"universal-{sex}-{age}-averagemuscle-{name}"] = a * b * c
    return weights


def _pairs() -> dict[str, tuple[str, str]]:
    """Local targets by topic: ("nose-hump": ("decr", "incr")), sides merged as "eye-scale"."""
    pairs = {}
    for name in load_asset().shape.names:
        base, _, ending = name.rpartition("-")
        if ending in OPPOSITE and not name.startswith("r-") and f"{base}-{OPPOSITE[ending]}" in load_asset().shape.index:
            pairs[base] = (ending, OPPOSITE[ending])
    return pairs


MEAN = {"eye-scale": 0.25, "eye-height2": 0.2, "head-scale-horiz": -0.1}  #: MakeHuman's eyes are small beside measured faces
STRENGTH = {"head": 0.3, "eyes": 0.5, "nose": 0.5, "mouth": 0.3, "chin": 0.42, "cheek": 0.45, "neck": 0.2, "ear": 0.5, "forehead": 0.5, "eyebrows": 0.5}
WEAK = {"mouth-trans": 0.2, "nose-trans": 0.25, "head-trans": 0.0, "eye-trans": 0.3, "head-scale": 0.25, "head-age": 0.25, "neck-scale": 0.2, "measure": 0.0,
        "head-angle": 0.15, "eye-push": 0.2, "mouth-scale": 0.25, "mouth-upperlip": 0.3, "mouth-lowerlip": 0.25, "head-fat": 0.35, "mouth-angles": 0.3, "eye-scale": 0.45, "mouth-lowerlip-middle": 0.2, "mouth-upperlip-middle": 0.2,
        "neck-trans": 0.0, "eyebrows-angle": 0.25, "head-back": 0.2, "eye-height": 0.35, "eye-bag": 0.35, "chin-prognathism": 0.3, "nose-compression": 0.3}


def _local(seed: int) -> dict[str, float]:
    """Normal draws for every local pair, the same on both sides; a face outline; a little asymmetry."""
    r = _draw(seed, 1)
    weights: dict[str, float] = {}
    for base, (low, high) in sorted(_pairs().items()):
        topic = base.removeprefix("l-")
        spread = next((v for k, v in WEAK.items() if topic.startswith(k)), next((v for k, v in STRENGTH.items() if topic.startswith(k)), 0.45))
        value = float(np.clip(r.normal(MEAN.get(topic, 0.0), spread), -1, 1))
        for side in ("l-", "r-") if base.startswith("l-") else ("",):
            weights[f"{side}{topic}-{high if value > 0 else low}"] = abs(value) * float(r.uniform(0.9, 1.1) if side else 1)
    outline = str(r.choice(["oval", "round", "square", "rectangular", "diamond", "triangular", "invertedtriangular"]))
    weights[f"head-{outline}"] = float(r.uniform(0.05, 0.6))
    names = [n for n in load_asset().shape.names if n.startswith("asym-")]
    for i in r.choice(len(names), 6, replace=False):
        weights[names[i]] = float(r.uniform(0, 0.5))
    return weights
