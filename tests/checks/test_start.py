"""The checks of 00_start_here: right answers pass, likely mistakes get their own message."""

import pytest
import torch

from tlk.checks import Wrong, start
from tlk.checks.start import chained, farthest, size, summed


def right_nearest(points, source_points, source_images):
    return source_images[torch.cdist(points.flatten(1), source_points.flatten(1)).argmin(1)]


def whole(track):
    return (track - track.mean((0, 1))).square().sum(-1).mean().sqrt()


def right_fit(driver, source):
    return (driver - driver.mean((0, 1))) * (size(source) / size(driver)) + source.mean((0, 1))


def test_right_answers_pass(capsys):
    start.choose(farthest)
    start.nearest(right_nearest)
    start.fit(right_fit)
    assert capsys.readouterr().out.count("✓") == 3


@pytest.mark.parametrize(
    "answer, sentence",
    [
        (lambda p, k: None, "returns nothing"),
        (lambda p, k: farthest(p, k + 1), "7 frames for k = 6"),
        (lambda p, k: [0, 5, 5, 1, 2, 3], "chosen twice"),
        (lambda p, k: farthest(p, k)[::-1], "begin with frame 0"),
        (chained, "the one chosen last only"),
        (summed, "the sum of the distances"),
        (lambda p, k: torch.linspace(0, len(p) - 1, k).long(), "not by the clock"),
        (lambda p, k: list(range(k)), "instead of"),
    ],
)
def test_mistakes_in_choosing(answer, sentence):
    with pytest.raises(Wrong, match=sentence):
        start.choose(answer)


def index(points, source):
    return torch.cdist(points.flatten(1), source.flatten(1))


@pytest.mark.parametrize(
    "answer, sentence",
    [
        (lambda p, s, i: None, "returns nothing"),
        (lambda p, s, i: index(p, s).argmin(1), "the frames themselves"),
        (lambda p, s, i: i[index(p, s).argmin(0) % 4], "argmin over the other axis"),
        (lambda p, s, i: i[index(p, s).argmax(1)], "argmin and not argmax"),
        (lambda p, s, i: i[torch.cdist(p[:, 30], s[:, 30]).argmin(1)], "all 68 points at once"),
    ],
)
def test_mistakes_in_copying(answer, sentence):
    with pytest.raises(Wrong, match=sentence):
        start.nearest(answer)


def every_frame(driver, source):
    return (driver - driver.mean(1, keepdim=True)) * (size(source) / size(driver)) + source.mean((0, 1))


def about_the_corner(driver, source):
    return driver * (size(source) / size(driver)) + source.mean((0, 1)) - driver.mean((0, 1))


def in_place(driver, source):
    driver -= driver.mean((0, 1))
    return driver


@pytest.mark.parametrize(
    "answer, sentence",
    [
        (lambda d, s: None, "returns nothing"),
        (every_frame, "the head no longer moves"),
        (about_the_corner, "scale about the driver's mean"),
        (lambda d, s: d - d.mean((0, 1)) + s.mean((0, 1)), r"the size is 1\.\d+ of the source's"),
        (lambda d, s: (d - d.mean((0, 1))) * (size(d) / size(s)) + s.mean((0, 1)), "source over driver"),
        (in_place, "changed the points"),
        (lambda d, s: (d - d.mean((0, 1))) * whole(s) / whole(d) + s.mean((0, 1)), "about the mean of the whole track"),
        (lambda d, s: right_fit(d, s)[0], "the shape is"),
    ],
)
def test_mistakes_in_fitting(answer, sentence):
    with pytest.raises(Wrong, match=sentence):
        start.fit(answer)
