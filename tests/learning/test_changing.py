"""Values changed from the start or in mid-run: they act in the next step, stay through a plain resume, and are on record."""

import dataclasses

import pytest
import torch
from torch.optim.swa_utils import get_ema_multi_avg_fn

from tlk.data import save_clip
from tlk.learning import FineTuning, MetaLearning, load
from tlk.learning.__main__ import main
from tlk.learning.changing import CHANGEABLE, FIXED, READERS, changed, read_changes
from tlk.learning.checkpoints import load_tensors, save_tensors
from tlk.learning.train import set_rates
from tlk.losses import Content
from tlk.presets import Preset, preset

from .conftest import MINI, disc_person

FACE = (("efficientnet-lite0", 0.2), ("efficientnet-lite0@face", 0.4))
CHANGES = {
    "content": FACE, "adversarial": 0.7, "feature_matching": 1.0, "match": 2.0, "relu_first": False, "discriminator_steps": 1,
    "lr_generator": 2e-4, "lr_discriminator": 1e-4, "lr_table": 3e-3, "betas_generator": (0.5, 0.99), "eps": 1e-3, "ema": 0.5,
}  # fmt: skip
TOGETHER = {name: CHANGES[name] for name in ("content", "adversarial", "match", "relu_first", "lr_generator", "lr_table", "betas_generator")}


@pytest.fixture(scope="module")
def checkpoint(people, tmp_path_factory):
    """A run of two steps on disk. Its average is not at the networks any more."""
    run = MetaLearning(MINI, people, seed=3, data="discs")
    for _ in run.steps(2):
        pass
    path = tmp_path_factory.mktemp("run") / "c.safetensors"
    run.save(path)
    return path


def state(run):
    average = {} if run.average is None else {f"average.{k}": v for k, v in run.average.state_dict().items()}
    return {**run.networks.module.state_dict(), **run.critic.module.state_dict(), **average}


def after(run, steps):
    for _ in run.steps(steps):
        pass
    return state(run)


def same(a, b):
    return a.keys() == b.keys() and all(torch.equal(a[k], b[k]) for k in a)


def by_hand(run, name, value):
    """The change made in the objects of a run that goes on, by code of its own."""
    rates = {"lr_generator": "optimiser_g", "lr_discriminator": "optimiser_d", "lr_table": "optimiser_w"}
    if name == "content":
        run.weights.content, run.content = dict(value), Content(value)
    elif name == "relu_first":
        run.networks.module.embedder.relu_first = value
    elif name in rates:
        getattr(run, rates[name]).optimizer.param_groups[0]["lr"] = value
    elif name == "betas_generator":
        run.optimiser_g.optimizer.param_groups[0]["betas"] = value
    elif name == "eps":
        for optimiser in run.optimisers:
            getattr(run, optimiser).optimizer.param_groups[0]["eps"] = value
    elif name == "ema":
        run.average.multi_avg_fn = get_ema_multi_avg_fn(value)
    else:
        setattr(run.weights, name, value)


@pytest.fixture(scope="module")
def unchanged(people, checkpoint):
    return after(MetaLearning.resume(checkpoint, people), 1)


@pytest.mark.parametrize("name", CHANGES)
def test_a_value_acts_in_the_very_next_step(people, checkpoint, unchanged, name):
    hand = MetaLearning.resume(checkpoint, people)
    by_hand(hand, name, CHANGES[name])
    ours = after(MetaLearning.resume(checkpoint, people, changes={name: CHANGES[name]}), 1)
    assert same(ours, after(hand, 1))
    assert not same(ours, unchanged)


def test_every_field_is_fixed_or_can_be_read_and_those_of_training_are_tried():
    assert {f.name for f in dataclasses.fields(Preset)} == set(FIXED) | set(CHANGEABLE)
    assert {kind.removesuffix(" | None") for kind in CHANGEABLE.values()} <= set(READERS)
    assert set(CHANGEABLE) == set(CHANGES) | {"betas"} | {name for name in CHANGEABLE if name.startswith("finetune_")}


def test_after_a_change_a_plain_resume_equals_never_having_stopped(people, checkpoint, tmp_path):
    straight, stopped = (MetaLearning.resume(checkpoint, people, changes=TOGETHER) for _ in range(2))
    after(stopped, 1)
    stopped.save(tmp_path / "c.safetensors")
    plain, again = MetaLearning.resume(tmp_path / "c.safetensors", people), MetaLearning.resume(tmp_path / "c.safetensors", people, changes=TOGETHER)
    expected = after(straight, 3)
    assert same(after(plain, 2), expected) and same(after(again, 2), expected)
    for run in (plain, again):
        assert run.preset == straight.preset == dataclasses.replace(MINI, **TOGETHER)
        assert run.weights == straight.weights and run.history == straight.history
        assert run.data == straight.data  # the same values once more are no second record
        assert [getattr(run, o).optimizer.param_groups[0]["betas"] for o in run.optimisers] == [(0.5, 0.99), MINI.betas, MINI.betas]
        set_rates(run, 0.5)  # what --cool does
        assert [getattr(run, o).optimizer.param_groups[0]["lr"] for o in run.optimisers] == [1e-4, MINI.lr_discriminator / 2, 1.5e-3]


def test_the_record_says_what_was_set_and_when(people, checkpoint, tmp_path):
    run = MetaLearning.resume(checkpoint, people, changes={"content": FACE, "match": MINI.match, "betas_generator": [0.5, 0.99], "relu_first": False})
    first = "discs; content efficientnet-lite0:0.2,efficientnet-lite0@face:0.4, betas_generator 0.5,0.99, relu_first false from step 2 on"
    assert run.header()["data"] == first  # match stood so already
    run.one_step()
    run.save(tmp_path / "c.safetensors")
    run = MetaLearning.resume(tmp_path / "c.safetensors", people, changes={"match": 7.0, "betas_generator": None})
    run.model().save(tmp_path / "m.safetensors")
    header = load(tmp_path / "m.safetensors").header
    assert header["data"] == first + "; match 7, betas_generator none from step 3 on"
    assert Preset.from_dict(header["preset"]) == dataclasses.replace(MINI, content=FACE, match=7.0, relu_first=False)


def test_a_weight_moved_by_hand_comes_back_when_it_is_set_and_stays_when_not(people, tmp_path):
    run = MetaLearning(MINI, people, seed=3)
    run.weights.match, run.weights.adversarial = 3.5, 0.3
    run.save(tmp_path / "c.safetensors")
    run = MetaLearning.resume(tmp_path / "c.safetensors", people, changes={"match": MINI.match})
    assert (run.weights.match, run.weights.adversarial) == (MINI.match, 0.3) and "match 5 from step 0 on" in run.data


def test_an_average_may_begin_or_end_in_mid_run(people, checkpoint, tmp_path):
    without = MetaLearning.resume(checkpoint, people, changes={"ema": None})
    assert without.average is None
    without.save(tmp_path / "c.safetensors")
    assert "average/n_averaged" not in load_tensors(tmp_path / "c.safetensors", MetaLearning.kind)[0]
    run = MetaLearning.resume(tmp_path / "c.safetensors", people, changes={"ema": 0.5})
    networks = run.networks.module.state_dict()
    assert same(dict(run.average.module.state_dict()), dict(networks))  # what model() gives before the next step
    begun = {name: value.clone() for name, value in run.average.module.state_dict().items()}
    after(run, 2)
    learnt = dict(run.networks.module.named_parameters())
    moved = [name for name in learnt if not torch.equal(learnt[name], begun[name])]
    now = run.average.module.state_dict()
    assert moved and all(not torch.equal(now[name], begun[name]) and not torch.equal(now[name], learnt[name]) for name in moved)


def test_betas_cannot_change_in_mid_run(people, checkpoint):
    with pytest.raises(ValueError, match="set betas_generator"):
        MetaLearning.resume(checkpoint, people, changes={"betas": (0.5, 0.999)})
    assert MetaLearning.resume(checkpoint, people, changes={"betas": MINI.betas}).data == "discs"
    assert changed(MINI, {"betas": (0.5, 0.999)}).betas == (0.5, 0.999)  # a run that begins may have any


def test_a_checkpoint_of_before_betas_generator_still_loads(people, checkpoint, tmp_path):
    tensors, header = load_tensors(checkpoint, MetaLearning.kind)
    del header["preset"]["betas_generator"]
    save_tensors(tmp_path / "old.safetensors", tensors, header)
    run = MetaLearning.resume(tmp_path / "old.safetensors", people)
    assert run.preset == MINI and run.optimiser_g.optimizer.param_groups[0]["betas"] == MINI.betas


def test_betas_generator_is_for_e_g_and_p_in_meta_learning_alone(people):
    run = MetaLearning(dataclasses.replace(MINI, betas_generator=(0.5, 0.9)), people)
    assert [getattr(run, o).optimizer.param_groups[0]["betas"] for o in run.optimisers] == [(0.5, 0.9), MINI.betas, MINI.betas]
    tuning = FineTuning(run.model(), people[0][:2])
    assert [o.optimizer.param_groups[0]["betas"] for o in (tuning.optimiser_g, tuning.optimiser_d)] == [MINI.betas, MINI.betas]


def test_values_are_read_as_their_fields_have_them():
    texts = ["match=5", "relu_first=True", "discriminator_steps=0", "betas_generator=0.5,0.999", "ema=none", "lr_table=1e-2", "content=efficientnet-lite0@face:0.5"]
    assert read_changes(texts) == {
        "match": 5.0, "relu_first": True, "discriminator_steps": 0, "betas_generator": (0.5, 0.999), "ema": None, "lr_table": 0.01,
        "content": (("efficientnet-lite0@face", 0.5),),
    }  # fmt: skip
    assert read_changes([]) == {}


@pytest.mark.parametrize("texts, sentence", [
    (["match"], "write NAME=VALUE"),
    (["size=128"], "size cannot be set, .* --preset"),
    (["batch=4"], "--batch gives another"),
    (["mach=4"], "no field 'mach' to set; choose of content, adversarial"),
    (["match=5", "match=6"], "match is set twice"),
    (["match=much"], "match cannot be 'much'; give a number"),
    (["match=-1"], "give a number of at least 0"),
    (["match=nan"], "give a number"),
    (["match=none"], "give a number of at least 0$"),
    (["eps=inf"], "give a number"),
    (["discriminator_steps=1.5"], "give a whole number"),
    (["finetune_batch=0"], "at least 1"),
    (["relu_first=1"], "true or false"),
    (["betas=0.5"], "two numbers"),
    (["betas_generator=0.5,1"], "below 1"),
    (["ema=1"], "below 1"),
    (["ema=x"], "or none"),
    (["content=efficientnet-lite0"], "backbones with their weights"),
    (["content="], "backbones with their weights"),
    (["content=auto:0.5"], "backbones with their weights"),
])  # fmt: skip
def test_what_cannot_be_set_gives_one_sentence(texts, sentence):
    with pytest.raises(ValueError, match=sentence) as found:
        read_changes(texts)
    assert "\n" not in str(found.value)


@pytest.mark.parametrize("name", [*FIXED, "mach"])
def test_nor_can_it_be_set_without_the_command(name):
    with pytest.raises(ValueError, match="cannot be set|no field 'mach'"):
        changed(MINI, {name: 4})


def test_the_command_sets_from_the_start_and_in_mid_run(tmp_path, capsys):
    clips = [disc_person(seed, frames=5, size=64) for seed in range(3)]
    for clip in clips:
        save_clip(clip, tmp_path / "clips" / clip.name)
    command = ["--data", str(tmp_path / "clips"), "--batch", "2", "--out", str(tmp_path / "o")]
    late = ["--resume", "--set", "content=efficientnet-lite0:0.3", "--set", "adversarial=1", "lr_generator=2e-4"]
    assert main([*command, "--steps", "1", "--set", "match=1", "relu_first=false", "feature_matching=3"]) == 0
    assert main([*command, "--steps", "2", *late[1:]]) == 2 and "--resume" in capsys.readouterr().err
    assert main([*command, "--steps", "2", *late[:2], "betas=0.5,0.999"]) == 2 and "betas_generator" in capsys.readouterr().err
    assert main([*command, "--steps", "2", *late]) == 0
    assert main([*command, "--steps", "3", *late]) == 0
    assert main([*command, "--steps", "4", "--resume"]) == 0
    run = MetaLearning(dataclasses.replace(preset("tiny"), match=1.0, relu_first=False), clips[:2], 0, batch=2)
    run.one_step()
    by_hand(run, "content", (("efficientnet-lite0", 0.3),))
    by_hand(run, "lr_generator", 2e-4)
    run.weights.adversarial = 1.0
    expected = after(run, 3)
    found = MetaLearning.resume(tmp_path / "o" / "checkpoint.safetensors", clips[:2])
    assert found.step == 4 and same(state(found), expected)
    data = load(tmp_path / "o" / "model.safetensors").header["data"]
    assert data == f"clips of {tmp_path / 'clips'}; match 1, relu_first false from the start; content efficientnet-lite0:0.3, adversarial 1, lr_generator 0.0002 from step 1 on"
    assert data in capsys.readouterr().out, "and the command has said it"


def test_measuring_nets_stay_out_of_the_loss(people, checkpoint):
    with pytest.raises(ValueError, match="measures results"):
        MetaLearning.resume(checkpoint, people, changes=read_changes(["content=efficientnet-lite1:0.5"]))
