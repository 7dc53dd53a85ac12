"""``Puppeteer``: sliders move landmarks, and the head follows."""

from __future__ import annotations

import asyncio
import math
import time
from collections.abc import Mapping, Sequence

import torch
from einops import rearrange
from ipywidgets import HTML, Button, FloatSlider, HBox, Image, IntSlider, Layout, ToggleButtons, VBox
from jaxtyping import Float
from matplotlib.figure import Figure
from torch import Tensor

from tlk.data import Clip, heads
from tlk.data.heads.puppet import Puppet, most_frontal
from tlk.landmarks import rasterise
from tlk.learning import FineTuning, Head, Model

from .pieces import SHOW, give_way, note, png, running_loop

#: name → (least, most, hint)
SLIDERS = {
    "yaw": (-40.0, 40.0, "degrees; above 0 to the person's left, your right"),
    "pitch": (-22.0, 22.0, "degrees; above 0 looks up"),
    "mouth": (0.0, 1.0, "1: the jaw wide open"),
    "brows": (-1.0, 1.0, "−1: drawn down, 1: raised"),
    "blink": (0.0, 1.0, "1: both eyes shut, as far as lines can say it"),
}


def motion_of(yaw: float = 0.0, pitch: float = 0.0, mouth: float = 0.0, brows: float = 0.0, blink: float = 0.0) -> heads.Motion:
    """One frame of motion from the sliders' values."""
    up, down = max(brows, 0.0), max(-brows, 0.0)
    units = {"jawOpen": mouth, "browInnerUp": up, "browOuterUpLeft": up, "browOuterUpRight": up, "browDownLeft": down, "browDownRight": down}
    return heads.Motion.still(yaw, pitch, **units, eyeBlinkLeft=blink, eyeBlinkRight=blink)


def mosaic(frames: Float[Tensor, "f c h w"]) -> Float[Tensor, "c _ _"]:
    """Frames in a square, row by row; what is left of it is white."""
    side = math.ceil(len(frames) ** 0.5)
    white = torch.ones(side * side - len(frames), *frames.shape[1:])
    return rearrange(torch.cat([frames, white]), "(r s) c h w -> c (r h) (s w)", s=side)


class Puppeteer:
    """A talking head on strings: yaw, pitch, mouth, brows and blink; how many source frames (T); FF or FT.

        puppet = Puppeteer(model, clip); display(puppet.widget)
        await puppet.train()        # FT for every T; or press "Train FT"
        puppet.set(yaw=20, mouth=0.5); puppet.still()

    The points are those of the clip's most frontal frame, moved as the mesh of a rendered person moves. 68 points say
    nothing about gaze, so there is no slider for it. FF heads are made at once, FT heads in an asyncio task.

    Args:
        model: meta-learned networks. clip: the person; the first T frames (spread over the clip) are the sources.
        sources: values of T. epochs: of fine-tuning, default the preset's. heads: ready FT heads by T.
    Faces of living people need their consent.
    """

    def __init__(
        self, model: Model, clip: Clip, sources: Sequence[int] = (1, 8), *, epochs: int | None = None,
        heads: Mapping[int, Head] | None = None, seed: int = 0,
    ) -> None:
        self.model, self.seed, self.clip = model, seed, clip.resize(model.preset.size)
        self.epochs = model.preset.finetune_epochs if epochs is None else epochs
        self.sources = tuple(t for t in sources if t <= len(clip))
        if not self.sources:
            raise ValueError(f"clip {clip.name} has {len(clip)} frames, fewer than each T of {tuple(sources)}; give a longer clip or a smaller T")
        self.heads: dict[tuple[int, str], Head] = {(t, "FF"): model.personalise(self._frames(t), epochs=0, seed=seed) for t in self.sources}
        self.heads |= {(t, "FT"): head for t, head in (heads or {}).items()}
        self.puppet = Puppet().fit(self.clip.landmarks[most_frontal(self.clip.landmarks)])
        self._loop, self._task, self._pending, self._training = running_loop(), None, False, False
        self._make_widget()
        self.draw()

    def _frames(self, t: int) -> Clip:
        return self.clip[torch.linspace(0, len(self.clip) - 1, t).round().long()]

    def _make_widget(self) -> None:
        self.sliders = {name: self._slider(name, *row[:2]) for name, row in SLIDERS.items()}
        self.choice_t = ToggleButtons(options=[(str(t), t) for t in self.sources], value=self.sources[-1], tooltips=["source frames of the person"] * len(self.sources), style={"button_width": "60px"})
        self.choice_kind = ToggleButtons(options=["FF", "FT"], tooltips=["feed-forward: no training", "fine-tuned on the T frames"], style={"button_width": "60px"})
        self.reset, self.train_button = Button(description="Reset", tooltip="all sliders back to 0"), Button(description="Train FT")
        self._show_what_is_left()
        self.reset.on_click(lambda _: self.set(**dict.fromkeys(SLIDERS, 0.0)))
        self.train_button.on_click(lambda _: self._start_training())
        for control in (*self.sliders.values(), self.choice_t, self.choice_kind):
            control.observe(self._changed, names="value")
        self._lines, self._face, self._seen = (Image(format="png", width=SHOW, height=SHOW) for _ in range(3))
        self.message = HTML()
        rows = [HBox([slider, self._undo(name), note(SLIDERS[name][2])]) for name, slider in self.sliders.items()]
        choice = [note("source frames T"), self.choice_t] if len(self.sources) > 1 else [note(f"source frames T: {self.sources[0]}")]  # no switch with one position
        pictures = HBox([VBox([self._lines, note("landmarks: all that the head is told")]), VBox([self._face, note("the head (synthetic)")]), VBox([self._seen, note("its source frames")])])
        self.widget = VBox([HBox([*choice, note("head"), self.choice_kind], layout=Layout(align_items="center", grid_gap="8px")), *rows, HBox([self.reset, self.train_button]), pictures, self.message])
        self.widget.add_class("tlk-puppeteer")

    def _slider(self, name: str, low: float, high: float) -> FloatSlider | IntSlider:
        look = {"description": name, "layout": Layout(width="330px"), "style": {"description_width": "60px"}}
        if high > 1:  # whole degrees, in the page's own arithmetic too: screen readers say what it holds
            return IntSlider(value=0, min=int(low), max=int(high), **look).add_class(f"puppet-{name}")
        return FloatSlider(value=0.0, min=low, max=high, step=(high - low) / 40, readout_format=".2f", **look).add_class(f"puppet-{name}")

    def _undo(self, name: str) -> Button:
        button = Button(description="↺", tooltip=f"{name} back to 0", layout=Layout(width="34px"))
        button.on_click(lambda _: self.set(**{name: 0.0}))
        return button

    def set(self, *, sources: int | None = None, head: str | None = None, **values: float) -> None:
        """Move sliders by name (``yaw=20``; yaw and pitch in whole degrees), choose T with ``sources`` and FF or FT with ``head``. ValueError for an unknown name."""
        if unknown := sorted(set(values) - set(SLIDERS)):
            raise ValueError(f"there is no slider {unknown[0]!r}; there are {', '.join(SLIDERS)}")
        for name, value in values.items():
            self.sliders[name].value = round(value) if isinstance(self.sliders[name], IntSlider) else value
        self.choice_t.value = self.choice_t.value if sources is None else sources
        self.choice_kind.value = self.choice_kind.value if head is None else head

    @property
    def values(self) -> dict[str, float]:
        return {name: float(slider.value) for name, slider in self.sliders.items()}

    def landmarks(self) -> Tensor:
        """(1, 68, 2), in pixels of the model's image."""
        return self.puppet(motion_of(**self.values))

    def head(self) -> tuple[Head, str]:
        """The head that is shown and what it is; FF stands in until FT is trained."""
        t, kind = self.choice_t.value, self.choice_kind.value
        found = self.heads.get((t, kind))
        return (found, kind) if found is not None else (self.heads[t, "FF"], "FF, while FT trains" if self._training else "FF, since FT is not trained yet: press Train FT")

    def frame(self) -> Tensor:
        """(3, h, w) in [0, 1]: the head as the sliders say."""
        return self.head()[0].drive(self.landmarks())[0]

    def draw(self) -> None:
        """Draw the landmarks and the head now."""
        begun, self._pending = time.perf_counter(), False
        points = self.landmarks()
        head, what = self.head()
        face = head.drive(points)[0]
        took = time.perf_counter() - begun
        self._seen.value = png(mosaic(self._frames(self.choice_t.value).images))
        enlarged = (points + 0.5) * SHOW / self.clip.size - 0.5
        self._lines.value, self._face.value = png(rasterise(enlarged, SHOW)[0]), png(face)
        self.message.value = f"<div role='status'>T = {self.choice_t.value}, {what} · {1000 * took:.0f} ms a frame</div>"

    def _changed(self, _) -> None:
        """On whatever thread this comes: ask the kernel's loop for one picture, however many changes wait."""
        if self._loop is None or not self._loop.is_running():
            self.draw()
        elif not self._pending:
            self._pending = True
            self._loop.call_soon_threadsafe(self.draw)

    def _show_what_is_left(self) -> None:
        """A button that would do nothing says so."""
        self.train_button.disabled = all((t, "FT") in self.heads for t in self.sources)
        self.train_button.description = "FT is trained" if self.train_button.disabled else "Train FT"
        left = ", ".join(str(t) for t in self.sources if (t, "FT") not in self.heads)
        self.train_button.tooltip = f"fine-tune for {self.epochs} epochs, for each T that has no FT head yet" + f": {left}" * bool(left)

    def _start_training(self) -> None:
        if self._loop is not None and self._loop.is_running():
            self._loop.call_soon_threadsafe(self._begin)

    def _begin(self) -> None:
        if self._task is None or self._task.done():
            self._task = asyncio.get_running_loop().create_task(self.train())

    async def train(self) -> None:
        """Fine-tune a head for each T that has none; sliders stay alive meanwhile, driving FF."""
        self._loop, self.train_button.disabled = asyncio.get_running_loop(), True
        self._training = True
        try:
            await self._train_all()
        finally:
            self._training = False
            self._show_what_is_left()
            self.draw()

    async def _train_all(self) -> None:
        for t in self.sources:
            if (t, "FT") in self.heads:
                continue
            tuning = FineTuning(self.model, self._frames(t), seed=self.seed)
            total = tuning.steps_per_epoch * self.epochs
            for report in tuning.steps(total):
                self.message.value = f"<div role='status'>training FT for T = {t}: step {report.step} of {total} · the picture is {self.head()[1].partition(',')[0]} until then</div>"
                await give_way()
            self.heads[t, "FT"] = tuning.head()

    def still(self, poses: Sequence[Mapping[str, float]] = ({}, {"yaw": 30}, {"pitch": 15}, {"mouth": 0.8}, {"brows": 1}, {"blink": 1})) -> Figure:
        """Every head in some poses: a picture for a page without a kernel."""
        points = torch.cat([self.puppet(motion_of(**pose)) for pose in poses])
        rows = {"landmarks": rasterise(points, self.clip.size)} | {f"{kind}, T = {t}": self.heads[t, kind].drive(points) for t, kind in sorted(self.heads)}
        figure = Figure((1.1 * len(poses) + 0.9, 1.1 * len(rows) + 0.3), dpi=80)
        for i, (label, frames) in enumerate(rows.items()):
            for j, (frame, pose) in enumerate(zip(frames, poses)):
                axis = figure.add_axes(((0.9 + 1.1 * j) / figure.get_figwidth(), 1 - (0.3 + 1.1 * (i + 1)) / figure.get_figheight(), 1.05 / figure.get_figwidth(), 1.05 / figure.get_figheight()))
                axis.imshow(frame.permute(1, 2, 0).numpy(), interpolation="nearest")
                axis.axis("off")
                if i == 0:
                    axis.set_title(", ".join(f"{k} {v:g}" for k, v in pose.items()) or "all at rest", fontsize=8)
                if j == 0:
                    axis.text(-0.06, 0.5, label, transform=axis.transAxes, ha="right", va="center", fontsize=8)
        return figure
