"""The meta-learning stepper: seeds, resume, who is trained by what, and the traps of earlier code."""

import dataclasses
import subprocess
import sys

import pytest
import torch

from tlk.learning import BadCheckpoint, MetaLearning, gradient_shares
from tlk.learning.checkpoints import load_tensors
from tlk.learning.objective import discriminator_loss, frozen, generator_terms

from .conftest import MINI, disc_person


def take(run, n):
    return list(run.steps(n))


def state(run):
    return {**run.networks.module.state_dict(), **run.critic.module.state_dict()}


def same(a, b):
    return all(torch.equal(a[k], b[k]) for k in a)


def test_the_same_seed_gives_the_same_weights_and_another_seed_does_not(people):
    runs = [MetaLearning(MINI, people, seed=s) for s in (3, 3, 4)]
    for run in runs:
        take(run, 2)
    assert same(state(runs[0]), state(runs[1]))
    assert not same(state(runs[0]), state(runs[2]))


def test_training_does_not_disturb_the_callers_random_numbers(people):
    torch.manual_seed(5)
    expected = torch.rand(3)
    torch.manual_seed(5)
    take(MetaLearning(MINI, people, seed=3), 1)
    assert torch.equal(torch.rand(3), expected)


def test_resume_equals_never_having_stopped_bit_for_bit(people, tmp_path):
    straight = MetaLearning(MINI, people, seed=3)
    reports = take(straight, 4)
    first = MetaLearning(MINI, people, seed=3)
    take(first, 2)
    first.save(tmp_path / "c.safetensors")
    second = MetaLearning.resume(tmp_path / "c.safetensors", people)
    rest = take(second, 2)
    assert [r.terms for r in rest] == [r.terms for r in reports[2:]]
    assert same(state(second), state(straight))
    assert same(second.average.state_dict(), straight.average.state_dict())
    assert second.history == straight.history


@pytest.mark.parametrize("forgotten", ["optimiser_g", "optimiser_d", "optimiser_w"])
def test_the_resume_test_notices_a_forgotten_optimiser(people, tmp_path, forgotten, monkeypatch):
    straight = MetaLearning(MINI, people, seed=3)
    take(straight, 5)
    first = MetaLearning(MINI, people, seed=3)
    take(first, 2)
    first.save(tmp_path / "c.safetensors")
    second = MetaLearning.resume(tmp_path / "c.safetensors", people)
    getattr(second, forgotten).optimizer.state.clear()
    take(second, 3)
    assert not same(state(second), state(straight))


def test_resume_works_at_another_batch_size(people, tmp_path):
    run = MetaLearning(MINI, people, seed=3)
    take(run, 1)
    run.save(tmp_path / "c.safetensors")
    other = MetaLearning.resume(tmp_path / "c.safetensors", people, batch=2)
    assert len(take(other, 1)[0].real_scores) == 2


def test_resume_keeps_moved_weights_and_refuses_other_clips(people, tmp_path):
    run = MetaLearning(MINI, people, seed=3)
    run.weights.match = 3.5
    run.save(tmp_path / "c.safetensors")
    assert MetaLearning.resume(tmp_path / "c.safetensors", people).weights.match == 3.5
    with pytest.raises(BadCheckpoint, match="same clips in the same order"):
        MetaLearning.resume(tmp_path / "c.safetensors", people[::-1])


def test_w_comes_back_as_it_was_in_one_tensor(people, tmp_path, trained):
    """Traps: an activation on W at every load; one file a video."""
    trained.save(tmp_path / "c.safetensors")
    assert len(list(tmp_path.iterdir())) == 1
    w = trained.critic.module.table.weight
    back = MetaLearning.resume(tmp_path / "c.safetensors", people).critic.module.table.weight
    assert torch.equal(back, w)
    assert not torch.equal(back.relu(), w)  # what the faulty code would give


@pytest.mark.parametrize("damage", ["cut", "text", "other"])
def test_a_damaged_checkpoint_gives_one_sentence(people, tmp_path, trained, damage):
    path = tmp_path / "c.safetensors"
    trained.save(path)
    if damage == "cut":
        path.write_bytes(path.read_bytes()[:-100])
    elif damage == "text":
        path.write_text("hello")
    else:
        trained.model().save(path)
    with pytest.raises(BadCheckpoint, match="c.safetensors"):
        MetaLearning.resume(path, people)


def test_loss_weights_act_on_the_next_step_and_are_reported(people):
    run = MetaLearning(MINI, people, seed=3)
    first = take(run, 1)[0]
    run.weights.feature_matching = 0.0
    second = take(run, 1)[0]
    assert first.weights.feature_matching == MINI.feature_matching and second.weights.feature_matching == 0


def test_constant_weights_give_the_numbers_of_a_plain_loop(people):
    a, b = MetaLearning(MINI, people, seed=3), MetaLearning(MINI, people, seed=3)
    reports = [a.one_step() for _ in range(2)]
    for i in range(2):
        b.weights.match = MINI.match  # a slider that is set to where it stands
        assert b.one_step().terms == reports[i].terms


def one_draw(run):
    return run.draw()


def test_the_discriminators_loss_sends_no_gradient_to_the_generator(people):
    """Trap: both losses in one backward pass. D's loss alone must leave E, G and P untouched."""
    run = MetaLearning(MINI, people, seed=3)
    scene, fake, _ = one_draw(run)
    loss, _, _ = discriminator_loss(run.critic.module, scene, fake)
    loss.backward()
    assert all(p.grad is None for p in run.networks.module.parameters())
    assert all(p.grad is not None and p.grad.abs().sum() > 0 for n, p in run.critic.module.named_parameters() if "attention" not in n and p.ndim > 0)


def test_summing_both_losses_would_cancel_the_adversarial_gradient(people):
    run = MetaLearning(MINI, people, seed=3)
    scene, fake, _ = one_draw(run)
    fake = fake.detach().requires_grad_()
    critic = run.critic.module.eval()
    scores, _ = critic(fake, scene.drawn, scene.index)
    with torch.no_grad():
        critic.discriminator.bias -= scores.mean()  # brings all scores near 0, where the hinge is linear
    scores = critic(fake, scene.drawn, scene.index)[0] * 0.01
    alone = torch.autograd.grad(-scores.mean(), fake, retain_graph=True)[0]
    both = torch.autograd.grad(-scores.mean() + (1 + scores).relu().mean(), fake)[0]
    assert alone.abs().max() > 0 and both.abs().max() < 1e-4 * alone.abs().max()


def test_the_generators_loss_trains_e_g_p_and_nothing_of_d(people):
    run = MetaLearning(MINI, people, seed=3)
    for p in run.networks.module.parameters():  # attention starts at gamma = 0, which hides it from gradients
        if p.ndim == 0:
            p.data.fill_(0.1)
    scene, fake, embedding = one_draw(run)
    critic = run.critic.module
    with frozen(critic):
        terms = generator_terms(critic, run.content, scene, fake, embedding, critic.table(scene.index))
    run.weights.total(terms).backward()
    silent = [n for n, p in run.networks.module.named_parameters() if p.grad is None or p.grad.abs().sum() == 0]
    assert silent == []
    assert all(p.grad is None and p.requires_grad for p in critic.parameters())


def test_only_the_batchs_rows_of_w_move(people):
    run = MetaLearning(dataclasses.replace(MINI, batch=2), people, seed=3)
    before = run.critic.module.table.weight.detach().clone()
    drawn = set(run.episodes.batch(0).index.tolist())
    take(run, 1)
    moved = (run.critic.module.table.weight != before).any(1).nonzero().flatten().tolist()
    assert set(moved) == drawn


def test_gradient_shares_add_up_and_follow_the_weights(people):
    run = MetaLearning(MINI, people, seed=3)
    scene, fake, embedding = one_draw(run)
    critic = run.critic.module
    terms = generator_terms(critic, run.content, scene, fake, embedding, critic.table(scene.index))
    shares = gradient_shares(terms, run.weights, fake)
    assert sum(shares.values()) == pytest.approx(1) and shares["match"] == 0
    run.weights.adversarial = 0.0
    assert gradient_shares(terms, run.weights, fake)["adversarial"] == 0


def test_the_average_has_the_networks_spectral_vectors(people, trained):
    """Trap: an average that leaves spectral norm's vectors at their start."""
    vectors = {n: b for n, b in trained.networks.module.named_buffers() if n.endswith(("_u", "_v"))}
    averaged = dict(trained.average.module.named_buffers())
    fresh = dict(MetaLearning(MINI, people, seed=1).networks.module.named_buffers())
    assert vectors and all(torch.equal(averaged[n], v) for n, v in vectors.items())
    assert any(not torch.equal(fresh[n], v) for n, v in vectors.items())  # an average that skipped them would fail


def test_the_average_lags_behind_the_weights(trained):
    own, averaged = trained.networks.module.state_dict(), trained.average.module.state_dict()
    assert any(not torch.equal(own[k], averaged[k]) for k in own)


def test_evaluation_moves_no_spectral_vector(trained, people):
    model = trained.model()
    before = {k: v.clone() for k, v in model.generator.state_dict().items()}
    model.personalise(people[0][:2], epochs=0).drive(people[0])
    assert all(torch.equal(v, before[k]) for k, v in model.generator.state_dict().items())
    model.generator.train()  # the faulty variant
    model.generator(people[0].landmark_images, model.generator.project(model.embed(people[0])[None]))
    assert any(not torch.equal(v, before[k]) for k, v in model.generator.state_dict().items())


def test_a_few_steps_bring_the_picture_nearer(people):
    strong = (("efficientnet-lite0", 0.2),)  # of all terms content is the one that must fall whatever D does
    run = MetaLearning(dataclasses.replace(MINI, lr_generator=2e-3, content=strong), people, seed=3)
    reports = take(run, 40)
    content = [sum(v for n, v in r.terms.items() if n.startswith("content")) for r in reports]
    assert sum(content[-5:]) < 0.8 * sum(content[:5])


def test_one_clip_too_short_is_named(people):
    with pytest.raises(ValueError, match="disc-9"):
        MetaLearning(MINI, [*people, disc_person(9, frames=2)], seed=0)


def test_no_plotting_library_in_the_training_loop():
    code = (
        "import sys, torch; sys.path.insert(0, 'tests/learning'); from conftest import MINI, disc_person;"
        "from tlk.learning import MetaLearning; MetaLearning(MINI, [disc_person(i) for i in range(3)]).one_step();"
        "assert not [m for m in sys.modules if m.startswith('matplotlib')]"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


def test_others_may_read_what_is_written(trained, tmp_path):
    (tmp_path / "usual").touch()
    trained.save(tmp_path / "c.safetensors")
    assert (tmp_path / "c.safetensors").stat().st_mode == (tmp_path / "usual").stat().st_mode


def test_the_checkpoint_says_where_it_comes_from(trained, tmp_path):
    trained.save(tmp_path / "c.safetensors")
    _, header = load_tensors(tmp_path / "c.safetensors", "a meta-learning checkpoint")
    assert header["preset"]["name"] == "mini" and header["seed"] == 1 and header["step"] == 4 and header["revision"]
