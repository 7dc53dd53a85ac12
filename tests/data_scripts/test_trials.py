"""A trial changes what it says: its start is that of the others."""

import pytest
import torch
from torch.nn.utils.parametrize import is_parametrized

from data_scripts.trials import TRIALS, pull_on_weights, run_trial
from tests.learning.conftest import disc_person
from tlk.learning import MetaLearning, load


@pytest.fixture
def clips():
    return [disc_person(n, 8, 64) for n in range(3)]


@pytest.mark.parametrize("name, part", [("free-projection", "generator.projection"), ("free-embedder", "embedder")])
def test_without_a_spectral_norm_the_start_is_the_same(clips, name, part):
    run = MetaLearning("tiny", clips, seed=0)
    net, frames = run.networks.module, torch.rand(2, 3, 64, 64, generator=torch.Generator().manual_seed(0))
    adain = lambda: net.generator.project(net.embedder(frames, frames))
    with torch.no_grad():
        before = adain()
        TRIALS[name].run(run)
        torch.testing.assert_close(adain(), before, rtol=1e-3, atol=1e-4)  # one power iteration more or less
    assert not any(is_parametrized(m) for n in (net, run.average.module) for m in n.get_submodule(part).modules())
    assert any(is_parametrized(m) for m in net.generator.modules())
    owned = {id(p) for group in run.optimiser_g.param_groups for p in group["params"]}
    assert owned == {id(p) for p in net.parameters()}
    next(iter(run.steps(1)))
    assert all(torch.isfinite(p).all() for p in net.parameters())


def test_a_trial_may_begin_with_weights(clips):
    shipped = load("heads-64").embedder.state_dict()
    moved = lambda run: max((p - shipped[name]).abs().max().item() for name, p in run.model().embedder.state_dict().items() if name.endswith("original"))
    result = run_trial("base", 0, 4, clips, lambda run: {"length": 0.0, "moved": moved(run)}, "heads-64")
    assert 0 < result["moved"] < 0.01 and result["start"] == "heads-64"
    assert moved(MetaLearning("tiny", clips, seed=0)) > 0.1


def test_the_pull_on_weights_is_that_of_a_backward_pass(clips):
    """Second opinion: .grad after backward, one term at a time."""
    run = MetaLearning("tiny", clips, seed=0)
    found = pull_on_weights(run)
    norms = {}
    for group in ("content", "adversarial"):
        scene, fake, embedding = run.draw()
        terms = run.generator_terms(scene, fake, embedding)
        run.networks.module.zero_grad()
        run.weights.total({name: term for name, term in terms.items() if name.startswith(group)}).backward()
        grads = {name: p.grad for name, p in run.networks.module.named_parameters() if p.grad is not None}
        norms[group] = torch.cat([g.flatten() for name, g in grads.items() if name.startswith("embedder")]).norm().item()
    # looser than rounding: each pass of a network in training moves its spectral norms' vectors
    assert found["E"]["adversarial"] == pytest.approx(norms["adversarial"] / norms["content"], rel=0.1)
    assert set(found) == {"E", "P", "G"} and all(v > 0 for part in found.values() for v in part.values())
