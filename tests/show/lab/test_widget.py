"""The lab's widget without a browser: values are set, buttons pressed, and the picture is there."""

import asyncio
import threading

import pytest
from matplotlib import pyplot
from matplotlib.text import Text

from tests.learning.conftest import MINI, disc_person
from tlk.learning import FineTuning, MetaLearning, load
from tlk.learning.toy import ToyGAN
from tlk.show import LossLab
from tlk.show.lab import drawing, stills
from tlk.show.lab.controls import presets


def make(**options) -> LossLab:
    return LossLab(ToyGAN(seed=5, batch=32), share=0.01, **options)


def test_a_run_gives_a_picture_and_a_line():
    lab = make()
    asyncio.run(lab.run(3))
    assert lab.session.tick == 3 and bytes(lab._image.value).startswith(b"\x89PNG")
    assert "step 3" in lab.status.value and "content 0.3" in lab.status.value
    assert len(lab.still().axes) == 3 and pyplot.get_fignums() == []
    assert min(t.get_fontsize() for t in lab.still().findobj(Text)) * stills.DPI / 72 > 8, "type of eight pixels at least"


def test_a_dial_turned_during_training_acts_on_the_next_step_from_any_thread():
    lab, used = make(), []

    async def turn() -> None:
        task = asyncio.create_task(lab.run(8))
        while lab.session.tick < 3:
            await asyncio.sleep(0)
        at = lab.session.tick
        thread = threading.Thread(target=lambda: lab.set("feature_matching", 0.0))
        thread.start()
        thread.join()
        await task
        used.append(at)

    asyncio.run(turn())
    assert lab.session.marks == [(used[0], "feature matching 0.3 → off")]
    assert "feature matching off," in lab.status.value


def test_every_control_has_a_hint_and_every_dial_a_reset():
    lab = make()
    for button in [*lab.controls.buttons.values(), *lab.controls.choices.values()]:
        assert button.tooltip
    for name, dial in lab.controls.dials.items():
        lab.set(name, 0.0 if name != "content" else 0.123)
        dial.reset.click()
        assert dial.slider.value == dial.start and dial.slider.tooltip


def test_presets_and_reset():
    lab = make()
    lab.choose("content only")
    asyncio.run(lab.run(1))
    assert lab.session.report.weights.adversarial == 0 and lab.session.report.weights.feature_matching == 0
    lab.choose("start")
    asyncio.run(lab.run(1))
    assert lab.session.report.weights == ToyGAN().weights
    with pytest.raises(ValueError, match="no dial 'match'"):
        lab.set("match", 1.0)


def test_pause_stops_and_nothing_moves_after():
    lab = make()

    async def go() -> tuple[int, int]:
        task = asyncio.create_task(lab.run())
        while lab.session.tick < 3:
            await asyncio.sleep(0)
        lab.press("pause")
        await task
        there = lab.session.tick
        await asyncio.sleep(0.05)
        return there, lab.session.tick

    before, after = asyncio.run(go())
    assert before == after >= 3


def test_buttons_step_remember_and_go_back():
    lab = make()

    async def go() -> None:
        for button in ("step", "snapshot", "D", "G", "step", "back"):
            lab.press(button)
            await lab.run(0)

    asyncio.run(go())
    assert lab.session.tick == 4 and lab.session.stepper.step == 1
    assert [e.do for e in lab.session.log.events] == ["snapshot", "only", "only", "back"]


def test_going_back_turns_the_dials_too():
    lab = make()
    asyncio.run(lab.run(1))
    lab.snapshot()
    lab.set("adversarial", 5.0)
    asyncio.run(lab.run(1))
    lab.back()
    assert lab.controls.dials["adversarial"].slider.value == 1.0 == lab.session.stepper.weights.adversarial


@pytest.mark.parametrize("order", ["snapshot", "back"])
def test_what_is_turned_after_a_press_comes_after_it_also_when_a_step_is_long(order):
    """The dial reaches the queue at once; were the press to wait for the step's end, a snapshot would hold what was turned later."""
    lab = make()
    lab.press(order)
    lab.set("adversarial", 5.0)
    asyncio.run(lab.run(1))
    assert lab.session.report.weights.adversarial == 5.0 and lab.session.stepper.weights.adversarial == 5.0
    lab.back()
    assert lab.session.stepper.weights.adversarial == 1.0 == lab.session.saved.weights.adversarial
    assert [e.do for e in lab.session.log.events] == [order, "set", "back"]


def test_export_and_replay(tmp_path):
    lab = make(export_to=tmp_path / "lab.json")
    lab.set("content", 1.7)
    asyncio.run(lab.run(3))
    lab.press("export")
    asyncio.run(lab.run(0))
    assert "the same numbers" in asyncio.run(make().replay(tmp_path / "lab.json"))
    lab.press("replay")
    asyncio.run(lab.run(0))
    assert "3 steps" in lab.message.value and "the same numbers" in lab.message.value


def test_a_replay_brings_the_curve_of_quality_back():
    """Not only its last point: the share that drawing may take (here next to none) must not decide what is looked at."""
    lab = make()
    asyncio.run(lab.run(20))
    lab.snapshot()
    asyncio.run(lab.run(5))
    lab.back()
    asyncio.run(lab.run(3))
    before = {q["step"]: q for q in lab._quality}
    asyncio.run(lab.replay())
    steps = [q["step"] for q in lab._quality]
    assert steps == list(range(24)), "every step of the branch we are on, and none of what was left behind"
    assert all(q == before[q["step"]] for q in lab._quality if q["step"] in before), "the same networks have the same quality"


def test_the_line_says_what_goes_on():
    lab = make()

    async def go() -> str:
        task = asyncio.create_task(lab.run())
        while "▶ training" not in lab.status.value:
            await asyncio.sleep(0)
        lab.pause()
        await task
        return lab.status.value

    assert "❚❚ paused · step " in asyncio.run(go()) and "▶" not in lab.status.value


def test_a_step_that_fails_is_said_on_the_page(monkeypatch):
    lab = make()
    monkeypatch.setattr(lab.session, "advance", lambda: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        asyncio.run(lab.run(3))
    assert "stopped: division by zero" in lab.message.value and "paused" in lab.status.value


def test_a_file_that_cannot_be_written_is_said_on_the_page(tmp_path):
    (tmp_path / "file").touch()
    lab = make(export_to=tmp_path / "file" / "lab.json")
    lab.press("export")
    asyncio.run(lab.run(0))
    assert "file" in lab.message.value and "wrote" not in lab.message.value


def test_a_preset_says_all_that_it_turned():
    lab = make()
    lab.choose("content only")
    assert "content only: adversarial off, feature matching off from the next step on" in lab.message.value
    asyncio.run(lab.run(1))
    lab.choose("content only")
    assert "content only: its weights are in use already" in lab.message.value


def test_a_b_side_by_side():
    lab = make()
    with pytest.raises(ValueError, match="nothing was compared"):
        lab.compared()
    lab.set("discriminator_steps", 5)
    asyncio.run(lab.compare(3))
    figure = lab.compared()
    assert "D steps 2 → 5" in figure.axes[0].get_title() and lab.session.tick == 0
    assert lab._second.layout.display != "none"


def test_faces_of_meta_learning():
    people = [disc_person(s) for s in range(4)]
    lab = LossLab(MetaLearning(MINI, people, seed=2), people[:2])
    asyncio.run(lab.run(2))
    assert set(lab.controls.dials) == {"content", "adversarial", "feature_matching", "match", "discriminator_steps"}
    assert set(lab._look.picture) == {"source", "driver", "generated", "truth"}
    assert sum(lab._look.shares.values()) == pytest.approx(1, abs=1e-4)
    lab.choose("paper")
    asyncio.run(lab.run(1))
    assert lab.session.report.weights.match == 80


def test_fine_tuning_has_the_papers_weights_without_match_and_points_have_none():
    found = presets(FineTuning(load("heads-64"), disc_person(0, 2, 64)))["paper"][0]
    assert found == {"content": 1.2e-2, "adversarial": 1.0, "feature_matching": 10.0, "discriminator_steps": 2}
    assert "paper" not in presets(ToyGAN(0)), "points on a plane are not the paper's"


def test_the_curves_of_a_single_step_can_be_seen():
    lab = make()
    asyncio.run(lab.run(1))
    curves = next(axis for axis in lab.still().axes if axis.get_ylabel() == "terms")
    assert [line.get_marker() for line in curves.lines] == ["."] * 4


def test_close_ups_are_content_and_stand_in_the_legend_once():
    assert drawing.label_of("content/net@face") == "content @face" and drawing.label_of("content/net") == "content"
    assert drawing.line_of("content/net@face")["label"].startswith("_"), "matplotlib leaves such labels out"
    assert drawing.line_of("content/net@face")["color"] == drawing.line_of("content/net")["color"]
