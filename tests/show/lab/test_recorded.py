"""What was recorded stays: after a replay that was left in the middle, and below the lab while an A/B grows."""

import asyncio

import pytest
from matplotlib.figure import Figure

from tests.show.lab.conftest import STEPS, during, make
from tlk.learning.toy import ToyGAN
from tlk.show import LossLab
from tlk.show.lab import Log, Session, drawing
from tlk.show.lab.views import ToyView

pytestmark = pytest.mark.usefixtures("no_pictures")


def test_after_a_stopped_replay_export_writes_all_of_the_run(tmp_path):
    lab = make()
    lab.export_to = tmp_path / "lab.json"
    whole = lab.session.log
    during(lab, "replay", lab.pause)
    lab.press("export")
    asyncio.run(lab.run(0))
    assert Log.load(lab.export_to) == whole and f"lab.json: {STEPS} steps, 1 event" in lab.message.value


@pytest.mark.parametrize("order", ["run", "step", "D", "G"])
def test_a_step_after_a_stopped_replay_says_that_it_leaves_the_recorded_run_and_export_writes_both(order, tmp_path):
    lab = make()
    lab.export_to = tmp_path / "lab.json"
    whole = lab.session.log
    during(lab, "replay", lab.pause)
    assert f"Replay begins again and does all {STEPS}" in lab.message.value and "both are kept" in lab.message.value

    async def go() -> None:
        lab._loop = asyncio.get_running_loop()
        lab.press(order)
        while lab.session.tick < 4:
            await asyncio.sleep(0)
        lab.pause()
        await lab._task

    asyncio.run(go())
    assert f"since step 3 of the recorded one; all {STEPS} steps of that are kept" in lab.message.value, "also when the run has ended"
    own = lab.session.log
    lab.press("export")
    asyncio.run(lab.run(0))
    assert Log.load(tmp_path / "lab.json") == own and own.numbers[:3] == whole.numbers[:3]
    assert Log.load(tmp_path / "lab-recorded-1.json") == whole
    assert f"lab-recorded-1.json: {STEPS} steps, 1 event" in lab.message.value and f"lab.json: {own.ticks} step" in lab.message.value
    assert "bit for bit" in asyncio.run(lab.replay(tmp_path / "lab-recorded-1.json")) and lab.session.log.numbers == whole.numbers
    assert lab.session.recorded == [whole, own], "nor does the replay of a file forget what was done before it"


def slow_a_b(lab: LossLab, monkeypatch, pause: bool = False) -> list[tuple[int, ...]]:
    """The lengths of the runs in each picture below the lab."""
    drawn = []
    monkeypatch.setattr("tlk.show.lab.widget.BREATH", 0.0)
    monkeypatch.setattr("tlk.show.lab.reruns.draw_comparison", lambda runs, *_: (drawn.append(tuple(len(rows) for rows, _ in runs.values())), Figure((0.1 + len(drawn) / 100, 0.1)))[1])
    lab.controls.slow.value = True
    during(lab, "compare", lab.pause if pause else lambda: None)
    return drawn


def test_in_slow_motion_an_a_b_is_drawn_as_it_grows_to_the_same_runs(monkeypatch):
    lab, plain = make(), make()
    asyncio.run(plain.compare())
    assert slow_a_b(lab, monkeypatch) == [*((n,) for n in range(1, STEPS + 1)), *((STEPS, n) for n in range(1, STEPS + 1))]
    assert {name: rows for name, (rows, _) in lab._comparison[0].items()} == {name: rows for name, (rows, _) in plain._comparison[0].items()}
    assert lab._comparison[1:] == plain._comparison[1:] and lab.session.tick == STEPS


def test_a_slow_a_b_that_is_broken_off_shows_what_it_has_and_keeps_the_last_one_for_stills(monkeypatch):
    lab = make()
    asyncio.run(lab.compare())
    before, found = lab._second.value, lab._comparison
    assert slow_a_b(lab, monkeypatch, pause=True) == [(1,), (2,), (3,), (3,)]
    assert lab._second.value != before and lab._comparison is found and lab._second.layout.display == ""
    assert f"A/B stopped: run A took 3 of {STEPS} steps, run B none, drawn below (scroll down)" in lab.message.value


def test_an_a_b_that_is_stopped_in_run_b_shows_run_a_as_far_and_both_say_when(monkeypatch):
    """What run A took its time for is not thrown away."""
    lab, shown = make(), []
    monkeypatch.setattr("tlk.show.lab.reruns.draw_comparison", lambda *drawn: shown.append(drawn) or drawing.draw_comparison(*drawn))

    async def stop_in_b() -> None:
        lab._loop = asyncio.get_running_loop()
        lab.press("compare")
        while "run B" not in lab.message.value or "step 2 of" not in lab.message.value:
            await asyncio.sleep(0)
        lab.pause()
        await lab._task

    asyncio.run(stop_in_b())
    runs, *_, note = shown[-1]
    assert {name: [row["step"] for row in rows] for name, (rows, _) in runs.items()} == {"without": list(range(1, STEPS + 1)), "with": [1, 2]}
    assert note == f"A/B stopped: run A took {STEPS} of {STEPS} steps, run B 2" and note in [t.get_text() for t in drawing.draw_comparison(*shown[-1]).texts]
    assert f"stands at step {STEPS}" in lab.message.value and lab.session.stepper.step == STEPS
    with pytest.raises(ValueError, match="nothing was compared yet"):
        lab.compared()
    asyncio.run(lab.run(3))
    asyncio.run(lab.compare())
    assert shown[-1][-1] == f"A/B of when the training stood at step {STEPS + 3}"


def test_an_a_b_has_a_picture_from_its_first_step_on():
    session = Session(ToyGAN(seed=5, batch=32))
    view = ToyView(32, 8)
    for name, rows in session.compare(1):
        runs = {name: (rows, view.look(session.stepper, session.stepper.weights))}
        *_, curves = drawing.draw_comparison(runs, session.saved.weights, session.saved.weights).axes[::-1]
        assert [line.get_marker() for line in curves.lines] == ["."] * 4 and len(curves.get_legend().get_texts()) == 4


def test_back_after_a_stopped_replay_says_that_the_recorded_run_is_kept():
    lab = make()
    during(lab, "replay", lab.pause)
    lab.press("back")
    asyncio.run(lab.run(0))
    assert f"the recorded run is kept: Replay does all of it, {STEPS} steps, 1 event" in lab.message.value
    assert f"replayed {STEPS} steps" in asyncio.run(lab.replay()), "and it does"


def test_pause_is_answered_before_the_step_at_hand_is_done():
    lab, said = make(), []
    during(lab, "replay", lambda: (lab.pause(), said.append(lab.message.value)))
    assert "stopping after the step at hand" in said[0] and "stopped after" in lab.message.value


def test_once_an_a_b_has_said_that_it_stopped_nothing_on_the_page_moves():
    lab, said = make(), []

    async def go() -> tuple[str, str]:
        lab._loop = asyncio.get_running_loop()
        lab.message.observe(lambda change: said.append(lab.status.value) if "A/B stopped" in change["new"] else None, names="value")
        lab.press("compare")
        while "run A" not in lab.message.value:
            await asyncio.sleep(0)
        lab.pause()
        await lab._task
        return said[0], lab.status.value

    then, later = asyncio.run(go())
    assert then == later and "paused" in later
