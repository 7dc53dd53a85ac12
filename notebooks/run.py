"""Run the notebooks in order into runs/, as .ipynb and .html; stop at the first that fails.

    python notebooks/run.py                                    all, at the size of a laptop without a GPU
    python notebooks/run.py --only 00_start_here -p video='"me.mp4"'
    python notebooks/run.py --profile gpu

Papermill only warns of a parameter that a notebook does not have; here that is a failure, and so is a value
of another type than the notebook's default. Minutes and peak memory of each notebook go to runs/record.json.
"""

from __future__ import annotations

import argparse
import ast
import json
import os
import platform
import re
import subprocess
import sys
import time
from datetime import datetime, timezone
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent))

from notebooks.measure import PeakMemory  # noqa: E402
from tlk.files import write_whole  # noqa: E402

PROFILES = ("smoke", "laptop", "gpu")
ADDED = {"injected-parameters", "papermill-error-cell-tag"}  # tags of cells that papermill puts in


class Failed(Exception):
    """One sentence for the reader: what failed and where to look."""


def main(arguments: list[str] | None = None) -> int:
    options = parse(arguments)
    try:
        run_all(options)
    except Failed as failure:
        print(f"\nFAILED: {failure}", file=sys.stderr)
        return 1
    return 0


def parse(arguments: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="notebooks/run.py", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--profile", choices=PROFILES, default="smoke", help="size of the run")
    parser.add_argument("--only", action="append", default=[], metavar="NAME", help="a notebook, by the start of its name; may be repeated")
    parser.add_argument("-p", dest="parameters", action="append", default=[], metavar="NAME=VALUE", help="a parameter, as a Python literal")
    parser.add_argument("--runs", type=Path, default=HERE.parent / "runs", help="where results go")
    parser.add_argument("--notebooks", type=Path, default=HERE, help="where the notebooks are")
    parser.add_argument("--execution-timeout", type=int, default=1200, metavar="SECONDS", help="the longest that one cell may take")
    parser.add_argument("--times", type=int, default=1, metavar="N", help="run all of them so often, to find what hangs or fails now and then")
    parser.add_argument("--keep", action="store_true", help="write the outputs back into the notebooks, tidied for git")
    return parser.parse_args(arguments)


def run_all(options: argparse.Namespace) -> None:
    paths = choose(options.notebooks, options.only)
    jobs = [(path, parameters_of(path, options)) for path in paths] * options.times  # all are checked before the first one runs
    options.runs.mkdir(parents=True, exist_ok=True)
    started = time.perf_counter()
    for number, (path, values) in enumerate(jobs, 1):
        print(f"\n[{number}/{len(jobs)}] {path.stem}  {before(options, path.stem)}", flush=True)
        run_one(path, values, options)
    print(summary(options.runs, [p.stem for p in paths], options.profile, time.perf_counter() - started, options.times))


def choose(folder: Path, only: list[str]) -> list[Path]:
    """The numbered notebooks of a folder, in order; ``only`` picks by the start of the name. Failed when one has no match."""
    paths = sorted(folder.glob("[0-9][0-9]_*.ipynb"))
    for name in only:
        if not any(p.stem.startswith(name.removesuffix(".ipynb")) for p in paths):
            raise Failed(f"there is no notebook {name!r}; there are {', '.join(p.stem for p in paths) or 'none'}")
    if not paths:
        raise Failed(f"there are no notebooks in {folder}")
    return [p for p in paths if not only or any(p.stem.startswith(name.removesuffix(".ipynb")) for name in only)]


def parameters_of(path: Path, options: argparse.Namespace) -> dict:
    """The values for one notebook: the profile and every -p, each checked against its cell tagged ``parameters``."""
    import papermill

    known = {name: entry["default"] for name, entry in papermill.inspect_notebook(str(path)).items()}
    values = {"profile": options.profile, **dict(map(split, options.parameters))}
    for name, value in values.items():
        if name not in known:
            raise Failed(f"{path.stem} has no parameter {name!r}; it has {', '.join(known) or 'none'} (--only picks notebooks)")
        check_type(path.stem, name, value, known[name])
    if "runs" in known:
        values.setdefault("runs", str(options.runs.resolve()))
    return values


def split(pair: str) -> tuple[str, object]:
    """``epochs=40`` → ("epochs", 40). What is no Python literal is taken as text. Failed without ``=``."""
    name, equals, text = pair.partition("=")
    if not equals:
        raise Failed(f"-p takes NAME=VALUE, not {pair!r}")
    return name, literal(text, text)


def literal(text: str, otherwise: object) -> object:
    try:
        return ast.literal_eval(text)
    except (ValueError, SyntaxError):
        return otherwise


def check_type(notebook: str, name: str, value: object, default: str) -> None:
    like = literal(default, None)
    if like is None or value is None or type(value) is type(like) or (isinstance(like, float) and type(value) is int):
        return
    raise Failed(f"{notebook}: parameter {name} is {value!r}, but must be like its default {default} ({type(like).__name__})")


def run_one(path: Path, values: dict, options: argparse.Namespace) -> None:
    """Execute one notebook; the .ipynb and .html are left also when it fails, up to the cell that failed."""
    import papermill

    out = options.runs / path.name
    log = out.with_suffix(".log")
    log.unlink(missing_ok=True)
    started = time.perf_counter()
    try:
        with PeakMemory() as memory:
            papermill.execute_notebook(
                str(path), str(out), values, cwd=str(path.parent), kernel_name="python3",
                execution_timeout=options.execution_timeout, start_timeout=120, extra_arguments=["--log-level=ERROR"],
            )
    except Exception as error:  # whatever stopped it, the reader wants the cell and the log
        raise Failed(describe_failure(error, out, log)) from error
    finally:
        if out.exists():
            write_html(out)
    record(options, path.stem, values, (time.perf_counter() - started) / 60, memory.gigabytes)
    if options.keep:
        keep(path, out)


def describe_failure(error: Exception, out: Path, log: Path) -> str:
    """Write the traceback to ``log`` and return the sentence that names the cell and what to open."""
    text = "\n".join(getattr(error, "traceback", None) or []) or str(error)
    log.write_text(re.sub(r"\x1b\[[0-9;]*m", "", text) + "\n")
    index, source = failed_cell(out)
    first = next((line.strip() for line in source.splitlines() if line.strip()), "")
    name = getattr(error, "ename", None) or type(error).__name__
    why = str(getattr(error, "evalue", None) or error).strip().splitlines()[:1]
    return f"{out.stem}, cell {index} (`{first[:60]}`): {name}: {' '.join(why)[:300]}\n  traceback: {log}\n  up to there: {out.with_suffix('.html')}"


def failed_cell(out: Path) -> tuple[int, str]:
    """Number (from 1, top to bottom, text included, what papermill added left out) and source of the cell that stopped the run.

    That is the last one that was started: papermill calls it completed when its kernel died or its time was up, and then all after it, too.
    """
    cells = json.loads(out.read_text())["cells"] if out.exists() else []
    own = [c for c in cells if not ADDED & set(c["metadata"].get("tags", []))]
    started = [n for n, c in enumerate(own) if c["metadata"].get("papermill", {}).get("start_time")]
    return (started[-1] + 1, "".join(own[started[-1]]["source"])) if started else (0, "before the first cell")


def write_html(notebook: Path) -> None:
    from nbconvert import HTMLExporter

    from notebooks.tidy import without_overwritten

    exporter = HTMLExporter(embed_images=True)
    exporter.register_preprocessor(without_overwritten, enabled=True)
    body, _ = exporter.from_filename(str(notebook))
    with write_whole(notebook.with_suffix(".html")) as temporary:
        temporary.write_text(body)


def keep(path: Path, out: Path) -> None:
    """Put the outputs of a run into the committed notebook."""
    from notebooks.tidy import tidy

    text = tidy(json.loads(out.read_text()), json.loads(path.read_text()))
    with write_whole(path) as temporary:
        temporary.write_text(text)


def record(options: argparse.Namespace, name: str, values: dict, minutes: float, gigabytes: float) -> None:
    """Add a run to runs/record.json: {profile: {notebook: {minutes, peak_memory_gb, machine, ...}}}."""
    file = options.runs / "record.json"
    records = read_record(options.runs)
    records.setdefault(options.profile, {})[name] = {
        "minutes": round(minutes, 2), "peak_memory_gb": round(gigabytes, 2), "parameters": values,
        "machine": machine(options.profile), "revision": revision(), "when": datetime.now(timezone.utc).isoformat(timespec="seconds"),
    }
    with write_whole(file) as temporary:
        temporary.write_text(json.dumps(records, indent=1) + "\n")


def read_record(runs: Path) -> dict:
    file = runs / "record.json"
    return json.loads(file.read_text()) if file.exists() else {}


def machine(profile: str) -> dict:
    from importlib.metadata import version

    gpu = {"gpu": gpu_name()} if profile == "gpu" else {}
    return {"cores": os.cpu_count(), "system": platform.platform(terse=True), "python": platform.python_version(), "torch": version("torch"), **gpu}


def gpu_name() -> str:
    """The GPU as its driver names it; "" where there is none."""
    import torch

    return torch.cuda.get_device_name() if torch.cuda.is_available() else ""


def revision() -> str:
    try:
        return subprocess.run(["git", "describe", "--always", "--dirty"], cwd=HERE, capture_output=True, text=True, check=True).stdout.strip()
    except (OSError, subprocess.CalledProcessError):
        return "unknown"


def before(options: argparse.Namespace, name: str) -> str:
    last = read_record(options.runs).get(options.profile, {}).get(name)
    return f"(last time {last['minutes']:.1f} min here)" if last else ""


def summary(runs: Path, names: list[str], profile: str, seconds: float, times: int = 1) -> str:
    """What was done, how long it took, and where to look."""
    often = f" {times} times" if times > 1 else ""
    rows = read_record(runs)[profile]
    lines = ["", f"{'notebook':<24}{'minutes':>9}{'peak GB':>9}   look at"]
    lines += [f"{n:<24}{rows[n]['minutes']:>9.1f}{rows[n]['peak_memory_gb']:>9.1f}   {runs / n}.html" for n in names]
    lines += [f"videos: {', '.join(map(str, videos))}"] if (videos := sorted(runs.rglob("*.mp4"))) else []
    return "\n".join([*lines, f"all {len(names)} ran{often} in {seconds / 60:.1f} minutes at profile {profile}; details in {runs / 'record.json'}"])


if __name__ == "__main__":
    sys.exit(main())
