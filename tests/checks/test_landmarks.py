"""The checks of 01_landmarks: right answers pass, likely mistakes get their own message."""

import pytest
import torch

from tlk.checks import Wrong, landmarks
from tlk.checks.landmarks import MIRROR, normal


def right_mirror(points, size):
    flipped = points[:, MIRROR].clone()
    flipped[..., 0] = size - 1 - flipped[..., 0]
    return flipped


def right_yaw(points):
    middle, width = (points[:, 2, 0] + points[:, 14, 0]) / 2, (points[:, 14] - points[:, 2]).norm(dim=-1)
    return 90 * (points[:, 30, 0] - middle) / width


def right_spread(points):
    faces = normal(points)
    return faces.std(0).norm(dim=-1).mean(0), faces.std(1).norm(dim=-1).mean(0)


def test_right_answers_pass(capsys):
    landmarks.mirror(right_mirror)
    landmarks.yaw(right_yaw)
    landmarks.spread(right_spread)
    assert capsys.readouterr().out.count("✓") == 3


def in_place(points, size):
    points[..., 0] = size - 1 - points[..., 0]
    return points[:, MIRROR]


def not_renumbered(points, size):
    return torch.stack([size - 1 - points[..., 0], points[..., 1]], -1)


def wrong_lips(points, size):
    return right_mirror(points, size)[:, [*range(48), *range(67, 47, -1)]]


@pytest.mark.parametrize(
    "answer, sentence",
    [
        (lambda p, s: None, "returns nothing"),
        (not_renumbered, "Did you renumber"),
        (lambda p, s: p[:, MIRROR], "did you flip x"),
        (lambda p, s: right_mirror(p, s + 1), "one pixel too far right"),
        (in_place, "changed the points it was given"),
        (lambda p, s: right_mirror(p, s)[0], "all points of all frames"),
        (wrong_lips, "points 48, .* are not where they should be"),
    ],
)
def test_mistakes_in_mirroring(answer, sentence):
    with pytest.raises(Wrong, match=sentence):
        landmarks.mirror(answer)


@pytest.mark.parametrize(
    "answer, sentence",
    [
        (lambda p: right_yaw(p).mean(), "one number for each face"),
        (lambda p: torch.zeros(len(p)), "the same for every face"),
        (lambda p: -right_yaw(p), "right but for the sign"),
        (lambda p: p[:, 8, 1], "0.9 is asked for"),
        (lambda p: p[:, 30, 0], "four times as large"),
        (lambda p: right_yaw(p) * (p[:, 14] - p[:, 2]).norm(dim=-1) / 30, "four times as large"),
        (lambda p: right_yaw(p) / 90, "scale to degrees"),
        (lambda p: right_yaw(p) * 4, "scale to degrees"),
    ],
)
def test_mistakes_in_the_yaw(answer, sentence):
    with pytest.raises(Wrong, match=sentence):
        landmarks.yaw(answer)


def raw(points):
    return points.std(0).norm(dim=-1).mean(0), points.std(1).norm(dim=-1).mean(0)


@pytest.mark.parametrize(
    "answer, sentence",
    [
        (lambda p: right_spread(p)[0], "two tensors are asked for"),
        (lambda p: right_spread(p)[::-1], "the two are swapped"),
        (raw, "centred on its own mean"),
        (lambda p: raw(p - p.mean(-2, keepdim=True)), "divided by its own distance"),
        (lambda p: (right_spread(p)[0].mean(), right_spread(p)[1].mean()), "the shape is"),
    ],
)
def test_mistakes_in_the_spread(answer, sentence):
    with pytest.raises(Wrong, match=sentence):
        landmarks.spread(answer)


def test_the_faces_are_people_in_the_same_poses():
    points, yaw = landmarks.faces()
    assert points.shape == (6, 8, 68, 2) and yaw.shape == (6, 8)
    assert torch.equal(yaw, yaw[:1].expand(6, 8)) and yaw.max() - yaw.min() > 20
