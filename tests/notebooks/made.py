"""Small notebooks that keep all rules, for tests that then break one."""

from __future__ import annotations

from pathlib import Path

import nbformat
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook

OPENING = """# 01 · Halves

[![Open in Colab](https://colab.research.google.com/assets/colab-badge.svg)](https://colab.research.google.com/github/OWNER/tlk/blob/main/notebooks/01_halves.ipynb) [![Binder](https://mybinder.org/badge_logo.svg)](https://mybinder.org/v2/gh/OWNER/tlk/main?labpath=notebooks%2F01_halves.ipynb)

You will

1. halve a number;
2. halve it again.

**What it needs:** nothing. **Time:** about 2 minutes on 2 CPU cores; not measured on a GPU. Exercises: about 15 minutes."""
FORMULA = "## 1 · A half\n\n$$ h = x / 2 $$"
TASK = """### Exercise {n} · Halve

★★ · {minutes} minutes. Write `half`.

<details><summary>Hint 1</summary>Divide.</details>
<details><summary>Hint 2</summary>By two.</details>"""
SOLUTION = "def half{n}(x):\n    ### BEGIN SOLUTION\n    return x / 2\n    ### END SOLUTION"
CHECK = "check(half{n})"
IMPORTS = "from tests.notebooks.made import check"
ENDING = "## Further reading\n\n- Euclid, *Elements*, book VII.\n- Next: `02_quarters`, where halves are halved."


def check(half) -> None:
    """An exercise's check, as those in tlk.checks."""
    from tlk.checks import Wrong, passed

    if half(4) != 2:
        raise Wrong("did you halve?")
    passed("half: right")


def exercise(n: int, minutes: int = 5) -> list:
    """The three cells of an exercise."""
    common = {"schema_version": 3, "task": False}
    solution = {"grade": False, "solution": True, "locked": False, "grade_id": f"01-ex{n}", **common}
    graded = {"grade": True, "solution": False, "locked": True, "points": 1, "grade_id": f"01-ex{n}-check", **common}
    return [
        new_markdown_cell(TASK.format(n=n, minutes=minutes)),
        new_code_cell(SOLUTION.format(n=n), metadata={"tags": ["exercise"], "nbgrader": solution}),
        new_code_cell(CHECK.format(n=n), metadata={"tags": ["check"], "nbgrader": graded}),
    ]


def notebook() -> nbformat.NotebookNode:
    cells = [
        new_markdown_cell(OPENING),
        new_code_cell('profile = "smoke"  # size of the run', metadata={"tags": ["parameters"]}),
        new_code_cell(IMPORTS, metadata={"tags": ["imports"]}),
        new_markdown_cell(FORMULA),
        new_code_cell("assert 4 / 2 == 2"),
        new_markdown_cell("## Exercises"),
        *exercise(1),
        *exercise(2, minutes=10),
        new_markdown_cell(ENDING),
    ]
    metadata = {"kernelspec": {"name": "python3", "display_name": "Python 3", "language": "python"}, "language_info": {"name": "python"}}
    return new_notebook(cells=cells, metadata=metadata)


def write(folder: Path, name: str = "01_halves", change=None) -> Path:
    """The good notebook, after ``change(notebook)``, as a file."""
    book = notebook()
    if change:
        change(book)
    path = folder / f"{name}.ipynb"
    nbformat.write(book, path)
    return path
