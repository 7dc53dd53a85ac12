"""What the compared systems share: learning from the episodes that ours learns from, weights on disk, being driven."""

from __future__ import annotations

import copy
import hashlib
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

import torch
from jaxtyping import Float
from torch import Tensor, nn

from tlk.data import Clip
from tlk.landmarks import rasterise
from tlk.learning import BadCheckpoint, MetaLearning
from tlk.learning.checkpoints import load_module, load_tensors, save_tensors
from tlk.learning.model import SHIPPED
from tlk.learning.objective import Scene
from tlk.learning.train import Watch
from tlk.presets import Preset


@dataclass
class Driven:
    """A person in a compared system, as ``Head`` is in ours."""

    draw: Callable[[Tensor], Tensor]  #: landmark images (b, 3, h, w) → frames, both in [0, 1]
    size: int
    device: torch.device

    @torch.no_grad()
    def drive(self, driver: Clip, batch: int = 16) -> Float[Tensor, "f 3 h w"]:
        """Draw this person with the driver's landmarks; its frames are not looked at. Float in [0, 1], on the CPU."""
        points = driver.resize(self.size).landmarks.float()
        return torch.cat([self.draw(rasterise(p.to(self.device), self.size)).float().cpu() for p in points.split(batch)])


@dataclass
class Trained:
    """What pre-training leaves, ready to be given a person. A subclass says which networks these are."""

    system: ClassVar[str]  #: for file names and options
    title: ClassVar[str]  #: for tables
    made_of: ClassVar[dict[str, Callable[[Preset], nn.Module]]]

    preset: Preset
    parts: nn.ModuleDict
    header: dict[str, Any]  #: preset, steps, seed, data, device, revision

    def __post_init__(self) -> None:
        """A copy in evaluation mode, which shares nothing with the networks it was made from."""
        self.parts = copy.deepcopy(self.parts).eval().requires_grad_(False)

    @property
    def device(self) -> torch.device:
        return next(self.parts.parameters()).device

    @property
    def note(self) -> str:
        """One line under the table."""
        raise NotImplementedError

    def personalise(self, clip: Clip, epochs: int = 0, seed: int = 0) -> Driven:
        """A person from T frames of them, of any size."""
        raise NotImplementedError

    def save(self, path: str | Path) -> None:
        """Write as safetensors, weights in half precision."""
        tensors = {n: t.half() if t.ndim > 1 and t.is_floating_point() else t for n, t in self.parts.state_dict().items()}
        save_tensors(path, tensors, self.header | {"kind": weights_of(self.system)})

    @classmethod
    def load(cls, name_or_path: str | Path, device: str | torch.device = "cpu") -> Trained:
        """By the name of shipped weights (``x2face-64``) or from a file that ``save`` wrote; raises BadCheckpoint."""
        path = Path(name_or_path)
        path = path if path.suffix else SHIPPED / f"{name_or_path}.safetensors"
        tensors, header = load_tensors(path, weights_of(cls.system))
        preset = Preset.from_dict(header["preset"])
        parts = nn.ModuleDict({name: make(preset) for name, make in cls.made_of.items()})
        load_module(parts, tensors, path)
        return cls(preset, parts.to(device), header)


def weights_of(system: str) -> str:
    """What the header of such a file says that it is."""
    return f"pre-trained weights of {system}"


class Pretraining(MetaLearning):
    """A compared system's run over the meta-training set: episodes, seeds, checkpoints and exact resume are ``MetaLearning``'s.

    With the same clips, seed and batch, step n shows a compared system the very frames that step n shows ours.
    A subclass makes its networks in ``_build`` and says in ``_step`` what they learn from a step's frames.
    """

    trained: type[Trained]
    modules = ("networks",)
    optimisers = ("optimiser_g",)

    def __init_subclass__(cls) -> None:
        cls.kind = f"a pre-training checkpoint of {cls.trained.system}"

    def scene(self) -> tuple[Scene, Tensor]:
        """This step's targets with their landmark images, and the source frames (b, k, 3, h, w); images in [0, 1]."""
        batch = self.episodes.batch(self.step).to(self.fabric.device)
        drawn = rasterise(batch.target_landmarks, self.preset.size)
        return Scene(batch.target.float() / 255, drawn, batch.index), batch.source.float() / 255

    @property
    def averaged(self) -> nn.Module:
        """The networks' average where one is kept, else as they are."""
        return self.networks.module if self.average is None else self.average.module

    def update(self, loss: Tensor) -> None:
        """One update of the networks, and of their average."""
        self.apply(loss, self.optimiser_g)
        if self.average is not None:
            self.average.update_parameters(self.networks.module)

    def model(self) -> Trained:
        """The networks as they are now, averaged where an average is kept, for personalising and shipping."""
        return self.trained(self.preset, nn.ModuleDict(self.parts()), self.header())

    def parts(self) -> dict[str, nn.Module]:
        raise NotImplementedError


class Preview(Watch):
    """People who are not in the training set, drawn without any learning on them."""

    def __call__(self, run: MetaLearning) -> tuple[Tensor, dict[str, float]]:
        """The generated frames side by side, (3, h, people * w), and their ``l1`` to the truth."""
        model = run.model()
        drawn = torch.cat([model.personalise(clip[: self.k], epochs=0).drive(clip[-1:]) for clip in self.clips])
        truth = torch.cat([clip[-1:].images for clip in self.clips])
        return torch.cat(list(drawn), -1), {"l1": (drawn - truth).abs().mean().item()}


def digest(modules: Iterable[nn.Module]) -> str:
    """First 16 digits of the SHA-256 of all weights, wherever their file lies."""
    found = hashlib.sha256()
    for name, tensor in (item for module in modules for item in module.state_dict().items()):
        found.update(name.encode())
        found.update(tensor.detach().cpu().contiguous().reshape(-1).view(torch.uint8).numpy().tobytes())
    return found.hexdigest()[:16]


__all__ = ["BadCheckpoint", "Driven", "Preview", "Pretraining", "Trained", "digest", "weights_of"]
