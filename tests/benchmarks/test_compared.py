"""A training step of ours beside one of each compared system: their budget is ours only if theirs takes no longer."""

import pytest

from tests.benchmarks.test_learning import measured, people
from tlk.evaluation.compared import SYSTEMS
from tlk.learning import MetaLearning

RUNS = {"ours": MetaLearning, **SYSTEMS}


@pytest.mark.parametrize("name", RUNS)
def test_training_step(benchmark, note, name):
    note(group="a training step of each system, preset tiny", what=name, unit="step", items=1)
    measured(benchmark, RUNS[name]("tiny", people(64), seed=0), 15)
