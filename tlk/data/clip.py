"""``Clip``: frames of one video with their landmarks."""

from __future__ import annotations

import os
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor

from tlk.landmarks import Square, rasterise


@dataclass
class Clip:
    """Square frames of one video, with 68 iBUG landmarks in pixels of these frames (centres at integers).

    ``truth`` is empty for real videos. For rendered people it holds what is known exactly; tensors in it
    whose first axis is as long as the clip are per frame and follow slicing; what is constant belongs in numbers,
    lists or a nested dict, which stay as they are.
    """

    # Plain Tensor: these two are checked below at all times, with a sentence, not only under the tests' type hook.
    frames: Tensor  #: uint8 (f, 3, size, size), RGB
    landmarks: Tensor  #: float (f, 68, 2); NaN where a point is missing
    fps: float | int = 25.0
    name: str = "clip"
    source: str = ""  #: where it came from, for people to read
    truth: dict[str, Any] = field(default_factory=dict)
    square: Square | None = None  #: where the frames were cut out of the original, for ``tlk.landmarks.paste_back``

    def __post_init__(self) -> None:
        f, shape = len(self.frames), self.frames.shape
        if self.frames.dtype != torch.uint8 or self.frames.ndim != 4 or shape[1] != 3 or shape[2] != shape[3]:
            raise ValueError(f"clip {self.name}: frames must be uint8 (f, 3, size, size), not {self.frames.dtype} {tuple(shape)}")
        if self.landmarks.shape != (f, 68, 2) or not self.landmarks.is_floating_point():
            raise ValueError(f"clip {self.name}: landmarks must be float ({f}, 68, 2), not {self.landmarks.dtype} {tuple(self.landmarks.shape)}")

    def __len__(self) -> int:
        return len(self.frames)

    @property
    def size(self) -> int:
        """Side of the frames in pixels."""
        return self.frames.shape[-1]

    @property
    def images(self) -> Float[Tensor, "f 3 h w"]:
        """Frames as float in [0, 1]."""
        return self.frames.float() / 255

    @property
    def landmark_images(self) -> Float[Tensor, "f 3 h w"]:
        """Landmarks drawn as the networks see them, float in [0, 1]."""
        return rasterise(self.landmarks, self.size)

    def __getitem__(self, index: int | slice | list[int] | Tensor) -> Clip:
        """``clip[a:b]``, ``clip[[3, 5]]`` or ``clip[3]`` (a clip of one frame).

        A step in a slice leaves ``fps`` as it is: the frames are played as fast, so motion runs faster.
        """
        if isinstance(index, int):
            index = [index]
        if isinstance(index, list):
            if outside := [i for i in index if not -len(self) <= i < len(self)]:
                raise IndexError(f"clip {self.name} has {len(self)} frames; there is no frame {outside[0]}")
            index = torch.tensor(index, dtype=torch.long)
        truth = {k: v[index] if _per_frame(v, len(self)) else v for k, v in self.truth.items()}
        return replace(self, frames=self.frames[index], landmarks=self.landmarks[index], truth=truth)

    def save(self, path: str | os.PathLike) -> Path:
        """Write the clip as a new folder, or as a shard of one (``.tar``): see ``tlk.data.disk`` for the format."""
        from tlk.data.disk import save_clip

        return save_clip(self, path)

    @staticmethod
    def load(path: str | os.PathLike) -> Clip:
        """Inverse of ``save``. ValueError names the file that is missing or broken."""
        from tlk.data.disk import load_clip

        return load_clip(path)

    def resize(self, size: int) -> Clip:
        """The clip at ``size`` pixels: frames by antialiased bilinear, every point with them."""
        if size == self.size:
            return self
        if size < 1:
            raise ValueError(f"clip {self.name}: size must be at least one pixel, not {size}")
        scale = size / self.size
        frames = F.interpolate(self.images, (size, size), mode="bilinear", antialias=True, align_corners=False)
        truth = {k: _resize_truth(k, v, size, scale) for k, v in self.truth.items()}
        points = (self.landmarks + 0.5) * scale - 0.5
        return replace(self, frames=(frames * 255).round().clamp(0, 255).to(torch.uint8), landmarks=points, truth=truth)


def _per_frame(value: Any, length: int) -> bool:
    return isinstance(value, Tensor) and value.ndim > 0 and len(value) == length


def _resize_truth(name: str, value: Any, size: int, scale: float) -> Any:
    """Points (``pupils``) move with the image and ``mask`` is resampled; angles and expressions stay."""
    if name == "pupils":
        return (value + 0.5) * scale - 0.5
    if name == "mask":
        mask = F.interpolate(value[:, None].float(), (size, size), mode="bilinear", antialias=True, align_corners=False)
        return mask[:, 0] > 0.5 if value.dtype == torch.bool else mask[:, 0].to(value.dtype)
    return value
