"""USER, the paper's study (section 4.1): three images of one person from three sequences, two real and one generated. Which is the fake?

Here: who is shown and how triplets are drawn. ``answers`` keeps what people said and counts it; ``tlk.show`` asks them.

    sitters = rendered_sitters(8)                                # or own_sitters(["me", "you"]): a folder of videos for each person
    triplets = make_triplets(sitters, [Ours(model, 40)], sources=[8], count=24, seed=0)
    study = Study(triplets, "answers-anna.csv", rater="anna")
    while study.current is not None:                             # what a widget does
        study.answer(0, seconds=2.5)                             # "the first image is the fake"
    print(study_table(study.answers))

A low accuracy is good for the system, and 1/3 is as good as it gets. What fools it: small images hide everything; people
tire; a system that copies a source frame shows a real photo and cannot be found out at all, however wrong its pose is.
Rendered people have one light and one background in all their sequences, which makes fakes easier to find than in
videos of different days.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import torch
from jaxtyping import UInt8
from torch import Tensor

from tlk.data import Clip, heads, read_clip

from .answers import Accuracy, Answer, Study, accuracy, read_answers, study_table, wilson
from .subjects import Subject, _videos, split_clip
from .systems import System

PAPER = (4800, 5)  #: the paper's counts: triplets, and people who judge each
OTHERS = 2  #: sequences beside the one that is imitated: the two real images come from them

__all__ = [
    "PAPER", "Accuracy", "Answer", "Sitter", "Study", "Triplet", "accuracy", "digest", "make_triplets", "own_sitters",
    "read_answers", "rendered_sitters", "schedule", "study_table", "wilson",
]  # fmt: skip


@dataclass
class Sitter:
    """One person: source and hold-out frames as in the table, and clips of other sequences."""

    subject: Subject
    others: list[Clip]


@dataclass(frozen=True)
class Triplet:
    """What is shown at once. Nothing but ``images`` may reach the eyes of who answers."""

    number: int
    person: str
    system: str
    sources: int
    images: UInt8[Tensor, "3 3 h w"]
    fake: int  #: 0, 1 or 2: which of the three was generated


def rendered_sitters(people: int, frames: int = 8, size: int = 64, split: str = "test") -> list[Sitter]:
    """Rendered people in four motions of ``frames`` frames: one to learn from, one to imitate, two to be real. Kept in the cache folder."""
    count = 2 + OTHERS
    clips = heads.dataset(split, people, frames, size, clips_per_person=count)
    grouped = [clips[i : i + count] for i in range(0, len(clips), count)]
    return [Sitter(Subject("rendered", a.name.rsplit("-", 1)[0], a, b), others) for a, b, *others in grouped]


def own_sitters(folders: Sequence[str | Path], frames: int = 32, size: int = 64, detector: str = "dlib") -> list[Sitter]:
    """A folder for each person with at least three videos, in the order of their names; ``frames`` of the first are imitated.

    As in the paper, source and hold-out frames come from one video (with a gap, see ``subjects.real``).
    Raises ValueError for a folder with fewer videos or a video that cannot be read.
    """
    sitters = []
    for folder in map(Path, folders):
        videos = _videos(folder)
        if len(videos) < 1 + OTHERS:
            raise ValueError(f"{folder} holds {len(videos)} video(s); the study needs {1 + OTHERS} sequences of each person, in a folder of their own")
        first, *others = (read_clip(v, size, detector) for v in videos)
        subject = split_clip(first, frames)
        subject.name = folder.name
        sitters.append(Sitter(subject, others))
    return sitters


def make_triplets(sitters: Sequence[Sitter], systems: Sequence[System], sources: Sequence[int] = (8,), count: int = 24, seed: int = 0) -> list[Triplet]:
    """``count`` triplets for each system and number of source frames, shuffled together so that nobody can guess the system.

    People take turns; a hold-out frame is drawn again only when all have been. Positions, frames and order hang off
    ``seed`` alone. Each system is fitted once for each person. Raises ValueError without people, systems or triplets,
    or for a person who has fewer than two other sequences.
    """
    if not sitters or not systems or not sources or count < 1:
        raise ValueError("a study needs at least one person, one system, one number of source frames and one triplet")
    for sitter in sitters:
        if len(sitter.others) < OTHERS:
            raise ValueError(f"{sitter.subject.name} has {len(sitter.others)} other sequence(s); two are needed, for the two real images")
    chance = torch.Generator().manual_seed(seed)
    made = []
    for system in systems:
        for t in sources:
            drawn = [_drawn(s.subject, system, t) for s in sitters[:count]]
            made += [_one(sitters[i % len(sitters)], drawn[i % len(drawn)], system.name, t, i // len(sitters), chance) for i in range(count)]
    order = torch.randperm(len(made), generator=chance).tolist()
    return [Triplet(n, *made[i]) for n, i in enumerate(order)]


def _drawn(subject: Subject, system: System, sources: int) -> UInt8[Tensor, "f 3 h w"]:
    images = system.fit(subject.take(sources))(subject.holdout)
    return (images.clamp(0, 1) * 255).round().byte()


def _one(sitter: Sitter, drawn: Tensor, system: str, sources: int, turn: int, chance: torch.Generator) -> tuple:
    """The fields of a triplet but for its number. ``turn``: how often this person was shown by this system before."""
    pick = lambda n: int(torch.randint(n, (1,), generator=chance))
    order = torch.randperm(len(drawn), generator=torch.Generator().manual_seed(turn // len(drawn)))
    first, second = torch.randperm(len(sitter.others), generator=chance)[:OTHERS].tolist()
    images = [clip.frames[pick(len(clip))] for clip in (sitter.others[first], sitter.others[second])]
    fake = pick(3)
    images.insert(fake, drawn[order[turn % len(drawn)]])
    return sitter.subject.name, system, sources, torch.stack(images), fake


def schedule(count: int, raters: int, each: int = PAPER[1], seed: int = 0) -> list[list[int]]:
    """Which triplets each rater sees, in a random order: every triplet by ``each`` different raters, loads that differ by one at most.

    Raises ValueError when there are fewer raters than ``each``.
    """
    if raters < each:
        raise ValueError(f"{each} different people for each triplet need at least {each} raters, not {raters}")
    chance = torch.Generator().manual_seed(seed)
    places = torch.randperm(count, generator=chance).repeat_interleave(each).tolist()
    seen = [places[r::raters] for r in range(raters)]  # neighbours go to different raters
    return [[s[i] for i in torch.randperm(len(s), generator=chance).tolist()] for s in seen]


def digest(triplets: Sequence[Triplet]) -> str:
    """First 12 digits of the SHA-256 of all images, positions and systems: answers to another study are never mixed in."""
    found = hashlib.sha256()
    for t in triplets:
        found.update(f"{t.number} {t.person} {t.system} {t.sources} {t.fake}".encode() + t.images.contiguous().numpy().tobytes())
    return found.hexdigest()[:12]
