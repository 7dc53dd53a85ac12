"""What every written file says of itself: preset, revision, torch, device."""

from __future__ import annotations

import subprocess
from pathlib import Path
from typing import Any

import torch

from tlk.presets import Preset


def provenance(preset: Preset) -> dict[str, Any]:
    """What every written file says of itself."""
    return {"preset": preset.to_dict(), "revision": revision(), "torch": str(torch.__version__)}


def device_name(device: torch.device) -> str:
    """What a run was made on: the GPU's name, or ``cpu`` with its number of threads."""
    return torch.cuda.get_device_name(device) if device.type == "cuda" else f"{device.type}, {torch.get_num_threads()} thread(s)"


def revision() -> str:
    """The git revision of this code, or ``unknown`` outside a checkout."""
    command = ["git", "-C", str(Path(__file__).parent), "describe", "--always", "--dirty", "--abbrev=12"]
    try:
        return subprocess.run(command, capture_output=True, text=True, check=True, timeout=10).stdout.strip() or "unknown"
    except (OSError, subprocess.SubprocessError):
        return "unknown"
