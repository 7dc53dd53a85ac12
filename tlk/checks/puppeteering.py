"""Checks of notebook 09's exercises: a pair of frames in one pose, an offset that turns with the head, ranks with ties."""

from __future__ import annotations

import math
from collections.abc import Callable

import torch
from torch import Tensor

from . import Wrong, passed, same, wrong_if


def _face(seed: int) -> Tensor:
    """(68, 2) points that resemble no face but have eyes apart: enough for geometry. Pixels."""
    g = torch.Generator().manual_seed(seed)
    points = 20 * torch.rand(68, 2, generator=g) + 20
    points[36], points[45] = torch.tensor([22.0, 27.0]), torch.tensor([38.0, 27.5])
    return points


def _rotated(points: Tensor, degrees: float) -> Tensor:
    """About their mean, y down."""
    c, s = math.cos(math.radians(degrees)), math.sin(math.radians(degrees))
    middle = points.mean(-2, keepdim=True)
    return (points - middle) @ torch.tensor([[c, s], [-s, c]]) + middle


def _faces() -> tuple[Tensor, Tensor]:
    """own (4, 68, 2), driving (6, 68, 2): the true pair is (2, 5); others trap those who leave a step out."""
    base, noise = _face(0), [torch.randn(68, 2, generator=torch.Generator().manual_seed(10 + i)) for i in range(10)]
    own = [base + 4 * noise[0], base + 4 * noise[1], base.clone(), base + 5 * noise[2]]
    alike = base + 0.3 * noise[3]
    driving = [
        own[0] + 1.5 * noise[4],  # nearest where nothing is taken out
        1.25 * (own[1] + 1.2 * noise[5]) + 70,  # nearest where the position alone is not taken out by its mean
        (own[3] - own[3].mean(0)) * 0.42 + 60 + 0.5 * noise[6],  # small: nearest where the size is not taken out
        _rotated(base, 30.0) + 25,  # the true pair's face, tilted: nearest where the tilt is taken out
        base + 9 * noise[7],
        (alike - alike.mean(0)) * 2.4 + 150,
    ]
    return torch.stack(own), torch.stack(driving)


def _table(own: Tensor, driving: Tensor, centred: bool = True, scaled: bool = True, upright: bool = False) -> Tensor:
    """(f, g) mean distances, with steps left out or one too many."""

    def plain(points: Tensor) -> Tensor:
        eyes = points[:, 45] - points[:, 36]
        if upright:
            angles = torch.rad2deg(torch.atan2(eyes[:, 1], eyes[:, 0])).tolist()
            points = torch.stack([_rotated(p, -a) for p, a in zip(points, angles)])
        points = points - points.mean(1, keepdim=True) if centred else points
        return points / eyes.norm(dim=-1)[:, None, None] if scaled else points

    return (plain(own)[:, None] - plain(driving)[None]).norm(dim=-1).mean(-1)


def _place(table: Tensor, largest: bool = False) -> tuple[int, int]:
    return divmod(int(table.argmax() if largest else table.argmin()), table.shape[1])


def closest_pair(answer: Callable) -> None:
    """Exercise 1: ``answer(own (f, 68, 2), driving (g, 68, 2))`` → (i, j)."""
    own, driving = _faces()
    kept = own.clone(), driving.clone()
    made = answer(own, driving)
    wrong_if(made is None, "your function returns nothing: is there a return at its end?")
    wrong_if(not (torch.equal(own, kept[0]) and torch.equal(driving, kept[1])), "the landmarks that you were given have changed: write points = points - …, not points -= …")
    try:
        i, j = (int(n) for n in made)
    except (TypeError, ValueError) as error:
        raise Wrong("return two frame numbers, (i, j): argmin() alone counts through the flattened table, and divmod by its columns takes the count apart") from error
    right = _table(own, driving)
    truth = _place(right)
    mistakes = {
        "that is (j, i): the frame of own comes first": truth[::-1],
        "that is the pair that is least alike: argmin, not argmax": _place(right, largest=True),
        "the count is divided by the number of rows: argmin goes through the table row by row, so divide by the number of columns, g": divmod(int(right.argmin()), len(right)),
        "did you divide by the distance of the eyes, each frame by its own? A face that fills the frame looks far from a small one": _place(_table(own, driving, scaled=False)),
        "did you centre each frame? A face at the left looks far from one at the right": _place(_table(own, driving, centred=False)),
        "did you leave out both steps, centre and scale? The nearest pixels are not the nearest pose": _place(_table(own, driving, False, False)),
        "did you turn the faces upright? The tilt is pose, and must stay in": _place(_table(own, driving, upright=True)),
    }
    for message, wrong in mistakes.items():
        wrong_if((i, j) == wrong != truth, message)
    wrong_if((i, j) != truth, f"({i}, {j}) is not the pair that is most alike; centre each frame, eyes one apart, then the mean distance of points, for all pairs")
    passed(f"frame {i} of the one and frame {j} of the other show one pose, wherever and however large they are")


def _offset(driver_rest: Tensor, own_rest: Tensor, scale: float | None = None) -> Tensor:
    scale = float((driver_rest[45] - driver_rest[36]).norm() / (own_rest[45] - own_rest[36]).norm()) if scale is None else scale
    return (own_rest - own_rest.mean(0)) * scale - (driver_rest - driver_rest.mean(0))


def _angle(points: Tensor) -> Tensor:
    x, y = (points[..., 45, :] - points[..., 36, :]).unbind(-1)
    return torch.atan2(y, x)


def _added(driving: Tensor, offset: Tensor, roll: Tensor) -> Tensor:
    cos, sin = roll.cos(), roll.sin()
    x, y = offset.unbind(-1)
    return driving + torch.stack([cos[:, None] * x - sin[:, None] * y, sin[:, None] * x + cos[:, None] * y], -1)


def turned(answer: Callable) -> None:
    """Exercise 2: ``answer(driving (f, 68, 2), driver_rest (68, 2), own_rest (68, 2))`` → (f, 68, 2)."""
    driver_rest, own_rest = _rotated(_face(1), 12.0), 1.7 * _face(2) + 9
    driving = torch.stack([_rotated(driver_rest, angle) + shift for angle, shift in ((9.0, 0.0), (25.0, 6.0), (-40.0, -3.0))])
    driving = driving + torch.linspace(0, 1, 68)[:, None] * torch.tensor([0.0, 1.0, 2.0])[:, None, None]  # an expression
    kept = [t.clone() for t in (driving, driver_rest, own_rest)]
    made = answer(driving, driver_rest, own_rest)
    wrong_if(not all(torch.equal(a, b) for a, b in zip((driving, driver_rest, own_rest), kept)), "the landmarks that you were given have changed: write a = a + …, not a += …")
    offset, roll = _offset(driver_rest, own_rest), _angle(driving) - _angle(driver_rest)
    scale = (driver_rest[45] - driver_rest[36]).norm() / (own_rest[45] - own_rest[36]).norm()
    mistakes = {
        "the offset turns against the head: the angle is the frame's less the resting driver's, and the matrix [[cos, −sin], [sin, cos]]": _added(driving, offset, -roll),
        "the offset does not turn: section 4's formula has R_m in front of the difference of the two people": _added(driving, offset, 0 * roll),
        "the angle is the frame's own; a driver whose eyes are not level at rest needs the difference from rest": _added(driving, offset, _angle(driving)),
        "the angle is measured from the first frame, which need not be at rest: measure it from driver_rest": _added(driving, offset, roll - roll[0]),
        "the angle is measured from A's resting face: it is the driver who tilts, so measure it from driver_rest": _added(driving, offset, _angle(driving) - _angle(own_rest)),
        "the driver's points were turned, too: they have their tilt already, turn the offset alone": _added(0 * driving, offset, roll) + _added(0 * driving, driving, roll),
        "the scale was put on both faces: it brings A's to the driver's size, where the driver's is already": _added(driving, _offset(driver_rest, own_rest, 1.0) * scale, roll),
        "did you scale A's resting face to the driver's eye distance? A's photo may be of any size": _added(driving, _offset(driver_rest, own_rest, 1.0), roll),
        "the scale is upside down: driver's eye distance over A's": _added(driving, _offset(driver_rest, own_rest, float((own_rest[45] - own_rest[36]).norm() / (driver_rest[45] - driver_rest[36]).norm())), roll),
        "the offset has the wrong sign: A's resting face less the driver's": _added(driving, -offset, roll),
        "those are degrees: cos and sin take radians": _added(driving, offset, torch.rad2deg(roll)),
        "that is the turned offset alone: add it to the driver's points": _added(torch.zeros_like(driving), offset, roll),
    }  # fmt: skip
    for message, wrong in mistakes.items():
        wrong_if(isinstance(made, Tensor) and made.shape == wrong.shape and torch.allclose(made, wrong, atol=1e-3), message)
    same(made, _added(driving, offset, roll), "driving + turned offset; both resting faces centred (mean of the points at 0) before the difference is taken", atol=1e-3)
    passed("the offset is A's face less the driver's, in the driver's scale, and tilts with the eyes")


def _ranks(x: Tensor) -> Tensor:
    return (x[:, None] > x).sum(1) + ((x[:, None] == x).sum(1) - 1) / 2


def _correlation(a: Tensor, b: Tensor) -> Tensor:
    return torch.corrcoef(torch.stack([a, b]).double())[0, 1]


def rank_correlation(answer: Callable) -> None:
    """Exercise 3: ``answer(a (n,), b (n,))`` → Spearman's coefficient, ties with their mean rank."""
    a = torch.tensor([3.0, 1.0, 3.0, 7.0, 2.0, 3.0, 40.0, 1.0])
    b = torch.tensor([0.5, 0.1, 0.9, 0.9, 0.4, 0.2, 1.0, 0.3])
    right, made = _correlation(_ranks(a), _ranks(b)), answer(a.clone(), b.clone())
    wrong_if(made is None, "your function returns nothing: is there a return at its end?")
    wrong_if(getattr(made, "shape", None) == (2, 2), "that is torch.corrcoef's whole matrix, with 1 on its diagonal: the coefficient is its entry [0, 1]")
    try:
        value = float(made)
    except (TypeError, ValueError) as error:
        raise Wrong(f"one number is asked for, not {type(made).__name__}") from error
    order = lambda x: x.argsort(stable=True)
    dense = lambda x: x.unique(return_inverse=True)[1]
    d = _ranks(a) - _ranks(b)
    mistakes = {
        "that is Pearson's correlation of the values: take their ranks first": _correlation(a, b),
        "argsort once gives who stands at each place, not each one's rank": _correlation(order(a), order(b)),
        "equal values got different ranks: with ties they share the mean of the ranks they take up": _correlation(order(a).argsort(), order(b).argsort()),
        "equal values share a rank, but not the mean one: counting the smaller ones gives them the lowest": _correlation((a[:, None] > a).sum(1), (b[:, None] > b).sum(1)),
        "equal values share the highest rank, not the mean one": _correlation((a[:, None] >= a).sum(1), (b[:, None] >= b).sum(1)),
        "the mean of the shared ranks is rounded down: divide with /, not //": _correlation(*((x[:, None] > x).sum(1) + ((x[:, None] == x).sum(1) - 1) // 2 for x in (a, b))),
        "the ranks after a tie are too small: three equal values take up three ranks, not one": _correlation(dense(a), dense(b)),
        "the formula with the squared differences holds without ties only: correlate the ranks": 1 - 6 * d.square().sum() / (len(a) * (len(a) ** 2 - 1)),
        "the sign is wrong: two rankings that agree have +1": -right,
    }  # fmt: skip
    for message, wrong in mistakes.items():
        wrong_if(abs(value - float(wrong)) < 1e-4, message)
    wrong_if(not abs(value - float(right)) < 1e-4, f"{value:.4f}, not {float(right):.4f}: correlate the two rows of ranks (torch.corrcoef takes variables as rows)")
    passed(f"rank_correlation: {value:.3f} with ties in both")
