"""Tensors and a JSON header in one safetensors file: whole or not at all, and nothing in it can run code."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from torch import Tensor, nn

from tlk.files import write_tensors


class BadCheckpoint(ValueError):
    """A checkpoint or weights file that cannot be used; the message names the file and what to do."""


def save_tensors(path: str | Path, tensors: dict[str, Tensor], header: dict[str, Any]) -> None:
    """Write tensors under their names and ``header`` as JSON beside them."""
    plain = {name: t.detach().cpu().contiguous().clone() for name, t in tensors.items()}
    write_tensors(path, plain, {"tlk": json.dumps(header)})


def load_tensors(path: str | Path, kind: str) -> tuple[dict[str, Tensor], dict[str, Any]]:
    """Inverse of ``save_tensors``. Raises BadCheckpoint unless the header's ``kind`` is the one wanted."""
    path = Path(path)
    if not path.is_file():
        raise BadCheckpoint(f"{path}: no such file; give the path of a .safetensors file that tlk wrote")
    try:
        with safe_open(path, framework="pt") as file:
            header = json.loads((file.metadata() or {}).get("tlk", "null"))
            tensors = {name: file.get_tensor(name) for name in file.keys()}
    except (SafetensorError, json.JSONDecodeError, OSError) as error:
        raise BadCheckpoint(f"{path}: not a readable safetensors file ({error}); it may be cut short, so make or copy it again") from error
    if not isinstance(header, dict) or header.get("kind") != kind:
        found = header.get("kind") if isinstance(header, dict) else "a file that tlk did not write"
        raise BadCheckpoint(f"{path}: holds {found}, not {kind}; check which file you meant")
    return tensors, header


def under(prefix: str, tensors: dict[str, Tensor]) -> dict[str, Tensor]:
    """The part of ``tensors`` whose names start with ``prefix/``, without it."""
    return {name.removeprefix(prefix + "/"): t for name, t in tensors.items() if name.startswith(prefix + "/")}


def module_tensors(prefix: str, module: nn.Module) -> dict[str, Tensor]:
    return {f"{prefix}/{name}": t for name, t in module.state_dict().items()}


def load_module(module: nn.Module, tensors: dict[str, Tensor], where: str | Path) -> None:
    """Load a state dict that must fit exactly; half-precision tensors become float32."""
    try:
        module.load_state_dict({k: t.float() if t.is_floating_point() else t for k, t in tensors.items()})
    except RuntimeError as error:
        raise BadCheckpoint(f"{where}: its tensors do not fit the networks of its preset ({str(error).splitlines()[-1].strip()})") from error


def optimiser_tensors(prefix: str, optimiser: torch.optim.Optimizer) -> dict[str, Tensor]:
    state = optimiser.state_dict()["state"]
    return {f"{prefix}/{i}/{name}": torch.as_tensor(value) for i, values in state.items() for name, value in values.items()}


def load_optimiser(optimiser: torch.optim.Optimizer, tensors: dict[str, Tensor]) -> None:
    """Put the state back; learning rates stay those of the optimiser as it was made."""
    state: dict[int, dict[str, Tensor]] = {}
    for name, tensor in tensors.items():
        index, key = name.split("/")
        state.setdefault(int(index), {})[key] = tensor
    optimiser.load_state_dict({"state": state, "param_groups": optimiser.state_dict()["param_groups"]})
