"""The exercises of a notebook: a text, a cell with the solution (tagged exercise), a cell that checks it (tagged check)."""

from __future__ import annotations

import re
from dataclasses import dataclass


@dataclass(frozen=True)
class Exercise:
    text: str  # the Markdown cell before the solution
    solution: dict
    check: dict | None  # None when the next cell is not tagged check

    @property
    def title(self) -> str:
        """``Exercise 2 · Mirror``, or "" without such a heading."""
        found = re.search(r"^### (Exercise \d+ · \S.*)$", self.text, re.M)
        return found[1] if found else ""

    @property
    def stars(self) -> int:
        """Difficulty, 1 to 3; 0 when none is given."""
        found = re.search(r"★+", self.text)
        return len(found[0]) if found else 0

    @property
    def minutes(self) -> int:
        """What it should take; 0 when it does not say."""
        found = re.search(r"\b(\d+)[  ]min(?:utes?)?\b", self.text)
        return int(found[1]) if found else 0

    @property
    def hints(self) -> int:
        return len(re.findall(r"<details>\s*<summary>\s*Hint\b.*?</details>", self.text, re.S))


def tagged(cell: dict, tag: str) -> bool:
    return cell["cell_type"] == "code" and tag in cell["metadata"].get("tags", [])


def text_of(cell: dict) -> str:
    """A cell's source; files keep it in lines."""
    return "".join(cell["source"])


def exercises(book: dict) -> list[Exercise]:
    """All exercises of a notebook (as read from JSON or by nbformat), in order."""
    cells, found = book["cells"], []
    for n, cell in enumerate(cells):
        if tagged(cell, "exercise"):
            before = text_of(cells[n - 1]) if n and cells[n - 1]["cell_type"] == "markdown" else ""
            after = cells[n + 1] if n + 1 < len(cells) and tagged(cells[n + 1], "check") else None
            found.append(Exercise(before, cell, after))
    return found
