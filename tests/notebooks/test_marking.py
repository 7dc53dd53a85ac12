"""nbgrader marks submissions: a right answer earns its points, a wrong one and a changed check do not, and nothing else is run."""

import os
import sys
from pathlib import Path

import nbformat
import pytest
from nbgrader.api import Gradebook
from nbgrader.apps import NbGraderAPI

from notebooks import marking, student
from notebooks.exercises import exercises
from tests.notebooks import made

CHECK = "def check(half):\n    assert half(4) == 2, 'did you halve?'\n    print('✓')"


@pytest.fixture
def course(tmp_path, monkeypatch):
    """A course folder with one assignment, and the solved notebooks beside it."""
    folder = tmp_path / "notebooks"
    folder.mkdir()

    def change(book):
        book.cells[2].source = CHECK  # needs no torch, so that kernels start fast
        book.cells[4].source = "assert False, 'this cell is not to be run'"

    made.write(folder, change=change)
    assert marking.main([str(tmp_path / "course"), "--notebooks", str(folder)]) == 0
    monkeypatch.chdir(tmp_path / "course")
    monkeypatch.setenv("PATH", f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}")  # nbgrader calls alembic by its name
    return tmp_path


def hand_in(course, who, answers, check="check(half1)"):
    """A copy of `make student` with these answers."""
    book = nbformat.read(course / "student" / "01_halves.ipynb", 4)
    for exercise, answer in zip(exercises(book), answers):
        exercise.solution.source = exercise.solution.source.replace("raise NotImplementedError()", answer)
    book.cells[8].source = check
    folder = course / "course" / "submitted" / who / "01_halves"
    folder.mkdir(parents=True)
    nbformat.write(book, folder / "01_halves.ipynb")


@pytest.mark.filterwarnings("ignore:Object of type")  # nbgrader's own, of its gradebook
def test_points_go_to_right_answers_only(course):
    config = type(NbGraderAPI().config)()
    marking.configure(config)
    config.CourseDirectory.root = str(course / "course")
    assert student.main(["--notebooks", str(course / "notebooks")]) == 0
    api = NbGraderAPI(config=config)
    assert api.generate_assignment("01_halves")["success"]
    released, ours = (nbformat.read(p, 4) for p in (course / "course" / "release" / "01_halves" / "01_halves.ipynb", course / "student" / "01_halves.ipynb"))
    assert [(c.source, c.metadata) for c in released.cells] == [(c.source, c.metadata) for c in ours.cells]
    hand_in(course, "right", ["return x / 2", "return x * 0.5"])
    hand_in(course, "wrong", ["return x", "return x / 2"], check="print('✓')")
    for who in ("right", "wrong"):
        result = api.autograde("01_halves", who)
        assert result["success"], result["log"]
    with Gradebook(f"sqlite:///{course}/course/gradebook.db", "tlk") as book:
        scores = {s.student.id: {g.name: g.auto_score for n in s.notebooks for g in n.grades} for s in book.assignment_submissions("01_halves")}
    assert scores == {"right": {"01-ex1-check": 1, "01-ex2-check": 1}, "wrong": {"01-ex1-check": 0, "01-ex2-check": 1}}
    marked = nbformat.read(course / "course" / "autograded" / "right" / "01_halves" / "01_halves.ipynb", 4)
    assert marked.cells[4].outputs == [] and marked.cells[8].outputs[0].text == "✓\n"


def test_only_what_exercises_need_is_run(tmp_path):
    book = nbformat.read(made.write(tmp_path), 4)
    skipped, _ = marking.ExercisesOnly().preprocess(book, {})
    left = [n for n, c in enumerate(skipped.cells) if c.cell_type == "code" and "skip-execution" not in c.metadata.get("tags", [])]
    assert left == [2, 7, 8, 10, 11]


def test_the_course_folder_has_what_notebooks_refer_to(tmp_path):
    folder = tmp_path / "notebooks"
    folder.mkdir()
    (folder / "GLOSSARY.md").write_text("words")
    made.write(folder, change=lambda b: b.cells[0].update(source=b.cells[0].source + "\n[words](GLOSSARY.md)"))
    assert marking.lay_out(folder, tmp_path / "course") == ["01_halves"]
    assert (tmp_path / "course" / "source" / "01_halves" / "GLOSSARY.md").read_text() == "words"
