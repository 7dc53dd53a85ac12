"""What was done in a lab and when, as plain data: written as JSON, read back, nothing but numbers and names."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from tlk.files import write_whole

FORMAT = "tlk lab 1"
ACTIONS = ("set", "snapshot", "back", "only")


@dataclass(frozen=True)
class Event:
    """One thing that was asked for. It acts on the next step: ``tick`` steps had been taken in this lab before it.

    ``do``: ``set`` (weight ``name`` becomes ``value``), ``snapshot``, ``back`` (to the snapshot), or ``only`` (the step
    that follows trains ``name``, D or G, alone).
    """

    tick: int
    do: str
    name: str = ""
    value: float = 0.0


@dataclass
class Log:
    """A run of the lab from its start: what was trained, the events, and every step's terms, to compare a replay with."""

    about: dict[str, Any]
    events: list[Event] = field(default_factory=list)
    numbers: list[dict[str, float]] = field(default_factory=list)

    @property
    def ticks(self) -> int:
        return len(self.numbers)

    def save(self, path: str | Path) -> Path:
        """Write as JSON, whole or not at all. Python writes floats so that reading gives the same bits."""
        path = Path(path)
        names = list(self.numbers[0]) if self.numbers else []
        text = {"format": FORMAT, "about": self.about, "events": [asdict(e) for e in self.events], "terms": names, "numbers": [list(n.values()) for n in self.numbers]}
        with write_whole(path) as temporary:
            temporary.write_text(json.dumps(text) + "\n")
        return path

    @classmethod
    def load(cls, path: str | Path) -> Log:
        """Inverse of ``save``. Raises ValueError when the file is missing or was not written by a lab."""
        try:
            text = json.loads(Path(path).read_text())
        except (OSError, ValueError) as error:
            raise ValueError(f"{path}: cannot be read as a lab's events ({error}); export them again") from error
        if not isinstance(text, dict) or text.get("format") != FORMAT:
            raise ValueError(f"{path}: is not a file of lab events ({FORMAT}); give one that the lab's Export wrote")
        events = [Event(**e) for e in text["events"]]
        if wrong := [e.do for e in events if e.do not in ACTIONS]:
            raise ValueError(f"{path}: has an event {wrong[0]!r}, which this version does not know; update tlk")
        return cls(text["about"], events, [dict(zip(text["terms"], row, strict=True)) for row in text["numbers"]])
