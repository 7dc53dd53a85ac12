"""Values of a preset that a run may have otherwise, from its start or from a checkpoint on (``--set NAME=VALUE``).

A run keeps them in its preset, and with that in its checkpoints and in the header of its weights, whose ``data``
says from which step on they hold.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, fields
from typing import Any

import torch
from torch import Tensor

from tlk.presets import Preset

from .checkpoints import under
from .weights import LossWeights

FIXED = ("name", "size", "embedder", "generator", "bottleneck_blocks", "embedding", "k", "batch")  #: networks and episodes
CHANGEABLE = {f.name: str(f.type) for f in fields(Preset) if f.name not in FIXED}  #: field → its type as presets.py writes it
BELOW_ONE = ("betas", "betas_generator", "ema", "finetune_ema")
AT_LEAST_ONE = ("finetune_batch", "finetune_epoch_steps")


def read_changes(texts: Sequence[str]) -> dict[str, Any]:
    """``["match=5", "betas_generator=0.5,0.999"]`` → {"match": 5.0, "betas_generator": (0.5, 0.999)}.

    Content is written ``content=NAME:WEIGHT,NAME:WEIGHT``; ``none`` is None where a field may be that. Raises
    ValueError on a field that a run cannot change, on a value that the field cannot hold, and on a field given twice.
    """
    changes: dict[str, Any] = {}
    for text in texts:
        name, equals, value = text.partition("=")
        if not equals:
            raise ValueError(f"{text!r} sets nothing; write NAME=VALUE, as in match=5")
        _require_changeable(name)
        if name in changes:
            raise ValueError(f"{name} is set twice; give it one value")
        changes[name] = _read(name, value)
    return changes


def changed(preset: Preset, changes: Mapping[str, Any], begun: bool = False) -> Preset:
    """The preset with other values. Raises ValueError where a run, or one that has ``begun``, cannot have them."""
    for name in changes:
        _require_changeable(name)
    new = Preset.from_dict(preset.to_dict() | dict(changes))
    if begun and new.betas != preset.betas:
        raise ValueError("betas cannot change in a run that has begun, since W's optimiser keeps no first moments while beta1 is 0; set betas_generator, which is E's, G's and P's")
    return new


def agree(weights: LossWeights, was: Preset, now: Preset, changes: Mapping[str, Any], step: int) -> str:
    """Give ``weights`` the values of ``now`` in the fields that are set; returns what the record gets, "" if all stood so.

    Weights that were moved by hand and are not among ``changes`` stay as they are.
    """
    wanted, other = asdict(LossWeights.of(now)), []
    for name in changes:
        moved = name in wanted and getattr(weights, name) != wanted[name]
        if moved:
            setattr(weights, name, wanted[name])
        if moved or getattr(was, name) != getattr(now, name):
            other.append(name)
    return recorded(now, other, f"from step {step} on")


def recorded(preset: Preset, names: Sequence[str], since: str) -> str:
    """``; match 5, ema none from step 12 on``: a sentence for ``data``, in the words of ``--set``."""
    return "; " * bool(names) + ", ".join(f"{name} {_text(getattr(preset, name))}" for name in names) + f" {since}" * bool(names)


def with_average(tensors: dict[str, Tensor], was: Preset, now: Preset) -> dict[str, Tensor]:
    """A checkpoint's tensors; where only ``now`` keeps an average, one that begins at the networks."""
    if was.ema is not None or now.ema is None:
        return tensors
    begun = {f"average/module.{name}": t for name, t in under("networks", tensors).items()}
    return tensors | begun | {"average/n_averaged": torch.tensor(0)}


def _require_changeable(name: str) -> None:
    if name in FIXED:
        hint = "--batch gives another batch" if name == "batch" else "choose another --preset"
        raise ValueError(f"{name} cannot be set, the networks or the episodes hang on it; {hint}")
    if name not in CHANGEABLE:
        raise ValueError(f"there is no field {name!r} to set; choose of {', '.join(CHANGEABLE)}")


def _read(name: str, text: str) -> Any:
    kind, optional = CHANGEABLE[name].removesuffix(" | None"), CHANGEABLE[name].endswith(" | None")
    if optional and text.lower() == "none":
        return None
    read, like = READERS[kind]
    try:
        value = read(text)
    except ValueError:
        raise ValueError(f"{name} cannot be {text!r}; give {like}{', or none' * optional}") from None
    if name in BELOW_ONE and max(value if isinstance(value, tuple) else (value,)) >= 1:
        raise ValueError(f"{name} cannot be {text!r}; what it keeps of the past must be below 1")
    if name in AT_LEAST_ONE and value < 1:
        raise ValueError(f"{name} cannot be {text!r}; give at least 1")
    return value


def _number(text: str) -> float:
    value = float(text)
    if not (math.isfinite(value) and value >= 0):
        raise ValueError(text)
    return value


def _whole(text: str) -> int:
    if not text.isdecimal():
        raise ValueError(text)
    return int(text)


def _switch(text: str) -> bool:
    if text.lower() not in ("true", "false"):
        raise ValueError(text)
    return text.lower() == "true"


def _pair(text: str) -> tuple[float, float]:
    first, second = text.split(",")
    return _number(first), _number(second)


def _content(text: str) -> tuple[tuple[str, float], ...]:
    pairs = [part.strip().rpartition(":") for part in text.split(",")]
    if any(name in ("", "auto") for name, _, _ in pairs):  # weights go by the name of the net itself
        raise ValueError(text)
    return tuple((name, _number(weight)) for name, _, weight in pairs)


READERS: dict[str, tuple[Callable[[str], Any], str]] = {
    "float": (_number, "a number of at least 0"),
    "int": (_whole, "a whole number of at least 0"),
    "bool": (_switch, "true or false"),
    "tuple[float, float]": (_pair, "two numbers below 1, as 0.5,0.999"),
    "tuple[tuple[str, float], ...]": (_content, "backbones with their weights, as efficientnet-lite0:0.5,efficientnet-lite0@face:0.5"),
}


def _text(value: Any) -> str:
    if isinstance(value, tuple):
        return ",".join(f"{v[0]}:{_text(v[1])}" if isinstance(v, tuple) else _text(v) for v in value)
    return str(value).lower().removesuffix(".0")  # "none" and "true" as they are typed
