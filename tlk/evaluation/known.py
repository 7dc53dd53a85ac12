"""What only rendered people allow: pose and gaze against the truth, and one person making another's face against the true image of that."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor

from tlk.data import Clip, heads
from tlk.data.heads.dataset import SPACING, motion_seed

from .gaze import gaze_offset, line
from .judges import Judges, Seen
from .metrics import csim, landmark_error, perceptual
from .pose import pose_error, steady_points
from .records import Record
from .subjects import Subject, spread

FRAMES, TRACK = 8, 32  #: frames of a cross-driving track, evenly taken from a motion of this many
CROSS = ("cross_perceptual", "cross_csim", "cross_landmark_error")
KNOWN = ("pose_error", "gaze_error", *CROSS)


@dataclass
class Cross:
    """Person A and person B in the same motion: ``driver`` shows B, ``truth`` shows A, which a perfect puppeteer would draw."""

    driver: Clip
    truth: Clip
    seen: Seen  #: what the judges saw in ``truth``


def cross_clips(subject: Subject, frames: int) -> tuple[Clip, Clip]:
    """``render(B, motion of B)`` and ``render(A, motion of B)``, with B the next seed after A's; each cropped by its own points, as every clip is."""
    other = subject.seed + 1
    motion = heads.Motion(motion_seed(other, 1), TRACK, fps=1 / SPACING)[spread(TRACK, frames)]
    return tuple(heads.render(_person(seed), motion, subject.holdout.size) for seed in (other, subject.seed))


@lru_cache(maxsize=2)
def _person(seed: int) -> heads.Person:
    """B of one person is A of the next; hair costs most of a second."""
    return heads.Person(seed)


def cross_of(subject: Subject, judges: Judges) -> Cross | None:
    """None for people whose truth is not known."""
    if subject.seed is None:
        return None
    driver, truth = cross_clips(subject, FRAMES)
    return Cross(driver, truth, judges.see(truth.images, truth.landmarks))


def cross_scores(seen: Seen, cross: Cross) -> dict[str, Float[Tensor, " f"]]:
    """A driven by B's points, against the true image of A in that motion.

    The landmark error is to A's own true points: landmarks bring the shape of B's face along, and a system that follows them
    exactly has the error of ``mismatch``. Fooled as ``perceptual``, ``csim`` and ``landmark_error`` are; a copy of a source frame keeps
    the best identity, and B's own frames keep the motion with the wrong person.
    """
    return {
        "cross_perceptual": perceptual(seen.layers, cross.seen.layers), "cross_csim": csim(seen.identity, cross.seen.identity),
        "cross_landmark_error": landmark_error(seen.found, cross.truth.landmarks.float()),
    }  # fmt: skip


def mismatch(cross: Cross) -> Float[Tensor, " f"]:
    """How far B's points lie from A's in the same motion, over A's inter-ocular distance: the paper's personality mismatch, from the data alone."""
    return landmark_error(cross.driver.landmarks.float(), cross.truth.landmarks.float())


def pose_and_gaze(seen: Seen, subject: Subject) -> dict[str, Float[Tensor, " f"]]:
    """``pose_error`` in degrees and the raw ``gaze_offset`` of self-driven frames; empty for people whose truth is not known."""
    if subject.seed is None:
        return {}
    pose = pose_error(seen.found, subject.holdout.truth["pose"], steady_points(_person(subject.seed)), subject.holdout.size)
    return {"pose_error": pose, "gaze_offset": gaze_offset(seen.images, seen.found)}


def with_gaze_error(records: Sequence[Record]) -> list[Record]:
    """Adds ``gaze_error``: |angle read off the frame − true angle sideways| in degrees, with the line of the *other* people's true frames.

    Nothing of a person is in the line that reads them; angles beyond those of the true frames are taken for the largest there. Needs at least two people with a known gaze; else records stay as they are.
    """
    truth = {r.person: r for r in records if "gaze" in r.frames}
    if len(truth) < 2:
        return list(records)
    others = {person: _pooled([t for name, t in truth.items() if name != person]) for person in truth}
    return [_read(r, truth[r.person], *others[r.person]) if r.person in truth else r for r in records]


def _pooled(records: Sequence[Record]) -> tuple[Tensor, Tensor]:
    """Offsets and degrees of some people's true frames, one after the other."""
    return _tensor([v for r in records for v in r.frames["gaze_offset"]]), _tensor([v for r in records for v in r.frames["gaze"]])


def _read(record: Record, truth: Record, offsets: Tensor, degrees: Tensor) -> Record:
    slope, intercept = line(offsets, degrees)
    angle = (slope * _tensor(record.frames["gaze_offset"]) + intercept).clamp(degrees.min(), degrees.max())
    error = (angle - _tensor(truth.frames["gaze"])).abs().tolist()
    return replace(record, frames=record.frames | {"gaze_error": [v if v == v else None for v in error]})


def _tensor(values: Sequence[float | None]) -> Float[Tensor, " f"]:
    return torch.tensor([float("nan") if v is None else v for v in values], dtype=torch.float64)


def references(truth: Sequence[Record]) -> dict[str, Any]:
    """What the columns are to be read beside: the errors of a gaze and of a mouth that stay at their mean, and the personality mismatch."""
    gaze = [v for r in truth for v in r.frames.get("gaze", [])]
    off = [v for r in truth for v in r.frames.get("mismatch", []) if v is not None]
    ahead = sum(abs(v - sum(gaze) / len(gaze)) for v in gaze) / len(gaze) if gaze else None
    opening = [abs(v - sum(o) / len(o)) for r in truth if (o := r.frames.get("opening", [])) for v in o]
    rest = sum(opening) / len(opening) if opening else None
    return {"looking_ahead": ahead, "mouth_at_rest": rest, "mismatch": sum(off) / len(off) if off else None}
