"""The checks of notebook 09: right answers pass, and each likely mistake raises its own message."""

import pytest
import torch

from tlk.checks import Wrong, puppeteering as checks


def plain(points, centred=True, scaled=True, upright=False):
    if upright:
        x, y = (points[:, 45] - points[:, 36]).unbind(-1)
        c, s = torch.cos(torch.atan2(y, x)), torch.sin(torch.atan2(y, x))
        points = points @ torch.stack([torch.stack([c, -s], -1), torch.stack([s, c], -1)], -2)
    points = points - points.mean(1, keepdim=True) if centred else points
    return points / (points[:, 36] - points[:, 45]).norm(dim=-1)[:, None, None] if scaled else points


def pair(largest=False, swapped=False, **how):
    def answer(own, driving):
        far = (plain(own, **how)[:, None] - plain(driving, **how)[None]).norm(dim=-1).mean(-1)
        i, j = divmod(int(far.argmax() if largest else far.argmin()), far.shape[1])
        return (j, i) if swapped else (i, j)

    return answer


def by_rows(own, driving):
    far = (plain(own)[:, None] - plain(driving)[None]).norm(dim=-1).mean(-1)
    return divmod(int(far.argmin()), len(far))


def flat(own, driving):
    return (plain(own)[:, None] - plain(driving)[None]).norm(dim=-1).mean(-1).argmin()


def in_place(own, driving):
    own -= own.mean(1, keepdim=True)
    return pair()(own, driving)


def test_right_answers_pass(capsys):
    checks.closest_pair(pair())
    checks.turned(turned())
    checks.rank_correlation(ranked())
    assert capsys.readouterr().out.count("✓") == 3


def test_the_ranks_are_scipy_s():
    stats = pytest.importorskip("scipy.stats")
    checks.rank_correlation(lambda a, b: stats.spearmanr(a.numpy(), b.numpy()).statistic)


@pytest.mark.parametrize(
    "answer, message",
    [
        (pair(swapped=True), "that is \\(j, i\\)"),
        (pair(largest=True), "argmin, not argmax"),
        (pair(scaled=False), "did you divide by the distance of the eyes"),
        (pair(centred=False), "did you centre"),
        (pair(upright=True), "did you turn the faces upright"),
        (flat, "return two frame numbers"),
        (by_rows, "divided by the number of rows"),
        (in_place, "have changed"),
        (lambda own, driving: None, "returns nothing"),
        (lambda own, driving: (0, 1), "is not the pair"),
    ],
)
def test_wrong_pairs(answer, message):
    with pytest.raises(Wrong, match=message):
        checks.closest_pair(answer)


def turned(way=1.0, from_rest=True, scale=lambda s: s, sign=1.0, unit=lambda a: a, add=True, centre=True):
    def answer(driving, driver_rest, own_rest):
        angle = lambda p: torch.atan2(p[..., 45, 1] - p[..., 36, 1], p[..., 45, 0] - p[..., 36, 0])
        size = scale((driver_rest[45] - driver_rest[36]).norm() / (own_rest[45] - own_rest[36]).norm())
        middle = (lambda p: p - p.mean(0)) if centre else (lambda p: p)
        offset = sign * (middle(own_rest) * size - middle(driver_rest))
        a = unit(way * (angle(driving) - from_rest * angle(driver_rest)))
        rotation = torch.stack([torch.stack([a.cos(), -a.sin()], -1), torch.stack([a.sin(), a.cos()], -1)], -2)
        return add * driving + torch.einsum("fij,pj->fpi", rotation, offset)

    return answer


def moved_in_place(driving, driver_rest, own_rest):
    driving += 1
    return turned()(driving, driver_rest, own_rest)


def from_first(driving, driver_rest, own_rest):
    first = driving[0] - driving[0].mean(0)  # its eyes' direction in place of the resting driver's, and nothing else of it
    x, y = first[45] - first[36]
    away = torch.atan2(y, x) - torch.atan2(*(driver_rest[45] - driver_rest[36]).flip(0))
    return turned(unit=lambda a: a - away)(driving, driver_rest, own_rest)


def from_own(driving, driver_rest, own_rest):
    away = torch.atan2(*(own_rest[45] - own_rest[36]).flip(0)) - torch.atan2(*(driver_rest[45] - driver_rest[36]).flip(0))
    return turned(unit=lambda a: a - away)(driving, driver_rest, own_rest)


def turns_all(driving, driver_rest, own_rest):
    line = lambda p: torch.atan2(*(p[..., 45, :] - p[..., 36, :]).flip(-1).unbind(-1))
    a = line(driving) - line(driver_rest)
    rotation = torch.stack([torch.stack([a.cos(), -a.sin()], -1), torch.stack([a.sin(), a.cos()], -1)], -2)
    return turned(add=False)(driving, driver_rest, own_rest) + torch.einsum("fij,fpj->fpi", rotation, driving)


def scales_both(driving, driver_rest, own_rest):
    size = (driver_rest[45] - driver_rest[36]).norm() / (own_rest[45] - own_rest[36]).norm()
    return driving + size * turned(scale=lambda s: 1.0, add=False)(driving, driver_rest, own_rest)


@pytest.mark.parametrize(
    "answer, message",
    [
        (turned(way=-1.0), "turns against the head"),
        (turned(way=0.0), "does not turn"),
        (turned(from_rest=False), "needs the difference from rest"),
        (turned(scale=lambda s: 1.0), "did you scale"),
        (turned(scale=lambda s: 1 / s), "upside down"),
        (turned(sign=-1.0), "wrong sign"),
        (turned(unit=torch.rad2deg), "radians"),
        (turned(add=False), "add it to the driver's points"),
        (turned(centre=False), "both resting faces centred"),
        (from_first, "measured from the first frame"),
        (from_own, "measured from A's resting face"),
        (turns_all, "turned, too"),
        (scales_both, "put on both faces"),
        (moved_in_place, "have changed"),
        (lambda *a: None, "returns nothing"),
        (lambda d, r, o: turned()(d, r, o)[0], "the shape is"),
    ],
)
def test_wrong_offsets(answer, message):
    with pytest.raises(Wrong, match=message):
        checks.turned(answer)


def mean_rank(x):
    return (x[:, None] > x).sum(1) + ((x[:, None] == x).sum(1) - 1) / 2


def ranked(ranks=mean_rank, sign=1):
    return lambda a, b: sign * torch.corrcoef(torch.stack([ranks(a), ranks(b)]).double())[0, 1]


def by_differences(a, b):
    d, n = mean_rank(a) - mean_rank(b), len(a)
    return 1 - 6 * d.square().sum() / (n * (n * n - 1))


@pytest.mark.parametrize(
    "answer, message",
    [
        (ranked(lambda x: x), "Pearson"),
        (ranked(lambda x: x.argsort(stable=True)), "argsort once"),
        (ranked(lambda x: x.argsort(stable=True).argsort()), "equal values got different ranks"),
        (ranked(lambda x: (x[:, None] > x).sum(1)), "gives them the lowest"),
        (ranked(lambda x: (x[:, None] >= x).sum(1)), "the highest rank"),
        (ranked(lambda x: x.unique(return_inverse=True)[1]), "too small"),
        (by_differences, "without ties only"),
        (ranked(sign=-1), "the sign is wrong"),
        (lambda a, b: None, "returns nothing"),
        (lambda a, b: torch.stack([a, b]), "one number"),
        (lambda a, b: torch.corrcoef(torch.stack([mean_rank(a), mean_rank(b)])), "whole matrix"),
        (ranked(lambda x: (x[:, None] > x).sum(1) + ((x[:, None] == x).sum(1) - 1) // 2), "rounded down"),
        (lambda a, b: 0.0, "correlate the two rows"),
    ],
)
def test_wrong_rankings(answer, message):
    with pytest.raises(Wrong, match=message):
        checks.rank_correlation(answer)
