"""Real pictures for tests: the astronaut of scikit-image (NASA, public domain) as photo and as video."""

from __future__ import annotations

from functools import cache
from pathlib import Path

import pytest
import torch
from torch import Tensor

from tlk.show import write_video


@cache
def astronaut() -> Tensor:
    """uint8 (3, 512, 512); skips the test where scikit-image is not installed."""
    data = pytest.importorskip("skimage.data")
    return torch.from_numpy(data.astronaut()).permute(2, 0, 1).contiguous()


def face_part(x: int = 0, y: int = 0) -> Tensor:
    """uint8 (3, 200, 240) around the face; x and y move the window."""
    return astronaut()[:, 20 + y : 220 + y, 110 + x : 350 + x]


def video(path: Path, frames: int = 6, step: int = 4, fps: float = 12.5) -> Path:
    """The face wanders to the left by ``step`` pixels a frame."""
    return write_video(path, torch.stack([face_part(step * i) for i in range(frames)]), fps)
