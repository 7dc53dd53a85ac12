"""Write what was measured into the notebooks and the tables: minutes, memory, badges.

    python notebooks/minutes.py                 (make minutes, after make outputs on an otherwise idle machine)

runs/record.json, which run.py fills, goes into each notebook's **Time:** line (profile smoke: CPU; profile gpu: GPU);
what it does not hold stays as it is. The exercises' minutes are added up from the notebook. The tables between
the marks below are then made from the **Time:** lines, so a clone without runs/ makes the same tables.
"""

from __future__ import annotations

import argparse
import json
import re
import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent))

from notebooks.exercises import exercises, text_of  # noqa: E402
from tlk.files import write_whole  # noqa: E402

OWNER = "OWNER"  # whose repository the badges open, where no git remote says it
REPOSITORY = "tlk"
START, END = "<!-- minutes: written by `make minutes` -->", "<!-- /minutes -->"
COST = r"about (?P<{0}_minutes>\d+) minutes?(?: and (?P<{0}_memory>[\d.]+) GB of memory)?"
TIME = re.compile(
    rf"\*\*Time:\*\* {COST.format('cpu')} on (?P<cores>\d+) CPU cores; (?:not measured on a GPU|{COST.format('gpu')} on a GPU \((?P<gpu>[^)]+)\))\."
    r"(?: Exercises: about (?P<exercises>\d+) minutes\.)?"
)
BADGES = re.compile(r"^\[!\[Open in Colab\].*\n\n?", re.M)


class Failed(Exception):
    """One sentence for the reader."""


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="notebooks/minutes.py", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--notebooks", type=Path, default=HERE, help="where the notebooks are")
    parser.add_argument("--record", type=Path, default=HERE.parent / "runs" / "record.json", help="what run.py measured")
    parser.add_argument("--owner", help="whose repository the badges open (default: from git's remote)")
    options = parser.parse_args(arguments)
    folder = options.notebooks.resolve()
    record = json.loads(options.record.read_text()) if options.record.exists() else {}
    try:
        rows = [update(path, record, options.owner or owner(folder)) for path in sorted(folder.glob("[0-9][0-9]_*.ipynb"))]
        for page in (folder.parent / "README.md", folder / "README.md"):
            put_table(page, rows, folder)
    except Failed as failure:
        print(f"FAILED: {failure}", file=sys.stderr)
        return 1
    print("\n".join(table(rows, "")))
    return 0


def owner(folder: Path) -> str:
    """The owner of the GitHub repository that git's remote ``origin`` names, or OWNER."""
    run = subprocess.run(["git", "remote", "get-url", "origin"], cwd=folder, capture_output=True, text=True)
    found = re.search(r"github\.com[:/]([\w-]+)/", run.stdout)
    return found[1] if found else OWNER


def update(path: Path, record: dict, who: str) -> dict:
    """Rewrite the opening of one notebook; the row for the tables. Failed without a **Time:** line."""
    book = json.loads(path.read_text())
    first = book["cells"][0]
    old = text_of(first)
    if not (found := TIME.search(old)):
        raise Failed(f"{path.name}: the first cell has no line '**Time:** about M minutes on 2 CPU cores; not measured on a GPU. Exercises: about N minutes.'")
    values = measured(found.groupdict(), record, path.stem) | {"exercises": sum(e.minutes for e in exercises(book))}
    text = with_badges(old[: found.start()] + time_line(values) + old[found.end() :], path.stem, who)
    if text != old:
        first["source"] = text.splitlines(keepends=True) if isinstance(first["source"], list) else text
        with write_whole(path) as temporary:
            temporary.write_text(json.dumps(book, indent=1, ensure_ascii=False) + "\n")
    return {"name": path.stem, "title": text.splitlines()[0].removeprefix("# "), **values}


def measured(values: dict, record: dict, name: str) -> dict:
    """The values of a **Time:** line, renewed by what was measured."""
    for kind, profile in (("cpu", "smoke"), ("gpu", "gpu")):
        run = record.get(profile, {}).get(name)
        machine = run["machine"] if run else {}
        if run and (kind == "cpu" or machine.get("gpu")):
            values |= {f"{kind}_minutes": max(1, round(run["minutes"])), f"{kind}_memory": f"{run['peak_memory_gb']:.1f}"}
            values |= {"cores": machine["cores"]} if kind == "cpu" else {"gpu": machine["gpu"]}
    return values


def time_line(values: dict) -> str:
    on_gpu = f"{cost(values, 'gpu')} on a GPU ({values['gpu']})" if values["gpu"] else "not measured on a GPU"
    return f"**Time:** {cost(values, 'cpu')} on {values['cores']} CPU cores; {on_gpu}. Exercises: about {values['exercises']} minutes."


def cost(values: dict, kind: str) -> str:
    minutes, memory = values[f"{kind}_minutes"], values[f"{kind}_memory"]
    return f"about {minutes} minute{'s' * (int(minutes) != 1)}" + (f" and {memory} GB of memory" if memory else "")


def with_badges(text: str, name: str, who: str) -> str:
    """The opening with badges of this notebook under its title, in place of older ones."""
    path = f"{who}/{REPOSITORY}"
    colab = f"[![Open in Colab](https://colab.research.google.com/assets/colab-badge.svg)](https://colab.research.google.com/github/{path}/blob/main/notebooks/{name}.ipynb)"
    binder = f"[![Binder](https://mybinder.org/badge_logo.svg)](https://mybinder.org/v2/gh/{path}/main?labpath=notebooks%2F{name}.ipynb)"
    title, _, rest = BADGES.sub("", text, count=1).partition("\n")
    return f"{title}\n\n{colab} {binder}\n\n{rest.lstrip()}"


def table(rows: list[dict], folder: str) -> list[str]:
    """Markdown; ``folder`` is what the links begin with."""
    cores = "/".join(sorted({str(row["cores"]) for row in rows}))
    gpus = " / ".join(sorted({row["gpu"] for row in rows if row["gpu"]}))
    lines = [f"| notebook | minutes, {cores} CPU cores | memory | minutes, {gpus or 'GPU'} | exercises, minutes |", "| --- | --- | --- | --- | --- |"]
    for row in rows:
        memory = f"{row['cpu_memory']} GB" if row["cpu_memory"] else "–"
        lines.append(f"| [{row['title']}]({folder}{row['name']}.ipynb) | {row['cpu_minutes']} | {memory} | {row['gpu_minutes'] or '–'} | {row['exercises']} |")
    return lines


def put_table(page: Path, rows: list[dict], folder: Path) -> None:
    """The table between a page's two marks; a page without them is left alone."""
    text = page.read_text() if page.exists() else ""
    if START not in text or END not in text:
        return
    prefix = "" if page.parent == folder else f"{folder.name}/"
    fresh = re.sub(f"{re.escape(START)}.*?{re.escape(END)}", lambda _: "\n".join([START, *table(rows, prefix), END]), text, flags=re.S)
    if fresh != text:
        with write_whole(page) as temporary:
            temporary.write_text(fresh)


if __name__ == "__main__":
    sys.exit(main())
