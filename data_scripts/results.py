"""Put an evaluation's table where it is read: README, model card, the page beside the weights, and notebook 08's file.

    python -m tlk.evaluation --clips FOLDER --out runs/evaluation
    python -m data_scripts.results runs/evaluation

    python -m tlk.evaluation.ablations --out runs/ablations
    python -m data_scripts.results runs/evaluation --ablations runs/ablations

    python -m tlk.evaluation --people 0 --clips runs/package_videos --out runs/packages
    python -m data_scripts.results --packages runs/packages

A run that is not named stays as it was put here last. Between ``<!-- results: GROUP FORM -->`` and ``<!-- /results -->`` in README.md and MODEL_CARD.md stand tables that nobody types: GROUP is
``rendered``, ``rendered, all`` (everybody, with the systems that learn from nobody), ``real``, ``ablations`` or ``packages`` (the videos of ``data_scripts.package_videos``), FORM is ``short`` (means) or ``long`` (with intervals and every metric). Sentences about them are
not written here: read them again after each run.
"""

from __future__ import annotations

import argparse
import json
import re
from pathlib import Path
from typing import Any

from tlk.evaluation.table import PER_FRAME, SETS, present, table_lines
from tlk.files import write_whole

ROOT = Path(__file__).resolve().parents[1]
PAGES = ("README.md", "MODEL_CARD.md")
WRITTEN, NUMBERS = Path("tlk/weights/heads-64-evaluation.md"), Path("notebooks/pictures/heads-64-table.json")
BLOCK = re.compile(r"(<!-- results: (?P<group>[\w, ]+) (?P<form>short|long) -->\n).*?(<!-- /results -->)", re.S)
ABLATIONS = Path("tlk/weights/heads-64-ablations.md"), Path("notebooks/pictures/heads-64-ablations.json")
PACKAGES = Path("tlk/weights/heads-64-packages.md"), Path("notebooks/pictures/heads-64-packages.json")
#: metric → digits, heading with its backbone
SHORT = {
    "ssim": (3, "SSIM ↑"), "perceptual": (2, "perceptual (`efficientnet-lite1`) ↓"), "csim": (3, "CSIM (`dlib-resnet`) ↑"),
    "landmark_error": (3, "landmark error (dlib) ↓"), "mouth_error": (3, "mouth error ↓"),
}  # fmt: skip


def main(arguments: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(prog="python -m data_scripts.results", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("run", type=Path, nargs="?", metavar="RUN", help="folder that python -m tlk.evaluation wrote (default: what was put here last)")
    parser.add_argument("--ablations", type=Path, metavar="RUN", help="folder that python -m tlk.evaluation.ablations wrote (default: what was put here last)")
    parser.add_argument("--packages", type=Path, metavar="RUN", help="folder that python -m tlk.evaluation wrote of the packages' videos (default: what was put here last)")
    options = parser.parse_args(arguments)
    named = {(WRITTEN, NUMBERS): options.run, ABLATIONS: options.ablations, PACKAGES: options.packages}
    if not any(named.values()):
        parser.error("name a RUN, --ablations RUN or --packages RUN: there is nothing to put in its place")
    files: dict[Path, str] = {}
    try:
        for places, run in named.items():
            if run:
                files |= zip(places, printed(run), strict=True)
        tables = tables_of(*(files.get(path) or (ROOT / path).read_text() for path in (NUMBERS, ABLATIONS[1], PACKAGES[1])))
    except OSError as error:
        parser.error(f"{error.filename}: {error.strerror}; name a folder in which python -m tlk.evaluation (for --ablations: python -m tlk.evaluation.ablations) has written its table")
    texts = {Path(page): filled((ROOT / page).read_text(), tables) for page in PAGES}
    for path, content in {**texts, **files}.items():
        with write_whole(ROOT / path) as temporary:
            temporary.write_text(content)
        print(ROOT / path)


def printed(run: Path) -> tuple[str, str]:
    """What a run wrote: its page and its numbers."""
    return (run / "table.md").read_text(), (run / "table.json").read_text()


def tables_of(evaluation: str, ablations: str, packages: str) -> dict[str, Any]:
    """The tables of all runs' numbers, by the group that blocks name."""
    return json.loads(evaluation)["tables"] | {"ablations": json.loads(ablations)["tables"]["rendered"], "packages": json.loads(packages)["tables"]["real"]}


def filled(page: str, tables: dict[str, Any]) -> str:
    """The page with each marked block made anew. Raises ValueError for a block whose group the run does not have."""

    def block(match: re.Match) -> str:
        group = match["group"]
        if group not in tables:
            raise ValueError(f"a page has a block for {group!r}, and the run has {', '.join(tables)}; give the evaluation the people that are missing")
        return match[1] + "\n".join(short(tables[group]) if match["form"] == "short" else long(tables[group])) + "\n" + match[4]

    return BLOCK.sub(block, page)


def long(found: dict[str, Any]) -> list[str]:
    return table_lines(found, present(found, (*PER_FRAME, *SETS)), seconds=True)


def short(found: dict[str, Any]) -> list[str]:
    """Means alone, system by system. One source frame is its own mean, so that row is left to ``copy``."""
    lines = ["| " + " | ".join(["system", "T", *(heading for _, heading in SHORT.values())]) + " |", "|" + " --- |" * (2 + len(SHORT))]
    order = list(dict.fromkeys(row["system"] for row in found["rows"]))
    for row in sorted(found["rows"], key=lambda row: (order.index(row["system"]), row["sources"])):
        if (row["system"], row["sources"]) != ("mean frame", 1):
            values = ["–" if row[m] is None else f"{row[m]['mean']:.{digits}f}{_fewer(row[m], found['people'])}" for m, (digits, _) in SHORT.items()]
            lines.append("| " + " | ".join([row["system"], str(row["sources"] or "–"), *values]) + " |")
    return lines


def _fewer(value: dict[str, Any], people: int) -> str:
    """`` (12)``: how many stand behind a number, where that is not everybody."""
    return f" ({value['people']})" if value.get("people", people) < people else ""


if __name__ == "__main__":
    main()
