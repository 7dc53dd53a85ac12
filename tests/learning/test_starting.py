"""Going on from weights with other clips: the run draws what the model draws, W's rows fit, and resume stays exact."""

import dataclasses

import pytest
import torch

from tlk.learning import MetaLearning, load, start_from
from tlk.learning.__main__ import main

from .conftest import MINI, disc_person

OTHERS = [disc_person(seed) for seed in range(20, 24)]


def picture(model):
    return model.personalise(OTHERS[0][:2], epochs=0).drive(OTHERS[0][3:])


def test_a_run_begins_where_the_model_ended(model):
    run, fresh = start_from(MetaLearning(MINI, OTHERS, seed=5, data="discs"), model), MetaLearning(MINI, OTHERS, seed=5)
    assert torch.equal(picture(run.model()), picture(model)) and not torch.equal(picture(fresh.model()), picture(model))
    rows = run.critic.module.table.weight
    torch.testing.assert_close(rows[2].detach(), model.embed(OTHERS[2][:2]))
    first, at_random = run.one_step().terms["match"], fresh.one_step().terms["match"]
    assert first < 0.5 * at_random  # W at random is what would pull E away
    assert run.header()["data"].startswith("discs; started from weights of 4 steps")


def test_it_learns_and_resumes_to_the_same_weights(model, tmp_path):
    straight, stopped = (start_from(MetaLearning(MINI, OTHERS, seed=5), model) for _ in range(2))
    for _ in straight.steps(3):
        pass
    stopped.one_step()
    stopped.save(tmp_path / "c.safetensors")
    rest = MetaLearning.resume(tmp_path / "c.safetensors", OTHERS)
    for _ in rest.steps(2):
        pass
    ours, theirs = rest.networks.module.state_dict(), straight.networks.module.state_dict()
    assert all(torch.equal(ours[k], theirs[k]) for k in ours) and rest.data == straight.data


def test_what_does_not_fit_is_refused(model, trained):
    with pytest.raises(ValueError, match="taken 4 steps already"):
        start_from(trained, model)
    wide = dataclasses.replace(MINI, bottleneck_blocks=2)
    with pytest.raises(ValueError, match="preset 'mini' .32 px. and its networks differ"):
        start_from(MetaLearning(wide, OTHERS), model)


def test_the_command_starts_from_a_file(model, tmp_path, capsys):
    from tlk.data import save_clip

    for clip in (disc_person(s, size=64, frames=9) for s in range(30, 33)):
        save_clip(clip, tmp_path / "clips" / clip.name)
    model.save(tmp_path / "mini.safetensors")
    arguments = ["--data", str(tmp_path / "clips"), "--out", str(tmp_path / "run"), "--steps", "1", "--batch", "2"]
    assert main([*arguments, "--start", str(tmp_path / "mini.safetensors")]) == 2
    assert "use the same preset" in capsys.readouterr().err
    assert main([*arguments, "--start", "heads-64"]) == 0
    assert "started from weights of" in load(tmp_path / "run" / "model.safetensors").header["data"]
