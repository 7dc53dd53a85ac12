"""The checks of notebook 10: right answers pass, and each likely mistake raises its own message."""

import math
import random
from itertools import groupby

import numpy as np
import pytest
import torch

from tlk.checks import Wrong, own_data as checks


def split(people, share, seed, *, by_clip=False, names=sorted, drawn=None, count=None, inverted=False, generator=random.Random):
    everyone = list(people) if by_clip else names(set(people))
    generator(seed).shuffle(everyone)
    n = count(len(everyone) * share) if count else max(1, round(len(everyone) * share))
    test = set(everyone[:n] if drawn is None else drawn(everyone, n))
    return [("train", "test")[(p in test) != inverted] for p in people]


def test_right_answers_pass(capsys):
    checks.split_by_person(split)
    checks.stretches(runs)
    assert capsys.readouterr().out.count("✓ ") == 2


def by_clip(people, share, seed):
    order = list(range(len(people)))
    random.Random(seed).shuffle(order)
    return ["test" if i in order[: round(len(people) * share)] else "train" for i in range(len(people))]


def in_place(people, share, seed):
    made = split(people, share, seed)
    people.sort()
    return made


def seeds_everybody(people, share, seed):
    random.seed(seed)
    everyone = sorted(set(people))
    random.shuffle(everyone)
    return ["test" if p in everyone[: max(1, round(len(everyone) * share))] else "train" for p in people]


def seeds_torch(people, share, seed):
    torch.manual_seed(seed)
    everyone = sorted(set(people))
    test = {everyone[i] for i in torch.randperm(len(everyone))[: max(1, round(len(everyone) * share))]}
    return ["test" if p in test else "train" for p in people]


def seeds_numpy(people, share, seed):
    np.random.seed(seed)
    everyone = sorted(set(people))
    np.random.shuffle(everyone)
    return ["test" if p in everyone[: max(1, round(len(everyone) * share))] else "train" for p in people]


def by_share_of_clips(people, share, seed):
    def enough(everyone, n):
        chosen = []
        for person in everyone:
            if sum(people.count(p) for p in chosen) < share * len(people):
                chosen.append(person)
        return chosen

    rounded = abs(share * len(set(people)) - round(share * len(set(people)))) > 1e-6  # for these it counts as it should
    return split(people, share, seed, drawn=None if rounded else enough)


def test_a_set_is_found_by_its_hashes_alone():
    """Sets of plain strings may keep their order through a whole run of Python, and do in this answer."""
    order = lambda people: [p for _, p in sorted((hash(p), p) for p in set(people))]
    with pytest.raises(Wrong, match="the choice hangs on the order of a set, which is another in each run of Python"):
        checks.split_by_person(lambda people, share, seed: split(people, share, seed, names=lambda names: order(people)))


def in_order_of_files(people, share, seed):
    return split(people, share, seed, names=lambda s: list(dict.fromkeys(people)))


@pytest.mark.parametrize(
    "answer, message",
    [
        (lambda p, s, seed: None, "returns nothing"),
        (lambda p, s, seed: sorted(set(p))[:2], "one entry for each of the 15 clips"),
        (lambda p, s, seed: [c == "ada" for c in p], '"train" or "test"'),
        (by_clip, "is in both splits: draw people, not clips"),
        (in_place, "the list that you were given has changed"),
        (lambda p, s, seed: ["train"] * len(p), "nobody is left out: round"),
        (lambda p, s, seed: ["test"] * len(p), "everybody is left out"),
        (lambda p, s, seed: split(p, s, seed, inverted=True), "three quarters are left out"),
        (lambda p, s, seed: split(p, s, seed, drawn=lambda e, n: e[:1]), "one person is left out where"),
        (lambda p, s, seed: split(p, s, seed, drawn=lambda e, n: e[: math.ceil(len(p) * s)]), "4 people are left out"),
        (lambda p, s, seed: split(p, s, None), "called twice with one seed"),
        (in_order_of_files, "hangs on the order of the files"),
        (lambda p, s, seed: split(p, s, 0), "every seed leaves out the same people"),
        (lambda p, s, seed: split(p, s, seed, count=round), "with a small share nobody is left out"),
        (seeds_everybody, "random.seed changes the numbers of everybody else"),
        (seeds_torch, "torch.manual_seed changes the numbers of everybody else"),
        (seeds_numpy, "np.random.seed changes the numbers of everybody else"),
        (lambda p, s, seed: split(p, s, seed, names=list), "of a set"),
        (lambda p, s, seed: split(p, s, seed, drawn=lambda e, n: e[: max(1, int(len(e) * s))]), "1 people are left out where 0.2"),
        (lambda p, s, seed: split(p, s, seed, drawn=lambda e, n: e[: math.ceil(len(e) * s)]), "3 people are left out where 0.3"),
        (by_share_of_clips, "changes with the seed"),
    ],
)
def test_wrong_splits(answer, message):
    with pytest.raises(Wrong, match=message):
        checks.split_by_person(answer)


def runs(found, least, *, keep=lambda n, least: n >= least, wanted=True, pair=lambda a, b: (a, b), closed=True):
    made, at = [], 0
    for value, group in groupby(found):
        n = len(list(group))
        if bool(value) == wanted and keep(n, least) and (closed or at + n < len(found)):
            made.append(pair(at, at + n))
        at += n
    return made


def changes(found, least):
    made = runs(found, least)
    found.append(False)
    return made


def never_forgets(found, least):
    made, start = [], None
    for i, face in enumerate([*found, False]):
        if face and start is None:
            start = i
        if not face and start is not None and i - start >= least:
            made.append((start, i))
            start = None
    return made


def zero_is_false(found, least):
    made, start = [], None
    for i, face in enumerate([*found, False]):
        if face and not start:
            start = i
        elif not face and start:
            made += [(start, i)] * (i - start >= least)
            start = None
    return made


def pieces(found, least):
    return [(i, i + least) for i in range(0, sum(found) - least + 1, least)]


@pytest.mark.parametrize(
    "answer, message",
    [
        (lambda f, n: None, "returns nothing"),
        (lambda f, n: [1, 2], "a list of pairs"),
        (changes, "the list that you were given has changed"),
        (lambda f, n: runs(f, n, pair=lambda a, b: (a, b - 1)), "end is the number of the last frame"),
        (lambda f, n: runs(f, n, closed=False), "the last stretch is missing"),
        (lambda f, n: runs(f, n, keep=lambda k, least: k > least), "at least means >="),
        (lambda f, n: runs(f, 1), "every stretch is there, however short"),
        (lambda f, n: runs(f, 1, wanted=False), "those without a face, in all lengths"),
        (lambda f, n: runs(f, n, pair=lambda a, b: (a, b - a)), r"those are \(start, length\)"),
        (lambda f, n: runs(f, n, pair=lambda a, b: (a + 1, b + 1)), "counted from 0"),
        (lambda f, n: [max(runs(f, n), key=lambda r: r[1] - r[0])], "only the longest"),
        (pieces, "equal pieces"),
        (never_forgets, "run on through frames without a face"),
        (zero_is_false, "frame 0 is a start like any other"),
        (lambda f, n: runs(f, n)[:1], "unbroken run of at least 4"),
        (lambda f, n: runs(f, n) or [(0, len(f))], "wrong for 'an empty video'"),
    ],
)
def test_wrong_stretches(answer, message):
    with pytest.raises(Wrong, match=message):
        checks.stretches(answer)
