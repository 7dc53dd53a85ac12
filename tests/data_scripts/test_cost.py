"""The cost of a run, against figures worked out by hand."""

import pytest
import torch

from data_scripts import table_size
from data_scripts.cost import cost, main
from tests.learning.conftest import MINI, disc_person
from tlk.learning import MetaLearning, RowAdam
from tlk.networks import ClipTable


def test_by_hand():
    c = cost(clips=1000, clip_frames=10, epochs=8, batch=4, gpus=2, step_seconds=3.6, frame_kb=50, frames_per_core=10, k=8, embedding=512)
    assert (c.steps, c.gpu_hours, c.days) == (2000, 2.0, pytest.approx(1 / 24))
    assert c.terabytes == pytest.approx(0.0005) and c.loader_cores == pytest.approx(2 * 4 * 9 / 3.6 / 10)


def test_the_table_takes_what_it_is_said_to_take():
    table = ClipTable(1000, 512)
    optimiser = RowAdam(table.parameters(), betas=(0.0, 0.999))
    table(torch.arange(3)).sum().backward()
    optimiser.step()
    held = [table.weight, *optimiser.state[table.weight].values()]
    assert sum(t.numel() * t.element_size() for t in held) / 1e9 == pytest.approx(cost(1000, 1, 1, 1, 1, 1, 1, 1).table_gigabytes, rel=1e-3)


def test_bad_figures_are_refused(capsys):
    assert main(["--step-seconds", "0", "--frame-kb", "40", "--frames-per-second-and-core", "100"]) == 2
    assert "positive" in capsys.readouterr().err
    assert main(["--step-seconds", "1", "--frame-kb", "40", "--frames-per-second-and-core", "100", "--gpus", "8"]) == 0
    assert "GPU-hours" in capsys.readouterr().out


def test_a_checkpoint_has_the_size_that_is_measured_and_reckoned(tmp_path):
    """W's part is measured with as many rows, the rest reckoned; together a real checkpoint, but for its header."""
    run = MetaLearning(MINI, [disc_person(seed) for seed in range(4)], seed=0)
    run.one_step()
    run.save(tmp_path / "checkpoint.safetensors")
    found = table_size.measure(4, MINI, tmp_path)
    assert [p.name for p in tmp_path.iterdir()] == ["checkpoint.safetensors"]
    assert found["memory"] == pytest.approx(4 * (2 * 4 * MINI.embedding + 8) / 1e9)
    whole = (tmp_path / "checkpoint.safetensors").stat().st_size
    assert table_size.rest(MINI) + 1e9 * found["memory"] == pytest.approx(whole, rel=0.1)


def test_rows_are_printed(tmp_path, capsys):
    assert table_size.main(["5", "--preset", "tiny", "--folder", str(tmp_path)]) == 0
    assert "5 rows: W with its optimiser" in capsys.readouterr().out
    assert table_size.main(["0"]) == 2
