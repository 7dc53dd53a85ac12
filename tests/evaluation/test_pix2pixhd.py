"""Pix2pixHD: its losses against loops, who is trained by what, and fine-tuning."""

import numpy as np
import pytest
import torch
from torch import nn

from tests.learning.conftest import MINI, disc_person
from tlk.evaluation.pix2pixhd import CoarseToFine, MultiScaleCritic, Pix2pixHDPretraining, Pix2pixHDTuning, discriminator_loss, generator_terms
from tlk.evaluation.pix2pixhd.networks import PatchCritic
from tlk.learning.objective import frozen

PEOPLE = [disc_person(seed) for seed in range(5)]


@pytest.fixture
def run():
    return Pix2pixHDPretraining(MINI, PEOPLE, seed=3)


@pytest.fixture(scope="module")
def model():
    run = Pix2pixHDPretraining(MINI, PEOPLE, seed=1)
    list(run.steps(2))
    return run.model()


def test_both_scales_reach_the_frame():
    torch.manual_seed(0)
    g, drawn = CoarseToFine(MINI), PEOPLE[0].landmark_images[:2]
    out = g(drawn)
    assert out.shape == (2, 3, 32, 32) and 0 <= out.min() and out.max() <= 1
    sizes = []
    g.coarse[0].register_forward_hook(lambda m, i, o: sizes.append(i[0].shape[-1]))
    g.enter[0].register_forward_hook(lambda m, i, o: sizes.append(i[0].shape[-1]))
    g(drawn)
    assert sorted(sizes) == [16, 32]
    for part in (g.coarse, g.enter):
        final = [m for m in part.modules() if isinstance(m, nn.Conv2d | nn.ConvTranspose2d)][-1]
        kept = final.weight.detach().clone()
        nn.init.normal_(final.weight)
        assert not torch.allclose(g(drawn), out, atol=1e-4)
        final.weight.data.copy_(kept)


def test_a_score_looks_at_70_pixels():
    critic = PatchCritic((2, 3, 4))
    for layer in critic.layers:  # instance norm would let every pixel in
        for n, part in enumerate(layer):
            if isinstance(part, nn.InstanceNorm2d):
                layer[n] = nn.Identity()
    x = torch.rand(1, 6, 160, 160, requires_grad=True)
    scores, _ = critic(x)
    scores[0, 0, scores.shape[2] // 2, scores.shape[3] // 2].backward()
    seen = x.grad.abs().sum((0, 1)) > 0
    assert seen.any(0).sum() == 70 and seen.any(1).sum() == 70


def test_the_second_scale_sees_half_the_size():
    critic, x = MultiScaleCritic(MINI), PEOPLE[0].images
    scores, features = critic(x, PEOPLE[0].landmark_images)
    assert len(scores) == 2 and [len(f) for f in features] == [4, 4]
    assert features[0][0].shape[-1] == 17 and features[1][0].shape[-1] == 9


def test_the_losses_by_loops(run):
    scene, _ = run.scene()
    fake, critic = run.networks(scene.drawn), run.critic.module.eval()
    loss, real, generated = discriminator_loss(critic, scene, fake)
    terms = generator_terms(critic, run.content, scene, fake)
    with torch.no_grad():
        (r, fr), (f, ff) = critic(scene.real, scene.drawn), critic(fake, scene.drawn)
    square = lambda scores, wanted: sum(np.mean((s.double().numpy() - wanted) ** 2) for s in scores)
    assert loss.item() == pytest.approx((square(r, 1) + square(f, 0)) / 2, rel=1e-4)
    assert terms["adversarial"].item() == pytest.approx(square(f, 1), rel=1e-4)
    matching = np.mean([sum(np.abs(a.double().numpy() - b.double().numpy()).mean() for a, b in zip(x, y)) for x, y in zip(fr, ff)])
    assert terms["feature_matching"].item() == pytest.approx(matching, rel=1e-4)
    assert real[0].item() == pytest.approx(np.mean([s[0].double().mean().item() for s in r]) - 0.5, abs=1e-5) and len(generated) == 3


def test_the_discriminators_loss_sends_no_gradient_to_the_generator(run):
    scene, _ = run.scene()
    discriminator_loss(run.critic.module, scene, run.networks(scene.drawn))[0].backward()
    assert all(p.grad is None for p in run.networks.module.parameters())
    assert all(p.grad is not None for p in run.critic.module.parameters()) and run.critic.module.scales[1].score.weight.grad.abs().sum() > 0
    run.critic.module.zero_grad()
    fake = run.networks(scene.drawn)  # the faulty variant: not detached
    scores, _ = run.critic.module(fake, scene.drawn)
    sum(s.square().mean() for s in scores).backward()
    assert any(p.grad is not None for p in run.networks.module.parameters())


def test_the_generators_loss_trains_both_scales_and_nothing_of_d(run):
    scene, _ = run.scene()
    critic = run.critic.module
    with frozen(critic):
        terms = generator_terms(critic, run.content, scene, run.networks(scene.drawn))
    run.weights.total(terms).backward()
    weights = [(n, p) for n, p in run.networks.module.named_parameters() if p.ndim > 1]
    assert [n for n, p in weights if p.grad is None or p.grad.abs().sum() == 0] == []
    assert all(p.grad is None and p.requires_grad for p in critic.parameters())


def test_loss_weights_act_on_the_next_step(run):
    first = run.one_step()
    run.weights.feature_matching, run.weights.discriminator_steps = 0.0, 0
    before = [p.clone() for p in run.critic.module.parameters()]
    second = run.one_step()
    assert first.weights.feature_matching == 10 and second.weights.feature_matching == 0
    assert all(torch.equal(a, b) for a, b in zip(before, run.critic.module.parameters()))
    assert {"adversarial", "feature_matching", "discriminator", *(f"content/{name}" for name, _ in MINI.content)} == set(second.terms)
    assert len(second.real_scores) == 3 and 0 <= run.history[-1]["real"] <= 1


def test_a_few_steps_bring_the_picture_nearer():
    run = Pix2pixHDPretraining(MINI, PEOPLE, seed=3)
    content = [r.terms["content/efficientnet-lite0"] for r in run.steps(40)]
    assert sum(content[-5:]) < 0.8 * sum(content[:5])


def test_it_learns_one_clip_by_heart():
    run = Pix2pixHDPretraining(MINI, PEOPLE[:1], seed=3)
    error = lambda: (run.networks.module(PEOPLE[0].landmark_images) - PEOPLE[0].images).abs().mean().item()
    before = error()
    list(run.steps(80))
    assert error() < 0.5 * before


def test_without_fine_tuning_it_draws_nobody(model):
    drawn = [model.personalise(clip[:3], epochs=0).drive(PEOPLE[4]) for clip in PEOPLE[:2]]
    assert torch.equal(*drawn)
    tuned = [model.personalise(clip[:3], epochs=2).drive(PEOPLE[4]) for clip in PEOPLE[:2]]
    assert not torch.equal(*tuned) and not torch.equal(tuned[0], drawn[0])


def test_fine_tuning_brings_the_frames_nearer_and_leaves_the_model_alone(model):
    clip = PEOPLE[3]
    before = {k: t.clone() for k, t in model.parts.state_dict().items()}
    errors = [(model.personalise(clip, epochs=e).drive(clip) - clip.images).abs().mean() for e in (0, 20)]
    assert errors[1] < errors[0]
    assert all(torch.equal(before[k], t) for k, t in model.parts.state_dict().items())


def test_an_epoch_sees_every_frame_once_and_the_seed_decides(model):
    tuning = Pix2pixHDTuning(model, PEOPLE[0])
    assert tuning.steps_per_epoch == 2
    seen = []
    for tuning.step in range(2):
        seen += [tuple(image.flatten().tolist()) for image in tuning.scene().real]
    assert sorted(seen) == sorted(tuple(image.flatten().tolist()) for image in PEOPLE[0].images)
    a, b, c = ([r.terms for r in Pix2pixHDTuning(model, PEOPLE[0], seed).steps(2)] for seed in (2, 2, 5))
    assert a == b != c
    with pytest.raises(ValueError, match="no frames"):
        Pix2pixHDTuning(model, PEOPLE[0][:0])
