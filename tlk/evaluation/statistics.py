"""Intervals over people. Frames of one person are alike, so people are what is drawn again, not frames."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import torch


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
