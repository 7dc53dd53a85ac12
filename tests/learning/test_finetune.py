"""Personalisation: where it starts, what it trains, what it leaves alone, and heads on disk."""

import pytest
import torch

from tlk.learning import BadCheckpoint, FineTuning, Head, load
from tlk.learning.finetune import PersonalCritic, batch_of

from tlk.presets import preset

from .conftest import disc_person


@pytest.fixture
def clip():
    return disc_person(11, frames=6)


def test_fine_tuning_starts_at_the_feed_forward_output(model, clip):
    feed_forward = model.generator(clip.landmark_images, model.generator.project(model.embed(clip)[None]))
    started = model.personalise(clip, epochs=0).drive(clip)
    assert (started - feed_forward).abs().max() <= 1e-5
    random_start = FineTuning(model, clip, embedding=torch.rand(model.preset.embedding)).head().drive(clip)
    assert (random_start - feed_forward).abs().max() > 1e-5  # the ablation is not the same start


def test_the_personal_critic_starts_as_d_with_the_embedding_for_its_column(model, clip):
    embedding = model.embed(clip)
    expected, _ = model.discriminator(clip.images, clip.landmark_images, embedding.expand(len(clip), -1))
    scores, _ = PersonalCritic(model.discriminator, embedding).eval()(clip.images, clip.landmark_images)
    torch.testing.assert_close(scores, expected, atol=1e-5, rtol=1e-5)


def test_spectral_norm_on_the_single_row_would_lose_its_length(model, clip):
    """Trap: w' as a spectrally normalised linear layer has length 1 whatever it was."""
    embedding = model.embed(clip) * 3
    critic = PersonalCritic(model.discriminator, embedding).eval()
    row = torch.nn.Linear(model.preset.embedding, 1, bias=False)
    row.weight.data.copy_(critic.column[None])
    faulty = torch.nn.utils.parametrizations.spectral_norm(row)
    wanted = model.discriminator.w0 + embedding
    torch.testing.assert_close(critic.column.detach(), wanted)
    assert faulty.weight.norm().item() == pytest.approx(1, abs=1e-3) and abs(wanted.norm() - 1) > 0.1


def test_fine_tuning_trains_all_of_g_and_d_and_leaves_the_model_alone(model, clip):
    before = {k: v.clone() for k, v in {**model.generator.state_dict(), **model.discriminator.state_dict()}.items()}
    tuning = FineTuning(model, clip)
    for module in (tuning.generator.module, tuning.critic.module):
        for p in module.parameters():
            if p.ndim == 0:
                p.data.fill_(0.1)
    start = {n: p.detach().clone() for m in (tuning.generator.module, tuning.critic.module) for n, p in m.named_parameters()}
    list(tuning.steps(2))
    end = {n: p for m in (tuning.generator.module, tuning.critic.module) for n, p in m.named_parameters()}
    assert [n for n in start if torch.equal(start[n], end[n])] == []
    assert "adain" in end and "column" in end and not any("projection" in n for n in end)
    after = {**model.generator.state_dict(), **model.discriminator.state_dict()}
    assert all(torch.equal(before[k], after[k]) for k in before)


def test_an_epoch_sees_every_frame_once(model, clip, monkeypatch):
    tuning = FineTuning(model, clip)
    assert tuning.steps_per_epoch == 2
    seen = []
    for tuning.step in range(2):
        seen += [tuple(image.flatten().tolist()) for image in tuning._scene().real]
    assert sorted(seen) == sorted(tuple(image.flatten().tolist()) for image in clip.images)


@pytest.mark.parametrize("name, expected", [("paper", [1, 2, 7, 8, 8, 8]), ("tiny", [1, 1, 1, 2, 4, 8])])
def test_a_step_takes_the_papers_batch_or_a_quarter_of_the_frames(name, expected):
    """At 64 px a step of all 8 frames makes 40 epochs 40 steps, too few to learn a face."""
    assert [batch_of(t, preset(name)) for t in (1, 2, 7, 8, 16, 100)] == expected


def test_there_is_no_match_term_and_the_seed_decides(model, clip):
    a, b = (list(FineTuning(model, clip, seed=2).steps(2)) for _ in range(2))
    assert [r.terms for r in a] == [r.terms for r in b]
    assert "match" not in a[0].terms and {"adversarial", "feature_matching", "discriminator"} < set(a[0].terms)


def test_fine_tuning_brings_the_frames_nearer(model, clip):
    wanted = clip.images
    errors = [(model.personalise(clip, epochs=e).drive(clip) - wanted).abs().mean() for e in (0, 30)]
    assert errors[1] < errors[0]


def test_a_head_comes_back_from_disk(model, clip, tmp_path):
    head = model.personalise(clip[:2], epochs=1)
    head.save(tmp_path / "h.safetensors")
    back = Head.load(tmp_path / "h.safetensors")
    assert torch.equal(back.drive(clip), head.drive(clip))
    assert back.header["frames"] == 2 and back.header["steps"] == 1
    (tmp_path / "h.safetensors").write_bytes(b"no")
    with pytest.raises(BadCheckpoint, match="h.safetensors"):
        Head.load(tmp_path / "h.safetensors")


def test_a_model_comes_back_from_disk_in_half_precision(model, clip, tmp_path):
    model.save(tmp_path / "m.safetensors")
    back = load(tmp_path / "m.safetensors")
    assert (back.personalise(clip, epochs=0).drive(clip) - model.personalise(clip, epochs=0).drive(clip)).abs().max() < 0.02
    assert back.header["steps"] == 4


def test_drive_takes_clips_of_any_size_and_bare_landmarks(model, clip):
    head = model.personalise(clip[:1], epochs=0)
    out = head.drive(clip.resize(64))
    assert out.shape == (6, 3, 32, 32) and 0 <= out.min() and out.max() <= 1
    torch.testing.assert_close(head.drive(clip.landmarks), head.drive(clip))
    assert head.drive(clip.landmarks[:0]).shape == (0, 3, 32, 32)
    with pytest.raises(ValueError, match="frames, 68, 2"):
        head.drive(torch.zeros(68, 2))


def test_unknown_names_say_what_there_is():
    with pytest.raises(BadCheckpoint, match="no shipped weights named 'heads-65'"):
        load("heads-65")
    with pytest.raises(BadCheckpoint, match="nowhere.safetensors: no such file"):
        load("nowhere.safetensors")


def test_an_empty_clip_is_refused(model, clip):
    with pytest.raises(ValueError, match="no frames"):
        model.personalise(clip[:0])
