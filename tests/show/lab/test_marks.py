"""Marks on the curves: which changes get one, and how they stand beside the curves without pressing them together."""

import asyncio

import pytest

from tlk.learning.toy import ToyGAN
from tlk.show import LossLab
from tlk.show.lab import drawing
from tlk.show.lab.drawing import draw_lab

pytestmark = pytest.mark.usefixtures("no_pictures")


def make() -> LossLab:
    return LossLab(ToyGAN(seed=5, batch=32), share=1e-9)


def test_words_beside_marks_stand_above_every_curve():
    lab = make()
    asyncio.run(lab.run(5))
    for weights in ("content", "feature_matching", "adversarial"):
        lab.set(weights, 2.0)
    asyncio.run(lab.run(2))
    losses = draw_lab(lab.session, lab._look, []).axes[1]
    written = [t for t in losses.texts if "→" in t.get_text()]
    curves = [line for line in losses.lines if len(line.get_ydata()) > 2]
    highest = losses.transAxes.inverted().transform(losses.transData.transform([(0, max(line.get_ydata().max() for line in curves))]))[0, 1]
    assert len(written) == 1 and highest < 1 - drawing.WRITTEN * drawing.ROW + 1e-6


def test_beside_the_curves_there_are_two_changes_at_most_and_below_them_all():
    lab = make()
    asyncio.run(lab.run(5))
    lab.choose("content only")
    asyncio.run(lab.run(2))
    lab.set("adversarial", 0.5)
    asyncio.run(lab.run(2))
    texts = [t.get_text() for t in draw_lab(lab.session, lab._look, []).axes[1].texts]
    assert texts == ["5: feature matching 0.3 → off", "7: adversarial off → 0.5"], "the last two"
    assert lab.marks.value.index("after step 7</b> adversarial off → 0.5") < lab.marks.value.index("after step 5</b> adversarial 1 → off, feature matching 0.3 → off")
    below = " ".join(t.get_text() for t in lab.still().texts)
    assert "after step 5 adversarial 1 → off, feature matching 0.3 → off · after step 7 adversarial off → 0.5" in below
    lab.back()
    assert not lab.marks.value, "marks of a branch that was left are not those of this one"


def test_a_long_run_that_was_left_behind_does_not_squeeze_what_is_new():
    lab = make()
    asyncio.run(lab.run(drawing.WINDOW + 80))
    lab.back()
    asyncio.run(lab.run(10))
    losses, quality = draw_lab(lab.session, lab._look, []).axes[1:3]
    assert losses.get_xlim()[1] < drawing.WINDOW * 1.06 and losses.get_xlim() == quality.get_xlim(), "beside the new ones the steps that belong there"
    asyncio.run(lab.run(drawing.WINDOW + 90))
    losses = draw_lab(lab.session, lab._look, []).axes[1]
    assert losses.get_xlim()[0] > 60 and "left behind" in [t.get_text() for t in losses.get_legend().get_texts()]


def test_words_beside_a_mark_stay_inside_the_axes():
    figure = drawing.Figure((2.6, 2))
    axis = figure.add_subplot()
    axis.set_xlim(0, 100)
    for place, side in ((52, "right"), (48, "left")):
        text = axis.annotate("1244: feature matching 0.3 → 0.65", (place, 0.5), xycoords=("data", "axes fraction"), fontsize=6, xytext=(0, -6), textcoords="offset points", ha=side)
        drawing.keep_inside(axis, text)
        box = text.get_window_extent()
        assert box.width < axis.bbox.width and box.x0 >= axis.bbox.x0 and box.x1 <= axis.bbox.x1 + 1e-6


def test_a_mark_of_many_changes_says_that_there_are_more():
    assert drawing.last_parts([(3, "a, b"), (9, "c, d, e")], 2) == [(9, "c"), (9, "and 2 more: see below")]
    assert drawing.last_parts([(3, "a, b"), (9, "c")], 2) == [(3, "b"), (9, "c")]
    assert drawing.last_parts([(3, "a, b"), (9, "c, d")], 4) == [(3, "a"), (3, "b"), (9, "c"), (9, "d")]
    assert drawing.last_parts([], 2) == []
