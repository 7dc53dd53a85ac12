"""Compared systems are trained as ours is: same frames, exact resume, files whole or refused; and they join the table."""

import dataclasses
import shlex

import pytest
import torch

from tests.learning.conftest import MINI, disc_person
from tlk.data import save_clip
from tlk.evaluation import compared as table
from tlk.evaluation import pretrain, pretraining, systems
from tlk.evaluation.compared import SYSTEMS, Compared, left_out
from tlk.learning import BadCheckpoint, MetaLearning
from tlk.learning.checkpoints import load_tensors
from tlk.presets import preset

PEOPLE = [disc_person(seed) for seed in range(5)]
OPTIMISERS = [(name, optimiser) for name, run in SYSTEMS.items() for optimiser in run.optimisers]
every = pytest.mark.parametrize("name", SYSTEMS)


def take(run, n):
    return list(run.steps(n))


def state(run):
    return {f"{m}/{k}": t.clone() for m in run.modules for k, t in getattr(run, m).module.state_dict().items()}


def same(a, b):
    return a.keys() == b.keys() and all(torch.equal(a[k], b[k]) for k in a)


@pytest.fixture(scope="module")
def trained():
    """Runs of a few steps that tests may read but not train further."""
    runs = {name: kind(MINI, PEOPLE, seed=1, data="discs") for name, kind in SYSTEMS.items()}
    for run in runs.values():
        take(run, 3)
    return runs


@every
def test_a_step_shows_the_frames_that_ours_sees(name):
    ours, theirs = MetaLearning(MINI, PEOPLE, seed=3), SYSTEMS[name](MINI, PEOPLE, seed=3)
    for step in (0, 7):
        ours.step = theirs.step = step
        expected, (scene, source) = ours.draw()[0], theirs.scene()
        assert torch.equal(scene.real, expected.real) and torch.equal(scene.drawn, expected.drawn)
        assert torch.equal((source * 255).round().byte(), ours.episodes.batch(step).source)


@every
def test_the_seed_decides_and_nothing_else_does(name):
    torch.manual_seed(5)
    expected = torch.rand(3)
    torch.manual_seed(5)
    runs = [SYSTEMS[name](MINI, PEOPLE, seed=s) for s in (3, 3, 4)]
    for run in runs:
        take(run, 2)
    assert same(state(runs[0]), state(runs[1])) and not same(state(runs[0]), state(runs[2]))
    assert torch.equal(torch.rand(3), expected)  # the caller's random numbers are left alone


@every
def test_resume_equals_never_having_stopped_bit_for_bit(name, tmp_path):
    straight = SYSTEMS[name](MINI, PEOPLE, seed=3)
    reports = take(straight, 4)
    first = SYSTEMS[name](MINI, PEOPLE, seed=3)
    take(first, 2)
    first.save(tmp_path / "c.safetensors")
    second = SYSTEMS[name].resume(tmp_path / "c.safetensors", PEOPLE)
    assert [r.terms for r in take(second, 2)] == [r.terms for r in reports[2:]]
    assert same(state(second), state(straight)) and same(second.average.state_dict(), straight.average.state_dict())
    assert second.history == straight.history and second.weights == straight.weights


@pytest.mark.parametrize("name, forgotten", OPTIMISERS)
def test_the_resume_test_notices_a_forgotten_optimiser(name, forgotten, tmp_path):
    straight = SYSTEMS[name](MINI, PEOPLE, seed=3)
    take(straight, 4)
    first = SYSTEMS[name](MINI, PEOPLE, seed=3)
    take(first, 2)
    first.save(tmp_path / "c.safetensors")
    second = SYSTEMS[name].resume(tmp_path / "c.safetensors", PEOPLE)
    getattr(second, forgotten).optimizer.state.clear()
    take(second, 2)
    assert not same(state(second), state(straight))


@every
def test_resume_keeps_moved_weights_and_takes_another_batch(name, tmp_path):
    run = SYSTEMS[name](MINI, PEOPLE, seed=3)
    run.weights.content["efficientnet-lite0"] = 0.5
    run.save(tmp_path / "c.safetensors")
    back = SYSTEMS[name].resume(tmp_path / "c.safetensors", PEOPLE, batch=2)
    assert back.weights == run.weights and type(back.weights) is type(run.weights) and len(back.scene()[0].real) == 2


@every
@pytest.mark.parametrize("damage", ["cut", "text", "ours", "weights", "clips"])
def test_a_checkpoint_that_cannot_be_used_gives_one_sentence(name, damage, tmp_path, trained):
    path, people = tmp_path / "c.safetensors", PEOPLE
    trained[name].save(path)
    if damage == "cut":
        path.write_bytes(path.read_bytes()[:-100])
    elif damage == "text":
        path.write_text("hello")
    elif damage == "ours":
        MetaLearning(MINI, PEOPLE).save(path)
    elif damage == "weights":
        trained[name].model().save(path)
    else:
        people = PEOPLE[::-1]
    with pytest.raises(BadCheckpoint, match="c.safetensors"):
        SYSTEMS[name].resume(path, people)


def test_one_systems_checkpoint_is_not_anothers(tmp_path, trained):
    trained["x2face"].save(tmp_path / "c.safetensors")
    with pytest.raises(BadCheckpoint, match="holds a pre-training checkpoint of x2face, not a pre-training checkpoint of pix2pixhd"):
        SYSTEMS["pix2pixhd"].resume(tmp_path / "c.safetensors", PEOPLE)


@every
def test_weights_come_back_in_half_precision_and_say_where_they_come_from(name, tmp_path, trained):
    path, model, driver = tmp_path / "m.safetensors", trained[name].model(), PEOPLE[0]
    model.save(path)
    assert [p.name for p in tmp_path.iterdir()] == ["m.safetensors"]
    back = type(model).load(path)
    drawn = [m.personalise(PEOPLE[1][:2], epochs=0).drive(driver) for m in (model, back)]
    assert drawn[0].shape == driver.images.shape and (drawn[0] - drawn[1]).abs().max() < 0.02
    assert {"steps": 3, "seed": 1, "data": "discs", "clips": 5}.items() <= back.header.items() and {"device", "revision", "preset"} <= back.header.keys()
    assert not any(p.requires_grad for p in back.parts.parameters()) and not back.parts.training
    _, header = load_tensors(path, f"pre-trained weights of {name}")
    assert header["preset"]["name"] == "mini"
    path.write_bytes(path.read_bytes()[:-9])
    with pytest.raises(BadCheckpoint, match="m.safetensors"):
        type(model).load(path)


@every
def test_what_ships_has_a_size_of_ours_order(name, tmp_path):
    kind = SYSTEMS[name].trained
    parts = torch.nn.ModuleDict({n: make(preset("tiny")) for n, make in kind.made_of.items()})
    assert 1e6 < sum(p.numel() for p in parts.parameters()) <= 3e6
    kind(preset("tiny"), parts, {"preset": preset("tiny").to_dict()}).save(tmp_path / "m.safetensors")
    assert (tmp_path / "m.safetensors").stat().st_size <= 6e6


@every
def test_only_the_drivers_landmarks_are_looked_at(name, trained):
    system = Compared(trained[name].model(), epochs=1)
    driver = PEOPLE[0]
    draw = system.fit(PEOPLE[1][:2])
    assert torch.equal(draw(driver), draw(dataclasses.replace(driver, frames=torch.zeros_like(driver.frames))))
    assert not torch.equal(draw(driver), draw(driver[[0] * 6]))


@every
def test_the_command_trains_goes_on_and_will_not_overwrite(name, tmp_path, capsys):
    for seed in range(3):
        save_clip(disc_person(seed, frames=5, size=64), tmp_path / "clips" / f"{seed}")
    arguments = ["--system", name, "--data", str(tmp_path / "clips"), "--batch", "2", "--out", str(tmp_path / "o")]
    assert pretrain.main(arguments) == 2 and "say when to stop" in capsys.readouterr().err
    assert pretrain.main([*arguments, "--steps", "1", "--set", "match=1"]) == 2 and "--set is for python -m tlk.learning:" in capsys.readouterr().err
    assert pretrain.main([*arguments, "--steps", "1"]) == 0
    assert pretrain.main([*arguments, "--steps", "2"]) == 2 and "--resume" in capsys.readouterr().err
    assert pretrain.main([*arguments, "--steps", "2", "--resume"]) == 0
    assert SYSTEMS[name].trained.load(tmp_path / "o" / "model.safetensors").header["steps"] == 2
    assert (tmp_path / "o" / "curve.csv").read_text().count("\n") == 3


def test_strangers_are_drawn_beside_the_run(trained):
    picture, numbers = pretraining.Preview(PEOPLE[:2], 32, k=2)(trained["x2face"])
    assert picture.shape == (3, 32, 64) and 0 < numbers["l1"] < 1


def test_they_join_the_table_when_their_weights_are_there(model, trained, tmp_path, monkeypatch):
    for module in (table, pretraining):
        monkeypatch.setattr(module, "SHIPPED", tmp_path)
    assert [s.name for s in systems.standard_systems(model)] == ["copy", "mean frame", "FF", "FT"]
    said = left_out(model)
    assert "X2Face" in said and "Pix2pixHD" in said and "x2face-32.safetensors" in said
    for name, run in trained.items():
        run.model().save(tmp_path / f"{name}-32.safetensors")
    found = systems.standard_systems(model, epochs=2, seed=7)
    assert [s.name for s in found] == ["copy", "mean frame", "X2Face", "Pix2pixHD", "FF", "FT"] and left_out(model, 2) == ""
    assert all(isinstance(s, systems.System) for s in found)
    assert (found[3].settings["epochs"], found[3].settings["seed"]) == (2, 7) and "epochs" not in found[2].settings
    assert "3 steps" in found[2].note and "2 epochs" in found[3].note and "landmarks" in found[2].note
    assert [s.name for s in systems.standard_systems(model, epochs=0)] == ["copy", "mean frame", "X2Face", "FF"]
    assert "Pix2pixHD" in left_out(model, 0) and "X2Face" not in left_out(model, 0)


@every
def test_the_command_in_the_note_is_understood(name, model, monkeypatch, tmp_path):
    monkeypatch.setattr(table, "SHIPPED", tmp_path)
    command = next(part for part in left_out(model).split("`") if f"--system {name}" in part)
    start = ["python", "-m", "tlk.evaluation.pretrain"]
    words = shlex.split(command.replace("--preset mini", "--preset tiny"))
    seen = []
    monkeypatch.setattr(pretrain, "run", lambda options, kind, watch: seen.append((options.steps, kind)))
    assert words[:3] == start and pretrain.main(words[3:]) == 0 and seen == [(model.header["steps"], SYSTEMS[name])]


def test_settings_name_the_weights(trained):
    model = trained["x2face"].model()
    before = Compared(model).settings
    assert before == Compared(trained["x2face"].model()).settings
    next(model.parts.parameters()).data += 1e-3
    assert Compared(model).settings != before
