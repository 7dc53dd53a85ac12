"""The students' copies: no solution, locked checks, working links; whole or not at all; nobody's work is lost."""

import nbformat
import pytest
from nbgrader.utils import compute_checksum

from notebooks import student
from tests.notebooks import made


@pytest.fixture
def course(tmp_path):
    folder = tmp_path / "notebooks"
    (folder / "pictures").mkdir(parents=True)
    for name in ("pictures/a.png", "pictures/b.png", "pictures/unused.png", "data.csv"):
        (folder / name).write_text(name)
    (folder / "GLOSSARY.md").write_text("![b](pictures/b.png) [course](TEACHING.md) [01](01_halves.ipynb)")
    (folder / "TEACHING.md").write_text("the answers")

    def refer(book):
        book.cells[0].source += "\n![a](pictures/a.png) [words](GLOSSARY.md#half) [plan](TEACHING.md) [outside](https://example.org/x.png)"
        book.cells[4].source += "\ndata = open('data.csv').read()"
        book.cells[7].outputs = [nbformat.v4.new_output("stream", text="the answer")]

    made.write(folder, change=refer)
    return tmp_path


def write(course, *more):
    return student.main(["--notebooks", str(course / "notebooks"), *more])


def test_the_copy_has_stubs_locked_checks_checksums_and_no_outputs(course):
    assert write(course) == 0
    book = nbformat.read(course / "student" / "01_halves.ipynb", 4)
    assert book.cells[7].source == "def half1(x):\n    # YOUR CODE HERE\n    raise NotImplementedError()"
    assert "return x / 2" not in (course / "student" / "01_halves.ipynb").read_text()
    assert all(not c.outputs and c.execution_count is None for c in book.cells if c.cell_type == "code")
    check = book.cells[8]
    assert check.source == "check(half1)" and not check.metadata.editable and not check.metadata.deletable
    assert check.metadata.nbgrader.checksum == compute_checksum(check)
    assert book.cells[7].metadata.get("editable", True) and not book.cells[7].metadata.deletable


def test_the_copy_says_what_to_do_and_not_that_the_solutions_are_there(course):
    made.write(course / "notebooks", "02_said", lambda book: book.cells[5].update(source=f"## Exercises\n\n{student.SOLVED} Take your time."))
    assert write(course) == 0
    assert nbformat.read(course / "student" / "02_said.ipynb", 4).cells[5].source == f"## Exercises\n\n{student.TO_DO} Take your time."


@pytest.mark.parametrize("path", sorted(student.HERE.glob("[0-9][0-9]_*.ipynb")), ids=lambda p: p.stem)
def test_every_notebook_has_that_sentence_as_it_is_looked_for(path):
    said = [c.source for c in nbformat.read(path, 4).cells if c.cell_type == "markdown" and "## Exercises\n" in c.source]
    assert len(said) == 1 and said[0].count(student.SOLVED) == 1
    assert "solution" not in said[0].replace(student.SOLVED, "")


def test_what_the_notebooks_refer_to_comes_along_but_not_the_marking_hints(course):
    assert write(course) == 0
    names = {p.relative_to(course / "student").as_posix() for p in (course / "student").rglob("*") if p.is_file()}
    assert names == {"01_halves.ipynb", "pictures/a.png", "pictures/b.png", "data.csv", "GLOSSARY.md", ".made.json"}


@pytest.mark.parametrize(
    "change, sentence",
    [
        (lambda b: b.cells[7].update(source="### BEGIN SOLUTION\nx = 1"), "no end solution"),
        (lambda b: b.cells[10].metadata.nbgrader.update(grade_id="01-ex1"), "Duplicate grade id: 01-ex1"),
        (lambda b: b.cells[8].metadata.nbgrader.pop("points"), "nbgrader cell '01-ex1-check' does not have points"),
        (lambda b: b.cells[7].metadata.pop("nbgrader"), "Solution region detected in a non-solution cell"),
    ],
)
def test_a_notebook_at_fault_stops_everything_and_leaves_the_old_copies(course, capsys, change, sentence):
    assert write(course) == 0
    before = {p.name: p.read_bytes() for p in (course / "student").glob("*") if p.is_file()}
    made.write(course / "notebooks", "02_faulty", change)
    assert write(course) == 1
    assert f"FAILED: 02_faulty.ipynb: {sentence}" in capsys.readouterr().err
    assert {p.name: p.read_bytes() for p in (course / "student").glob("*") if p.is_file()} == before
    assert {p.name for p in course.iterdir()} == {"notebooks", "student"}


def test_work_is_not_overwritten(course, capsys):
    assert write(course) == 0 and write(course) == 0
    copy = course / "student" / "01_halves.ipynb"
    copy.write_text(copy.read_text().replace("raise NotImplementedError()", "return 3"))
    (course / "student" / "notes.md").write_text("mine")
    assert write(course) == 1
    assert "01_halves.ipynb, notes.md in" in capsys.readouterr().err and "return 3" in copy.read_text()
    assert write(course, "--force") == 0 and "return 3" not in copy.read_text()


def test_a_folder_of_someone_elses_is_never_replaced(course, capsys):
    (course / "student").mkdir()
    (course / "student" / "thesis.tex").write_text("years")
    assert write(course, "--force") == 1
    assert "was not made by this script" in capsys.readouterr().err and (course / "student" / "thesis.tex").exists()


def test_no_notebooks_is_said(tmp_path, capsys):
    (tmp_path / "notebooks").mkdir()
    assert write(tmp_path) == 1 and "there are no notebooks in" in capsys.readouterr().err
