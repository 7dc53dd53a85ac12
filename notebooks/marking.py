"""Lay out a course folder for nbgrader, so that the exercises can be marked automatically.

    python notebooks/marking.py ../course       then, in that folder:
    nbgrader generate_assignment 01_landmarks   the students' copy, and the gradebook's entries
    nbgrader autograde 01_landmarks             marks submitted/STUDENT/01_landmarks/01_landmarks.ipynb

Copies made by `make student` can be handed in, too: both are made by the same steps. Only the imports, the answers
and their checks are run, so a notebook takes seconds instead of minutes, and no widget is started.
"""

from __future__ import annotations

import argparse
import shutil
import sys
from pathlib import Path

from nbgrader.preprocessors import NbGraderPreprocessor
from nbgrader.utils import is_grade, is_solution

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent))

from notebooks.student import referred_to  # noqa: E402

CONFIG = '''"""nbgrader's settings for this course; written by notebooks/marking.py."""

import sys

sys.path.insert(0, {root!r})  # the checkout of tlk

from notebooks.marking import configure

configure(get_config())  # noqa: F821
'''


class ExercisesOnly(NbGraderPreprocessor):
    """Leaves out, when a submission is run, whatever no exercise needs."""

    def preprocess_cell(self, cell, resources, cell_index):
        """Tag all code cells but the imports, the answers and the checks as not to be run (nbclient's own tag)."""
        tags = cell.metadata.get("tags", [])
        if cell.cell_type == "code" and not (is_grade(cell) or is_solution(cell) or "imports" in tags):
            cell.metadata["tags"] = [*tags, "skip-execution"]
        return cell, resources


def configure(c) -> None:
    """nbgrader's settings: what is run, for how long, and whose course it is."""
    from nbgrader.converters import Autograde

    c.CourseDirectory.course_id = "tlk"
    c.Autograde.autograde_preprocessors = [ExercisesOnly, *Autograde.class_traits()["autograde_preprocessors"].default()]
    c.Execute.timeout = 120  # seconds a cell; the first one imports torch


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="notebooks/marking.py", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("course", type=Path, help="the folder to write; may exist, gradebook and submissions are left alone")
    parser.add_argument("--notebooks", type=Path, default=HERE, help="the solved notebooks")
    options = parser.parse_args(arguments)
    names = lay_out(options.notebooks.resolve(), options.course)
    print(f"{options.course}: {', '.join(names)}\nnext, in that folder: nbgrader generate_assignment {names[0]}")
    return 0


def lay_out(notebooks: Path, course: Path) -> list[str]:
    """Each notebook as an assignment of its own under source/, with what it refers to; the assignments' names."""
    paths = sorted(notebooks.glob("[0-9][0-9]_*.ipynb"))
    for path in paths:
        folder = course / "source" / path.stem
        for file in [path, *referred_to([path], notebooks)]:
            (folder / file.relative_to(notebooks)).parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(file, folder / file.relative_to(notebooks))
    (course / "nbgrader_config.py").write_text(CONFIG.format(root=str(HERE.parent)))
    return [path.stem for path in paths]


if __name__ == "__main__":
    sys.exit(main())
