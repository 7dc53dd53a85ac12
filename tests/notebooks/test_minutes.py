"""What was measured goes into the notebooks and the tables, once and for all: a second run changes nothing."""

import json
import subprocess

import pytest

from notebooks import minutes
from tests import house_notebooks
from tests.notebooks import made

CPU = {"minutes": 3.4, "peak_memory_gb": 1.31, "machine": {"cores": 4}}
GPU = {"minutes": 0.6, "peak_memory_gb": 2.02, "machine": {"cores": 16, "gpu": "NVIDIA H100"}}
MARKED = f"# Read me\n\n{minutes.START}\nold\n{minutes.END}\n\nMore.\n"


@pytest.fixture
def course(tmp_path):
    folder = tmp_path / "notebooks"
    folder.mkdir()
    for page in (tmp_path / "README.md", folder / "README.md"):
        page.write_text(MARKED)
    made.write(folder)
    return folder


def write(course, record=None, *more):
    file = course.parent / "record.json"
    file.write_text(json.dumps(record or {}))
    return minutes.main(["--notebooks", str(course), "--record", str(file), *more])


def opening(course):
    return "".join(json.loads((course / "01_halves.ipynb").read_text())["cells"][0]["source"])


def everything(course):
    return {p: p.read_bytes() for p in course.parent.rglob("*") if p.is_file() and p.name != "record.json"}


def test_measured_minutes_and_memory_are_written(course):
    assert write(course, {"smoke": {"01_halves": CPU}, "gpu": {"01_halves": GPU}}) == 0
    line = "**Time:** about 3 minutes and 1.3 GB of memory on 4 CPU cores; about 1 minute and 2.0 GB of memory on a GPU (NVIDIA H100). Exercises: about 15 minutes."
    assert line in opening(course)
    row = "| 3 | 1.3 GB | 1 | 15 |"
    assert f"| [01 · Halves](notebooks/01_halves.ipynb) {row}" in (course.parent / "README.md").read_text()
    text = (course / "README.md").read_text()
    assert f"| [01 · Halves](01_halves.ipynb) {row}" in text and "minutes, NVIDIA H100" in text and "old" not in text and text.endswith("More.\n")


def test_a_second_run_changes_nothing_and_keeps_what_is_not_measured_again(course):
    write(course, {"smoke": {"01_halves": CPU}, "gpu": {"01_halves": GPU}})
    before = everything(course)
    assert write(course) == 0 and everything(course) == before
    assert write(course, {"smoke": {"01_halves": CPU}, "laptop": {"01_halves": GPU}}) == 0 and everything(course) == before
    assert house_notebooks.course((course / "01_halves.ipynb").read_text(), "01_halves") == []


def test_a_run_of_profile_gpu_without_a_gpu_is_not_taken_for_one(course):
    write(course, {"gpu": {"01_halves": CPU}})
    assert "not measured on a GPU" in opening(course)


def test_only_the_opening_changes(course):
    before = json.loads((course / "01_halves.ipynb").read_text())
    write(course, {"smoke": {"01_halves": CPU}})
    after = json.loads((course / "01_halves.ipynb").read_text())
    assert after["cells"][0]["source"] != before["cells"][0]["source"]
    after["cells"][0] = before["cells"][0]
    assert after == before


def test_badges_are_put_in_and_replaced(course):
    made.write(course, change=lambda b: b.cells[0].update(source="\n".join([made.OPENING.split("\n")[0], *made.OPENING.split("\n")[3:]])))
    assert "Colab" not in opening(course)
    assert write(course, None, "--owner", "someone") == 0
    assert opening(course).count("colab.research.google.com/github/someone/tlk/") == 1
    assert write(course, None, "--owner", "another") == 0
    assert "someone" not in opening(course) and opening(course).count("/gh/another/tlk/") == 1
    assert house_notebooks.course((course / "01_halves.ipynb").read_text(), "01_halves") == []


@pytest.mark.parametrize("url", ["git@github.com:alice/tlk.git", "https://github.com/alice/tlk"])
def test_the_owner_comes_from_gits_remote(tmp_path, url):
    assert minutes.owner(tmp_path) == minutes.OWNER
    subprocess.run(["git", "init", "-q", tmp_path], check=True)
    subprocess.run(["git", "remote", "add", "origin", url], cwd=tmp_path, check=True)
    assert minutes.owner(tmp_path) == "alice"


def test_a_notebook_without_the_line_is_named(course, capsys):
    made.write(course, "02_none", lambda b: b.cells[0].update(source="# 02 · None"))
    assert write(course) == 1 and "FAILED: 02_none.ipynb: the first cell has no line" in capsys.readouterr().err


def test_a_page_without_marks_is_left_alone(course):
    (course / "README.md").write_text("no table")
    assert write(course) == 0 and (course / "README.md").read_text() == "no table"


@pytest.mark.parametrize("page, prefix", [("README.md", "notebooks/"), ("notebooks/README.md", "")])
def test_the_committed_tables_are_those_of_the_notebooks(page, prefix):
    """When this fails: make minutes."""
    rows = []
    for path in sorted((minutes.HERE).glob("[0-9][0-9]_*.ipynb")):
        text = "".join(json.loads(path.read_text())["cells"][0]["source"])
        rows.append({"name": path.stem, "title": text.splitlines()[0].removeprefix("# "), **minutes.TIME.search(text).groupdict()})
    assert "\n".join([minutes.START, *minutes.table(rows, prefix), minutes.END]) in (minutes.HERE.parent / page).read_text()
