"""A full disk (a limit on file sizes, and a real small one) and a folder that may not be written: one sentence, the old file stays, nothing half is left."""

from __future__ import annotations

import os
import resource
import signal
import stat
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import torch

from tlk.data import save_clips
from tlk.learning import MetaLearning, load
from tlk.show import write_video

from . import materials
from tests.namespaces import small_disk

from .forked import run
from .inputs import contents

NOBODY = 65534


def writers(good: Path) -> dict[str, tuple[str, Callable[[Path], object]]]:
    """name → (file that is written, how)."""
    run_of = lambda: MetaLearning.resume(good / "checkpoint.safetensors", materials.PEOPLE)  # noqa: E731
    return {
        "shard": ("out.tar", lambda path: save_clips([materials.clip(20)], path)),
        "clip": ("folder", lambda path: materials.clip(20, size=160).save(path)),
        "checkpoint": ("c.safetensors", lambda path: run_of().save(path)),
        "model": ("m.safetensors", lambda path: load(good / "model.safetensors").save(path)),
        "video": ("v.mp4", lambda path: write_video(path, torch.rand(30, 3, 128, 128), 25)),
    }


def full() -> None:
    """No file may grow beyond 20 kB, as on a disk that is full: writing fails in the middle."""
    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (20_000, 20_000))


def ordinary_user() -> None:
    """Root may write everywhere, so be somebody else."""
    if os.geteuid() == 0:
        os.setgid(NOBODY)
        os.setuid(NOBODY)


def torture(good: Path) -> tuple[int, list[str]]:
    """(cases, faults)."""
    found = [*_on_a_full_disk(good), *_in_a_folder_of_others(good)]
    return len(found), [fault for faults in found for fault in faults]


def _on_a_full_disk(good: Path) -> Iterator[list[str]]:
    for name, (file, write) in writers(good).items():
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / file
            if name != "clip":
                path.write_bytes(b"what was there before")
            before = contents(Path(folder))
            outcome = run(lambda path=path, write=write: write(path), before=full)
            faults = [] if outcome.kind == "refused" and "\n" not in outcome.text else [f"full disk, {name}: {outcome.kind}: {outcome.text[-300:]}"]
            yield faults + ([] if contents(Path(folder)) == before else [f"full disk, {name}: left {sorted(contents(Path(folder)))}"])


def on_a_small_disk(good: Path) -> tuple[int, list[str]]:
    """The same on a real disk (tmpfs) of 24 kB in a mount namespace. OSError where the system forbids that."""
    with tempfile.TemporaryDirectory() as folder:
        tried = run(lambda: small_disk(Path(folder), 24))
        if tried.kind != "done":
            raise OSError(f"no disk can be mounted here ({tried.text or tried.kind})")
        faults = []
        for name, (file, write) in writers(good).items():
            outcome = run(lambda file=file, write=write: _filling(Path(folder) / file, write), before=lambda: small_disk(Path(folder), 24))
            fine = outcome.kind == "refused" and file in outcome.text and "\n" not in outcome.text
            faults += [] if fine else [f"small disk, {name}: {outcome.kind}: {outcome.text[-300:]}"]
    return len(writers(good)), faults


def _filling(path: Path, write: Callable[[Path], object]) -> None:
    """In the room with the small disk: what was there stays as it was, and nothing is left beside it."""
    if path.suffix:
        path.write_bytes(b"what was there before")
    before = contents(path.parent)
    try:
        write(path)
    finally:
        assert contents(path.parent) == before, f"left {sorted(contents(path.parent))}"


def _in_a_folder_of_others(good: Path) -> Iterator[list[str]]:
    for name, (file, write) in writers(good).items():
        with tempfile.TemporaryDirectory() as folder:
            os.chmod(folder, stat.S_IRUSR | stat.S_IXUSR | stat.S_IROTH | stat.S_IXOTH)
            path = Path(folder) / file
            outcome = run(lambda path=path, write=write: write(path), before=ordinary_user)
            yield [] if outcome.kind == "refused" and file.split(".")[0] in outcome.text and "\n" not in outcome.text else [f"folder of others, {name}: {outcome.kind}: {outcome.text[-300:]}"]
            os.chmod(folder, stat.S_IRWXU)
