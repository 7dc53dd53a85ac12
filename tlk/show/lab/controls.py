"""The lab's dials, buttons and presets. Callbacks do nothing but hand over a name and a value."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from ipywidgets import HTML, Button, Checkbox, HBox, Layout, SelectionSlider, VBox

from tlk.learning import FineTuning, LossWeights, MetaLearning
from tlk.learning.stepper import Stepper
from tlk.show.pieces import note

from .session import number, read_weight, words

HINTS = {
    "content": "how closely what G makes must resemble the truth",
    "adversarial": "how much D's opinion counts",
    "feature_matching": "how alike that and the truth must be to D's layers",
    "match": "how strongly ê is pulled to the clip's row of W",
    "discriminator_steps": "updates of D for each one of G; 0 stops D",
}
BUTTONS = {
    "run": ("▶ Run", "train until Pause"),
    "pause": ("❚❚ Pause", "stop after the step at hand: training, a replay or A/B"),
    "step": ("Step", "one whole step: D, then G"),
    "D": ("Step D", "train D alone for one step; with D steps at 0, one update"),
    "G": ("Step G", "train G alone for one step"),
    "snapshot": ("Keep snapshot", "remember networks, optimisers, weights and step as they are now"),
    "back": ("Back to snapshot", "return to what was kept last (at first: the start)"),
    "compare": ("A/B", "two runs from the snapshot, one with the snapshot's weights, one with those now on the dials"),
    "export": ("Export", "write what was done, and every number, to a file"),
    "replay": ("Replay", "do it all again from the start and compare every number"),
}
NARROW = "<style>.tlk-lab .widget-readout { width: 50px; min-width: 50px; pointer-events: none }</style>"  #: the place that a number needs; the track has the rest. It cannot be typed into, and must not look so
RATIO = "; a notch is about twice the one before it, from a hundredth of the start to a hundred times it, and off"
PAPER_CONTENT = {"vgg19-caffe": 1e-2, "vggface": 2e-3, "efficientnet-lite0": 1.2e-2}  # preprint v1; the last stands for both


def dial_names(stepper: Stepper) -> list[str]:
    """The weights that this stepper uses."""
    return ["content", "adversarial", "feature_matching", *(["match"] if isinstance(stepper, MetaLearning) else []), "discriminator_steps"]


def presets(stepper: Stepper) -> dict[str, tuple[dict[str, float], str]]:
    """Name → (values, hint). ``start`` is what the stepper began with, and what Reset gives."""
    names, w = dial_names(stepper), stepper.weights
    start = {name: read_weight(w, name) for name in names}
    found = {
        "start": (start, "all weights as the run began"),
        "no feature matching": (start | {"feature_matching": 0.0}, "G hears D's verdict, but not its reasons"),
        "D too strong": (start | {"discriminator_steps": 10}, "ten updates of D for one of G"),
        "content only": ({name: 0.0 for name in names} | {k: start[k] for k in ("content", "discriminator_steps")}, "D watches and has no say"),
    }
    if isinstance(stepper, MetaLearning | FineTuning):
        content = sum(PAPER_CONTENT.get(name, 0.0) for name in w.content)
        paper = {"content": content, "adversarial": 1.0, "feature_matching": 10.0, "match": 80.0, "discriminator_steps": 2}
        found["paper"] = ({name: paper[name] for name in names}, "weights of the preprint's first version")
    return found


def notches(start: float, also: Iterable[float] = ()) -> list[tuple[str, float]]:
    """Off, then three to a decade from a hundredth of ``start`` to a hundred times it, and the values asked for."""
    base = start or 1.0
    steps = {float(f"{base * 10 ** (k / 3):.2g}") for k in range(-6, 7)}
    values = sorted(steps | {0.0, start, *also})
    return [("off" if v == 0 else number(v), v) for v in values]


class Dial:
    """One weight: a slider in equal ratios, its reset and below them one line about it."""

    def __init__(self, name: str, start: float, also: Iterable[float], turned: Callable[[str, float], bool]) -> None:
        self.name, self.start, self._turned, self._silent = name, start, turned, False
        options = [(str(n), n) for n in sorted({0, 1, 2, 3, 5, 10, int(start)})] if name == "discriminator_steps" else notches(start, also)
        self.slider = SelectionSlider(
            options=options, value=start, description=words(name), continuous_update=False, tooltip=HINTS[name] + RATIO * (name != "discriminator_steps"),
            layout=Layout(width="268px"), style={"description_width": "114px"},
        )
        self.slider.observe(self._moved, names="value")
        self.reset = Button(description="↺", tooltip=f"{words(name)} back to {number(start)}", layout=Layout(width="34px"))
        self.reset.on_click(lambda _: self.put(self.start))
        hint = HTML(f"<div style='color: #555; font-size: 11px; line-height: 13px'>{HINTS[name]}</div>", layout=Layout(margin="0 0 2px 8px"))
        self.widget = VBox([HBox([self.slider, self.reset]), hint], layout=Layout(width="308px"))
        self.slider.add_class(f"lab-{name}")

    def _moved(self, change) -> None:
        """A change that is refused is taken back."""
        if not self._silent and not self._turned(self.name, change["new"]):
            self.put(change["old"], silent=True)

    def put(self, value: float, silent: bool = False) -> None:
        """Turn the dial; a value between the notches gets a notch of its own. ``silent``: only show it."""
        self._silent = silent
        try:
            if value not in [v for _, v in self.slider.options]:
                here, self._silent = self.slider.value, True
                self.slider.options = sorted([*self.slider.options, (number(value), value)], key=lambda o: o[1])
                self.slider.value, self._silent = here, silent
            self.slider.value = value
        finally:
            self._silent = False


class Controls:
    """All of them; ``pressed(name)``, ``turned(name, value)`` (false: refused) and ``chosen(preset)`` are called when one is used."""

    def __init__(
        self, stepper: Stepper, pressed: Callable[[str], None], turned: Callable[[str, float], bool],
        chosen: Callable[[str], None],
    ) -> None:
        self._chosen, self.choosing = chosen, False  #: while a preset turns one dial after the other
        self.presets = presets(stepper)
        start = self.presets["start"][0]
        also = {name: {values[name] for values, _ in self.presets.values()} for name in start}
        self.dials = {name: Dial(name, start[name], also[name], turned) for name in start}
        self.buttons = {name: button(text, hint, lambda _, n=name: pressed(n)) for name, (text, hint) in BUTTONS.items()}
        self.choices = {name: button(name, hint, lambda _, n=name: self.choose(n)) for name, (_, hint) in self.presets.items()}
        self.slow = Checkbox(description="slow motion", indent=False, tooltip="a picture and a breath after each step", layout=Layout(width="120px"))
        names = list(self.buttons)
        groups = ([*(self.buttons[n] for n in names[:5]), self.slow], [self.buttons[n] for n in names[5:]], [note(NARROW + "All dials to:"), *self.choices.values()])
        self.widget = VBox([
            wrapped([wrapped(group) for group in groups], "0 16px"),  # as many abreast as the window has room for: then the picture is in it with them
            wrapped([dial.widget for dial in self.dials.values()]),
        ])  # fmt: skip

    def choose(self, preset: str) -> None:
        self.choosing = True
        try:
            for name, value in self.presets[preset][0].items():
                self.dials[name].put(value)
        finally:
            self.choosing = False
        self._chosen(preset)

    def lock(self, locked: bool) -> None:
        """Grey out whatever would disturb a replay or an A/B: all but Pause and slow motion."""
        buttons = [b for name, b in self.buttons.items() if name != "pause"]
        for control in (*buttons, *self.choices.values(), *(part for d in self.dials.values() for part in (d.slider, d.reset))):
            control.disabled = locked

    def show(self, weights: LossWeights) -> None:
        """Turn the dials to what is in force, without asking for anything."""
        for name, dial in self.dials.items():
            dial.put(read_weight(weights, name), silent=True)


def wrapped(parts: list, gap: str = "0") -> HBox:
    """Side by side, and in another row where the window is too narrow."""
    return HBox(parts, layout=Layout(flex_flow="row wrap", grid_gap=gap))


def button(text: str, hint: str, clicked: Callable) -> Button:
    made = Button(description=text, tooltip=hint, layout=Layout(width="auto"))
    made.on_click(clicked)
    return made
