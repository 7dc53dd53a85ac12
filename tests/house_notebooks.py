"""Rules of the course as functions from a notebook's text to complaints; house.py has those about how a notebook runs."""

from __future__ import annotations

import ast
import json
import re

from notebooks.exercises import Exercise, exercises, tagged, text_of

TIME = re.compile(
    r"\*\*Time:\*\* about \d+ minutes?( and [\d.]+ GB of memory)? on \d+ CPU cores; (not measured on a GPU|about \d+ minutes?( and [\d.]+ GB of memory)? on an? [^.;]+)\. Exercises: about \d+ minutes\."
)
BADGES = ("colab.research.google.com/github/{owner}/tlk/blob/main/notebooks/{name}.ipynb", "mybinder.org/v2/gh/{owner}/tlk/main?labpath=notebooks%2F{name}.ipynb")
HEAVY = ("load", "load_asset", "personalise", "render", "dataset", "people", "Person", "read_clip")


def course(text: str, name: str) -> list[str]:
    """All rules for one notebook; ``name`` without .ipynb."""
    book = json.loads(text)
    return [f"{name}: {complaint}" for rule in RULES for complaint in rule(book, name)]


def opening(book: dict, name: str) -> list[str]:
    """Title with the file's number, what will be learnt as a numbered list, what it needs, and how long it takes."""
    first = book["cells"][0]
    text = text_of(first) if first["cell_type"] == "markdown" else ""
    wanted = {
        f"no title '# {name[:2]} · …' in the first cell": rf"\A# {name[:2]} · \S",
        "no numbered list of what is learnt, two items at least": r"(?ms)^1\. .*^2\. ",
        "no **What it needs:** in the opening": r"\*\*What it needs:\*\* \S",
    }
    found = [complaint for complaint, pattern in wanted.items() if not re.search(pattern, text)]
    return found + ([] if TIME.search(text) else ["no **Time:** line in the form that `make minutes` writes"])


def badges(book: dict, name: str) -> list[str]:
    """Links to Colab and Binder under the title, both of this notebook and of one owner."""
    text = text_of(book["cells"][0])
    owner = re.search(r"colab\.research\.google\.com/github/([\w-]+)/", text)
    return [] if owner and all(b.format(owner=owner[1], name=name) in text for b in BADGES) else ["no badges for Colab and Binder: run make minutes"]


def numbering(book: dict, name: str) -> list[str]:
    """Sections ``## 1 · …`` count up from 1."""
    numbers = [int(n) for cell in book["cells"] if cell["cell_type"] == "markdown" for n in re.findall(r"^## (\d+) · ", text_of(cell), re.M)]
    return [] if numbers == list(range(1, len(numbers) + 1)) and numbers else [f"sections are numbered {numbers}, not 1, 2, …"]


def ending(book: dict, name: str) -> list[str]:
    """Exercises, then ``## Further reading`` in the last cell, with references and the next notebook."""
    headings = [h for cell in book["cells"] if cell["cell_type"] == "markdown" for h in re.findall(r"^## (.+)$", text_of(cell), re.M)]
    last = text_of(book["cells"][-1])
    found = [] if headings[-1:] == ["Further reading"] and "## Further reading" in last else ["the last section, in the last cell, is not Further reading"]
    found += [] if "Exercises" in headings else ["no section Exercises"]
    found += [] if re.search(r"(?m)^[-*] \S", last) else ["Further reading lists nothing"]
    follows = f"{int(name[:2]) + 1:02d}_"
    return found + ([] if name.startswith("10") or follows in last else [f"the last cell does not lead on to {follows}…"])


def formulas(book: dict, name: str) -> list[str]:
    """As many cells that assert something as sections with a formula set apart (one may only define a measure, another section then asserts twice)."""
    sections = [part for cell in book["cells"] if cell["cell_type"] == "markdown" for part in re.split(r"(?m)^(?=## )", text_of(cell))]
    wanted = sum("$$" in part for part in sections)
    cells = [c for c in book["cells"] if c["cell_type"] == "code" and not {"exercise", "check"} & set(c["metadata"].get("tags", []))]
    asserted = sum(bool(re.search(r"\bassert\b|assert_close", text_of(c))) for c in cells)
    return [] if asserted >= wanted else [f"{wanted} pieces of text have a formula, but only {asserted} cells assert anything"]


def code_cells(book: dict, name: str) -> list[str]:
    """Plots end with plt.show(); the mark of a compared cell is its first line; no teacher's pages are linked."""
    found = []
    for n, cell in enumerate(book["cells"], 1):
        text = text_of(cell)
        if cell["cell_type"] == "markdown":
            found += [f"cell {n}: links to TEACHING.md, which students do not get"] if "TEACHING.md" in text else []
            continue
        if "NBVAL_CHECK_OUTPUT" in text and not text.startswith("# NBVAL_CHECK_OUTPUT\n"):
            found.append(f"cell {n}: # NBVAL_CHECK_OUTPUT is not the first line")
        if draws(text) and "plt.show()" not in text:
            found.append(f"cell {n}: draws, but does not end with plt.show()")
    return found


def draws(source: str) -> bool:
    """Whether a cell itself (not a function in it) opens a figure with pyplot or tlk.show.grid."""
    try:
        body = ast.parse(source).body
    except SyntaxError:  # top-level await in a loop, IPython commands
        return False
    calls = [ast.unparse(c.func) for node in body if not isinstance(node, ast.FunctionDef | ast.ClassDef) for c in ast.walk(node) if isinstance(c, ast.Call)]
    return bool({"plt.subplots", "plt.figure", "grid"} & set(calls))


def exercise_cells(book: dict, name: str) -> list[str]:
    """Two to four exercises, each with a title, difficulty, minutes, a ladder of hints, markers, metadata and one call that checks."""
    found, listed = imports_cell(book), exercises(book)
    if not 2 <= len(listed) <= 4:
        found.append(f"{len(listed)} exercises (cells tagged exercise), not 2 to 4")
    checks = sum(tagged(cell, "check") for cell in book["cells"])
    if checks != sum(e.check is not None for e in listed):
        found.append(f"{checks} cells are tagged check, but not each follows an exercise")
    return found + [f"exercise {n}: {c}" for n, e in enumerate(listed, 1) for c in one_exercise(e, n, name[:2])]


def one_exercise(e: Exercise, n: int, number: str) -> list[str]:
    wanted = {
        f"no heading '### Exercise {n} · …' in the cell before": e.title.startswith(f"Exercise {n} · "),
        "no difficulty, ★ to ★★★": 1 <= e.stars <= 3,
        "no minutes": e.minutes > 0,
        f"{e.hints} hints in <details>, not at least two": e.hints >= 2,
        "a hint has `code`, which is no Markdown inside <details>: write <code>": not re.search(r"(?s)<details>((?!</details>).)*`", e.text),
        "no ### BEGIN SOLUTION and ### END SOLUTION": all(m in text_of(e.solution) for m in ("### BEGIN SOLUTION", "### END SOLUTION")),
        "no cell tagged check right after the solution": e.check is not None,
    }
    found = [complaint for complaint, holds in wanted.items() if not holds]
    id_ = f"{number}-ex{n}"
    found += metadata("solution", e.solution, {"grade": False, "solution": True, "locked": False, "grade_id": id_})
    if e.check is not None:
        found += metadata("check", e.check, {"grade": True, "solution": False, "locked": True, "points": 1, "grade_id": f"{id_}-check"})
        found += [] if single_call(text_of(e.check)) else ["the check cell is not a single call"]
    return found


def metadata(what: str, cell: dict, wanted: dict) -> list[str]:
    has = cell["metadata"].get("nbgrader", {})
    return [f"nbgrader's {key} of the {what} cell is {has.get(key)!r}, not {value!r}" for key, value in {"schema_version": 3, "task": False, **wanted}.items() if has.get(key) != value]


def single_call(source: str) -> bool:
    body = ast.parse(source).body
    return len(body) == 1 and isinstance(body[0], ast.Expr) and isinstance(body[0].value, ast.Call)


def imports_cell(book: dict) -> list[str]:
    """One cell tagged imports, after which every exercise runs alone: it loads and renders nothing."""
    cells = [text_of(cell) for cell in book["cells"] if tagged(cell, "imports")]
    if len(cells) != 1:
        return [f"{len(cells)} cells are tagged imports, not 1"]
    calls = {ast.unparse(c.func).split(".")[-1] for c in ast.walk(ast.parse(cells[0])) if isinstance(c, ast.Call)}
    return [f"the imports cell calls {', '.join(heavy)}"] if (heavy := sorted(calls & set(HEAVY))) else []


RULES = (opening, badges, numbering, ending, formulas, code_cells, exercise_cells)
