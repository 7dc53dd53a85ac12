"""Replay and A/B: a lab takes steps of its own, and nothing else may touch the networks meanwhile."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

from matplotlib.figure import Figure

from tlk.learning import LossWeights
from tlk.show.pieces import give_way

from .drawing import draw_comparison, png
from .events import Log
from .stills import draw_compared
from .telling import NEXT, difference
from .views import Look

LOOKS = 40  #: points of the quality curve that a replay makes, at least, where it has as many steps
WAIT = "Pause stops it; the other controls wait"
PAUSED, TRAINING, STEPPING, REPLAYING, COMPARING = "❚❚ paused", "▶ training", "▶ one step", "▶ replaying", "▶ A/B"

Runs = tuple[dict[str, tuple[list[dict[str, float]], Look]], LossWeights, LossWeights]  #: what was found, weights of A and of B


class Reruns:
    """The part of ``LossLab`` that does again what was done, or does it twice."""

    async def replay(self, source: str | Path | Log | None = None) -> str:
        """Go back to the start, do again what a log says (default: what was done here), and compare every number.

        Training that goes on stops first. The controls wait meanwhile, except Pause, which leaves the lab at the step
        that was reached: another replay does all of the log, and a step from there begins a run of its own (Export writes
        both). Returns a sentence. ValueError when a number differs, the log belongs to another stepper, or has no step.
        """
        await self._stand_still()
        log = source if isinstance(source, Log) else Log.load(source) if source else self.session.history
        if not log.ticks:
            raise ValueError("there is nothing to replay yet: take a step first")
        done = 0
        with self._alone(REPLAYING), closing(self.session.replay(log)) as reports:
            self._quality.clear()
            self.controls.show(self.session.stepper.weights)
            self._tell()  # before the picture, which takes its time
            self._say(f"replay: {counted(log)}, from the start; at its end all stands as it stood · {WAIT}")
            self.draw()
            await give_way()
            try:
                done = await self._follow(reports, log.ticks)
            finally:
                self._doing = PAUSED
                self.controls.show(self.session.stepper.weights)
                self.draw()
        if done < log.ticks:
            return (
                f"replay stopped after {done} of {log.ticks} steps, the same numbers so far. Replay begins again and does all {log.ticks}; Run or Step begins a run of its own "
                f"from here, and both are kept; Back to snapshot leads to step {self.session.saved.step}"
            )
        return f"replayed {counted(log)}: the same numbers, bit for bit; they end at step {self.session.stepper.step}. Only the curve of quality has its points at other steps"

    async def _follow(self, reports: Iterator, steps: int) -> int:
        """Take a replay's steps until the last one or Pause; how many they were. The dials turn as they were turned."""
        done, begun = 0, time.perf_counter()
        for done, _ in enumerate(reports, 1):
            self.training_seconds += time.perf_counter() - begun
            self.controls.show(self.session.stepper.weights)
            self._say(f"replay: step {done} of {steps}, the same numbers so far · {WAIT}")
            if not self._draw_if_due() and done % max(1, steps // LOOKS) == 0:
                self._observe()
            await self._breathe(more=done < steps)
            if self._stop and done < steps:
                break
            begun = time.perf_counter()
        return done

    def _advance(self) -> None:
        """A step; one that leaves a recorded run says so."""
        whole, shared = self.session.unfinished, self.session.tick
        self.session.advance()
        if whole:
            self._say(f"a run of its own since step {shared} of the recorded one; all {whole.ticks} steps of that are kept, and Export writes both")

    def export(self, path: str | Path | None = None) -> Path:
        """Write events and numbers as JSON; after a replay that was left in the middle all of its log, until another step is taken.

        Recorded runs that were left for another one are written beside it: NAME-recorded-1.json and so on.
        """
        self._refuse_while_busy()
        path = Path(path or self.export_to)
        for file, log in self._exports(path).items():
            log.save(file)
        return path

    def _wrote(self) -> str:
        """Export, and a sentence about it. Steps before a return to the snapshot are in the log as well."""
        steps = self.session.stepper.step - self.session.start.step
        back = 0 if self.session.unfinished else self.session.tick - steps
        files = [f"{file}: {counted(log)}" for file, log in self._exports(self.export()).items()]
        return f"wrote {files[0]}" + f" ({back} of the steps were taken back)" * (back > 0) + "".join(f"; {other}" for other in files[1:])

    def _exports(self, path: Path) -> dict[Path, Log]:
        recorded = enumerate(self.session.recorded, 1)
        return {path: self.session.history} | {path.with_name(f"{path.stem}-recorded-{n}{path.suffix}"): log for n, log in recorded}

    async def compare(self, steps: int | None = None) -> None:
        """A/B: two runs from the snapshot, without and with the weights now on the dials; afterwards all is as before.

        Training that goes on stops first. The controls wait meanwhile, except Pause, which breaks the comparison off and
        leaves on the page what the two have done by then. In slow motion the two are drawn as they grow.
        """
        await self._stand_still()
        self.session.settle()
        steps, found = steps or self.compare_steps, {}
        done = False
        weights = self.session.saved.weights, self.session.stepper.weights.snapshot()
        with self._alone(COMPARING), closing(self.session.compare(steps)) as runs:
            self._tell()
            same = "" if difference(*weights) else "no weight has changed since the snapshot, so A and B will be equal · "
            named = {"without": f"run A from step {self.session.saved.step}, weights as kept", "with": f"run B, {difference(*weights) or 'nothing changed either'}"}
            self._say(f"A/B: {steps} steps twice from the snapshot at step {self.session.saved.step} · {same}{WAIT}")
            await give_way()
            for name, rows in runs:
                if len(rows) == steps or self.controls.slow.value:
                    found[name] = (rows, self.view.look(self.session.stepper, self.session.stepper.weights, len(rows) == steps))
                self._say(f"A/B: {same}{named[name]}: step {len(rows)} of {steps} · {WAIT}")
                done = name == "with" and len(rows) == steps
                if self.controls.slow.value and not done:
                    self._show_below(found, *weights, f"A/B goes on: {taken(found, steps)}")
                await self._breathe(more=not done)
                if self._stop and not done:
                    found[name] = (rows, self.view.look(self.session.stepper, self.session.stepper.weights))
                    break
            self._doing = PAUSED
            runs.close()  # everything is as before from here on
            self._say(self._compared((found, *weights), steps, done))

    def _draw_what_is_new(self) -> None:
        """At the end of a run: a picture of where it stands, unless that is on the page."""
        self.draw() if self._image_of != self.session.stepper.step else self._tell()

    def _remembered(self, order: str) -> None:
        """Do what was asked for, and show where that leads."""
        self.session.settle()
        self.controls.show(self.session.stepper.weights)
        self.draw()
        self._say(f"snapshot kept at step {self.session.saved.step}" if order == "snapshot" else f"back at step {self.session.saved.step}" + ", and training goes on from there" * (self._left >= 1) + self._kept())

    def _forget_what_was_said(self) -> None:
        """What was true while it stood still; not that a change waits for the next step."""
        if NEXT not in self.message.value:
            self._say("")

    def _kept(self) -> str:
        """That a recorded run is not lost, after a replay that was left in the middle."""
        return f"; the recorded run is kept: Replay does all of it, {counted(whole)}" if (whole := self.session.unfinished) else ""

    def _show_below(self, *runs: object) -> None:
        self._second.value, self._second.layout.display = png(draw_comparison(*runs)), ""

    def _compared(self, runs: Runs, steps: int, done: bool) -> str:
        """Show what an A/B found, also of one that was broken off; the sentence about it."""
        step, stopped = self.session.stepper.step, "" if done else f"A/B stopped: {taken(runs[0], steps)}"
        if done:
            self._comparison = runs
        self._show_below(*runs, stopped or f"A/B of when the training stood at step {step}")
        self.draw()  # what was measured last is of the two runs
        return f"{stopped or f'A/B: {steps} steps twice from step {self.session.saved.step}'}, drawn below (scroll down); the training itself has not moved: it stands at step {step}"

    def compared(self) -> Figure:
        """The last A/B that came to its end, side by side, for a page without a kernel. Raises ValueError when there was none."""
        if self._comparison is None:
            raise ValueError("nothing was compared yet: `await lab.compare()` or press A/B first")
        return draw_compared(*self._comparison)

    @contextmanager
    def _alone(self, doing: str) -> Iterator[None]:
        self._doing = self._busy = doing
        self._stop = False
        self.controls.lock(True)
        try:
            yield
        finally:
            self._doing, self._busy = PAUSED, ""
            self.controls.lock(False)

    async def _stand_still(self) -> None:
        """Two that take steps would disturb each other: training stops first, and of replays and A/Bs there is one at a time."""
        self._refuse_while_busy()
        self._left = 0.0
        if self._task is not None and not self._task.done() and self._task is not asyncio.current_task():
            await asyncio.wait([self._task])

    def _refuse_while_busy(self) -> None:
        if self._busy:
            raise ValueError(f"not while {'a replay' if self._busy == REPLAYING else 'A/B'} runs: wait for its end, or press Pause")


def taken(found: dict[str, tuple[list[dict[str, float]], Look]], steps: int) -> str:
    """How far the two runs came."""
    a, b = (len(found[name][0]) if name in found else 0 for name in ("without", "with"))
    return f"run A took {a} of {steps} steps, run B {b or 'none'}"


def counted(log: Log) -> str:
    return ", ".join(f"{n} {what}{'s' * (n != 1)}" for n, what in ((log.ticks, "step"), (len(log.events), "event")))
