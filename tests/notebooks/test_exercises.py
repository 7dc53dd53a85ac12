"""Every exercise runs alone after the imports: its solution passes the check, and the student's stub fails it.

The stubs are made by nbgrader's own preprocessors, as `make student` has them.
"""

import contextlib
import io
import json
import time
import warnings
from pathlib import Path

import nbformat
import pytest

from notebooks.exercises import exercises, tagged, text_of
from notebooks.student import student_copy
from tests.notebooks import made
from tlk.checks import Wrong

NOTEBOOKS = sorted((Path(__file__).parents[2] / "notebooks").glob("[0-9][0-9]_*.ipynb"))
SECONDS = 5.0  # of the processor, with every shape checked; students wait less


def run(source: str, names: dict, title: str) -> None:
    exec(compile(source, title, "exec"), names)


def imported(book) -> dict:
    """What the imports cell brings."""
    names: dict = {"__name__": "__main__"}
    for cell in book["cells"]:
        if tagged(cell, "imports"):
            run(text_of(cell), names, "imports")
    return names


def verdicts(solved, stubs) -> list[str]:
    """What is wrong with the exercises of a notebook (``solved``) and of its student's copy (``stubs``)."""
    names, found = imported(solved), []
    for n, (right, stub) in enumerate(zip(exercises(solved), exercises(stubs), strict=True), 1):
        found += [f"exercise {n}: {complaint}" for complaint in [*solution(right, dict(names)), *unsolved(stub, dict(names))]]
    return found


def solution(exercise, names: dict) -> list[str]:
    out, err, start = io.StringIO(), io.StringIO(), time.process_time()
    try:
        with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err), warnings.catch_warnings(record=True) as told:
            run(text_of(exercise.solution), names, "solution")
            run(text_of(exercise.check), names, "check")
    except Exception as error:
        return [f"the solution fails: {type(error).__name__}: {error}"]
    seconds = time.process_time() - start
    found = [] if out.getvalue().lstrip().startswith("✓ ") else ["the check of the right answer prints no line with ✓"]
    found += ["stderr or a warning: nbgrader marks such an answer wrong"] if err.getvalue() or shown(told) else []
    return found + ([f"took {seconds:.1f} s of the processor, over {SECONDS:g}"] if seconds > SECONDS else [])


def shown(told: list) -> bool:
    """Whether a warning is of a kind that Python shows by default."""
    return any(not issubclass(w.category, DeprecationWarning | PendingDeprecationWarning | ImportWarning | ResourceWarning) for w in told)


def unsolved(exercise, names: dict) -> list[str]:
    try:
        with contextlib.redirect_stdout(io.StringIO()):
            run(text_of(exercise.solution), names, "stub")
            run(text_of(exercise.check), names, "check")
    except (NotImplementedError, Wrong):
        return []
    except Exception as error:
        return [f"the stub fails with {type(error).__name__}: {error}, not by NotImplementedError or Wrong"]
    return ["the check passes the stub"]


@pytest.fixture(autouse=True)
def outside_jupyter(monkeypatch):
    monkeypatch.setattr("matplotlib_inline.backend_inline.set_matplotlib_formats", lambda *a, **k: None)


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda p: p.stem)
def test_solutions_pass_and_stubs_fail(path):
    assert verdicts(json.loads(path.read_text()), student_copy(path)) == []


def change(cell, old, new):
    def it(book):
        assert old in book.cells[cell].source
        book.cells[cell].source = book.cells[cell].source.replace(old, new)

    return it


@pytest.mark.parametrize(
    "fault, sentence",
    [
        (change(7, "x / 2", "x // 3"), "exercise 1: the solution fails: Wrong: did you halve?"),
        (change(8, "check(half1)", "print('✓ fine')"), "exercise 1: the check passes the stub"),
        (change(11, "check(half2)", "check(lambda x: 2)"), "exercise 2: the check passes the stub"),
        (change(11, "check(half2)", "check(half1)"), "exercise 2: the solution fails: NameError"),
        (change(10, "x / 2", "x / two"), "exercise 2: the solution fails: NameError: name 'two'"),
        (change(8, "check(half1)", "half1(4)"), "exercise 1: the check of the right answer prints no line"),
        (change(7, "return", "import sys; print('!', file=sys.stderr); return"), "exercise 1: stderr"),
        (change(7, "return", "import warnings; warnings.warn('!'); return"), "exercise 1: stderr or a warning"),
        (change(7, "return", "import time\n    while time.process_time() < START + 1.3: pass\n    return"), "exercise 1: took 1"),
        (lambda b: b.cells[8].update(source="check(half_1)"), "exercise 1: the stub fails with NameError"),
    ],
)
def test_a_faulty_exercise_is_found(tmp_path, monkeypatch, fault, sentence):
    monkeypatch.setitem(globals(), "SECONDS", 1.0)
    good = made.write(tmp_path)
    assert verdicts(nbformat.read(good, 4), student_copy(good)) == []
    bad = made.write(tmp_path, change=fault)
    bad.write_text(bad.read_text().replace("START", str(time.process_time())))
    found = verdicts(nbformat.read(bad, 4), student_copy(bad))
    assert [f for f in found if f.startswith(sentence)], found
