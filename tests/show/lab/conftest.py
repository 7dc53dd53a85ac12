"""A lab with a run behind it, and somebody who acts while it replays or compares."""

import asyncio
from collections.abc import Callable

import pytest
from matplotlib.figure import Figure

from tlk.learning.toy import ToyGAN
from tlk.show import LossLab

STEPS = 8


@pytest.fixture
def no_pictures(monkeypatch):
    """They take nearly all of the time, and other tests look at them."""
    for name in ("widget.draw_lab", "reruns.draw_comparison"):
        monkeypatch.setattr(f"tlk.show.lab.{name}", lambda *_: Figure((0.1, 0.1)))


def make() -> LossLab:
    """A lab with a run behind it: a dial was turned in its middle, and stands elsewhere than in the snapshot."""
    lab = LossLab(ToyGAN(seed=5, batch=32), share=0.01, compare_steps=STEPS)
    asyncio.run(lab.run(STEPS // 2))
    lab.set("content", 1.7)
    asyncio.run(lab.run(STEPS - STEPS // 2))
    return lab


async def until(lab: LossLab, said: str) -> None:
    while said not in lab.message.value:
        await asyncio.sleep(0)


def during(lab: LossLab, button: str, act: Callable[[], object], at: int = 3) -> tuple[int, int]:
    """Press the button, act at this step, wait for the end; the stepper's step when ``act`` was done, and then."""

    async def go() -> tuple[int, int]:
        lab._loop = asyncio.get_running_loop()
        lab.press(button)
        await until(lab, f"step {at} of")
        act()
        there = lab.session.stepper.step
        await lab._task
        return there, lab.session.stepper.step

    return asyncio.run(go())
