"""Small clips of noise for tests."""

from __future__ import annotations

import torch

from tlk.data import Clip
from tests.landmarks.faces import faces


def noise_clip(frames: int = 5, size: int = 16, name: str = "noise", seed: int = 0, **kwargs) -> Clip:
    """Frame i has the value i in its first pixel, so that a test can tell frames apart."""
    random = torch.Generator().manual_seed(seed)
    images = torch.randint(0, 256, (frames, 3, size, size), dtype=torch.uint8, generator=random)
    images[:, :, 0, 0] = torch.arange(frames, dtype=torch.uint8)[:, None]
    return Clip(images, faces(frames, size, seed), name=name, **kwargs)
