"""What people answered in the user study: kept as CSV, whole or not at all, and counted with intervals."""

from __future__ import annotations

import csv
import hashlib
import math
from collections.abc import Sequence
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import torch

from tlk.files import write_whole

from .statistics import bootstrap

if TYPE_CHECKING:
    from .study import Triplet

CHANCE = 1 / 3


@dataclass(frozen=True)
class Answer:
    """One row of the CSV."""

    study: str  #: digest of the triplets
    rater: str
    triplet: int
    person: str
    system: str
    sources: int
    fake: int  #: which image was generated: 0, 1 or 2
    chosen: int  #: which image the rater took for the fake
    seconds: float

    @property
    def right(self) -> bool:
        return self.fake == self.chosen


class Study:
    """One rater's way through the triplets, without a screen: ``current``, ``answer``, and so on until ``current`` is None.

    Args:
        triplets: from ``make_triplets``.
        path: CSV of the answers, written anew and whole after each; one file for each rater. If it is there, the study
            goes on where it stopped.
        rater: a name or number; say beforehand what is kept of it.
        only: numbers of the triplets that this rater sees (from ``schedule``), in that order; default all, in an order that hangs
            off ``rater`` and ``seed``.

    Raises ValueError when ``path`` holds answers to another study or of another rater.
    """

    def __init__(self, triplets: Sequence[Triplet], path: str | Path, rater: str = "anonymous", seed: int = 0, only: Sequence[int] | None = None) -> None:
        from .study import digest

        self.path, self.rater, self.study = Path(path), rater, digest(triplets)
        by_number = {t.number: t for t in triplets}
        self._queue = [by_number[n] for n in (only if only is not None else _order(list(by_number), rater, seed))]
        self.answers = read_answers(self.path) if self.path.exists() else []
        for a in self.answers:
            if (a.study, a.rater) != (self.study, rater):
                raise ValueError(f"{path} holds answers of {a.rater} to study {a.study}, not of {rater} to {self.study}; give another file")
        done = {a.triplet for a in self.answers}
        self._left = [t for t in self._queue if t.number not in done]

    @property
    def current(self) -> Triplet | None:
        """What to show now; None at the end."""
        return self._left[0] if self._left else None

    @property
    def progress(self) -> tuple[int, int]:
        """Answered, and in all."""
        return len(self._queue) - len(self._left), len(self._queue)

    def answer(self, chosen: int, seconds: float = 0.0) -> Answer:
        """Keep "image ``chosen`` is the fake" (0, 1 or 2) for the current triplet, and go on to the next.

        Raises ValueError for another number or at the end; then nothing is written.
        """
        triplet = self.current
        if triplet is None or chosen not in (0, 1, 2):
            raise ValueError("there is no triplet left to answer" if triplet is None else f"an answer is 0, 1 or 2, not {chosen!r}")
        answer = Answer(self.study, self.rater, triplet.number, triplet.person, triplet.system, triplet.sources, triplet.fake, chosen, round(float(seconds), 2))
        write_answers(self.path, [*self.answers, answer])
        self.answers.append(answer)
        self._left.pop(0)
        return answer


def _order(numbers: list[int], rater: str, seed: int) -> list[int]:
    own = int.from_bytes(hashlib.sha256(f"{seed} {rater}".encode()).digest()[:7], "big")
    return [numbers[i] for i in torch.randperm(len(numbers), generator=torch.Generator().manual_seed(own)).tolist()]


def write_answers(path: str | Path, answers: Sequence[Answer]) -> None:
    with write_whole(path) as temporary, open(temporary, "w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, [f.name for f in fields(Answer)])
        writer.writeheader()
        writer.writerows(asdict(a) for a in answers)


def read_answers(*paths: str | Path) -> list[Answer]:
    """The answers in some CSV files, or in all of a folder. Raises ValueError for a file that is no such CSV, naming the line."""
    files = [f for p in map(Path, paths) for f in (sorted(p.glob("*.csv")) if p.is_dir() else [p])]
    return [answer for file in files for answer in _read(file)]


def _read(path: Path) -> list[Answer]:
    names = [f.name for f in fields(Answer)]
    with open(path, newline="", encoding="utf-8") as file:
        reader = csv.DictReader(file)
        if reader.fieldnames != names:
            raise ValueError(f"{path}: not answers of a user study; its first line must be {','.join(names)}")
        return [_row(row, path, line) for line, row in enumerate(reader, 2)]


def _row(row: dict[str, str], path: Path, line: int) -> Answer:
    try:
        numbers = {n: int(row[n]) for n in ("triplet", "sources", "fake", "chosen")}
        if not {numbers["fake"], numbers["chosen"]} <= {0, 1, 2}:
            raise ValueError("positions are 0, 1 and 2")
        return Answer(row["study"], row["rater"], person=row["person"], system=row["system"], seconds=float(row["seconds"]), **numbers)
    except (KeyError, TypeError, ValueError) as error:
        raise ValueError(f"{path}, line {line}: not a row of answers ({error}); take the line out, or the file") from error


class Accuracy(NamedTuple):
    """How often the fake was found. ``low`` and ``high``: Wilson's 95 % interval."""

    right: int
    answers: int
    share: float
    low: float
    high: float

    @property
    def better_than_chance(self) -> bool:
        """Whether the interval lies above 1/3."""
        return self.low > CHANCE


def accuracy(answers: Sequence[Answer]) -> Accuracy:
    """Share of right answers with Wilson's interval. Raises ValueError without any."""
    right = sum(a.right for a in answers)
    return Accuracy(right, len(answers), *wilson(right, len(answers)))


def wilson(right: int, count: int, z: float = 1.959964) -> tuple[float, float, float]:
    """Share p̂ = right / count and Wilson's score interval (1927): all p with |p̂ − p| ≤ z √(p (1 − p) / n).

    (p̂ + z²/2n ± z √(p̂ (1 − p̂)/n + z²/4n²)) / (1 + z²/n). Unlike p̂ ± z √(p̂ (1 − p̂)/n) it stays in [0, 1] and has a width at
    0 and 1. It takes answers as independent; those to one triplet, and of one rater, are not, so it is too narrow
    where a few people answered much. Raises ValueError without answers or with more right ones than there are.
    """
    if not 0 <= right <= count or count == 0:
        raise ValueError(f"{right} right answers of {count}: an accuracy needs at least one answer")
    share, extra = right / count, z * z / count
    middle, half = (share + extra / 2) / (1 + extra), z * math.sqrt(share * (1 - share) / count + extra / (4 * count)) / (1 + extra)
    return share, max(middle - half, 0.0), min(middle + half, 1.0)


def study_table(answers: Sequence[Answer]) -> str:
    """Markdown: accuracy for each system and number of source frames, with Wilson's interval and a bootstrap over the people shown.

    Raises ValueError without answers, or when they are of different studies.
    """
    if not answers or len({a.study for a in answers}) > 1:
        raise ValueError("a table needs the answers of one study" if answers else "there are no answers yet")
    lines = ["| system | T | found the fake ↓ | Wilson 95 % | over the people shown | answers | raters |", "|" + " --- |" * 7]
    for system, t in dict.fromkeys((a.system, a.sources) for a in sorted(answers, key=lambda a: (a.system, a.sources))):
        of = [a for a in answers if (a.system, a.sources) == (system, t)]
        got, people = accuracy(of), [[a.right for a in of if a.person == p] for p in dict.fromkeys(a.person for a in of)]
        spread = bootstrap([sum(p) / len(p) for p in people])
        over = "–" if spread.low is None else f"[{spread.low:.2f}, {spread.high:.2f}] ({spread.people} people)"
        lines.append(f"| {system} | {t} | {got.share:.2f} | [{got.low:.2f}, {got.high:.2f}] | {over} | {got.answers} | {len({a.rater for a in of})} |")
    return "\n".join([*lines, "", f"Chance is {CHANCE:.2f}: a system whose fakes nobody can tell. Study {answers[0].study}.", ""])
