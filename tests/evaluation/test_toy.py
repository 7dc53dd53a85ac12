"""The whole table at a toy size: shipped weights, every system that takes part, rendered people and the real judges."""

import json
import time

import pytest

from tlk.data import heads
from tlk.evaluation import __main__ as command
from tlk.evaluation.known import KNOWN
from tlk.evaluation.subjects import Subject
from tlk.evaluation.systems import standard_systems
from tlk.learning import load


def toy_people(count, frames, size, sources):
    """Two motions each, two frames of one to learn from and three of the other to be judged by."""
    clips = [(seed, *(heads.render(heads.Person(seed), heads.Motion(seed + m, 3, fps=1), size) for m in (1, 2))) for seed in heads.people("test", count)]
    return [Subject("rendered", f"person-{seed}", a[:2], b, seed) for seed, a, b in clips]


def test_the_whole_table_at_a_toy_size(tmp_path, monkeypatch, capsys):
    pytest.importorskip("dlib")
    monkeypatch.setattr(command, "rendered", toy_people)
    monkeypatch.setattr("tlk.evaluation.known.FRAMES", 2)
    start = time.process_time()
    assert command.main(["--people", "2", "--clips", "--sources", "1", "2", "--epochs", "1", "--out", str(tmp_path)]) == 0
    assert time.process_time() - start < 120
    printed, table = capsys.readouterr().out, json.loads((tmp_path / "table.json").read_text())
    found = table["tables"]["rendered"]
    names = [s.name for s in standard_systems(load("heads-64"), epochs=1)]
    assert [(r["system"], r["sources"]) for r in found["rows"]] == [("true frames", 0), *((n, t) for t in (1, 2) for n in names)]
    truth = found["rows"][0]
    assert truth["ssim"]["mean"] == pytest.approx(1) and all(r["ssim"]["mean"] < 0.99 for r in found["rows"][1:])
    assert all(r[m] is not None for r in found["rows"] for m in ("perceptual", "csim", "frechet", "pose_error", "gaze_error", *KNOWN))
    assert truth["cross_perceptual"]["mean"] < 1e-3 and found["mismatch"] > 0 and found["looking_ahead"] > 0
    for needed in ("python -m tlk.evaluation --model heads-64 --people 2", "--epochs 1 --seed 0", "weights ", "revision ", "torch ", "renderer version", "2000000", "not measured: FID", "--inception"):
        assert needed in printed, needed
    assert {p.name for p in tmp_path.iterdir()} == {"records", "table.md", "table.json", "grid-rendered.png", "cross-rendered.png"}
