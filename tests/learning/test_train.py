"""The long run's command: what it leaves behind, going on, being stopped, bad options."""

import csv
import os
import signal

import pytest
import torch
from PIL import Image

from tlk.data import save_clip
from tlk.learning import MetaLearning, load
from tlk.learning.__main__ import main
from tlk.learning.train import Watch, train

from .conftest import MINI, disc_person


def run_to(people, tmp_path, steps, **options):
    run = options.pop("run", None) or MetaLearning(MINI, people, seed=3, data="discs")
    train(run, tmp_path, until=lambda r: r.step >= steps, **options)
    return run


def test_a_run_leaves_model_checkpoint_curve_and_filmstrip(people, tmp_path):
    unseen = [disc_person(50), disc_person(51)]
    run_to(people, tmp_path, 2, watch=Watch(unseen, 32, k=2), watch_every=2)
    assert load(tmp_path / "model.safetensors").header["data"] == "discs"
    assert Image.open(tmp_path / "people.png").size == (64, 96)
    assert Image.open(tmp_path / "filmstrip" / "step-000002.png").size == (64, 32)
    rows = list(csv.DictReader(open(tmp_path / "curve.csv")))
    assert [r["step"] for r in rows] == ["1", "2"] and rows[0]["l1"] == "" and 0 < float(rows[1]["l1"]) < 1 and float(rows[1]["spread"]) > 0


def test_an_asked_stop_saves_and_the_rest_equals_a_straight_run(people, tmp_path):
    straight = run_to(people, tmp_path / "a", 4)
    stopped = MetaLearning(MINI, people, seed=3)

    def until(run):
        if run.step == 2:
            os.kill(os.getpid(), signal.SIGTERM)
        return run.step >= 4

    before = signal.getsignal(signal.SIGTERM), signal.getsignal(signal.SIGINT)
    train(stopped, tmp_path / "b", until=until)
    assert (signal.getsignal(signal.SIGTERM), signal.getsignal(signal.SIGINT)) == before
    assert 2 <= stopped.step < 4
    rest = MetaLearning.resume(tmp_path / "b" / "checkpoint.safetensors", people)
    run_to(people, tmp_path / "b", 4, run=rest)
    assert (tmp_path / "a" / "curve.csv").read_text() == (tmp_path / "b" / "curve.csv").read_text()
    ours, theirs = rest.networks.module.state_dict(), straight.networks.module.state_dict()
    assert all(torch.equal(ours[k], theirs[k]) for k in ours)


@pytest.mark.parametrize("arguments, sentence", [
    ([], "say when to stop"),
    (["--steps", "1", "--data", "no/such/folder"], "holds no clips"),
])
def test_bad_options_give_one_sentence(tmp_path, capsys, arguments, sentence):
    assert main(["--out", str(tmp_path / "o"), *arguments]) == 2
    error = capsys.readouterr().err
    assert sentence in error and error.count("\n") == 1


def test_the_command_trains_on_saved_clips_and_will_not_overwrite(tmp_path, capsys):
    for seed in range(3):
        save_clip(disc_person(seed, frames=5, size=64), tmp_path / "clips" / f"{seed}")
    arguments = ["--data", str(tmp_path / "clips"), "--batch", "2", "--out", str(tmp_path / "o")]
    assert main([*arguments, "--steps", "1"]) == 0
    assert main([*arguments, "--steps", "2"]) == 2 and "--resume" in capsys.readouterr().err
    assert main([*arguments, "--steps", "2", "--resume"]) == 0
    assert load(tmp_path / "o" / "model.safetensors").header["steps"] == 2
