"""What a learner is told and shown, and when: the mark of a dial, the weights of a step, a lab whose cell is run again."""

import asyncio

import pytest

from tlk.learning.toy import ToyGAN
from tlk.show import LossLab
from tlk.show.lab import drawing, widget
from tlk.show.lab.drawing import draw_lab
from tlk.show.lab.reruns import PAUSED, TRAINING
from tlk.show.lab.telling import measured, picture_of
from tlk.show.lab.views import Look

pytestmark = pytest.mark.usefixtures("no_pictures")


def make(**options) -> LossLab:
    return LossLab(ToyGAN(seed=5, batch=32), **{"share": 1e-9, **options})


@pytest.fixture
def drawn(monkeypatch) -> list[int]:
    """The steps at which a lab is drawn, however little time there is between two."""
    steps: list[int] = []
    original = LossLab._draw
    monkeypatch.setattr(widget, "REDRAW", 0.0)
    monkeypatch.setattr(LossLab, "_draw", lambda lab, whole=False: steps.append(lab.session.stepper.step) or original(lab, whole))
    return steps


def test_what_was_turned_is_drawn_at_once_though_drawing_has_had_its_share(drawn):
    lab = make()
    asyncio.run(lab.run(5))
    assert drawn == [0, 1, 5], "the first picture of a run, and of a share of nothing no other until it stops"

    async def turn() -> None:
        task = asyncio.create_task(lab.run(10))
        while lab.session.tick < 9:
            await asyncio.sleep(0)
        lab.set("content", 1.0)
        await task

    asyncio.run(turn())
    assert drawn[3:] == [6, 10, 15] and lab.session.marks == [(9, "content 0.3 → 1")]


def test_after_slow_motion_the_picture_goes_on(drawn, monkeypatch):
    """Its pictures cost more than their share; were they to be paid for together, the picture would stand for minutes."""
    monkeypatch.setattr(widget, "BREATH", 0.0)
    lab = make(share=0.5)
    lab.controls.slow.value = True
    asyncio.run(lab.run(10))
    lab.controls.slow.value = False
    lab.drawing_seconds = 1000.0  # of the slow steps
    asyncio.run(lab.run(200))
    assert len([step for step in drawn if step > 10]) > 3


def test_a_step_of_one_side_says_whose_it_was():
    lab = make()
    for button, said in (("D", "D alone, G as it was · used: D steps 2<br>"), ("G", "G alone, D as it was · used: content 0.3, adversarial 1, feature matching 0.3<br>"),
                         ("step", "· used: content 0.3, adversarial 1, feature matching 0.3, D steps 2<br>")):  # fmt: skip
        lab.press(button)
        asyncio.run(lab.run(0))
        assert said in lab.status.value
    lab.set("discriminator_steps", 0)
    asyncio.run(lab.run(1))
    assert "alone" not in lab.status.value and "D steps 0<br>" in lab.status.value, "the dial says so"


def test_all_that_waits_for_the_next_step_is_said_from_however_many_presses():
    lab = make()
    lab.choose("content only")
    lab.choose("D too strong")
    assert "D too strong: D steps 10 from the next step on" in lab.message.value, "adversarial and feature matching are back where they were"
    lab.set("content", 1.0)
    assert "D steps 10, content 1 from the next step on" in lab.message.value
    lab.choose("start")
    assert "start: its weights are in use already" in lab.message.value
    lab.press("back")
    lab.set("content", 1.0)
    asyncio.run(lab.run(1))
    assert lab.session.marks == [(0, "content 0.3 → 1")]


def test_marks_and_words_agree_after_an_ab_whose_change_was_taken_back():
    lab = make()
    asyncio.run(lab.run(3))
    lab.snapshot()
    lab.choose("content only")
    asyncio.run(lab.compare(2))
    assert not lab.session.marks and not lab.marks.value and lab._look.shares["adversarial"] == 0, "no step of the training has used it: no mark"
    lab.set("content", 1.0)
    assert "content 1, adversarial off, feature matching off from the next step on" in lab.message.value, "no step of the training has used any of them"
    lab.choose("start")
    assert "start: its weights are in use already" in lab.message.value, "the last step used them"
    assert lab.session.marks == [] and lab._look.shares["adversarial"] > 0, "the picture is that of the weights on the dials"


def test_an_ab_names_its_two_runs():
    lab, said = make(), []
    lab.message.observe(lambda change: said.append(change["new"]), "value")
    lab.set("feature_matching", 0.0)
    asyncio.run(lab.compare(1))
    assert any("run A from step 0, weights as kept: step 1 of 1" in s for s in said) and any("run B, feature matching 0.3 → off: step 1 of 1" in s for s in said)


def test_an_ab_of_equal_weights_says_so_before_it_begins():
    lab, said = make(), []
    lab.message.observe(lambda change: said.append(change["new"]), "value")
    asyncio.run(lab.compare(1))
    assert "no weight has changed since the snapshot, so A and B will be equal" in said[0] and "equal" in said[1]


def test_export_says_how_many_of_its_steps_were_taken_back(tmp_path):
    lab = make(export_to=tmp_path / "lab.json")
    asyncio.run(lab.run(3))
    lab.press("export")
    asyncio.run(lab.run(0))
    assert "3 steps" in lab.message.value and "taken back" not in lab.message.value
    lab.back()
    asyncio.run(lab.run(2))
    lab.press("export")
    asyncio.run(lab.run(0))
    assert "5 steps, 1 event (3 of the steps were taken back)" in lab.message.value


def test_a_value_that_is_held_over_has_the_step_it_is_of():
    assert measured(Look({}, {"SSIM": 0.5}, at=4, held={"landmark error": 0.1}), 7, 7) == "SSIM 0.50; landmark error 0.10 at step 4"
    assert measured(Look({}, {"SSIM": 0.5, "landmark error": 0.1}), 4, 7) == "SSIM 0.50, landmark error 0.10 at step 4"


def test_the_picture_says_of_which_step_it_is():
    lab = make()
    asyncio.run(lab.run(2))
    assert "drawn at step 2" in [t.get_text() for t in draw_lab(lab.session, lab._look, []).texts]


def test_a_lab_that_is_made_again_pauses_the_former_one(tmp_path):
    async def go() -> tuple[int, bool, bool]:
        former, other = make(export_to=tmp_path / "lab.json"), make(export_to=tmp_path / "other.json")
        tasks = [asyncio.create_task(lab.run()) for lab in (former, other)]
        while min(former.session.tick, other.session.tick) < 3:
            await asyncio.sleep(0)
        again = make(export_to=tmp_path / "lab.json")
        await asyncio.wait_for(tasks[0], 60)
        alone = not tasks[1].done()
        other.pause()
        await tasks[1]
        return again.session.tick, alone, "paused" in former.status.value

    assert asyncio.run(go()) == (0, True, True), "the former stands; a lab of another cell goes on; the new one has not begun"


def test_plots_without_a_step_say_so_and_what_was_left_has_a_name():
    lab = make()
    words = lambda: [t.get_text() for axis in draw_lab(lab.session, lab._look, []).axes for t in axis.texts]
    assert words().count("no step yet") == 2 and "press ▶ Run or Step" in lab.status.value
    asyncio.run(lab.run(2))
    assert "no step yet" not in words()
    lab.back()
    losses, shares = draw_lab(lab.session, lab._look, list(lab._quality)).axes[1:3]
    assert "left behind" in [t.get_text() for t in losses.get_legend().get_texts()]
    assert "no step from here yet" in words() and "no step yet" not in words()
    assert losses.get_xlim() == shares.get_xlim(), "a mark is one line through both"


def test_all_terms_off_is_said_to_train_nobody():
    lab = make()
    for name in ("content", "adversarial", "feature_matching"):
        lab.set(name, 0.0)
    lab.set("discriminator_steps", 0)
    asyncio.run(lab.run(1))
    assert "all terms off, so nothing trains G · D steps 0" in lab.status.value
    assert lab.marks.value.count("→") == 4, "every dial that was turned is named at its mark"


def test_a_b_draws_contents_parts_as_one_curve():
    rows = [{"step": 1, "content/net": 2.0, "content/net@face": 4.0, "match": 1.0, "discriminator": 0.5, "real": 1.0, "generated": 1.0}]
    assert drawing.terms_of(rows) == {"content": [3.0], "match": [1.0], "discriminator": [0.5]}


def test_no_click_is_lost_and_what_is_kept_is_kept_after_the_steps_before_it():
    """Step D, Step G, Step and Keep, clicked while the first of them still computes."""

    async def go() -> tuple[list[str], int, int]:
        lab, sides = make(), []
        one_step = lab.session.advance
        lab.session.advance = lambda: (one_step(), sides.append("D" if not lab.session.report.weights.generator_steps else "G" if not lab.session.report.weights.discriminator_steps else "both"))
        lab._loop = asyncio.get_running_loop()
        for button in ("D", "G", "step", "snapshot", "step"):
            lab.press(button)
        while lab._task is None or not lab._task.done():
            await asyncio.sleep(0)
        return sides, lab.session.saved.step, lab.session.stepper.step

    assert asyncio.run(go()) == (["D", "G", "both", "both"], 3, 4)


def test_back_in_training_says_that_it_goes_on():
    async def go() -> str:
        lab = make()
        task = asyncio.create_task(lab.run(6))
        while lab.session.tick < 3:
            await asyncio.sleep(0)
        lab.press("back")
        while "back at" not in lab.message.value:
            await asyncio.sleep(0)
        said = lab.message.value
        await task
        return said

    assert "back at step 0, and training goes on from there" in asyncio.run(go())


def test_a_b_of_equal_weights_claims_no_change_in_its_titles():
    assert drawing.title_of(0, "") == "A: the weights as kept" and drawing.title_of(1, "content 1 → 2") == "B: with the change"


def test_step_while_it_trains_is_answered():
    lab = make()

    async def press() -> None:
        task = asyncio.create_task(lab.run(6))
        while lab.session.tick < 2:
            await asyncio.sleep(0)
        lab.press("step")
        await task

    asyncio.run(press())
    assert lab.session.tick == 6 and "Pause first, then Step takes one" in lab.message.value


def test_a_preset_after_a_comparison_draws_once_and_never_says_half_of_itself(drawn, monkeypatch):
    """Turned dial by dial it drew a picture for each, and told of weights that nobody had asked for."""
    lab, said = make(), []
    lab.choose("D too strong")
    lab.choose("content only")
    asyncio.run(lab.compare(2))
    drawn.clear()
    original = LossLab._say
    monkeypatch.setattr(LossLab, "_say", lambda lab, text: said.append(text) or original(lab, text))
    lab.choose("start")
    assert len(drawn) <= 1 and said == ["start: its weights are in use already"]


def test_how_far_away_the_next_picture_is():
    assert picture_of(11, 44, 20.6, 0.2) == "; the picture is step 11's, the next one comes in about 20 s"
    assert picture_of(11, 44, 20.6, 25.0) == "; the picture is step 11's, the next one comes now", "it does not fall silent while a step ends and the picture is made"
    assert picture_of(11, 11, 20.4, 0.0) == picture_of(11, 44, 1.0, 0.5) == ""
    lab = make(share=1e-6)
    asyncio.run(lab.run(4))
    lab._last_cost = 1.0
    lab.session.advance()
    lab._doing = TRAINING
    assert "the picture is step 4's" in lab.summary()
    lab._doing = PAUSED
    assert "the picture" not in lab.summary(), "who pauses gets a new one"


def test_the_pull_says_when_no_step_has_used_the_weights_it_is_measured_with():
    def told() -> bool:
        lab.draw()
        texts = [t.get_text() for axis in draw_lab(lab.session, lab._look, []).axes for t in axis.texts]
        return "with the dials as they stand now" in texts

    lab = make()
    asyncio.run(lab.run(2))
    assert not told()
    lab.set("adversarial", 0.0)
    asyncio.run(lab.compare(1))  # takes up what was turned
    assert told()
    asyncio.run(lab.run(1))
    assert not told()
    lab.press("D")
    asyncio.run(lab.run(0))
    assert not told(), "a step of one side uses its own number of updates, and no dial was turned"
