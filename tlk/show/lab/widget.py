"""``LossLab``: change a loss while the network trains."""

from __future__ import annotations

import asyncio
import time
from collections import deque
from collections.abc import Sequence
from pathlib import Path

from ipywidgets import HTML, Image, VBox
from matplotlib.figure import Figure

from tlk.data import Clip
from tlk.learning.stepper import Stepper
from tlk.learning.toy import ToyGAN
from tlk.show.pieces import running_loop

from .controls import Controls
from .drawing import DPI, draw_comparison, draw_lab, png
from .events import Log
from .session import Session, number, read_weight, words
from .views import Look, view_of

REDRAW = 0.25  #: seconds between two pictures, at least
NEXT = "acts from the next step"
BREATH = 0.7  #: seconds between two steps in slow motion


class LossLab:
    """Run, pause and step a GAN's training, turn its loss weights, and see what becomes of the picture.

        lab = LossLab(ToyGAN(seed=0)); display(lab.widget)
        await lab.run(300)          # or press Run; a dial that is turned acts on the next step
        lab.still()                 # the same picture, for a page without a kernel

    Training happens in an asyncio task, so that the page stays alive; callbacks only leave a wish in a queue, from
    whatever thread they come. While no dial is turned the numbers are those of ``stepper.steps(n)``, bit for bit.

    Args:
        stepper: ``ToyGAN``, ``MetaLearning`` or ``FineTuning``.
        people: clips to look at that the training does not see (``FacesView``); not for the toy.
        export_to: where Export writes.
        compare_steps: length of the two runs of A/B.
        share: most of the time that drawing may take, as a share of the training's.
    """

    def __init__(
        self, stepper: Stepper, people: Sequence[Clip] = (), *, export_to: str | Path = "lab.json",
        compare_steps: int | None = None, share: float | None = None,
    ) -> None:
        toy = isinstance(stepper, ToyGAN)
        self.session, self.view = Session(stepper), view_of(stepper, people)
        self.export_to, self.compare_steps = Path(export_to), compare_steps or (150 if toy else 20)
        self.share = share or (0.5 if toy else 0.06)
        self.training_seconds = self.drawing_seconds = self._last_cost = 0.0
        self._orders: deque[str] = deque()
        self._left, self._task, self._drawn_at = 0.0, None, 0.0
        self._quality: deque[dict[str, float]] = deque(maxlen=600)
        self._comparison: dict[str, tuple[list[dict[str, float]], Look]] = {}
        self._loop = running_loop()
        self.controls = Controls(stepper, self.press, self._turned)
        self._image, self._second = Image(format="png", width=880), Image(format="png", width=880)
        self.status, self.message = HTML(), HTML()
        self._second.layout.display = "none"
        self.widget = VBox([self.controls.widget, self.status, self._image, self.message, self._second])
        self.widget.add_class("tlk-lab")
        self.draw()

    # what a reader or a test calls; the buttons do the same

    async def run(self, steps: int | None = None) -> None:
        """Train for ``steps`` steps, or until Pause. Returns when they are done, at Pause, or when the queue is empty (0)."""
        self._loop = asyncio.get_running_loop()
        self._left = float("inf") if steps is None else float(steps)
        self._begin()
        await self._task

    def pause(self) -> None:
        """Stop after the step at hand."""
        self._left = 0.0

    def set(self, name: str, value: float) -> None:
        """Turn a dial: ``content``, ``adversarial``, ``feature_matching``, ``match`` or ``discriminator_steps``.

        Raises ValueError when the lab has no such dial.
        """
        if name not in self.controls.dials:
            raise ValueError(f"this lab has no dial {name!r}; it has {', '.join(self.controls.dials)}")
        self.controls.dials[name].put(value)

    def choose(self, preset: str) -> None:
        """Turn the dials to one of ``lab.controls.presets``."""
        self.controls.choose(preset)

    def snapshot(self) -> None:
        """Keep networks, averages, optimisers, weights and step as they are now; A/B starts from here."""
        self._remember("snapshot")

    def back(self) -> None:
        """Return to what was kept last (at first: the start)."""
        self._remember("back")

    def press(self, button: str) -> None:
        """What a click does: ``run``, ``pause``, ``step``, ``D``, ``G``, ``snapshot``, ``back``, ``compare``, ``export`` or ``replay``.

        Acts at once where a loop is running, else with the next ``await lab.run(...)``.
        """
        if button == "pause":
            return self.pause()
        self._orders.append(button)
        if self._loop is not None and self._loop.is_running():
            self._loop.call_soon_threadsafe(self._begin)

    def export(self, path: str | Path | None = None) -> Path:
        """Write events and numbers as JSON."""
        self.session.settle()
        return self.session.log.save(path or self.export_to)

    async def replay(self, source: str | Path | Log | None = None) -> str:
        """Go back to the start, do again what a log says (default: what was done here), and compare every number.

        Returns a sentence. ValueError when a number differs, or the log belongs to another stepper.
        """
        self.session.settle()
        log = source if isinstance(source, Log) else Log.load(source) if source else self.session.log
        self._quality.clear()
        begun = time.perf_counter()
        for _ in self.session.replay(log):
            self.training_seconds += time.perf_counter() - begun
            self._draw_if_due()
            await asyncio.sleep(0)
            begun = time.perf_counter()
        self.draw()
        return f"replayed {log.ticks} steps and {len(log.events)} events: the same numbers, bit for bit"

    async def compare(self, steps: int | None = None) -> None:
        """A/B: two runs from the snapshot, without and with the weights now on the dials; afterwards all is as before."""
        steps, runs = steps or self.compare_steps, self.session.compare(steps or self.compare_steps)
        self._comparison = {}
        for done, (name, rows) in enumerate(runs, 1):
            if len(rows) == steps:
                self._comparison[name] = (rows, self.view.look(self.session.stepper, self.session.stepper.weights))
            self._say(f"A/B: run {'A' if name == 'without' else 'B'}, step {len(rows)} of {steps}")
            await asyncio.sleep(0)
        self._second.value, self._second.layout.display = png(self.compared(DPI)), ""
        self._say(f"A/B: {steps} steps twice from step {self.session.saved.step}; the training itself has not moved")
        self.draw()

    def still(self, dpi: float = 62) -> Figure:
        """The picture as a matplotlib figure of its own; by default small enough for a notebook that is kept in git."""
        return draw_lab(self.session, self._look, list(self._quality), dpi)

    def compared(self, dpi: float = 62) -> Figure:
        """The last A/B, side by side. Raises ValueError when there was none."""
        if len(self._comparison) < 2:
            raise ValueError("nothing was compared yet: `await lab.compare()` or press A/B first")
        return draw_comparison(self._comparison, self.session.saved.weights, self.session.stepper.weights, dpi)

    def draw(self) -> None:
        """Look and draw now."""
        begun = time.perf_counter()
        stepper = self.session.stepper
        self._look = self.view.look(stepper, stepper.weights)
        while self._quality and self._quality[-1]["step"] >= stepper.step:
            self._quality.pop()
        self._quality.append({"step": stepper.step, **self._look.quality})
        self._image.value = png(self.still(DPI))
        if NEXT in self.message.value and not self.session.waiting:
            self._say("")
        self.status.value = f"<div role='status'>{self.summary()}</div>"
        self._drawn_at, self._last_cost = time.perf_counter(), time.perf_counter() - begun
        self.drawing_seconds += self._last_cost

    def summary(self) -> str:
        """The last report in one line: step, the weights that it used, quality."""
        report, quality = self.session.report, self._look.quality
        if report is None:
            return f"<b>step {self.session.stepper.step}</b> · no step taken from here yet"
        used = ", ".join(f"{words(n)} {number(read_weight(report.weights, n))}" for n in self.controls.dials)
        return f"<b>step {self.session.stepper.step}</b> · used: {used} · " + ", ".join(f"{k} {v:.2f}" for k, v in quality.items())

    # behind the buttons

    def _turned(self, name: str, value: float) -> None:
        self.session.ask("set", name, value)
        self._say(f"{words(name)} {number(value)} {NEXT}")

    def _begin(self) -> None:
        if self._task is None or self._task.done():
            self._task = asyncio.get_running_loop().create_task(self._work())

    async def _work(self) -> None:
        """Obey orders and take steps until there is nothing left to do."""
        while self._orders or self._left >= 1:
            if self._orders:
                await self._obey(self._orders.popleft())
                continue
            self._left -= 1
            self._step()
            await asyncio.sleep(BREATH if self.controls.slow.value and self._left >= 1 else 0)
        if self._drawn_at == 0 or not self._quality or self._quality[-1]["step"] != self.session.stepper.step:
            self.draw()

    def _step(self) -> None:
        begun = time.perf_counter()
        self.session.advance()
        self.training_seconds += time.perf_counter() - begun
        self._draw_if_due()

    def _draw_if_due(self) -> None:
        """At most four pictures a second, and drawing takes no more than its share of the time."""
        if self.controls.slow.value:
            return self.draw()
        waited = time.perf_counter() - self._drawn_at
        if waited >= REDRAW and self.drawing_seconds + self._last_cost <= self.share * self.training_seconds:
            self.draw()

    async def _obey(self, order: str) -> None:
        try:
            if order == "run":
                self._left = float("inf")
            elif order in ("step", "D", "G"):
                if order != "step":
                    self.session.ask("only", order)
                self._left = 1.0 if self._left < 1 else self._left
            elif order in ("snapshot", "back"):
                self._remember(order)
            elif order == "compare":
                await self.compare()
            elif order == "export":
                self._say(f"wrote {self.export()}")
            elif order == "replay":
                self._say(await self.replay())
        except ValueError as error:
            self._say(f"<b>{error}</b>")

    def _remember(self, order: str) -> None:
        self.session.ask(order)
        self.session.settle()
        self.controls.show(self.session.stepper.weights)
        self.draw()
        self._say(f"snapshot kept at step {self.session.saved.step}" if order == "snapshot" else f"back at step {self.session.saved.step}")

    def _say(self, text: str) -> None:
        self.message.value = f"<div role='status'>{text}</div>"
