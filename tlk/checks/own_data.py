"""Checks of notebook 10's exercises: a split by person, and stretches of a video in which a face was found."""

from __future__ import annotations

import random
from collections.abc import Callable

import numpy as np
import torch

from . import Wrong, passed, wrong_if


class _Name(str):
    """A name whose hash can be changed: a set of names has another order in the next run of Python, here in the next call."""

    salt = 0
    __slots__ = ()
    __eq__ = str.__eq__

    def __hash__(self) -> int:
        return hash((str(self), _Name.salt))


PEOPLE = ["ada", "ben", "ada", "cem", "ben", "ben", "dai", "ada", "eva", "cem", "fay", "gus", "dai", "hal", "ben"]


def _splits(made: object, people: list[str]) -> list[str]:
    wrong_if(made is None, "your function returns nothing: is there a return at its end?")
    wrong_if(not isinstance(made, list | tuple) or len(made) != len(people), f"return a list with one entry for each of the {len(people)} clips, in their order")
    wrong_if(set(made) - {"train", "test"}, f'every entry is "train" or "test", not {sorted(map(str, set(made) - {"train", "test"}))[:1]}')
    return list(made)


def split_by_person(answer: Callable) -> None:
    """Exercise 1: ``answer(people, share, seed)`` → "train" or "test" for each clip."""
    people = list(PEOPLE)
    made = _splits(answer(people, 0.25, 0), PEOPLE)
    wrong_if(people != PEOPLE, "the list that you were given has changed: take a copy before you sort or shuffle")
    test = {p for p, s in zip(PEOPLE, made) if s == "test"}
    both = sorted(test & {p for p, s in zip(PEOPLE, made) if s == "train"})
    wrong_if(both, f"{', '.join(both)} is in both splits: draw people, not clips, or a test says how well the head of somebody known is drawn")
    wrong_if(not test, "nobody is left out: round the number of people up to at least one")
    wrong_if(len(test) == len(set(PEOPLE)), "everybody is left out: share is the part that becomes test")
    wrong_if(len(test) == 6, "three quarters are left out: share is the part that becomes test, not train")
    wrong_if(len(test) == 1, "one person is left out where 0.25 of 8 people are two: the share is of the people, and a person counts once however many clips they have")
    wrong_if(len(test) != 2, f"{len(test)} people are left out where 0.25 of 8 people are two: count each person once, not each clip")
    _draws(answer, made)
    for share, right in ((0.3, 2), (0.2, 2)):
        n = len({p for p, s in zip(PEOPLE, _splits(answer(list(PEOPLE), share, 0), PEOPLE)) if s == "test"})
        wrong_if(n != right, f"{n} people are left out where {share} of 8 people, {8 * share:.1f}, are rounded to {right}: round to the nearest, neither down nor up")
    wrong_if(not {p for p, s in zip(["a", "b"], _splits(answer(["a", "b"], 0.01, 0), ["a", "b"])) if s == "test"}, "with a small share nobody is left out: at least one person, or there is nothing to test on")
    for module, (get, put, seed, draw) in _GENERATORS.items():
        wrong_if(_reseeds(answer, get, put, seed, draw), f"{module} changes the numbers of everybody else in the program: make a generator of your own, random.Random(seed)")
    passed("no person is in both splits, two of eight are left out, and the same seed leaves out the same")


def _draws(answer: Callable, made: list[str]) -> None:
    """Whom the seed chooses: the same each time, whatever the order of the clips, and others for another seed."""
    wrong_if(any(list(answer(list(PEOPLE), 0.25, 0)) != made for _ in range(8)), "called twice with one seed, it leaves out different people: rows of W and results could not be made again")
    test = {p for p, s in zip(PEOPLE, made) if s == "test"}
    turned = _splits(answer(PEOPLE[::-1], 0.25, 0), PEOPLE)[::-1]
    wrong_if({p for p, s in zip(PEOPLE, turned) if s == "test"} != test, "the choice hangs on the order of the files (or of a set), which differs between machines: sort the names first")
    wrong_if(_by_hash(answer), "the choice hangs on the order of a set, which is another in each run of Python: sort the names first")
    others = [frozenset(p for p, s in zip(PEOPLE, answer(list(PEOPLE), 0.25, seed)) if s == "test") for seed in range(12)]
    wrong_if(any(len(other) != 2 for other in others), "how many people are left out changes with the seed: the share is of the people, and a person counts once however many clips they have")
    wrong_if(len(set(others)) == 1, "every seed leaves out the same people: shuffle the sorted names with the seed")


def _by_hash(answer: Callable) -> bool:
    """Whether the choice changes with the hashes of the names, as sets and dictionaries of another run would have them."""
    found = []
    for salt in range(8):
        _Name.salt = salt
        found.append(list(answer([_Name(p) for p in PEOPLE], 0.25, 0)))
    return any(other != found[0] for other in found)


#: what reseeds all → the state's getter and setter, the seeding, and one number
_GENERATORS = {
    "random.seed": (random.getstate, random.setstate, random.seed, random.random),
    "np.random.seed": (np.random.get_state, np.random.set_state, np.random.seed, np.random.rand),
    "torch.manual_seed": (torch.get_rng_state, torch.set_rng_state, torch.manual_seed, lambda: torch.rand(()).item()),
}


def _reseeds(answer: Callable, get: Callable, put: Callable, seed: Callable, draw: Callable) -> bool:
    """Whether the numbers that follow a call are the same whatever went before it."""
    state, after = get(), []
    for before in (1, 2):
        seed(before)
        answer(list(PEOPLE), 0.25, 0)
        after.append(draw())
    put(state)
    return after[0] == after[1]


FOUND = "0111011110001101111111101011111"  #: 1 where a face was found


def _runs(found: list[bool], least: int) -> list[tuple[int, int]]:
    """(first, one after the last) of each run of at least ``least``."""
    edges = [i for i, (a, b) in enumerate(zip([False, *found], [*found, False])) if a != b]
    return [(a, b) for a, b in zip(edges[::2], edges[1::2]) if b - a >= least]


def _never_forgets(found: list[bool], least: int) -> list[tuple[int, int]]:
    """The runs where the start is kept until one is long enough."""
    made, start = [], None
    for i, face in enumerate([*found, False]):
        start = i if face and start is None else start
        if not face and start is not None and i - start >= least:
            made.append((start, i))
            start = None
    return made


def stretches(answer: Callable) -> None:
    """Exercise 2: ``answer(found, least)`` → [(start, end), …]."""
    found = [c == "1" for c in FOUND]
    given = list(found)
    made, right = _pairs(answer(given, 4)), _runs(found, 4)
    wrong_if(given != found, "the list that you were given has changed: append to a copy")
    runs = _runs(found, 1)
    mistakes = {
        "end is the number of the last frame: let it be one more, so that clip[start:end] is the whole stretch": [(a, b - 1) for a, b in right],
        "the last stretch is missing: the video ends while the face is still there, and nothing closes it": right[:-1],
        "a stretch of just `least` frames is dropped: at least means >=": _runs(found, 5),
        "the stretches run on through frames without a face: forget the start wherever a run ends, also where it was too short": _never_forgets(found, 4),
        "every stretch is there, however short: keep those of at least `least` frames": runs,
        "those are the stretches without a face": _runs([not f for f in found], 4),
        "those without a face, in all lengths": _runs([not f for f in found], 1),
        "those are (start, length): the second number is where the stretch ends": [(a, b - a) for a, b in right],
        "frames are counted from 0": [(a + 1, b + 1) for a, b in right],
        "only the longest is there: a video may hold several clips": [max(right, key=lambda r: r[1] - r[0])],
        "you cut the frames with a face into equal pieces: frames on both sides of a gap are not neighbours": [(i, i + 4) for i in range(0, sum(found) - 3, 4)],
    }  # fmt: skip
    for message, wrong in mistakes.items():
        wrong_if(made == wrong != right, message)
    wrong_if(made != right, f"{made} for {FOUND} and least 4, not {right}: (first frame, one after the last) of each unbroken run of at least 4")
    for text, least in (("1100", 1), ("", 1), ("0000", 1), ("1", 1), ("11111", 3), ("11", 3)):
        found = [c == "1" for c in text]
        made, wanted = _pairs(answer(list(found), least)), _runs(found, least)
        late = bool(wanted) and made in ([], [(a or 1, b) for a, b in wanted])
        wrong_if(late, f"{made} for {text} and least {least}, not {wanted}: frame 0 is a start like any other, and 0 counts as false; ask `start is not None`")
        wrong_if(made != wanted, f"wrong for {text or 'an empty video'!r} and least {least}: {made}, not {wanted}")
    passed(f"{len(right)} of {len(runs)} stretches are long enough, the last one included")


def _pairs(made: object) -> list[tuple[int, int]]:
    wrong_if(made is None, "your function returns nothing: is there a return at its end?")
    try:
        return [(int(a), int(b)) for a, b in made]
    except (TypeError, ValueError) as error:
        raise Wrong("return a list of pairs (start, end), one for each stretch") from error
