"""One record for each person, system and number of source frames; on disk whole or not at all."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import load_file
from torch import Tensor

from tlk.files import write_tensors, write_whole

VERSION = 2  #: of what a record means; records of another version are made anew


@dataclass
class Record:
    """Numbers of each hold-out frame, and what they depend on."""

    group: str
    person: str
    system: str
    sources: int  #: T; 0 for the true frames, which need none
    frames: dict[str, list[float | None]]  #: metric → a value for each hold-out frame; None where there is none
    fit_seconds: float
    frame_seconds: float
    settings: dict[str, Any]  #: compared when a run goes on
    note: str = ""
    device: str = "cpu"
    tensors: dict[str, Tensor] = field(default_factory=dict)  #: ``pooled``, ``identity``, ``sample``, perhaps ``inception`` and ``cross``

    @property
    def path(self) -> Path:
        """Below the folder of the records."""
        return Path(self.group) / self.person / f"{slug(self.system)}-{self.sources}.json"


def slug(name: str) -> str:
    return "".join(c if c.isalnum() else "-" for c in name)


def save_record(record: Record, folder: Path) -> None:
    """Tensors first, then the JSON whose presence says that the record is whole."""
    path = folder / record.path
    write_tensors(path.with_suffix(".safetensors"), record.tensors)
    plain = {k: v for k, v in asdict(record).items() if k != "tensors"}
    with write_whole(path) as temporary:
        temporary.write_text(json.dumps(plain | {"version": VERSION}, indent=1, allow_nan=False) + "\n")


def load_record(path: Path, settings: dict[str, Any]) -> Record | None:
    """The record, or None when it is not there or of another version.

    Raises ValueError when it was made with other settings: one table must not mix them.
    """
    if not path.is_file():
        return None
    try:
        plain = json.loads(path.read_text())
        tensors = load_file(path.with_suffix(".safetensors"))
    except (OSError, ValueError) as error:
        raise ValueError(f"{path}: not a readable record ({error}); delete it and run again") from error
    if plain.pop("version", None) != VERSION:
        return None
    wanted = json.loads(json.dumps(settings))
    if changed := [k for k in sorted({*wanted, *plain["settings"]}) if wanted.get(k) != plain["settings"].get(k)]:
        was = ", ".join(f"{k} was {plain['settings'].get(k)}, is now {wanted.get(k)}" for k in changed)
        raise ValueError(f"{path} was made with other settings ({was}); give another --out, or delete it")
    return Record(**plain, tensors={k: torch.as_tensor(t) for k, t in tensors.items()})
