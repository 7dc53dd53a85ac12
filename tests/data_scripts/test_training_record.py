"""The curve's means and the picture of a run, on a made-up folder."""

import csv

import numpy as np
import pytest
from PIL import Image

from data_scripts.training_record import main, thin


def test_means_of_so_many_steps():
    rows = [{"step": str(i), "a": str(float(i)), "l1": "0.5" if i == 3 else ""} for i in range(1, 8)]
    assert thin(rows, 3) == [{"step": "3", "a": "2", "l1": "0.5"}, {"step": "6", "a": "5", "l1": ""}]  # the last, unfinished one is left out


def test_the_command(tmp_path, capsys):
    (tmp_path / "filmstrip").mkdir()
    random = np.random.default_rng(0)
    for step in (50, 100, 150):
        Image.fromarray(random.integers(0, 255, (16, 64, 3), np.uint8)).save(tmp_path / "filmstrip" / f"step-{step:06d}.png")
    Image.fromarray(random.integers(0, 255, (48, 64, 3), np.uint8)).save(tmp_path / "people.png")
    with open(tmp_path / "curve.csv", "w", newline="") as file:
        writer = csv.DictWriter(file, ("step", "a"))
        writer.writeheader()
        writer.writerows({"step": i, "a": 1.0} for i in range(1, 151))
    main([str(tmp_path), "--curve", str(tmp_path / "out" / "curve.csv"), "--picture", str(tmp_path / "out" / "p.png"), "--steps", "60", "--people", "3"])
    assert "3 rows" in capsys.readouterr().out and Image.open(tmp_path / "out" / "p.png").size[0] == 850  # steps 50 and 150, and the three of the truth
    assert len(list(csv.DictReader(open(tmp_path / "out" / "curve.csv")))) == 3


def test_no_filmstrip(tmp_path):
    (tmp_path / "curve.csv").write_text("step,a\n" + "".join(f"{i},1\n" for i in range(60)))
    with pytest.raises(SystemExit, match="has no filmstrip"):
        main([str(tmp_path), "--curve", str(tmp_path / "c.csv"), "--picture", str(tmp_path / "p.png")])
