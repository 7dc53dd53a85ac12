"""The systems of other papers in the table: they take part where their weights are shipped at the model's size."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from torch import Tensor

from tlk.data import Clip
from tlk.learning import Model
from tlk.learning.finetune import batch_rule
from tlk.learning.model import SHIPPED

from .pix2pixhd import Pix2pixHD, Pix2pixHDPretraining
from .pretraining import Pretraining, Trained, digest
from .x2face import X2Face, X2FacePretraining

#: option of ``python -m tlk.evaluation.pretrain`` → what it trains; the table's order
SYSTEMS: dict[str, type[Pretraining]] = {"x2face": X2FacePretraining, "pix2pixhd": Pix2pixHDPretraining}
LEARNS = (Pix2pixHD,)  #: from the T frames; the others are feed-forward


@dataclass
class Compared:
    """A ``System`` of another paper: pre-trained, and given a person by ``personalise``."""

    model: Trained
    epochs: int = 0
    seed: int = 0

    @property
    def name(self) -> str:
        return self.model.title

    @property
    def note(self) -> str:
        return self.model.note + (f" ({self.epochs} epochs)" if self.epochs else "")

    @property
    def settings(self) -> dict[str, Any]:
        return {"weights": digest([self.model.parts]), **({"epochs": self.epochs, "seed": self.seed, "batch": batch_rule(self.model.preset)} if self.epochs else {})}

    def fit(self, source: Clip) -> Callable[[Clip], Tensor]:
        return self.model.personalise(source, epochs=self.epochs, seed=self.seed).drive


def names(size: int) -> dict[type[Trained], str]:
    """System → name of its shipped weights at an image size."""
    return {run.trained: f"{run.trained.system}-{size}" for run in SYSTEMS.values()}


def compared(model: Model, epochs: int = 40, seed: int = 0) -> list[Compared]:
    """Those whose weights are there. Those that learn from the T frames do so for ``epochs``, and are left out at 0."""
    found = [(kind, name) for kind, name in names(model.preset.size).items() if (SHIPPED / f"{name}.safetensors").is_file()]
    return [Compared(kind.load(name, model.device), epochs if kind in LEARNS else 0, seed) for kind, name in found if epochs or kind not in LEARNS]


def left_out(model: Model, epochs: int = 40) -> str:
    """For the table's note: which of them take no part, and the command that trains them. Empty when all do."""
    missing = []
    for kind, name in names(model.preset.size).items():
        if not (SHIPPED / f"{name}.safetensors").is_file():
            command = f"python -m tlk.evaluation.pretrain --system {kind.system} --preset {model.preset.name} --steps {model.header.get('steps', 'N')} --out runs/{kind.system}"
            missing.append(f"{kind.title}: there is no tlk/weights/{name}.safetensors; train it with `{command}` and put the model.safetensors from there in its place")
        elif not epochs and kind in LEARNS:
            missing.append(f"{kind.title}: it learns from the T frames, and --epochs is 0")
    return "; ".join(missing)


def budgets(model: Model, epochs: int = 40) -> str:
    """For the table's note: steps and people that each of them was trained with. Empty when none takes part."""
    headers = [(system.name, system.model.header) for system in compared(model, epochs)]
    return "; ".join(f"{name}: {header['steps']} steps, {header['clips']} people" for name, header in headers)
