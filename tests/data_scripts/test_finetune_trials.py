"""Each change of fine-tuning changes what it says and nothing else; the command prints a table of them."""

import dataclasses

import pytest
import torch

from data_scripts.finetune_trials import BESIDE, CHANGES, changed, main, seen, systems
from tests.learning.conftest import disc_person
from tlk.evaluation.subjects import Subject
from tlk.learning import LossWeights, load


@pytest.fixture(scope="module")
def model():
    return load("heads-64")


@pytest.fixture(scope="module")
def clip():
    return disc_person(0, 8, 64)


def differences(name, model, clip):
    """What differs from plain fine-tuning, by name."""
    plain, other = (CHANGES[n][0](model, clip, 0) for n in ("ft", name))
    found = {f"preset.{k}" for k, v in other.preset.to_dict().items() if v != plain.preset.to_dict()[k]}
    found |= {f.name for f in dataclasses.fields(LossWeights) if getattr(plain.weights, f.name) != getattr(other.weights, f.name)}
    if plain.batch != other.batch:
        found.add("batch")
    if not torch.equal(plain.critic.module.column, other.critic.module.column):
        found.add("start")
    return found


@pytest.mark.parametrize(
    "name, expected",
    [
        ("ft", set()), ("epochs-double", set()), ("no-feature-matching", {"feature_matching"}),
        ("no-adversary", {"adversarial", "feature_matching", "discriminator_steps"}),
        ("one-d-step", {"preset.discriminator_steps", "discriminator_steps"}), ("batch-8", {"preset.finetune_epoch_steps", "batch"}),
        ("beta-0.9", {"preset.betas"}), ("average", {"preset.finetune_ema"}), ("best-embedding", {"start"}),
        ("epochs-fourfold", set()), ("content-frame", {"preset.content", "content"}),
        ("batch-2", {"preset.finetune_batch"}),  # 8 frames are taken in batches of 2 anyway
    ],
)  # fmt: skip
def test_a_change_is_what_it_says(name, expected, model, clip):
    assert differences(name, model, clip) == expected


def test_every_change_draws_and_a_longer_one_takes_more_steps(model, clip):
    longer = changed("epochs-double", model, epochs=1)
    assert longer.settings["epochs"] == 2 and changed("ft", model, epochs=1).settings["epochs"] == 1
    images = changed("batch-8", model, epochs=1).fit(clip)(clip)
    assert images.shape == clip.images.shape and torch.isfinite(images).all()


def test_seen_frames_are_those_it_learns_from():
    person = Subject("real", "a", disc_person(0, 16, 64), disc_person(1, 4, 64))
    (one,) = seen([person], 8)
    assert torch.equal(one.holdout.frames, one.take(8).frames) and torch.equal(one.source.frames, person.source.frames)


def test_beside_names_systems_of_the_table(model):
    assert {s.name for s in systems(model, ["ft"], 1, 0, BESIDE)} == {*BESIDE, "ft"}
    assert [s.name for s in systems(model, ["ft"], 1, 0, ("copy",))] == ["copy", "ft"]


def test_the_command_lists_and_refuses(capsys, tmp_path):
    assert main(["--list"]) == 0
    listed = capsys.readouterr().out
    assert all(name in listed for name in ("epochs-double", "best-embedding"))
    assert main(["--people", "0", "--clips", str(tmp_path / "none"), "--out", str(tmp_path / "out")]) == 2
    assert "none" in capsys.readouterr().err
    assert main(["--people", "0", "--clips", "--out", str(tmp_path / "out")]) == 2 and "nobody" in capsys.readouterr().err
    assert main(["--epochs", "0", "--out", str(tmp_path / "out")]) == 2 and "--epochs" in capsys.readouterr().err
    assert main(["--seen", "--sources", "1", "8", "--out", str(tmp_path / "out")]) == 2 and "one T" in capsys.readouterr().err
    assert not (tmp_path / "out").exists()
