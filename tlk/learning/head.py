"""``Head``: one person's generator, driven by landmarks."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor

from tlk.data import Clip
from tlk.landmarks import rasterise
from tlk.networks import Generator
from tlk.presets import Preset

from .checkpoints import load_module, load_tensors, module_tensors, save_tensors, under

KIND = "a personalised head"


@dataclass
class Head:
    """G with its own AdaIN parameters ψ' in place of P ê. Faces of living people need their consent."""

    preset: Preset
    generator: Generator
    adain: Float[Tensor, "1 a"]  #: ψ'
    header: dict[str, Any]

    @torch.no_grad()
    def drive(self, driver: Clip | Tensor, batch: int = 16) -> Float[Tensor, "f 3 h w"]:
        """Draw this person with the driver's landmarks.

        Args:
            driver: a clip, which is resized to the model; or landmarks (f, 68, 2) in pixels of the model's image.
            batch: frames at a time.

        Returns:
            (f, 3, size, size) float in [0, 1], on the CPU.
        """
        size = self.preset.size
        points = driver.resize(size).landmarks if isinstance(driver, Clip) else driver
        if points.ndim != 3 or points.shape[-1] != 2:
            raise ValueError(f"driving landmarks must be (frames, 68, 2), not {tuple(points.shape)}")
        self.generator.eval()
        drawn = (rasterise(p.to(self.adain.device).float(), size) for p in points.split(batch) if len(p))
        frames = [self.generator(d, self.adain).float().cpu() for d in drawn]
        return torch.cat(frames) if frames else torch.empty(0, 3, size, size)

    def save(self, path: str | Path) -> None:
        """Write as safetensors, without P and E, which a head no longer needs."""
        tensors = {k: t for k, t in module_tensors("generator", self.generator).items()}
        save_tensors(path, tensors | {"adain": self.adain}, self.header | {"preset": self.preset.to_dict(), "kind": KIND})

    @classmethod
    def load(cls, path: str | Path) -> Head:
        """Inverse of ``save``. Raises BadCheckpoint on a damaged file."""
        tensors, header = load_tensors(path, KIND)
        preset = Preset.from_dict(header["preset"])
        generator = without_projection(Generator(preset))
        load_module(generator, under("generator", tensors), path)
        return cls(preset, generator.eval(), tensors["adain"], header)


def without_projection(generator: Generator) -> Generator:
    """The generator with P taken out: a head's ψ' is a free parameter (paper, section 3.3)."""
    generator.projection = None
    return generator
