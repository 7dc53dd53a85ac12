"""The lab's sentences: what the last step used, and what waits for the next one."""

from __future__ import annotations

from collections.abc import Iterable

from .session import Session, number, read_weight, words

LINE = 19  #: pixels of a line of text: with the dials above them they leave room for the picture in a window of 720
NEXT = "from the next step"


def used(session: Session, dials: Iterable[str]) -> str:
    """The weights of the last step; of one that trained one side alone, who it was and what it heard of them."""
    weights = session.report.weights
    values = {name: f"{words(name)} {number(read_weight(weights, name))}" for name in dials}
    steps = values.pop("discriminator_steps")
    if not weights.generator_steps:
        return f"D alone, G as it was · used: {steps}"
    if not weights.discriminator_steps and session.stepper.weights.discriminator_steps:
        return "G alone, D as it was · used: " + ", ".join(values.values())
    return "used: " + ", ".join([*values.values(), steps])


def waiting(session: Session) -> str:
    """All that was turned and that no step has used yet, however many dials and presets it came from; empty when it was turned back."""
    held, values = session.stepper.weights, {}
    for do, name, value in list(session.wishes):
        if do == "back":
            held, values = session.saved.weights, {}
        elif do == "set":
            values[name] = value
    changed = [f"{words(n)} {number(v)}" for n, v in values.items() if v != read_weight(held, n)]
    return ", ".join(changed) + f" {NEXT} on" if changed else ""


def spoken(text: str) -> str:
    """A line that screen readers read aloud when it changes."""
    return f"<div role='status' style='line-height: {LINE}px'>{text}</div>"
