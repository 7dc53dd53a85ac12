"""Rendering people: frames a second on one core at three sizes, and what a new person costs."""

from __future__ import annotations

import pytest

from tlk.data.heads import Motion, Person, render

PEOPLE, FRAMES = (2_000_000, 2_000_001, 2_000_004, 2_000_005), 6


@pytest.mark.parametrize(("size", "reach"), [(64, 1 / 60), (128, 1 / 25), (256, 1 / 8)])
def test_render(benchmark, note, size: int, reach: float):
    people, motion = [Person(seed) for seed in PEOPLE], Motion(0, FRAMES, fps=5)
    for person in people:
        render(person, motion[:1], size)
    note(group="rendered people, one core", what=f"{size} px, all styles", unit="frame", items=FRAMES * len(people), reach=reach)
    benchmark.pedantic(lambda: [render(person, motion, size) for person in people], rounds=5, warmup_rounds=1)


def test_new_person(benchmark, note):
    """Face shape, painted skin and grown hair."""
    seeds = iter(range(3_000_000, 4_000_000))
    note(group="rendered people, one core", what="a new person", unit="person")

    def make() -> None:
        person = Person(next(seeds))
        person.neutral, person.chart, person.hair(1)

    benchmark.pedantic(make, rounds=8, warmup_rounds=1)
