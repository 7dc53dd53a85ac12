"""``Session``: a stepper with a memory. No widget, no figure: what a lab does, as data."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from typing import Any

from tlk.learning import LossWeights, Report
from tlk.learning.stepper import Stepper

from .events import Event, Log
from .snapshot import Snapshot

BRANCHES = 3  #: left-behind curves that are kept for the figure
WEIGHTS = ("content", "adversarial", "feature_matching", "match", "discriminator_steps")  #: as the lab names them
RECENT = 16  #: steps whose scores are kept for the histogram


class Session:
    """Takes steps, applies what was asked for before each, and keeps the curve, the marks and the last reports.

    ``ask`` may be called from any thread: it only puts the wish into a queue, which the next step empties. As long
    as nothing is asked for, ``advance`` is ``stepper.one_step()``: the numbers of a plain loop, bit for bit.
    """

    def __init__(self, stepper: Stepper) -> None:
        self.stepper = stepper
        self.start = self.saved = Snapshot(stepper)
        self.parts = parts_of(stepper.weights)  #: of content, for when it comes back from 0
        self.wishes: deque[tuple[str, str, float]] = deque()
        self.recorded: list[Log] = []  #: runs that were left for another one
        self._clear()

    def _clear(self) -> None:
        self.saved = self.start
        self.log = Log(about(self.stepper))
        self.report: Report | None = None
        self.rows: list[dict[str, float]] = []  #: step, terms, accuracy: of the branch we are on
        self.changes: list[tuple[int, str, float, float]] = []  #: (step, weight, from, to) of the branch we are on
        self.saved_changes = 0  #: changes that there were at the snapshot
        self.alone: list[tuple[int, str]] = []  #: (step before it, ``D`` or ``G``): steps of this branch that trained one of them
        self.left_behind: deque[list[dict[str, float]]] = deque(maxlen=BRANCHES)
        self.recent: deque[Report] = deque(maxlen=RECENT)
        self._cut: tuple[Log, int] | None = None  #: what is replayed, and how far it came

    @property
    def tick(self) -> int:
        """Steps taken in this lab; unlike ``stepper.step`` it never goes back."""
        return self.log.ticks

    def ask(self, do: str, name: str = "", value: float = 0.0) -> None:
        """Queue an event (see ``Event``) for the next step. Raises ValueError for a weight that does not exist."""
        if do == "set":
            read_weight(self.stepper.weights, name)
        self.wishes.append((do, name, value))

    @property
    def marks(self) -> list[tuple[int, str]]:
        """(step, what changed): one mark a step, and none for what no step has used, be it turned back or only used by an A/B.

        Steps of D or G alone are marked too, the first of several in a row: else their jump would be taken for a dial's.
        """
        steps: dict[int, dict[str, tuple[float, float]]] = {}
        for step, name, before, after in self.changes:
            if step >= self.stepper.step:
                continue
            names = steps.setdefault(step, {})
            names[name] = names.get(name, (before, after))[0], after
        texts = {step: [f"{words(n)} {shown(n, a)} → {shown(n, b)}" for n, (a, b) in names.items() if a != b] for step, names in steps.items()}
        for step, side in self.alone:
            if (step - 1, side) not in self.alone:
                texts.setdefault(step, []).append(f"{side} alone")
        return [(step, ", ".join(said)) for step, said in sorted(texts.items()) if said]

    @property
    def waiting(self) -> bool:
        """Something was asked for that no step has used yet."""
        return bool(self.wishes)

    def settle(self) -> str:
        """Apply what was asked for; returns ``D`` or ``G`` when the next step is to train one of them alone."""
        only = ""
        while self.wishes:
            event = Event(self.tick, *self.wishes.popleft())
            self.log.events.append(event)
            only = self._apply(event) or only
        return only

    def _apply(self, event: Event) -> str:
        if event.do == "set":
            before = read_weight(self.stepper.weights, event.name)
            write_weight(self.stepper.weights, event.name, event.value, self.parts)
            if before != event.value:
                self.changes.append((self.stepper.step, event.name, before, event.value))
        elif event.do == "snapshot":
            self.saved, self.saved_changes = Snapshot(self.stepper), len(self.changes)
        elif event.do == "back":
            self._go_back()
        return event.name if event.do == "only" else ""

    def _go_back(self) -> None:
        self.left_behind.append([r for r in self.rows if r["step"] > self.saved.step])
        self.rows = [r for r in self.rows if r["step"] <= self.saved.step]
        del self.changes[self.saved_changes :]  # also those that were made at the snapshot's own step, after it
        self.alone = [(step, side) for step, side in self.alone if step < self.saved.step]
        self.recent.clear()
        self.report = None
        self.saved.put_back(self.stepper)

    def advance(self) -> Report:
        """One step, after what was asked for. After a replay that was left in the middle it leaves the recorded run, which is kept."""
        if whole := self.unfinished:
            self._record(whole)
        return self._advance()

    def _advance(self) -> Report:
        only = self.settle()
        weights = self.stepper.weights
        steps = weights.discriminator_steps, weights.generator_steps
        if only:
            self.alone.append((self.stepper.step, only))
            weights.discriminator_steps, weights.generator_steps = (max(1, steps[0]), 0) if only == "D" else (0, 1)
        try:
            report = self.stepper.one_step()
        finally:
            weights.discriminator_steps, weights.generator_steps = steps
        self._keep(report)
        return report

    def _keep(self, report: Report) -> None:
        real, generated = report.accuracy
        self.report = report
        self.recent.append(report)
        self.rows.append({"step": report.step, **report.terms, "real": real, "generated": generated})
        self.log.numbers.append(report.terms)

    def rewind(self) -> Log:
        """Back to the start, with an empty log; returns the log until now."""
        log = self.log
        self.wishes.clear()
        self.start.put_back(self.stepper)
        self._clear()
        return log

    @property
    def unfinished(self) -> Log | None:
        """The log of a replay that was left in the middle, until another step is taken."""
        whole, ticks = self._cut or (self.log, 0)
        return whole if self.tick == ticks < whole.ticks else None

    @property
    def history(self) -> Log:
        """What was done here, for a replay: all of the log of an ``unfinished`` one."""
        self.settle()
        return self.unfinished or self.log

    def _record(self, log: Log) -> None:
        if log not in self.recorded:
            self.recorded.append(log)

    def replay(self, log: Log) -> Iterator[Report]:
        """Go back to the start and do all that the log says, a report for each step.

        Whoever closes the generator before its end stands at the step it reached, and may go on from there. What was done
        before is among ``recorded`` when it is not what is replayed, and so is a log that a step leaves.
        Raises ValueError at once when the log was made with another stepper, and at the first step whose numbers
        differ from the log's.
        """
        here = about(self.stepper)
        if different := [k for k in here if here[k] != log.about.get(k)]:
            raise ValueError(f"these events were made with {different[0]} = {log.about.get(different[0])!r}, but the lab has {here[different[0]]!r}; make the stepper as it was then")
        if (mine := self.history).ticks and mine != log:
            self._record(mine)
        self.rewind()
        self._cut = log, 0
        return self._replay(log)

    def _replay(self, log: Log) -> Iterator[Report]:
        events = deque(log.events)
        for expected in [*log.numbers, None]:
            while events and events[0].tick == self.tick:
                event = events.popleft()
                self.ask(event.do, event.name, event.value)
            if expected is None:
                self.settle()
                return
            report = self._advance()
            if not same(report.terms, expected):
                self._record(log)
                raise ValueError(f"step {self.tick} of the replay gave {report.terms}, not {expected}: the stepper or its data are not those of the log")
            self._cut = log, self.tick
            yield report

    def compare(self, steps: int) -> Iterator[tuple[str, list[dict[str, float]]]]:
        """Two runs of ``steps`` steps from the snapshot and its seed: with the snapshot's weights ("without"), then with
        the weights in force now ("with"); yields the name and the rows so far after each step. In the end everything is as before, and no event is
        recorded."""
        self.settle()
        here, wanted = Snapshot(self.stepper), self.stepper.weights.snapshot()
        try:
            for name, weights in (("without", self.saved.weights), ("with", wanted)):
                self.saved.put_back(self.stepper)
                vars(self.stepper.weights).update(vars(weights.snapshot()))
                rows: list[dict[str, float]] = []
                for report in self.stepper.steps(steps):
                    rows.append({"step": report.step, **report.terms, "real": report.accuracy[0], "generated": report.accuracy[1]})
                    yield name, rows
        finally:
            here.put_back(self.stepper)


def about(stepper: Stepper) -> dict[str, Any]:
    """What a replay must share: the kind of stepper, its preset and seed, and where it starts."""
    preset = getattr(stepper, "preset", None)
    return {"stepper": type(stepper).__name__, "preset": getattr(preset, "name", ""), "seed": getattr(stepper, "seed", 0)}


def same(a: dict[str, float], b: dict[str, float]) -> bool:
    """Bit for bit, with NaN equal to itself."""
    return a.keys() == b.keys() and all(x == b[k] or (x != x and b[k] != b[k]) for k, x in a.items())


def read_weight(weights: LossWeights, name: str) -> float:
    """A weight by the lab's name for it: ``content`` is the sum over its backbones. ValueError on another name."""
    if name == "content":
        return sum(weights.content.values())
    if name not in WEIGHTS:
        raise ValueError(f"there is no loss weight {name!r}; there are {', '.join(WEIGHTS)}")
    return getattr(weights, name)


def write_weight(weights: LossWeights, name: str, value: float, parts: dict[str, float]) -> None:
    """Set a weight; ``content`` keeps the backbones' proportions, and has those of ``parts`` when it comes back from 0."""
    if name == "content":
        shares = parts_of(weights) if any(weights.content.values()) else parts
        weights.content = {k: value * part for k, part in shares.items()}
    else:
        setattr(weights, name, int(value) if name == "discriminator_steps" else value)


def parts_of(weights: LossWeights) -> dict[str, float]:
    """Each backbone's share of the content weight; equal ones where it is 0."""
    total = sum(weights.content.values())
    return {k: v / total if total else 1 / len(weights.content) for k, v in weights.content.items()}


def words(name: str) -> str:
    return {"discriminator_steps": "D steps", "feature_matching": "feature matching"}.get(name, name)


def shown(name: str, value: float) -> str:
    """A weight as its dial shows it."""
    return "off" if value == 0 and name != "discriminator_steps" else number(value)


def number(value: float) -> str:
    return f"{value:.3g}"
