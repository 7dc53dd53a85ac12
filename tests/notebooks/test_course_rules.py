"""The rules of the course hold in every notebook that is there, and each is shown to find what breaks it."""

import json
from pathlib import Path

import nbformat
import pytest

from tests import house, house_notebooks
from tests.notebooks import made

NOTEBOOKS = sorted((Path(__file__).parents[2] / "notebooks").glob("[0-9][0-9]_*.ipynb"))


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda p: p.stem)
def test_the_course_keeps_its_rules(path):
    assert house_notebooks.course(path.read_text(), path.stem) == []


def test_grade_ids_differ_over_the_whole_course():
    ids = [c["metadata"]["nbgrader"]["grade_id"] for p in NOTEBOOKS for c in json.loads(p.read_text())["cells"] if "nbgrader" in c["metadata"]]
    assert len(ids) == len(set(ids))


def replace(cell, old, new):
    def change(book):
        assert old in book.cells[cell].source
        book.cells[cell].source = book.cells[cell].source.replace(old, new)

    return change


def insert(source, at=5):
    return lambda book: book.cells.insert(at, nbformat.v4.new_code_cell(source))


def grader(cell, **values):
    return lambda book: book.cells[cell].metadata.nbgrader.update(values)


def extra_exercises(book):
    book.cells[12:12] = [cell for n in (3, 4, 5) for cell in made.exercise(n)]


def untag(cell):
    return lambda book: book.cells[cell].metadata.update(tags=[])


@pytest.mark.parametrize(
    "change, sentence",
    [
        (replace(0, "# 01 · Halves", "# 1 · Halves"), "no title '# 01 · …'"),
        (replace(0, "2. halve", "- halve"), "no numbered list"),
        (replace(0, "**What it needs:** nothing", "Nothing"), "no **What it needs:**"),
        (replace(0, "about 2 minutes", "two minutes"), "no **Time:** line"),
        (replace(0, " Exercises: about 15 minutes.", ""), "no **Time:** line"),
        (replace(0, "main?labpath=notebooks%2F01_halves", "main?labpath=notebooks%2F02_other"), "no badges"),
        (replace(3, "## 1 ·", "## 2 ·"), "sections are numbered [2]"),
        (replace(4, "assert", "2 if True else"), "only 0 cells assert anything"),
        (replace(5, "## Exercises", "## Tasks"), "no section Exercises"),
        (replace(12, "- ", ""), "Further reading lists nothing"),
        (replace(12, "02_quarters", "quarters"), "does not lead on to 02_"),
        (lambda b: b.cells.append(nbformat.v4.new_markdown_cell("## More")), "the last section, in the last cell, is not Further reading"),
        (insert("figure, axes = plt.subplots()"), "draws, but does not end with plt.show()"),
        (insert("x = 1\n# NBVAL_CHECK_OUTPUT\nprint(x)"), "is not the first line"),
        (replace(5, "## Exercises", "## Exercises\n\n[plan](TEACHING.md)"), "links to TEACHING.md"),
        (lambda b: b.cells.__delitem__(slice(9, 12)), "1 exercises"),
        (extra_exercises, "5 exercises"),
        (untag(2), "0 cells are tagged imports"),
        (replace(2, "from", "import tlk; tlk.load('heads-64')\nfrom"), "the imports cell calls load"),
        (replace(6, "### Exercise 1 ·", "### 1 ·"), "exercise 1: no heading"),
        (replace(6, "★★", "medium"), "exercise 1: no difficulty"),
        (replace(9, "10 minutes", "short"), "exercise 2: no minutes"),
        (replace(6, "<details><summary>Hint 2</summary>By two.</details>", ""), "exercise 1: 1 hints"),
        (replace(6, "By two.", "By `two`."), "exercise 1: a hint has `code`"),
        (replace(7, "### BEGIN SOLUTION", "#"), "exercise 1: no ### BEGIN SOLUTION"),
        (replace(8, "check(half1)", "y = half1(2)\ncheck(half1)"), "the check cell is not a single call"),
        (untag(8), "no cell tagged check right after"),
        (grader(7, solution=False), "nbgrader's solution of the solution cell is False"),
        (grader(8, points=2), "nbgrader's points of the check cell is 2"),
        (grader(11, grade_id="01-ex1-check"), "exercise 2: nbgrader's grade_id of the check cell is '01-ex1-check'"),
    ],
)
def test_a_notebook_that_breaks_a_rule_is_found(tmp_path, change, sentence):
    assert house_notebooks.course(made.write(tmp_path).read_text(), "01_halves") == []
    complaints = house_notebooks.course(made.write(tmp_path, change=change).read_text(), "01_halves")
    assert [c for c in complaints if sentence in c], complaints
    assert len(complaints) <= 3, complaints


def test_the_made_notebook_keeps_the_other_rules_too(tmp_path):
    assert house.notebook(made.write(tmp_path).read_text(), "01_halves") == []
