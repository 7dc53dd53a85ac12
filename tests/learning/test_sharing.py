"""A batch shared by two processes, or taken in parts by one, gives the gradients of the whole batch at once."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file

from tests.data.clips import noise_clip
from tlk.data import Ahead, Episodes
from tlk.learning import MetaLearning
from tlk.learning.sharing import held
from tlk.learning.train import cooled, set_rates, train

from .conftest import MINI, disc_person
from .two_processes import gradients

ROOT = Path(__file__).parents[2]
TOLERANCE = 1e-4  # of each gradient's largest entry, or of 0.1 where that is less: sums in another order differ by some 1e-6


def assert_same(found, whole):
    assert found.keys() == whole.keys()
    for name, value in whole.items():
        scale = value.abs().max().clamp_min(0.1)  # biases before an instance norm have no gradient but rounding
        assert ((found[name] - value).abs().max() / scale).item() < TOLERANCE, name


@pytest.fixture(scope="module")
def whole():
    return gradients(1)


def test_two_processes_have_the_gradients_of_one_with_the_whole_batch(whole, tmp_path):
    environment = os.environ | {"PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1", "CUDA_VISIBLE_DEVICES": ""}
    run = subprocess.run([sys.executable, "-m", "tests.learning.two_processes", "2", tmp_path / "g"], cwd=ROOT, env=environment, capture_output=True, text=True, timeout=240)
    assert run.returncode == 0, run.stderr[-2000:]
    assert_same(load_file(tmp_path / "g"), whole)


def test_parts_have_the_gradients_of_the_whole_batch(whole):
    assert_same(gradients(1, accumulate=2), whole)
    assert_same(gradients(1, accumulate=4), whole)


def test_a_batch_that_cannot_be_shared_is_refused():
    with pytest.raises(ValueError, match="cannot be taken in 2 equal parts"):
        MetaLearning(MINI, [disc_person(s) for s in range(3)], batch=3, accumulate=2)
    with pytest.raises(ValueError, match="cannot be shared by 2 processes"):
        Episodes([noise_clip(4, 8, name="c", seed=0)], 2, 3, 0, part=(0, 2))


def test_the_parts_of_a_batch_are_the_batch():
    clips = [noise_clip(5, 8, name=f"c{i}", seed=i) for i in range(9)]
    both = Episodes(clips, 2, 6, 3).batch(11)
    for half, rank in zip(both.split(2), range(2)):
        mine = Episodes(clips, 2, 6, 3, part=(rank, 2)).batch(11)
        assert torch.equal(half.source, mine.source) and torch.equal(half.index, mine.index)


def test_held_networks_do_not_move_their_spectral_norm(people):
    run = MetaLearning(MINI, people, seed=1)
    buffers = lambda: torch.cat([b.flatten() for b in run.networks.buffers()])  # noqa: E731
    before = buffers().clone()
    with held(run.networks):
        run.draw()
    assert torch.equal(buffers(), before) and run.networks.training
    run.draw()
    assert not torch.equal(buffers(), before)


def test_episodes_made_ahead_are_the_same_and_so_is_the_run(people):
    episodes = Episodes(people, 2, 3, seed=4)
    ahead = Ahead(episodes, workers=1, depth=2)
    for step, stream in ((0, 0), (1, 0), (1, 1), (2, 0), (7, 0), (8, 0)):
        assert torch.equal(ahead.batch(step, stream).source, episodes.batch(step, stream).source)
    ahead.close()
    a, b = MetaLearning(MINI, people, seed=5), MetaLearning(MINI, people, seed=5, workers=1)
    for _ in range(2):
        assert a.one_step().terms == b.one_step().terms


def test_rates_cool_down_as_a_function_of_the_step(people):
    rate = cooled(100, 40)
    assert [round(rate(step), 3) for step in (0, 60, 80, 100, 120)] == [1, 1, 0.55, 0.1, 0.1]
    run = MetaLearning(MINI, people, seed=1)
    set_rates(run, rate(80))
    assert run.optimiser_w.optimizer.param_groups[0]["lr"] == pytest.approx(0.55 * MINI.lr_table)


def test_the_last_checkpoints_the_best_model_and_a_board_are_kept(people, tmp_path):
    from tlk.learning.train import Watch

    run = MetaLearning(MINI, people, seed=3)
    train(run, tmp_path, until=lambda r: r.step >= 4, keep=2, save_minutes=0, watch=Watch(people[:2], 32, 2), watch_every=2, tensorboard=True)
    kept = sorted(p.name for p in tmp_path.glob("checkpoint-*"))
    assert kept == ["checkpoint-00000003.safetensors", "checkpoint-00000004.safetensors"] and (tmp_path / "best.safetensors").exists()
    assert (tmp_path / "checkpoint-00000004.safetensors").read_bytes() == (tmp_path / "checkpoint.safetensors").read_bytes()
    assert list((tmp_path / "tensorboard").glob("events*"))
    again = MetaLearning.resume(tmp_path / "checkpoint-00000003.safetensors", people)
    assert again.one_step().terms == {k: v for k, v in run.history[3].items() if k in again.history[-1] and k not in ("step", "real", "fake", "l1", "spread")}
