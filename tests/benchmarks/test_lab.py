"""The lab at ``tiny``: the share of the time that drawing takes, and the puppeteer's frames a second."""

import asyncio

import pytest

from tests.learning.conftest import disc_person
from tlk.data import heads
from tlk.learning import MetaLearning, load
from tlk.show import LossLab, Puppeteer


def test_lab_at_tiny(benchmark, note):
    """A step with what it costs to draw; drawing must stay under a tenth of training."""
    people = [disc_person(seed, frames=6, size=64) for seed in range(8)]
    lab = LossLab(MetaLearning("tiny", people, seed=0), people[:4])
    asyncio.run(lab.run(2))
    lab.training_seconds = lab.drawing_seconds = 0.0
    note(group="the lab at tiny", unit="step", items=30)
    benchmark.pedantic(lambda: asyncio.run(lab.run(30)), rounds=1)
    share = lab.drawing_seconds / lab.training_seconds
    benchmark.extra_info["what"] = f"step with its drawing ({share:.1%} of training)"
    assert share < 0.1


def test_puppeteer(benchmark, note):
    """A slider's change until both pictures are PNG."""
    puppet = Puppeteer(load(), heads.render(heads.Person(3), heads.Motion(7, 4, fps=4), 64), (1, 4))
    note(group="puppeteer at 64 px", what="slider to picture", unit="frame", items=1, reach=0.1)
    angles = iter(range(-10_000, 10_000))
    benchmark.pedantic(lambda: puppet.set(yaw=float(next(angles) % 40)), rounds=40, warmup_rounds=3)
