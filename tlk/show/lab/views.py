"""What the lab looks at beside the losses: the generated points or frames, their quality, each term's share of the gradient.

A view looks in evaluation mode and draws no random numbers, so that training goes on as if nobody had looked.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor, nn

from tlk.data import Clip
from tlk.evaluation.metrics import landmark_error, ssim
from tlk.landmarks import Detector, open_detector, rasterise
from tlk.learning import FineTuning, LossWeights, MetaLearning, gradient_shares
from tlk.learning.objective import Scene, frozen, generator_terms
from tlk.learning.stepper import Stepper
from tlk.learning.toy import ToyGAN, draw_points, toy_quality, toy_terms
from tlk.weights_cache import WeightsMissing

from .snapshot import only_looking

SHOWN = 4  #: fixed people


@dataclass
class Look:
    """Tensors to be drawn, and numbers: ``quality`` in [0, 1] for the curve, ``shares`` of the gradient by term."""

    picture: dict[str, Tensor]
    quality: dict[str, float] = field(default_factory=dict)
    shares: dict[str, float] = field(default_factory=dict)
    at: int | None = None  #: the step of ``shares`` and ``held``, where that is an earlier one
    held: dict[str, float] = field(default_factory=dict)  #: quality that was measured then, and not again


class ToyView:
    """The plane: D's score as a map, true and generated points, and where L pulls each generated point."""

    extent = 3.2  #: the map reaches from −extent to extent

    def __init__(self, points: int = 256, cells: int = 48) -> None:
        self.told, self.real = draw_points(points, 7_919, 1)
        line = torch.linspace(-self.extent, self.extent, cells)
        self.cells, self.map = cells, torch.cartesian_prod(line, line)[:, [1, 0]]

    def look(self, stepper: ToyGAN, weights: LossWeights, whole: bool = True) -> Look:
        with only_looking(stepper):
            critic = stepper.critic.module
            with torch.no_grad():
                fake, scores = stepper.generator.module(self.told), critic(self.map)[0].view(self.cells, self.cells)
            fake.requires_grad_()
            with frozen(critic):
                terms = toy_terms(critic, self.real, fake)
                shares = gradient_shares(terms, weights, fake)
                (pull,) = torch.autograd.grad(weights.total(terms), fake)
        fake = fake.detach()
        return Look({"map": scores, "real": self.real, "fake": fake, "pull": -pull * len(fake)}, toy_quality(fake, self.real), shares)


class Judge(nn.Module):
    """D for people who have no row in W: ê stands in for it, as when fine-tuning begins."""

    def __init__(self, discriminator: nn.Module, embedding: Float[Tensor, "b n"]) -> None:
        super().__init__()
        self.discriminator, self.embedding = discriminator, embedding

    def forward(self, frames: Tensor, drawn: Tensor, index: Tensor) -> tuple[Tensor, list[Tensor]]:
        return self.discriminator(frames, drawn, self.embedding[index])


class FacesView:
    """Fixed people or frames: source, driving landmarks, generated frame, truth; and the gradient's shares on them.

    ``people``: clips that the training does not see (meta-learning: one a person, source frames first, the last
    frame is drawn; fine-tuning: one clip with hold-out frames of the person). Default: frames of the training.
    """

    def __init__(self, stepper: MetaLearning | FineTuning, people: Sequence[Clip] = ()) -> None:
        size, self.rest = stepper.preset.size, 0
        if isinstance(stepper, FineTuning):
            clip = (people[0] if people else stepper.clip).resize(size)
            clip = clip[torch.linspace(0, len(clip) - 1, min(SHOWN, len(clip))).long()]
            self.source, self.points, self.real = None, clip.landmarks, clip.images
        else:
            people = [c.resize(size) for c in (people or stepper.episodes.clips)[:SHOWN]]
            k = min(stepper.preset.k, min(map(len, people)) - 1)
            self.source = torch.stack([c.images[:k] for c in people])
            self.source_drawn = torch.stack([rasterise(c.landmarks[:k], size) for c in people])
            self.points = torch.cat([c.landmarks[-1:] for c in people])
            self.real = torch.cat([c.images[-1:] for c in people])
            self.source, self.source_drawn = (t.to(stepper.fabric.device) for t in (self.source, self.source_drawn))
        self.drawn, self.real = (t.to(stepper.fabric.device) for t in (rasterise(self.points, size), self.real))
        self.shares: dict[str, float] = {}
        self.error: float | None = None
        self.measured: tuple[int, LossWeights] | None = None  # where the landmark error and the shares are from
        self.detector = open_dlib()

    def look(self, stepper: MetaLearning | FineTuning, weights: LossWeights, whole: bool = False) -> Look:
        """``whole``: measure all. Else the dearer half, landmark error and shares, at every fourth look, after a step back and with other weights."""
        here = stepper.step, weights.snapshot()
        stale = self.measured is None or self.measured[0] > here[0] or self.measured[1] != here[1] or whole
        with only_looking(stepper):
            with torch.no_grad():
                fake, embedding = self._generate(stepper)
            if self.rest <= 0 or stale:
                self.error, self.measured = self._landmark_error(fake), here
                if stepper.content is not None:  # fine-tuning loads it with its first step
                    self.shares, self.rest = self._shares(stepper, weights, fake, embedding), 4
        self.rest -= 1
        picture = {"driver": self.drawn, "generated": fake, "truth": self.real}
        if self.source is not None:
            picture = {"source": self.source[:, 0]} | picture
        quality = {"SSIM": ssim(fake, self.real).mean().item()}
        error = {} if self.error is None else {"landmark error": self.error}
        if self.measured[0] == here[0]:
            return Look(picture, quality | error, self.shares)
        return Look(picture, quality, self.shares, self.measured[0], error)

    def _landmark_error(self, fake: Tensor) -> float | None:
        """Mean over the frames in which a face is found, 1 where there is none; None when dlib is not installed."""
        if self.detector is None:
            return None
        images = (fake.clamp(0, 1) * 255).byte().permute(0, 2, 3, 1).cpu().numpy()
        faces = [self.detector.find([np.ascontiguousarray(i)], p.numpy())[0] for i, p in zip(images, self.points)]
        errors = [landmark_error(torch.from_numpy(np.asarray(f.points, np.float32))[None], p[None]).item() for f, p in zip(faces, self.points) if f is not None]
        return sum(errors) / len(errors) if errors else 1.0

    def _generate(self, stepper: MetaLearning | FineTuning) -> tuple[Tensor, Tensor | None]:
        if isinstance(stepper, FineTuning):
            return stepper.generator.module(self.drawn), None
        return stepper.networks.module(self.source, self.source_drawn, self.drawn)

    def _shares(self, stepper: MetaLearning | FineTuning, weights: LossWeights, fake: Tensor, embedding: Tensor | None) -> dict[str, float]:
        critic, fake = stepper.critic.module, fake.detach().requires_grad_()
        judge = critic if embedding is None else Judge(critic.discriminator, embedding)
        with frozen(critic):
            terms = generator_terms(judge, stepper.content, Scene(self.real, self.drawn, torch.arange(len(fake), device=fake.device)), fake)
            return gradient_shares(terms, weights, fake)


def open_dlib() -> Detector | None:
    """dlib's detector, or None where it is not installed: the lab then does without the landmark error."""
    try:
        return open_detector("dlib")
    except (ImportError, WeightsMissing):
        return None


def view_of(stepper: Stepper, people: Sequence[Clip] = ()) -> ToyView | FacesView:
    """The view for a stepper. Raises ValueError for a kind that the lab does not know."""
    if isinstance(stepper, ToyGAN):
        return ToyView()
    if isinstance(stepper, MetaLearning | FineTuning):
        return FacesView(stepper, people)
    raise ValueError(f"the lab knows ToyGAN, MetaLearning and FineTuning, not {type(stepper).__name__}")
