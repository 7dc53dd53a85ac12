"""While a replay or an A/B runs: no control disturbs it, Pause stops it at once, and one knows where one stands."""

import asyncio
import threading
from collections.abc import Callable

import pytest

from tests.show.lab.conftest import STEPS, during, make
from tlk.learning.toy import ToyGAN
from tlk.show import LossLab
from tlk.show.lab import Session

pytestmark = pytest.mark.usefixtures("no_pictures")
RERUNS = ("replay", "compare")


def controls(lab: LossLab) -> list:
    dials = [part for dial in lab.controls.dials.values() for part in (dial.slider, dial.reset)]
    return [*dials, *lab.controls.choices.values(), *(b for name, b in lab.controls.buttons.items() if name != "pause")]


def from_a_thread(act: Callable[[], object]) -> None:
    thread = threading.Thread(target=act)
    thread.start()
    thread.join()


#: what a click or a key does, also one that was on its way when the control was greyed out
TOUCHES = {
    "a dial": lambda lab: setattr(lab.controls.dials["adversarial"].slider, "value", 0.1),
    "a reset": lambda lab: lab.controls.dials["content"].reset.click(),
    "a preset": lambda lab: lab.controls.choices["D too strong"].click(),
    **{name: (lambda lab, n=name: lab.controls.buttons[n].click()) for name in ("run", "step", "D", "G", "snapshot", "back", "compare", "export", "replay")},
}


@pytest.mark.parametrize("button", RERUNS)
def test_only_pause_and_slow_motion_can_be_used(button):
    lab, seen = make(), []
    during(lab, button, lambda: seen.extend([all(c.disabled for c in controls(lab)), lab.message.value]))
    assert seen[0] and "Pause stops it" in seen[1], "greyed out, and the line says why"
    assert not lab.controls.buttons["pause"].disabled and not lab.controls.slow.disabled
    assert not any(c.disabled for c in controls(lab)), "afterwards all of them live again"


@pytest.mark.parametrize("touch", TOUCHES.values(), ids=TOUCHES.keys())
def test_a_replay_that_is_touched_goes_on_to_the_same_numbers(touch, tmp_path):
    lab = make()
    lab.export_to = tmp_path / "lab.json"
    numbers, events, said = lab.session.log.numbers, lab.session.log.events, []
    during(lab, "replay", lambda: (from_a_thread(lambda: touch(lab)), said.append(lab.message.value)), at=STEPS // 2 + 2)
    assert "bit for bit" in lab.message.value and "not while a replay runs" in said[0]
    assert lab.session.log.numbers == numbers and lab.session.log.events == events and not lab.session.waiting
    assert lab.controls.dials["content"].slider.value == 1.7 and lab.controls.dials["adversarial"].slider.value == 1.0
    assert not lab.export_to.exists()


def test_a_wish_that_reached_the_session_would_spoil_the_replay():
    """What the refusal is for: asked past the controls, the next step uses it and the numbers differ."""
    lab = make()
    during(lab, "replay", lambda: lab.session.ask("set", "adversarial", 0.1))
    assert "of the replay gave" in lab.message.value


@pytest.mark.parametrize("touch", ["a dial", "run", "back"])
def test_an_a_b_that_is_touched_goes_on_and_leaves_no_trace(touch):
    lab, plain = make(), make()
    during(lab, "compare", lambda: TOUCHES[touch](lab))
    asyncio.run(plain.compare())
    assert lab._comparison[0]["with"][0] == plain._comparison[0]["with"][0]
    assert lab.session.tick == STEPS and not lab.session.waiting and "has not moved" in lab.message.value


def test_cells_are_told_too():
    lab, said = make(), []

    def act() -> None:
        for call in (lambda: lab.set("content", 1.0), lambda: lab.choose("start"), lab.snapshot, lab.back, lab.export):
            with pytest.raises(ValueError, match="not while a replay runs") as error:
                call()
            said.append(str(error.value))

    during(lab, "replay", act)
    assert len(said) == 5 and "bit for bit" in lab.message.value


def test_pause_stops_a_replay_at_once_where_it_is():
    lab, whole = make(), make().session.log
    there, after = during(lab, "replay", lab.pause)
    assert there == after == lab.session.tick == 3 and lab.session.log.numbers == whole.numbers[:3]
    assert f"stopped after 3 of {STEPS} steps" in lab.message.value and "❚❚ paused · step 3<" in lab.status.value
    assert lab.controls.dials["content"].slider.value == lab.session.stepper.weights.content["points"] != 1.7, "the dials are as they were then"


def test_after_a_stopped_replay_run_goes_on_and_replay_does_all():
    lab, whole = make(), make().session.log
    during(lab, "replay", lab.pause)
    during(lab, "replay", lambda: None)
    assert lab.session.log.numbers == whole.numbers and "bit for bit" in lab.message.value
    during(lab, "replay", lab.pause)
    asyncio.run(lab.run(5))
    assert lab.session.log.numbers[: STEPS // 2] == whole.numbers[: STEPS // 2], "constant weights: the steps that it had, until the dial was turned"
    assert lab.session.log.numbers[STEPS // 2 :] != whole.numbers[STEPS // 2 : lab.session.tick]
    assert "the same numbers" in asyncio.run(lab.replay()) and lab.session.tick == 8


def test_pause_stops_an_a_b_at_once_and_nothing_has_moved():
    lab = make()
    expected = Session(ToyGAN(seed=5, batch=32))
    list(expected.replay(lab.session.log))
    during(lab, "compare", lab.pause)
    assert lab.session.stepper.step == lab.session.tick == STEPS and f"A/B stopped: run A took 3 of {STEPS} steps, run B none, drawn below (scroll down); the training itself has not moved: it stands at step {STEPS}" in lab.message.value
    assert lab._second.layout.display == "" and "❚❚ paused" in lab.status.value
    asyncio.run(lab.run(2))
    assert [expected.advance().terms for _ in range(2)] == lab.session.log.numbers[-2:]


@pytest.mark.parametrize("button", RERUNS)
def test_training_stops_for_it_and_pause_forgets_what_was_asked_for(button):
    lab = make()

    async def go() -> tuple[int, str]:
        task = asyncio.create_task(lab.run())
        while lab.session.tick < STEPS + 3:
            await asyncio.sleep(0)
        lab.press(button)
        await task
        return lab.session.stepper.step, lab.message.value

    step, said = asyncio.run(go())
    assert ("bit for bit" if button == "replay" else "has not moved") in said and f"step {step}<" in lab.status.value
    for order in ("step", button, "run", "export"):
        lab._orders.append(order)
    lab.pause()
    assert list(lab._orders) == ["export"], "a file that was asked for is still written"


def test_a_cell_that_replays_waits_for_training_to_stop():
    lab = make()

    async def go() -> str:
        task = asyncio.create_task(lab.run())
        while lab.session.tick < STEPS + 3:
            await asyncio.sleep(0)
        said = await lab.replay()
        assert task.done() or await task is None
        return said

    assert "bit for bit" in asyncio.run(go())


@pytest.mark.parametrize("button", [*RERUNS, "run"])
def test_slow_motion_breathes_and_pause_cuts_the_breath_short(button, monkeypatch):
    monkeypatch.setattr("tlk.show.lab.widget.BREATH", 60.0)
    lab, taken = make(), []
    one_step = lab.session.stepper.one_step
    lab.session.stepper.one_step = lambda: (taken.append(1), one_step())[1]
    lab.controls.slow.value = True

    async def go() -> None:
        lab._loop = asyncio.get_running_loop()
        lab.press(button)
        while not taken:
            await asyncio.sleep(0)
        await asyncio.sleep(0.3)
        lab.press("pause")
        await asyncio.wait_for(lab._task, 20)

    asyncio.run(go())
    assert len(taken) == 1 and "❚❚ paused" in lab.status.value


@pytest.mark.parametrize("button", [*RERUNS, "run"])
def test_a_click_is_heard_within_one_step_though_the_kernel_takes_rounds_to_read_it(button):
    """ipykernel acts on a message four or five rounds of the loop after it came; with one round a step, steps of a second
    would make a Pause wait for seconds."""
    lab, steps = make(), []
    taken, one_step = [], lab.session.stepper.one_step
    lab.session.stepper.one_step = lambda: (taken.append(1), one_step())[1]

    async def go() -> None:
        lab._loop = loop = asyncio.get_running_loop()
        lab.press(button)
        while len(taken) < 3:
            await asyncio.sleep(0)
        arrive = lambda rounds: loop.call_soon(arrive, rounds - 1) if rounds else lab.pause()
        steps.append(len(taken))
        arrive(6)
        await lab._task
        steps.append(len(taken))

    asyncio.run(go())
    assert steps[1] - steps[0] <= 1


def test_there_is_nothing_to_replay_before_the_first_step():
    lab = LossLab(ToyGAN(seed=5, batch=32))
    lab.press("replay")
    asyncio.run(lab.run(0))
    assert "nothing to replay yet" in lab.message.value and not lab.controls.buttons["run"].disabled


@pytest.mark.parametrize("order", ["run", "step"])
def test_what_was_true_while_it_stood_still_is_not_said_while_it_trains(order):
    lab = make()
    asyncio.run(lab.compare())
    assert "has not moved" in lab.message.value
    lab.set("content", 0.5)
    assert "from the next step on" in lab.message.value

    async def go() -> list[str]:
        lab._loop, said = asyncio.get_running_loop(), []
        lab._say("what was compared")
        lab.press(order)
        while not lab._task or lab.session.tick == STEPS:
            await asyncio.sleep(0)
        said.append(lab.message.value)
        lab.pause()
        await lab._task
        return said

    assert "compared" not in asyncio.run(go())[0]

