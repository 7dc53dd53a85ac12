"""Use damaged inputs one after the other and say what went wrong: anything but a clear sentence, a skip or a clip."""

from __future__ import annotations

import hashlib
import tempfile
from collections import Counter
from collections.abc import Iterable
from pathlib import Path

import numpy as np

from .damage import Case
from .forked import Outcome, run

MEGABYTES = 2500  #: by which memory may grow at most; a photo of 10,000 × 10,000 pixels takes 1,200 for its floats


def torture(good: Path, cases: Iterable[Case], seed: int = 0) -> tuple[Counter, list[str]]:
    """How often each kind of outcome came, and the faults, a sentence each."""
    counts, faults = Counter(), []
    for number, case in enumerate(cases):
        with tempfile.TemporaryDirectory() as folder:
            outer = Path(folder)
            inner = outer / "a" / "b"
            inner.mkdir(parents=True)
            path = case.make(good, inner, np.random.default_rng((seed, number)))
            before = contents(outer)
            outcome = run(lambda path=path, case=case: case.use(path))
            counts[outcome.kind] += 1
            faults += [f"{case.name}: {fault}" for fault in judge(outcome, path, before, contents(outer))]
    return counts, faults


def judge(outcome: Outcome, path: Path, before: dict[str, str], after: dict[str, str]) -> list[str]:
    faults = []
    if outcome.kind in ("traceback", "died"):
        faults.append(f"{outcome.kind}: {outcome.text}")
    if outcome.kind == "refused" and ("\n" in outcome.text or not 15 < len(outcome.text) < 600):
        faults.append(f"not one clear sentence: {outcome.text[:300]!r}")
    if outcome.kind == "refused" and path.name not in outcome.text:
        faults.append(f"the sentence does not name the file: {outcome.text[:300]!r}")
    if outcome.megabytes > MEGABYTES:
        faults.append(f"memory grew by {outcome.megabytes:.0f} MB")
    changed = {name for name in before.keys() | after.keys() if before.get(name) != after.get(name) and not name.endswith(".index.npz")}
    if changed:
        faults.append(f"files were changed or left behind: {', '.join(sorted(changed))}")
    return faults


def contents(folder: Path) -> dict[str, str]:
    return {p.relative_to(folder).as_posix(): hashlib.sha256(p.read_bytes()).hexdigest() for p in sorted(folder.rglob("*")) if p.is_file() and not p.is_symlink()}
