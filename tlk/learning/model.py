"""``Model``: meta-learned networks, ready to be given a person."""

from __future__ import annotations

import copy
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor

from tlk.data import Clip
from tlk.networks import Discriminator, Embedder, Generator
from tlk.presets import Preset

from .checkpoints import BadCheckpoint, load_module, load_tensors, module_tensors, save_tensors, under
from .finetune import FineTuning
from .head import Head
from .provenance import provenance, revision

KIND = "a meta-learned model"
SHIPPED = Path(__file__).parent.parent / "weights"


@dataclass
class Model:
    """E, G with P, and D without W: what meta-learning leaves for people it never saw."""

    preset: Preset
    embedder: Embedder
    generator: Generator
    discriminator: Discriminator
    header: dict[str, Any]  #: seed, steps, device, git revision, curve …, as written by ``save``

    def copy(self) -> Model:
        """A copy in evaluation mode that shares nothing with the networks it was made from."""
        parts = (copy.deepcopy(m).eval().requires_grad_(False) for m in (self.embedder, self.generator, self.discriminator))
        return Model(self.preset, *parts, dict(self.header))

    def to(self, device: str | torch.device) -> Model:
        for module in (self.embedder, self.generator, self.discriminator):
            module.to(device)
        return self

    @property
    def device(self) -> torch.device:
        return self.discriminator.w0.device

    @torch.no_grad()
    def embed(self, clip: Clip) -> Float[Tensor, " n"]:
        """ê: the mean embedding of the clip's frames (paper, section 3.3). The clip is resized to the model."""
        clip = clip.resize(self.preset.size)
        frames, drawn = clip.images.to(self.device), clip.landmark_images.to(self.device)
        return torch.cat([self.embedder(f, d) for f, d in zip(frames.split(16), drawn.split(16))]).mean(0)

    def personalise(self, clip: Clip, epochs: int | None = None, seed: int = 0, **options) -> Head:
        """A person's own generator from T frames of them.

        Args:
            clip: the T source frames; any size, resized to the model's.
            epochs: passes of fine-tuning over the frames (FT); 0 is the feed-forward variant (FF). Default: the
                preset's 40.
            seed: of the order of frames.
            options: as for ``FineTuning``.
        """
        tuning = FineTuning(self, clip, seed=seed, **options)
        for _ in tuning.steps(tuning.steps_per_epoch * (self.preset.finetune_epochs if epochs is None else epochs)):
            pass
        return tuning.head()

    def save(self, path: str | Path, half: bool = True) -> None:
        """Write as safetensors; ``half`` stores weights in half precision (spectral norm's vectors stay float32)."""
        tensors: dict[str, Tensor] = {}
        for name in ("embedder", "generator", "discriminator"):
            tensors |= module_tensors(name, getattr(self, name))
        if half:
            tensors = {n: t.half() if t.ndim > 1 and t.is_floating_point() else t for n, t in tensors.items()}
        save_tensors(path, tensors, self.header | provenance(self.preset) | {"kind": KIND, "revision": self.header.get("revision") or revision()})


def load(name_or_path: str | Path = "heads-64", device: str | torch.device = "cpu") -> Model:
    """A meta-learned model by the name of shipped weights (``heads-64``) or from a file that ``Model.save`` wrote.

    Raises BadCheckpoint (a ValueError) with the names that exist, or with what is wrong with the file.
    """
    path = Path(name_or_path)
    if not path.suffix:
        path = SHIPPED / f"{name_or_path}.safetensors"
        if not path.is_file():
            names = ", ".join(sorted(p.stem for p in SHIPPED.glob("*.safetensors"))) or "none"
            raise BadCheckpoint(f"no shipped weights named {str(name_or_path)!r} (there are: {names}); name one of these or give a .safetensors file")
    tensors, header = load_tensors(path, KIND)
    preset = Preset.from_dict(header["preset"])
    parts = [make(preset) for make in (Embedder, Generator, Discriminator)]
    for part, name in zip(parts, ("embedder", "generator", "discriminator")):
        load_module(part, under(name, tensors), path)
    return Model(preset, *parts, header).copy().to(device)
