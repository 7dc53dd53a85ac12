"""What is compared: a system is fitted to the source frames of a person and then draws them as a driver moves."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Protocol, runtime_checkable

from jaxtyping import Float
from torch import Tensor

from tlk.data import Clip
from tlk.learning import Model
from tlk.learning.finetune import batch_rule

from .compared import compared
from .pretraining import digest

Drawer = Callable[[Clip], Tensor]  #: driver → (f, 3, size, size) in [0, 1]


@runtime_checkable
class System(Protocol):
    """A name for the table, settings that its results depend on, and ``fit``.

    ``fit(source)`` gets the T source frames and returns a function from a driving clip to frames. Source and
    driver have the size of the evaluation. A system reads the driver's landmarks only; one that reads its frames
    too, as the original of X2Face does and ours does not, has an advantage and says so in ``note``.
    """

    name: str
    settings: dict[str, Any]  #: a record is reused only while these are the same
    note: str  #: one line under the table

    def fit(self, source: Clip) -> Drawer: ...


class Truth:
    """The true frames themselves: the detector's own error, and the end of every scale."""

    name, settings, note = "true frames", {}, "the hold-out frames themselves; their landmark error is the detector's own"

    def fit(self, source: Clip) -> Drawer:
        return lambda driver: driver.images


class Copy:
    """The source frame whose landmarks are nearest (mean distance over the 68 points, in place): a photo, never moved."""

    name, settings, note = "copy", {}, "the source frame with the nearest landmarks: no method at all, and the best CSIM"

    def fit(self, source: Clip) -> Drawer:
        def draw(driver: Clip) -> Float[Tensor, "f 3 h w"]:
            distance = (driver.landmarks[:, None] - source.landmarks[None]).norm(dim=-1).mean(-1)
            return source.images[distance.argmin(1)]

        return draw


class MeanFrame:
    """The mean of the source frames, whatever the driver does: what a blurred, motionless answer earns."""

    name, settings, note = "mean frame", {}, "the average of the source frames: what blur alone earns"

    def fit(self, source: Clip) -> Drawer:
        mean = source.images.mean(0, keepdim=True)
        return lambda driver: mean.expand(len(driver), -1, -1, -1)


@dataclass
class Ours:
    """``FF`` (epochs 0) and ``FT``: the method, feed-forward and fine-tuned."""

    model: Model
    epochs: int
    seed: int = 0

    @property
    def name(self) -> str:
        return "FT" if self.epochs else "FF"

    @property
    def settings(self) -> dict[str, Any]:
        tuned = {"epochs": self.epochs, "seed": self.seed, "batch": batch_rule(self.model.preset)} if self.epochs else {}
        return {"weights": fingerprint(self.model), **tuned}

    @property
    def note(self) -> str:
        return f"ours, fine-tuned for {self.epochs} epochs on the T frames" if self.epochs else "ours, feed-forward"

    def fit(self, source: Clip) -> Drawer:
        return self.model.personalise(source, epochs=self.epochs, seed=self.seed).drive


def standard_systems(model: Model, epochs: int = 40, seed: int = 0) -> list[System]:
    """All that can take part, in the table's order: X2Face and Pix2pixHD do where their weights are shipped (``compared.left_out``)."""
    return [Copy(), MeanFrame(), *compared(model, epochs, seed), Ours(model, 0, seed), *([Ours(model, epochs, seed)] if epochs else [])]


def fingerprint(model: Model) -> str:
    """First 16 digits of the SHA-256 of the model's weights, wherever its file lies."""
    return digest((model.embedder, model.generator, model.discriminator))
