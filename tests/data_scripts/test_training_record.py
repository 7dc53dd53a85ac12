"""The curve's means and the picture of a run, on a made-up folder."""

import csv

import numpy as np
import pytest
from PIL import Image

from data_scripts.training_record import main, thin


def test_means_of_so_many_steps():
    rows = [{"step": str(i), "a": str(float(i)), "l1": "0.5" if i == 3 else ""} for i in range(1, 8)]
    assert thin(rows, 3) == [{"step": "3", "a": "2", "l1": "0.5"}, {"step": "6", "a": "5", "l1": ""}]  # the last, unfinished one is left out


@pytest.fixture
def folder(tmp_path):
    """A run of 150 steps with three rows of a filmstrip."""
    (tmp_path / "filmstrip").mkdir()
    random = np.random.default_rng(0)
    for step in (50, 100, 150):
        Image.fromarray(random.integers(0, 255, (16, 64, 3), np.uint8)).save(tmp_path / "filmstrip" / f"step-{step:06d}.png")
    Image.fromarray(random.integers(0, 255, (48, 64, 3), np.uint8)).save(tmp_path / "people.png")
    with open(tmp_path / "curve.csv", "w", newline="") as file:
        writer = csv.DictWriter(file, ("step", "a"))
        writer.writeheader()
        writer.writerows({"step": i, "a": 1.0} for i in range(1, 151))
    return tmp_path


def test_the_command(folder, tmp_path, capsys):
    main([str(folder), "--curve", str(tmp_path / "out" / "curve.csv"), "--picture", str(tmp_path / "out" / "p.png"), "--steps", "60", "--people", "3"])
    assert "3 rows" in capsys.readouterr().out and Image.open(tmp_path / "out" / "p.png").size[0] == 850  # steps 50 and 150, and the three of the truth
    assert len(list(csv.DictReader(open(tmp_path / "out" / "curve.csv")))) == 3


def test_a_run_that_began_with_the_weights_of_another_is_counted_on(folder, tmp_path, capsys):
    (tmp_path / "before.csv").write_text("step,b\n12950,2\n13000,3\n")
    curve = tmp_path / "curve-of-both.csv"
    main([str(folder), "--before", str(tmp_path / "before.csv"), "--curve", str(curve), "--picture", str(tmp_path / "p.png")])
    rows = list(csv.DictReader(open(curve)))
    assert [row["step"] for row in rows] == ["12950", "13000", "13050", "13100", "13150"]
    assert [row["a"] for row in rows] == ["", "", "1", "1", "1"] and [row["b"] for row in rows] == ["2", "3", "", "", ""]
    assert curve.read_text().startswith("step,a,b")


@pytest.mark.parametrize("text, said", [(None, "No such file"), ("", "holds no curve"), ("a,b\n1,2\n", "holds no curve")])
def test_a_curve_that_is_none(folder, tmp_path, text, said):
    before = tmp_path / "before.csv"
    if text is not None:
        before.write_text(text)
    with pytest.raises(SystemExit, match=f"before.csv.*{said}"):
        main([str(folder), "--before", str(before), "--curve", str(tmp_path / "c.csv"), "--picture", str(tmp_path / "p.png")])
    assert not (tmp_path / "c.csv").exists()


def test_no_filmstrip(tmp_path):
    (tmp_path / "curve.csv").write_text("step,a\n" + "".join(f"{i},1\n" for i in range(60)))
    with pytest.raises(SystemExit, match="has no filmstrip"):
        main([str(tmp_path), "--curve", str(tmp_path / "c.csv"), "--picture", str(tmp_path / "p.png")])
