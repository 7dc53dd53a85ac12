"""What the lab does, without a widget: numbers of a plain loop, one step until a change acts, snapshots, replay, A/B."""

import gc
import json

import psutil
import pytest
import torch

from tests.learning.conftest import MINI, disc_person
from tlk.learning import MetaLearning
from tlk.learning.toy import ToyGAN
from tlk.show.lab import Log, Session, Snapshot
from tlk.show.lab.snapshot import modules, optimisers
from tlk.show.lab.views import FacesView, ToyView


def toy() -> ToyGAN:
    return ToyGAN(seed=5, batch=32)


def faces() -> MetaLearning:
    return MetaLearning(MINI, [disc_person(s) for s in range(4)], seed=2)


def terms(stepper, steps: int) -> list[dict]:
    return [r.terms for r in stepper.steps(steps)]


def test_what_is_measured_at_every_fourth_look_is_dated_and_never_of_another_branch():
    """The landmark error and the shares: of this step, or with the step that they are of; after a step back, or with other weights, of now."""
    session = Session(faces())
    stepper, view = session.stepper, FacesView(session.stepper)
    first = view.look(stepper, stepper.weights)
    assert first.at is None and not first.held and "landmark error" in first.quality
    session.advance()
    later = view.look(stepper, stepper.weights)
    assert later.at == 0 and list(later.held) == ["landmark error"] and "landmark error" not in later.quality and later.shares == first.shares
    whole = view.look(stepper, stepper.weights, whole=True)
    assert whole.at is None and "landmark error" in whole.quality and whole.shares != first.shares
    view.error = 7.0  # as if another run had been looked at, at a step of this number
    assert view.look(stepper, stepper.weights, whole=True).quality == whole.quality, "measured, not remembered"
    stepper.weights.adversarial = 0.0
    assert view.look(stepper, stepper.weights).shares["adversarial"] == 0, "the bars are those of the weights in force"
    stepper.weights.adversarial = 0.1
    session.ask("back")
    session.settle()
    again = view.look(stepper, stepper.weights)
    assert again.at is None and again.quality == first.quality, "what was seen at a later step is not this one's"


@pytest.mark.parametrize("make, view", [(toy, lambda s: ToyView(32, 8)), (faces, FacesView)], ids=["toy", "faces"])
def test_constant_weights_give_the_numbers_of_a_plain_loop_also_when_somebody_looks(make, view):
    plain, watched = make(), Session(make())
    eye, seen = view(watched.stepper), []
    for _ in range(5):
        seen.append(watched.advance().terms)
        eye.look(watched.stepper, watched.stepper.weights)
    assert seen == terms(plain, 5)
    for name, module in modules(plain).items():
        for key, value in module.state_dict().items():
            assert torch.equal(value, modules(watched.stepper)[name].state_dict()[key]), key


def test_a_look_in_training_mode_would_change_the_numbers():
    """What ``only_looking`` is for: a pass in training mode moves the spectral norm's vectors."""
    watched, plain = toy(), terms(toy(), 2)
    assert watched.one_step().terms == plain[0]
    with torch.no_grad():
        watched.critic(torch.zeros(3, 2))
    assert watched.one_step().terms != plain[1]


def test_a_change_acts_on_the_next_step_and_not_before():
    session = Session(toy())
    session.advance()
    session.ask("set", "feature_matching", 7.0)
    assert session.stepper.weights.feature_matching != 7.0
    assert session.advance().weights.feature_matching == 7.0
    assert session.marks == [(1, "feature matching 0.3 → 7")]


def test_marks_made_after_a_snapshot_go_with_it_also_those_of_its_own_step():
    session = Session(toy())
    session.ask("set", "adversarial", 0.5)
    session.advance()
    session.ask("snapshot")
    session.ask("set", "adversarial", 2.0)
    session.advance()
    assert [step for step, _ in session.marks] == [0, 1]
    session.ask("back")
    session.settle()
    assert [step for step, _ in session.marks] == [0] and session.stepper.weights.adversarial == 0.5


def test_changes_of_one_step_are_one_mark_and_what_was_turned_back_is_none():
    session = Session(toy())
    for name, value in (("content", 1.0), ("adversarial", 0.0), ("adversarial", 1.0), ("content", 2.0), ("discriminator_steps", 3)):
        session.ask("set", name, value)
    session.advance()
    assert session.marks == [(0, "content 0.3 → 2, D steps 2 → 3")]


def test_an_unknown_weight_is_refused():
    with pytest.raises(ValueError, match="no loss weight 'style'"):
        Session(toy()).ask("set", "style", 1.0)


@pytest.mark.parametrize("make", [toy, faces])
def test_a_snapshot_brings_everything_back(make):
    """Networks, average, optimisers, step, weights and curve: else the steps that follow would differ."""
    session = Session(make())
    start = session.stepper.weights.adversarial
    session.advance()
    session.ask("snapshot")
    first = [session.advance().terms for _ in range(3)]
    session.ask("set", "adversarial", 7 * start)
    session.advance()
    session.ask("back")
    assert [session.advance().terms for _ in range(3)] == first
    assert session.stepper.step == 4 and len(session.stepper.history) == 4 and session.stepper.weights.adversarial == start
    assert [r["step"] for r in session.rows] == [1, 2, 3, 4] and session.marks == []


@pytest.mark.parametrize("forgotten", ["optimisers", "modules", "step"])
def test_a_snapshot_that_forgets_a_part_is_found_out(forgotten):
    stepper = toy()
    stepper.one_step()
    snapshot = Snapshot(stepper)
    right = terms(stepper, 2)
    if forgotten == "step":
        snapshot.step = 3
    elif forgotten == "modules":
        del snapshot.modules["critic"]
        snapshot.modules["critic"] = modules(stepper)["critic"].state_dict()
    else:
        snapshot.optimisers = {name: o.state_dict() for name, o in optimisers(stepper).items()}
        snapshot.optimisers = {name: {**s, "state": {}} for name, s in snapshot.optimisers.items()}
    snapshot.put_back(stepper)
    assert terms(stepper, 2) != right


def run_with_events(session: Session) -> None:
    session.advance()
    session.ask("set", "content", 2.5)
    session.advance()
    session.ask("snapshot")
    session.ask("only", "D")
    session.advance()
    session.ask("only", "G")
    session.ask("set", "discriminator_steps", 3)
    session.advance()
    session.ask("back")
    session.advance()
    session.ask("set", "adversarial", 0.5)
    session.settle()


def test_events_are_replayed_to_the_same_numbers_elsewhere(tmp_path):
    session = Session(toy())
    run_with_events(session)
    path = session.log.save(tmp_path / "events.json")
    other = Session(toy())
    other.advance()  # whatever was done before is undone first
    reports = list(other.replay(Log.load(path)))
    assert [r.terms for r in reports] == session.log.numbers == other.log.numbers
    assert other.log.events == session.log.events and other.stepper.weights == session.stepper.weights
    assert [e["do"] for e in json.loads(path.read_text())["events"]] == ["set", "snapshot", "only", "only", "set", "back", "set"]


def test_a_replay_left_in_the_middle_stands_there_and_may_be_done_again_whole():
    session = Session(toy())
    run_with_events(session)
    whole = session.log
    reports = session.replay(session.history)
    next(reports), next(reports)
    reports.close()
    assert session.stepper.step == session.tick == 2 and session.log.numbers == whole.numbers[:2]
    assert session.history is whole, "nothing else was done: all of it can be replayed again"
    further = session.advance().terms
    assert session.history is session.log and session.log.numbers == [*whole.numbers[:2], further], "from here on a run of its own"
    assert session.recorded == [whole], "and the one that it left is kept"
    other = Session(toy())
    assert [r.terms for r in other.replay(session.log)] == session.log.numbers, "which can be replayed like any"


def test_a_replay_that_is_given_up_before_its_first_step_forgets_nothing():
    session = Session(toy())
    run_with_events(session)
    whole = session.log
    session.replay(session.history).close()
    assert session.tick == 0 and session.history is whole and session.recorded == []


def test_a_replay_of_another_log_keeps_what_was_done_here():
    session, other = Session(toy()), Session(toy())
    run_with_events(session)
    other.advance()
    list(other.replay(session.log))
    list(other.replay(session.log))
    list(other.replay(other.log))
    assert [log.ticks for log in other.recorded] == [1], "once, and no log twice"


def test_content_comes_back_from_zero_with_the_proportions_it_had():
    stepper = toy()
    stepper.weights.content = {"frame": 0.5, "face": 0.5, "mouth": 0.25}
    session = Session(stepper)
    for value, wanted in ((0.0, (0.0, 0.0, 0.0)), (1.25, (0.5, 0.5, 0.25)), (2.5, (1.0, 1.0, 0.5))):
        session.ask("set", "content", value)
        session.settle()
        assert tuple(stepper.weights.content.values()) == pytest.approx(wanted)


def test_a_replay_that_differs_says_where(tmp_path):
    session = Session(toy())
    run_with_events(session)
    log = session.log
    log.numbers[2] = log.numbers[2] | {"adversarial": 9.0}
    other = Session(toy())
    with pytest.raises(ValueError, match="step 3 of the replay"):
        list(other.replay(log))
    assert other.recorded == [log] and other.history is other.log, "a log that differs is kept too"
    with pytest.raises(ValueError, match="seed = 5, but the lab has 6"):
        Session(ToyGAN(seed=6)).replay(session.log)


@pytest.mark.parametrize("text", ["", "{}", '{"format": "tlk lab 9"}'])
def test_other_files_are_refused(tmp_path, text):
    (tmp_path / "x.json").write_text(text)
    with pytest.raises(ValueError, match="x.json"):
        Log.load(tmp_path / "x.json")


def test_one_side_alone():
    session = Session(toy())
    state = lambda name: [p.detach().clone() for p in getattr(session.stepper, name).parameters()]
    same = lambda a, b: all(torch.equal(x, y) for x, y in zip(a, b))
    g, d = state("generator"), state("critic")
    session.ask("only", "D")
    session.advance()
    assert same(g, state("generator")) and not same(d, state("critic"))
    d = state("critic")
    session.ask("only", "G")
    session.advance()
    assert not same(g, state("generator")) and same(d, state("critic"))
    assert session.stepper.weights == toy().weights


def test_steps_of_one_side_are_marked_until_they_are_taken_back():
    """Else the jump that Step D makes in the curves would be taken for the last dial's."""
    session = Session(toy())

    def alone(*sides: str) -> None:
        for side in sides:
            session.ask("only", side)
            session.advance()

    session.advance()
    session.ask("set", "adversarial", 2.0)
    alone("D", "D", "G")
    session.advance()
    kept = [(1, "adversarial 1 → 2, D alone"), (3, "G alone")]
    assert session.marks == kept, "several in a row are one mark"
    session.ask("snapshot")
    alone("D")
    assert session.marks == [*kept, (5, "D alone")]
    session.ask("back")
    session.settle()
    assert session.marks == kept
    for _ in session.replay(session.log):
        pass
    assert session.marks == kept


def test_compare_runs_twice_from_the_snapshot_and_leaves_no_trace():
    session, plain = Session(toy()), toy()
    session.ask("snapshot")
    session.ask("set", "content", 3.0)
    found = {name: [dict(r) for r in rows] for name, rows in session.compare(3)}
    assert [r["adversarial"] for r in found["without"]] == [t["adversarial"] for t in terms(plain, 3)]
    changed = toy()
    changed.weights.content = {"points": 3.0}
    assert [r["adversarial"] for r in found["with"]] == [t["adversarial"] for t in terms(changed, 3)]
    assert session.stepper.step == 0 and session.stepper.weights.content == {"points": 3.0} and session.tick == 0


def test_memory_does_not_grow_with_the_steps():
    """But for the curve's numbers, about a kilobyte a step. A graph that is kept would be 200 kB a step."""
    session, process = Session(ToyGAN(seed=0, batch=64)), psutil.Process()
    for _ in range(50):
        session.advance()
    gc.collect()
    tensors, before = sum(isinstance(o, torch.Tensor) for o in gc.get_objects()), process.memory_info().rss
    for _ in range(2000):
        session.advance()
    gc.collect()
    assert process.memory_info().rss - before < 20e6
    assert sum(isinstance(o, torch.Tensor) for o in gc.get_objects()) <= tensors + 5
