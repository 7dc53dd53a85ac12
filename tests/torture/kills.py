"""Long work that is killed (-9) at random moments must end, when it is run again, as if nothing had happened."""

from __future__ import annotations

import json
import os
import shutil
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from data_scripts.preparing import prepare
from data_scripts.sources import Settings, Source
from tlk.data import heads
from tlk.learning import MetaLearning, load
from tlk.learning.checkpoints import load_tensors
from tlk.learning.train import train

from .forked import killed
from .inputs import contents
from .materials import PEOPLE, Middle, clip, write_movie


@dataclass(frozen=True)
class Job:
    """``work(good, out)`` goes on from whatever is in ``out``; ``result(out)`` is compared byte for byte."""

    name: str
    work: Callable[[Path, Path], object]
    result: Callable[[Path], dict[str, str]]


def preparing(good: Path, out: Path) -> None:
    sources = [Source(f"v{n}", "train", f"p{n}", str(good / f"video{n}.mp4")) for n in range(6)]
    prepare(sources, Settings(size=64, min_frames=2, min_eyes=2, shard=1, detector=Middle()), out)


def rendering(good: Path, out: Path) -> None:
    os.environ["TLK_CACHE"] = str(out)
    heads.dataset("test", 16, frames=1, size=32, progress=False)


def training(good: Path, out: Path) -> None:
    """Ten steps with a checkpoint after each; goes on from the checkpoint that is there."""
    checkpoint = out / "checkpoint.safetensors"
    from tests.learning.conftest import MINI

    run = MetaLearning.resume(checkpoint, PEOPLE) if checkpoint.exists() else MetaLearning(MINI, PEOPLE, seed=7)
    train(run, out, until=lambda r: r.step >= 10, save_minutes=0)


def personalising(good: Path, out: Path) -> None:
    """Fine-tuning has nothing to go on from: the head is there whole or not at all, and is made again."""
    out.mkdir(exist_ok=True)
    load(good / "model.safetensors").personalise(clip(4), epochs=8).save(out / "head.safetensors")


def files(out: Path) -> dict[str, str]:
    """All files by content; a temporary file that a kill left behind begins with a dot and is nobody's result."""
    return {name: digest for name, digest in contents(out).items() if not Path(name).name.startswith(".")}


def weights(name: str) -> Callable[[Path], dict[str, str]]:
    """Tensors and curve of a file; its header also says when and by which revision it was made."""

    def result(out: Path) -> dict[str, str]:
        tensors, header = load_tensors(out / name, json.loads(_metadata(out / name))["kind"])
        return {k: v.numpy().tobytes().hex() for k, v in tensors.items()} | {"history": json.dumps(header.get("history"))}

    return result


def _metadata(path: Path) -> str:
    from safetensors import safe_open

    with safe_open(path, "pt") as file:
        return file.metadata()["tlk"]


JOBS = (
    Job("preparing", preparing, files), Job("rendering cache", rendering, files),
    Job("training", training, weights("checkpoint.safetensors")), Job("personalising", personalising, weights("head.safetensors")),
)  # fmt: skip


def materials_for(good: Path) -> None:
    for n in range(6):
        write_movie(good / f"video{n}.mp4", frames=8)


def torture(job: Job, good: Path, folder: Path, times: int, seed: int = 0) -> tuple[int, list[str]]:
    """(how many runs were killed while at work, faults). Every killed run is run again to its end."""
    random, whole = np.random.default_rng(seed), folder / "whole"
    folder.mkdir(parents=True, exist_ok=True)
    killed(lambda: job.work(good, folder / "warm"), 600)  # what is compiled or cached at the first time is not timed
    seconds = _timed(job, good, whole)
    wanted, kills, faults, tries = job.result(whole), 0, [], 0
    while kills < times and tries < 5 * times:
        tries += 1
        out = folder / f"try{tries}"
        if killed(lambda: job.work(good, out), float(random.uniform(0, seconds))):
            kills += 1
        killed(lambda: job.work(good, out), 600)
        if job.result(out) != wanted:
            faults.append(f"{job.name}, kill {kills}: the rerun did not end as the undisturbed run")
        shutil.rmtree(out, ignore_errors=True)
    if kills < times:
        faults.append(f"{job.name}: only {kills} of {times} kills met it at work")
    return kills, faults


def _timed(job: Job, good: Path, out: Path) -> float:
    start = time.monotonic()
    killed(lambda: job.work(good, out), 600)
    return time.monotonic() - start


if __name__ == "__main__":
    sys.exit("run python -m tests.torture")
