"""Intervals over people. Frames of one person are alike, so people are what is drawn again, not frames."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import torch
from torch import Tensor

from .metrics import frechet


class Interval(NamedTuple):
    """A mean with the interval that holds it; low and high are None for fewer than two people."""

    mean: float
    low: float | None
    high: float | None
    people: int


def bootstrap(values: Sequence[float], seed: int = 0, draws: int = 4000, level: float = 0.95) -> Interval:
    """Mean of one number per person, with the percentile bootstrap's interval (Efron 1979).

    It says how far the mean would move with other people of the same kind, and nothing about other training
    seeds. With under about ten people it is too narrow. Raises ValueError without any value.
    """
    if not len(values):
        raise ValueError("a bootstrap needs the value of at least one person")
    x = torch.tensor(values, dtype=torch.float64)
    if len(x) == 1:
        return Interval(x.item(), None, None, 1)
    drawn = torch.randint(len(x), (draws, len(x)), generator=torch.Generator().manual_seed(seed))
    edge = (1 - level) / 2
    low, high = x[drawn].mean(1).quantile(torch.tensor([edge, 1 - edge], dtype=torch.float64)).tolist()
    return Interval(x.mean().item(), low, high, len(x))


def bootstrap_frechet(a: Sequence[Tensor], b: Sequence[Tensor], seed: int = 0, draws: int = 100, level: float = 0.95, images: int = 256) -> Interval:
    """Fréchet distance of all images, with an interval over people. ``a`` and ``b``: features (f, n) of each person, generated and true.

    The distance is no mean, so people are drawn and it is computed anew, with the same people on both sides. Two things stand in
    the way, and are said rather than hidden. Whoever is drawn twice adds nothing new, so that drawn distances lie higher than the one they
    are about: only their spread is used, put around the distance of all images. And each costs a singular value decomposition of
    images × images: draws use evenly spread frames, about ``images`` in all; people, not frames, make most of the spread.
    Too narrow for under about ten people. No interval for fewer than two, or with ``draws`` 0.
    """
    whole = frechet(torch.cat(list(a)), torch.cat(list(b)))
    if len(a) < 2 or not draws:
        return Interval(whole, None, None, len(a))
    few = max(images // len(a), 2)
    a, b = ([x[torch.linspace(0, len(x) - 1, min(few, len(x))).round().long()].double() for x in side] for side in (a, b))
    people = torch.randint(len(a), (draws, len(a)), generator=torch.Generator().manual_seed(seed)).tolist()
    drawn = torch.tensor([frechet(torch.cat([a[i] for i in who]), torch.cat([b[i] for i in who])) for who in people], dtype=torch.float64)
    edge = (1 - level) / 2
    low, high = (drawn - drawn.mean()).quantile(torch.tensor([edge, 1 - edge], dtype=torch.float64)).tolist()
    return Interval(whole, max(whole + low, 0.0), whole + high, len(a))
