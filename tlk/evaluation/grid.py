"""A picture to look at beside the numbers: source, driver, what each system draws, truth."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from jaxtyping import Float
from torch import Tensor

from .records import Record
from .subjects import Subject
from .table import TRUTH


def grid(subjects: Sequence[Subject], records: Sequence[Record], sources: int, cross: bool = False) -> tuple[Float[Tensor, "3 h w"], list[str]]:
    """A row for each person: a source frame, the driving landmarks, each system at ``sources`` frames, the true frame.

    The frame is the one in the middle of the hold-out. ``cross``: of another person's motion instead, whose frame stands in place of the
    landmarks (rendered people). Returns the picture in [0, 1] and its columns' names.
    """
    samples = {(r.person, r.system, r.sources): r.tensors["cross" if cross else "sample"].float() / 255 for r in records}
    drivers = {r.person: r.tensors["driver"].float() / 255 for r in records if "driver" in r.tensors} if cross else {}
    systems = list(dict.fromkeys(r.system for r in records if r.sources == sources))
    rows = []
    for subject in subjects:
        middle = subject.holdout[len(subject.holdout) // 2]
        drawn = [samples[subject.name, system, sources] for system in systems]
        truth = samples[(subject.name, *TRUTH)]
        driver = drivers.get(subject.name, middle.landmark_images[0])
        rows.append(torch.cat([subject.take(1).images[0], driver, *drawn, truth], -1))
    return torch.cat(rows, -2), ["source", "driver", *systems, "truth"]
