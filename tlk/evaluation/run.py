"""Every system on every person at every number of source frames: the loop behind the table."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import torch
from torch import Tensor
from tqdm import tqdm

from tlk.data import Clip

from .judges import Judges, Seen, plain, score
from .known import Cross, cross_of, cross_scores, mismatch, pose_and_gaze
from .metrics import mouth_opening
from .records import Record, load_record, save_record, slug
from .subjects import Subject
from .systems import Drawer, System, Truth


def evaluate(
    subjects: Sequence[Subject], systems: Sequence[System], sources: Sequence[int], judges: Judges, out: Path, progress: bool = True
) -> list[Record]:
    """Fill ``out`` with the records that are missing, and return all, person by person.

    Kill it when you like: the next call with the same ``out`` goes on after the last whole record. Asking for
    more people, systems or source frames later adds to what is there. Raises ValueError when a person has fewer
    source frames than asked for (before any work), or when records there were made with other settings.
    """
    for subject in subjects:
        subject.take(max(sources))
    cells = [(s, system, t) for s in subjects for system, t in _columns(systems, sources)]
    records, known = [], {}
    bar = tqdm(cells, desc="evaluation", unit="record", disable=not progress)
    for subject, system, count in bar:
        bar.set_postfix_str(f"{subject.name} {system.name} {count or ''}")
        settings = settings_of(subject, system, judges)
        record = load_record(out / subject.group / subject.name / f"{slug(system.name)}-{count}.json", settings)
        if record is None:
            if subject.name not in known:
                known = {subject.name: (judges.see(subject.holdout.images, subject.holdout.landmarks), cross_of(subject, judges))}
            record = measure(subject, system, count, judges, *known[subject.name])
            save_record(record, out)
        records.append(record)
    return records


def _columns(systems: Sequence[System], sources: Sequence[int]) -> Iterator[tuple[System, int]]:
    yield Truth(), 0
    for count in sources:
        for system in systems:
            yield system, count


def settings_of(subject: Subject, system: System, judges: Judges) -> dict[str, Any]:
    """All that a record's numbers depend on, besides the code."""
    data = {"size": subject.holdout.size, "holdout": len(subject.holdout), "source": len(subject.source)}
    return {**data, "data": subject.digest, "judges": judges.names, **system.settings}


def measure(subject: Subject, system: System, count: int, judges: Judges, truth: Seen, cross: Cross | None = None) -> Record:
    """Fit, draw and judge once; ``cross``: what is drawn and judged a second time, for rendered people."""
    source = subject.take(max(count, 1))
    start = time.perf_counter()
    draw = system.fit(source)
    fitted = time.perf_counter()
    images = _checked(draw(subject.holdout), subject.holdout, system)
    drawn = time.perf_counter()
    seen = judges.see(images, subject.holdout.landmarks)
    frames = score(seen, truth, subject.holdout).lists() | plain(pose_and_gaze(seen, subject))
    tensors = {"pooled": seen.pooled.half(), "identity": seen.identity, "sample": _middle(seen)}
    if seen.inception is not None:
        tensors["inception"] = seen.inception.half()
    if isinstance(system, Truth):
        frames |= plain({"opening": mouth_opening(subject.holdout.landmarks.float())})
    if isinstance(system, Truth) and "gaze" in subject.holdout.truth:
        frames["gaze"] = subject.holdout.truth["gaze"][:, 0].tolist()
    if cross is not None:
        frames |= _crossed(system, draw, cross, judges, tensors)
    return Record(
        subject.group, subject.name, system.name, count, frames, round(fitted - start, 4), round((drawn - fitted) / len(images), 5),
        settings_of(subject, system, judges), system.note, str(judges.device), tensors,
    )  # fmt: skip


def _crossed(system: System, draw: Drawer, cross: Cross, judges: Judges, tensors: dict[str, Tensor]) -> dict[str, list[float | None]]:
    """Scores of another person's motion; the true frames are those of the right person in it. Adds the middle frame to ``tensors``."""
    if isinstance(system, Truth):
        tensors["cross"], tensors["driver"] = _middle(cross.seen), cross.driver.frames[len(cross.driver) // 2]
        return plain(cross_scores(cross.seen, cross) | {"mismatch": mismatch(cross)})
    seen = judges.see(_checked(draw(cross.driver), cross.driver, system), cross.driver.landmarks)
    tensors["cross"] = _middle(seen)
    return plain(cross_scores(seen, cross))


def _middle(seen: Seen) -> Tensor:
    return (seen.images[len(seen.images) // 2] * 255).round().byte()


def _checked(images: Tensor, driver: Clip, system: System) -> Tensor:
    if images.shape != driver.images.shape or not images.is_floating_point():
        raise ValueError(f"{system.name} drew {images.dtype} {tuple(images.shape)}; a system draws float {tuple(driver.images.shape)} in [0, 1]")
    if not torch.isfinite(images).all():
        raise ValueError(f"{system.name} drew values that are not finite for {driver.name}; the table would hide that")
    return images.detach().cpu().float()
