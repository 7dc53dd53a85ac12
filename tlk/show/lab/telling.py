"""The lab's sentences: what the last step used, and what waits for the next one."""

from __future__ import annotations

from collections.abc import Iterable

from tlk.learning import LossWeights

from .session import WEIGHTS, Session, read_weight, shown, words
from .views import Look

LINE = 19  #: pixels of a line of text: with the dials above them they leave room for the picture in a window of 720
LISTED = 6  #: marks that are told in words
NEXT = "from the next step"


def used(session: Session, dials: Iterable[str]) -> str:
    """The weights of the last step; of one that trained one side alone, who it was and what it heard of them."""
    weights = session.report.weights
    values = {name: f"{words(name)} {shown(name, read_weight(weights, name))}" for name in dials}
    steps = values.pop("discriminator_steps")
    if weights.generator_steps and not any(read_weight(weights, name) for name in values):
        return f"all terms off, so nothing trains G · {steps}"
    if not weights.generator_steps:
        return f"D alone, G as it was · used: {steps}"
    if one_sided(session):
        return "G alone, D as it was · used: " + ", ".join(values.values())
    return "used: " + ", ".join([*values.values(), steps])


def one_sided(session: Session) -> bool:
    """The last step trained D alone or G alone."""
    weights = session.report.weights
    return not weights.generator_steps or not weights.discriminator_steps and session.stepper.weights.discriminator_steps > 0


def waiting(session: Session) -> str:
    """All that was turned and that no step has used yet, however many dials and presets it came from; empty when it was turned back."""
    now = session.stepper.weights
    last = {n: read_weight(session.report.weights if session.report else now, n) for n in WEIGHTS}
    if session.report and one_sided(session):
        last["discriminator_steps"] = now.discriminator_steps
    values = {n: read_weight(now, n) for n in WEIGHTS if read_weight(now, n) != last[n]}  # an A/B takes up what was turned before it: no step of the training has used that
    for do, name, value in list(session.wishes):
        if do == "back":
            last, values = {n: read_weight(session.saved.weights, n) for n in WEIGHTS}, {}
        elif do == "set":
            values[name] = value
    changed = [f"{words(n)} {shown(n, v)}" for n, v in values.items() if v != last[n]]
    return ", ".join(changed) + f" {NEXT} on" if changed else ""


def measured(look: Look, at: int, step: int) -> str:
    """The quality that was seen, with the step that it belongs to wherever that is not ``step``."""

    def said(quality: dict[str, float], of: int) -> str:
        return ", ".join(f"{name} {value:.2f}" for name, value in quality.items()) + (f" at step {of}" if of != step else "")

    return said(look.quality, at) + (f"; {said(look.held, look.at)}" if look.held else "")


def picture_of(drawn: int, step: int, apart: float, since: float) -> str:
    """While it trains, where pictures are more than two seconds ``apart``: which step's it is and when the next comes, ``since`` seconds after it."""
    if drawn == step or apart <= 2:
        return ""
    return f"; the picture is step {drawn}'s, the next one comes " + (f"in about {apart - since:.0f} s" if apart - since >= 1 else "now")


def ahead(session: Session) -> bool:
    """The weights in force are others than the last step's: no step has used them yet."""
    if session.report is None:
        return False
    now, last = session.stepper.weights, session.report.weights
    names = [n for n in WEIGHTS if not (n == "discriminator_steps" and one_sided(session))]
    return any(read_weight(now, n) != read_weight(last, n) for n in names)


def listed(session: Session) -> str:
    """All marks of this branch in words, the last ones first: beside the curves there is room for two."""
    marks = [f"<b>after step {step}</b> {text}" for step, text in session.marks[: -LISTED - 1 : -1]]
    more = len(session.marks) - LISTED
    return f"<div style='line-height: {LINE}px; max-width: 950px'>Marks: {' · '.join(marks)}{f' · and {more} before them' * (more > 0)}</div>" if marks else ""


def difference(without: LossWeights, with_: LossWeights) -> str:
    """What the second has changed; empty when nothing."""
    both = {n: (read_weight(without, n), read_weight(with_, n)) for n in WEIGHTS}
    return ", ".join(f"{words(n)} {shown(n, a)} → {shown(n, b)}" for n, (a, b) in both.items() if a != b)


def spoken(text: str) -> str:
    """A line that screen readers read aloud when it changes."""
    return f"<div role='status' style='line-height: {LINE}px'>{text}</div>"
