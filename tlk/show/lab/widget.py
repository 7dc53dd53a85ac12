"""``LossLab``: change a loss while the network trains."""

from __future__ import annotations

import asyncio
import time
from collections import deque
from collections.abc import Sequence
from html import escape
from pathlib import Path
from weakref import WeakValueDictionary

from ipywidgets import HTML, Image, Layout, VBox
from matplotlib.figure import Figure

from tlk.data import Clip
from tlk.learning.stepper import Stepper
from tlk.learning.toy import ToyGAN
from tlk.show.pieces import give_way, running_loop

from .controls import Controls
from .drawing import draw_lab, png
from .reruns import COMPARING, PAUSED, STEPPING, TRAINING, Reruns, Runs
from .session import Session
from .stills import draw_still
from .telling import LINE, NEXT, listed, measured, picture_of, spoken, used, waiting
from .views import view_of

REDRAW = 0.25  #: seconds between two pictures, at least
BREATH = 0.7  #: seconds between two steps in slow motion
MADE: WeakValueDictionary[Path, LossLab] = WeakValueDictionary()  #: labs by the file that they export to
MOTION = ("run", "step", "D", "G", "compare", "replay")  #: orders that Pause takes back
LATER = "later "  #: before an order that waits for those of MOTION before it


class LossLab(Reruns):
    """Run, pause and step a GAN's training, turn its loss weights, and see what becomes of the picture.

        lab = LossLab(ToyGAN(seed=0)); display(lab.widget)
        await lab.run(300)          # or press Run; a dial that is turned acts on the next step
        lab.still()                 # the picture and its curves, for a page without a kernel

    Training happens in an asyncio task, so that the page stays alive; callbacks only leave a wish in a queue, from
    whatever thread they come. While no dial is turned the numbers are those of ``stepper.steps(n)``, bit for bit.

    Args:
        stepper: ``ToyGAN``, ``MetaLearning`` or ``FineTuning``.
        people: clips to look at that the training does not see (``FacesView``); not for the toy.
        export_to: where Export writes; a lab that is made again with the same file pauses the former one.
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
        self.training_seconds = self.drawing_seconds = self._last_cost = self._trained_then = 0.0
        self._orders: deque[str] = deque()
        self._left, self._task, self._drawn_at, self._told_at, self._doing = 0.0, None, 0.0, 0.0, PAUSED
        self._busy, self._stop = "", False  # a replay or an A/B; Pause was pressed
        self._quality: deque[dict[str, float]] = deque(maxlen=600)
        self._comparison: Runs | None = None
        self._loop = running_loop()
        self.controls = Controls(stepper, self.press, self._turned, self._chosen)
        self.controls.buttons["compare"].tooltip = f"{self.compare_steps} steps twice from the snapshot: with the snapshot's weights, and with those now on the dials"
        self._image, self._second = (Image(format="png", layout=Layout(max_width="100%", align_self="flex-start")) for _ in range(2))
        self.status, self.message, self.marks = (HTML(layout=Layout(min_height=f"{LINE * lines}px")) for lines in (2, 1, 0))  # their place is kept: a word must not move the picture
        self._second.layout.display = "none"
        self.widget = VBox([self.controls.widget, self.status, self.message, self._image, self.marks, self._second])
        self.widget.add_class("tlk-lab")
        self._replace_former()
        self.draw()

    # what a reader or a test calls; the buttons do the same

    async def run(self, steps: int | None = None) -> None:
        """Train for ``steps`` steps, or until Pause. Returns when they are done, at Pause, or when the queue is empty (0).

        A replay or an A/B that a button started is waited for; ValueError when one runs that a cell started.
        """
        if self._task is None or self._task.done():
            self._refuse_while_busy()
        self._forget_what_was_said()
        self._loop = asyncio.get_running_loop()
        self._left = float("inf") if steps is None else float(steps)
        self._begin()
        await self._task

    def pause(self) -> None:
        """Stop after the step at hand: training, a replay or A/B. Steps that were asked for and not yet taken are forgotten."""
        self._left, self._stop = 0.0, True
        if self._busy:
            self._say("Pause: stopping after the step at hand")
        self._orders = deque(o for o in tuple(self._orders) if o not in MOTION)

    def set(self, name: str, value: float) -> None:
        """Turn a dial: ``content``, ``adversarial``, ``feature_matching``, ``match`` or ``discriminator_steps``.

        Raises ValueError when the lab has no such dial, and, as the next four do, while a replay or an A/B runs.
        """
        self._refuse_while_busy()
        if name not in self.controls.dials:
            raise ValueError(f"this lab has no dial {name!r}; it has {', '.join(self.controls.dials)}")
        self.controls.dials[name].put(value)

    def choose(self, preset: str) -> None:
        """Turn the dials to one of ``lab.controls.presets``."""
        self._refuse_while_busy()
        self.controls.choose(preset)

    def snapshot(self) -> None:
        """Keep networks, averages, optimisers, weights and step as they are now; A/B starts from here."""
        self._refuse_while_busy()
        self.session.ask("snapshot")
        self._remembered("snapshot")

    def back(self) -> None:
        """Return to what was kept last (at first: the start)."""
        self._refuse_while_busy()
        self.session.ask("back")
        self._remembered("back")

    def press(self, button: str) -> None:
        """What a click does: ``run``, ``pause``, ``step``, ``D``, ``G``, ``snapshot``, ``back``, ``compare``, ``export`` or ``replay``.

        Acts at once where a loop is running, else with the next ``await lab.run(...)``. While a replay or an A/B runs
        only Pause acts; what else is pressed is answered with a sentence on the page.
        """
        if button == "pause":
            return self.pause()
        if self._refused():
            return None
        if button in ("snapshot", "back") and set(MOTION).isdisjoint(tuple(self._orders)):
            self.session.ask(button)  # at once into the queue where the dials' changes are: what is turned afterwards comes afterwards
        elif button in ("snapshot", "back"):
            button = LATER + button  # steps were asked for before it
        self._orders.append(button)
        if self._loop is not None and self._loop.is_running():
            self._loop.call_soon_threadsafe(self._begin)

    def still(self) -> Figure:
        """Picture and curves, without the controls, in type that can be read on a page without a kernel."""
        return draw_still(self.session, self._look, list(self._quality))

    def draw(self) -> None:
        """Look and draw now, whatever share of the time drawing has had."""
        spent = self.drawing_seconds
        self._draw(whole=True)
        self.drawing_seconds, self._last_cost = spent, 0.0  # nothing to be paid for by the training that follows: its first picture comes at once

    def _draw(self, whole: bool = False) -> None:
        begun = time.perf_counter()
        self._observe(whole)
        self._image.value, self._image_of = png(draw_lab(self.session, self._look, list(self._quality))), self.session.stepper.step
        self.marks.value, self.marks.layout.display = (told := listed(self.session)), "" if told else "none"  # an empty line would push the lab out of a small window
        self._tell()
        self._drawn_at, self._last_cost = time.perf_counter(), time.perf_counter() - begun
        self._trained_then, self._changes_drawn = self.training_seconds, len(self.session.changes)
        self.drawing_seconds += self._last_cost

    def _observe(self, whole: bool = False) -> None:
        """Look at where the stepper is now, for the picture and the curve of quality."""
        stepper = self.session.stepper
        self._look, self._look_of = self.view.look(stepper, stepper.weights, whole), stepper.step
        while self._quality and self._quality[-1]["step"] >= stepper.step:
            self._quality.pop()
        self._quality.append({"step": stepper.step, **self._look.quality})

    def summary(self) -> str:
        """In one line: what goes on, the step, the weights that it used, and the quality when the lab last looked."""
        step = self.session.stepper.step
        here = f"<b>{self._doing} · step {step}</b> · "
        if self._doing == COMPARING:
            return here + "there the training waits for the end of A/B"
        if self.session.report is None:
            return here + "no step taken from here yet" + ": press ▶ Run or Step" * (self._doing == PAUSED)
        apart = self._last_cost / self.share if self._doing == TRAINING else 0.0
        return here + f"{used(self.session, self.controls.dials)}<br>{measured(self._look, self._look_of, step)}{picture_of(self._image_of, step, apart, self.training_seconds - self._trained_then)}"

    def _tell(self) -> None:
        if NEXT in self.message.value and not self.session.waiting:
            self._say("")
        self.status.value, self._told_at = spoken(self.summary()), time.perf_counter()

    # behind the buttons

    def _replace_former(self) -> None:
        """Whose cell is run again has left the page, and would train on, unseen: it pauses."""
        if former := MADE.get(self.export_to.resolve()):
            former.pause()
        MADE[self.export_to.resolve()] = self

    def _refused(self) -> bool:
        """A control was used that should have been grey: the click was on its way when the replay began. Nothing is done."""
        try:
            self._refuse_while_busy()
        except ValueError as error:
            self._say(str(error))
        return bool(self._busy)

    def _turned(self, name: str, value: float) -> bool:
        if self._refused():
            return False
        self.session.ask("set", name, value)
        if not self.controls.choosing:
            self._say(self._waits())
        return True

    def _chosen(self, preset: str) -> None:
        if not self._refused():
            self._say(f"{preset}: {self._waits() or 'its weights are in use already'}")

    def _waits(self) -> str:
        """What waits for the next step. Marks drawn at the step where the lab stands may be wrong by now: then they are drawn again."""
        if self._doing == PAUSED and any(step == self.session.stepper.step for step, *_ in self.session.changes):
            self.session.settle()
            self.draw()
        return waiting(self.session)

    def _begin(self) -> None:
        if self._task is None or self._task.done():
            self._task = asyncio.get_running_loop().create_task(self._work())

    async def _work(self) -> None:
        """Obey orders and take steps until there is nothing left to do."""
        self._stop = False
        try:
            while self._orders or self._left >= 1:
                if single := bool(self._orders):
                    if not await self._obey(self._orders.popleft()):
                        continue
                else:
                    self._left -= 1
                self._step(STEPPING if single else TRAINING)
                await self._breathe(more=self._left >= 1 or bool(self._orders))
        except Exception as error:  # a button's task has nobody who awaits it: without this the lab would only stand still
            self._left = 0.0
            self._say(f"<b>stopped: {escape(str(error) or type(error).__name__)}</b>")
            raise
        finally:
            self._doing = PAUSED
            self._draw_what_is_new()

    async def _breathe(self, more: bool) -> None:
        """Let the page have its turn after a step; in slow motion a breath, where more are to come, that Pause cuts short."""
        end = time.perf_counter() + (BREATH if self.controls.slow.value and more else 0)
        await give_way()
        while not self._stop and (rest := end - time.perf_counter()) > 0:
            await asyncio.sleep(min(rest, 0.05))

    def _step(self, doing: str) -> None:
        begun, self._doing = time.perf_counter(), doing
        self._advance()
        self.training_seconds += time.perf_counter() - begun
        self._draw_if_due()

    def _draw_if_due(self) -> bool:
        """At most four pictures a second, and each is paid for by the training after it, of which it may take its share; but
        what was just turned is shown with its mark, and slow motion asks for every step. The line of text is cheap."""
        now, free = time.perf_counter(), self._last_cost <= self.share * max(0.0, self.training_seconds - self._trained_then)
        if due := self.controls.slow.value or (now - self._drawn_at >= REDRAW and (free or len(self.session.changes) != self._changes_drawn)):
            self._draw()
        elif now - self._told_at >= REDRAW:
            self._tell()
        return due

    async def _obey(self, order: str) -> bool:
        """True when a single step is to be taken now, before the next order: none is lost, however fast they are clicked."""
        try:
            if order.startswith(LATER):
                self.session.ask(order := order.removeprefix(LATER))
            if order in ("run", "step", "D", "G"):
                self._forget_what_was_said()
            if order == "run":
                self._left = float("inf")
            elif order in ("step", "D", "G"):
                if order != "step":
                    self.session.ask("only", order)
                elif self._left >= 1:
                    self._say("it takes one step after the other already: Pause first, then Step takes one")
                return self._left < 1
            elif order in ("snapshot", "back"):
                self._remembered(order)
            elif order == "compare":
                await self.compare()
            elif order == "export":
                self._say(self._wrote())
            elif order == "replay":
                self._say(await self.replay())
        except (ValueError, OSError) as error:
            self._say(f"<b>{escape(str(error))}</b>")
        return False

    def _say(self, text: str) -> None:
        self.message.value = spoken(text)
