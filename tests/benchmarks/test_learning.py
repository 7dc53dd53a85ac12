"""A whole meta-learning step at each preset, and at ``tiny`` with more and more rows in W.

``paper`` is taken at one episode and without its content nets, whose weights may not be at hand; its row says so.
"""

import dataclasses

import pytest

from tests.learning.conftest import disc_person
from tlk.learning import MetaLearning
from tlk.networks import describe
from tlk.presets import preset

ROUNDS = {"tiny": 15, "small": 3, "paper": 1}


def people(size: int, count: int = 20):
    return [disc_person(seed, frames=12, size=size) for seed in range(count)]


def measured(benchmark, run, rounds):
    benchmark.pedantic(run.one_step, rounds=rounds, warmup_rounds=min(2, rounds))


@pytest.mark.parametrize("name", ROUNDS)
def test_meta_learning_step(benchmark, note, name):
    p = preset(name)
    what = f"{name}: batch {p.batch}, K = {p.k}"
    if name == "paper":
        p = dataclasses.replace(p, batch=1, content=(), ema=None)
        what = f"paper: batch 1, K = {p.k}, no content nets"
    reach = {"reach": 0.6} if name == "tiny" else {}
    note(group="one meta-learning step", what=what, unit="step", items=1, gflop=describe(p)["GFLOP step"], **reach)
    measured(benchmark, MetaLearning(p, people(p.size), seed=0), ROUNDS[name])


@pytest.mark.parametrize("rows", [1_000, 100_000, 1_000_000])
def test_step_with_rows_in_w(benchmark, note, rows):
    clips = people(64)
    note(group="one meta-learning step at tiny, by the rows in W", what=f"{rows:,} rows", unit="step", items=1)
    measured(benchmark, MetaLearning("tiny", (clips * (rows // len(clips) + 1))[:rows], seed=0), 20)
