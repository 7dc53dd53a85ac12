"""Write the students' copies of the notebooks into student/: solutions out, checks locked, outputs cleared.

    python notebooks/student.py                 (make student)
    python notebooks/student.py --force         also over copies in which somebody has worked

The solved notebooks are the source; what is done to them is done by nbgrader's own preprocessors. The folder lies
beside notebooks/, so that links such as ../README.md hold, and what the notebooks refer to comes along.
"""

from __future__ import annotations

import argparse
import ast
import hashlib
import json
import shutil
import sys
import tempfile
from pathlib import Path

import nbformat
from nbgrader.preprocessors import CheckCellMetadata, ClearHiddenTests, ClearMarkScheme, ClearOutput, ClearSolutions, ComputeChecksums, LockCells

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent))

from notebooks.links import relative, target_of  # noqa: E402

#: nbgrader's own order for a release, less what needs a gradebook (SaveCells) and what we have no use for
#: (IncludeHeaderFooter, InstantiateTests). Hidden tests and marking notes are a teacher's additions.
STEPS = (
    LockCells,  # a check cell cannot be edited by accident, and neither it nor the stub be deleted
    ClearSolutions,  # what stands between the markers becomes "raise NotImplementedError()"
    ClearOutput,  # a solved exercise's output would give the answer away
    CheckCellMetadata,  # ids unique and points set, or it stops here
    ClearHiddenTests,
    ClearMarkScheme,
    ComputeChecksums,  # nbgrader sees by them whether a check was changed
)
MADE = ".made.json"  # in student/: what this script wrote, to see whether somebody has worked in it
TEACHERS = {"TEACHING.md"}  # marking hints stay out
#: What the solved notebooks say under "Exercises", and what is true of a copy instead.
SOLVED = "The solutions stand in the cells of this copy; `make student` writes copies without them."
TO_DO = "Replace `raise NotImplementedError()`, run the cell, then the check below it."


class Refused(Exception):
    """One sentence for the reader."""


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="notebooks/student.py", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--notebooks", type=Path, default=HERE, help="the solved notebooks")
    parser.add_argument("--out", type=Path, help="the folder to write (default: student/ beside notebooks/)")
    parser.add_argument("--force", action="store_true", help="replace copies that were changed")
    options = parser.parse_args(arguments)
    out = options.out or options.notebooks.resolve().parent / "student"
    try:
        names = write_copies(options.notebooks.resolve(), out, options.force)
    except Refused as refusal:
        print(f"FAILED: {refusal}", file=sys.stderr)
        return 1
    print(f"{len([n for n in names if n.endswith('.ipynb')])} notebooks for students in {out}: {', '.join(names)}")
    return 0


def write_copies(source: Path, out: Path, force: bool = False) -> list[str]:
    """All copies and what they refer to, or nothing; the names of what was written.

    Refused when a notebook breaks a rule of nbgrader, when there is none, or when ``out`` holds somebody's work.
    """
    keep_work(out, force)
    notebooks = sorted(source.glob("[0-9][0-9]_*.ipynb"))
    if not notebooks:
        raise Refused(f"there are no notebooks in {source}")
    out.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=out.parent, prefix=".student-") as temporary:
        new = Path(temporary) / "new"
        new.mkdir()
        for path in notebooks:
            (new / path.name).write_text(nbformat.writes(student_copy(path)) + "\n")
        for path in referred_to(notebooks, source):
            (new / path.relative_to(source)).parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(path, new / path.relative_to(source))
        names = sorted(p.relative_to(new).as_posix() for p in new.rglob("*") if p.is_file())
        (new / MADE).write_text(json.dumps({name: digest(new / name) for name in names}, indent=1))
        if out.exists():
            out.rename(Path(temporary) / "old")
        new.rename(out)
    return names


def student_copy(path: Path) -> nbformat.NotebookNode:
    """A notebook without solutions and outputs. Refused, with the file named, when nbgrader finds fault with it."""
    notebook, resources = nbformat.read(path, as_version=4), {}
    try:
        for step in STEPS:
            notebook, resources = step().preprocess(notebook, resources)
    except Exception as error:  # nbgrader raises RuntimeError, ValidationError, KeyError ...
        raise Refused(f"{path.name}: {error.__context__ or error}") from error
    for cell in notebook.cells:
        if cell.cell_type == "markdown":
            cell.source = cell.source.replace(SOLVED, TO_DO)
    return notebook


def referred_to(notebooks: list[Path], source: Path) -> list[Path]:
    """Files under ``source`` that the notebooks link to or name in their code, and those that such pages link to in turn."""
    found: set[Path] = set()
    waiting = [target for path in notebooks for target in mentions(path)]
    while waiting:
        path = waiting.pop().resolve()
        inside = path.is_file() and path.is_relative_to(source) and path.suffix not in (".ipynb", ".py") and path.name not in TEACHERS
        if inside and path not in found:
            found.add(path)
            waiting += mentions(path)
    return sorted(found)


def mentions(path: Path) -> list[Path]:
    """The files that a notebook or a page refers to."""
    if path.suffix == ".md":
        return [target_of(link, path)[0] for link in relative(path.read_text())]
    if path.suffix != ".ipynb":
        return []
    cells = nbformat.read(path, as_version=4).cells
    written = [link for cell in cells if cell.cell_type == "markdown" for link in relative(cell.source)]
    named = [text for cell in cells if cell.cell_type == "code" for text in strings(cell.source)]
    return [target_of(link, path)[0] for link in written] + [path.parent / text for text in named]


def strings(source: str) -> list[str]:
    """Texts in code that may name a file."""
    try:
        nodes = ast.walk(ast.parse(source))
    except SyntaxError:  # a cell with an IPython command
        return []
    texts = [node.value for node in nodes if isinstance(node, ast.Constant) and isinstance(node.value, str)]
    return [text for text in texts if 0 < len(text) < 200 and "\n" not in text and "\0" not in text]


def keep_work(out: Path, force: bool) -> None:
    """Refused when ``out`` is not from here (also with ``force``), or when something in it was changed or added."""
    if not out.exists():
        return
    if not (out / MADE).exists():
        raise Refused(f"{out} was not made by this script: move it away, or choose another folder with --out")
    made = json.loads((out / MADE).read_text()) | {MADE: None}
    there = [p for p in out.rglob("*") if p.is_file() and ".ipynb_checkpoints" not in p.parts]
    names = sorted(p.relative_to(out).as_posix() for p in there)
    changed = [name for name in names if name != MADE and made.get(name) != digest(out / name)]
    if changed and not force:
        raise Refused(f"{', '.join(changed)} in {out} changed since it was written: move the folder away, or --force to lose that work")


def digest(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


if __name__ == "__main__":
    sys.exit(main())
