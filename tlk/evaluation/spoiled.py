"""True frames, spoiled in one way each: what a metric does not notice here, it does not measure.

    python -m tlk.evaluation.spoiled --people 8 --frames 8     # the table in metrics.py
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence

import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor

from .judges import Judges
from .known import with_gaze_error
from .metrics import VARIANTS
from .records import Record
from .run import measure
from .subjects import Subject, rendered
from .systems import Copy
from .table import FRECHET, PER_FRAME, pooled_distance, of_people

COLUMNS = (*PER_FRAME, "pose_error", "gaze_error")


def blur(images: Float[Tensor, "f 3 h w"], sigma: float = 1.0) -> Float[Tensor, "f 3 h w"]:
    """Gaussian of ``sigma`` pixels."""
    reach = max(int(3 * sigma + 0.5), 1)
    kernel = torch.exp(-(torch.arange(-reach, reach + 1.0) ** 2) / (2 * sigma**2))
    kernel = (kernel / kernel.sum()).expand(3, 1, 1, -1)
    return F.conv2d(F.conv2d(F.pad(images, (reach,) * 4, mode="reflect"), kernel, groups=3), kernel.mT, groups=3)


def recolour(images: Float[Tensor, "f 3 h w"]) -> Float[Tensor, "f 3 h w"]:
    """Red − 20 %, blue + 10 %."""
    return (images * torch.tensor([0.8, 1.0, 1.1]).view(3, 1, 1)).clamp(0, 1)


def shift(images: Float[Tensor, "f 3 h w"]) -> Float[Tensor, "f 3 h w"]:
    """One pixel to the right."""
    return torch.cat([images[..., :1], images[..., :-1]], -1)


#: name → true frames of one person → spoiled ones
SPOILED = {
    "untouched": lambda x: x, "blur": blur, "shuffled": lambda x: x.roll(len(x) // 2, 0), "mirrored": lambda x: x.flip(-1),
    "colour": recolour, "shift": shift,
}  # fmt: skip


class Spoiled:
    """As a system, so that spoiled frames go through the very code that the table is made by."""

    settings, note = {}, ""

    def __init__(self, name: str) -> None:
        self.name = name

    def fit(self, source):
        return lambda driver: SPOILED[self.name](driver.images)


def measure_spoiled(subjects: Sequence[Subject], judges: Judges) -> dict[str, dict[str, float | None]]:
    """name of what was done → metric → mean over people; ``copy`` (nearest source frame) among them."""
    records: dict[str, list[Record]] = {}
    for subject in subjects:
        seen = judges.see(subject.holdout.images, subject.holdout.landmarks)
        for system in (*map(Spoiled, SPOILED), Copy()):
            record = measure(subject, system, len(subject.source), judges, seen)
            if system.name == "untouched" and "gaze" in subject.holdout.truth:
                record.frames["gaze"] = subject.holdout.truth["gaze"][:, 0].tolist()
            records.setdefault(system.name, []).append(record)
    read = iter(with_gaze_error([r for found in records.values() for r in found]))
    records = {name: [next(read) for _ in found] for name, found in records.items()}
    return {name: _means(found, records["untouched"]) for name, found in records.items()}


def _means(records: list[Record], truth: list[Record]) -> dict[str, float | None]:
    means = {metric: (sum(v) / len(v) if (v := of_people(records, metric)) else None) for metric in COLUMNS}
    return means | {FRECHET: pooled_distance(records, truth, "pooled", draws=0)["mean"]}


def markdown(found: dict[str, dict[str, float | None]]) -> str:
    shown = lambda v: "–" if v is None else f"{v:.1f}" if abs(v) >= 10 else f"{v:.3f}"
    lines = ["| metric | " + " | ".join(found) + " |", "|" + " --- |" * (1 + len(found))]
    for metric in (*COLUMNS, FRECHET):
        if any(row[metric] is not None for row in found.values()):
            lines.append(f"| {VARIANTS[metric][0]} | " + " | ".join(shown(row[metric]) for row in found.values()) + " |")
    return "\n".join(lines) + "\n"


def main(arguments: list[str] | None = None) -> int:
    p = argparse.ArgumentParser(prog="python -m tlk.evaluation.spoiled", description="What fools each metric.", allow_abbrev=False)
    p.add_argument("--people", type=int, default=8)
    p.add_argument("--frames", type=int, default=8)
    p.add_argument("--size", type=int, default=64)
    p.add_argument("--detector", default="dlib")
    o = p.parse_args(arguments)
    subjects = rendered(o.people, o.frames, o.size)
    gaze = torch.cat([s.holdout.truth["gaze"][:, 0] for s in subjects])
    print(markdown(measure_spoiled(subjects, Judges(o.detector))))
    print(f"Looking at the mean all the time: {(gaze - gaze.mean()).abs().mean():.1f} degrees of gaze error.")
    return 0


if __name__ == "__main__":
    sys.exit(main())
