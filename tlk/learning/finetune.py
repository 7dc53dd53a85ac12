"""Personalisation: ψ' = P ê becomes a free parameter, and G and D are trained on T frames of one person (section 3.3)."""

from __future__ import annotations

import copy
from typing import TYPE_CHECKING

import torch
from jaxtyping import Float, Int64
from lightning_fabric import Fabric
from torch import Tensor, nn

from tlk.data import Clip
from tlk.losses import Content
from tlk.networks import Discriminator, Generator
from tlk.presets import Preset

from .head import Head, without_projection
from .objective import Scene, discriminator_loss, frozen, generator_terms
from .provenance import provenance
from .stepper import Stepper, average_of
from .weights import LossWeights

if TYPE_CHECKING:
    from .model import Model


class PersonalGenerator(nn.Module):
    """G without P, with ψ' as a parameter."""

    def __init__(self, generator: Generator, adain: Float[Tensor, "1 a"]) -> None:
        super().__init__()
        self.generator = without_projection(copy.deepcopy(generator))
        self.adain = nn.Parameter(adain.detach().clone())

    def forward(self, drawn: Float[Tensor, "b 3 h w"]) -> Float[Tensor, "b 3 h w"]:
        return self.generator(drawn, self.adain)


class PersonalCritic(nn.Module):
    """D' = V(x, y; θ)ᵀ w' + b. w' starts at w0 + ê; it is a bare vector, since a spectral norm would take its length."""

    def __init__(self, discriminator: Discriminator, embedding: Float[Tensor, " n"]) -> None:
        super().__init__()
        self.discriminator = copy.deepcopy(discriminator)
        self.column = nn.Parameter((self.discriminator.w0 + embedding).detach().clone())
        self.discriminator.w0 = None  # w' holds it now

    def forward(
        self, frames: Float[Tensor, "b 3 h w"], drawn: Float[Tensor, "b 3 h w"], index: Int64[Tensor, " b"] | None = None
    ) -> tuple[Float[Tensor, " b"], list[Tensor]]:
        """Scores and V's activations; ``index`` is not used, there is one person."""
        vector, features = self.discriminator.vector(frames, drawn)
        return vector @ self.column + self.discriminator.bias, features


def scene_of_step(clip: Clip, batch: int, step: int, seed: int, fabric: Fabric) -> Scene:
    """A step's frames of one person, ``batch`` at a time: each epoch a new order that depends on the seed and the epoch alone."""
    epoch, within = divmod(step, -(-len(clip) // batch))
    order = torch.randperm(len(clip), generator=torch.Generator().manual_seed(seed * 1_000_003 + epoch))
    part = clip[order[within * batch : (within + 1) * batch]]
    real, drawn = fabric.to_device((part.images, part.landmark_images))
    return Scene(real, drawn, torch.zeros(len(part), dtype=torch.int64, device=real.device))


def batch_of(frames: int, preset: Preset) -> int:
    """Frames of a step: the preset's batch, or fewer where an epoch would not have its least number of steps otherwise.

    The paper takes batches of 8 (when T > 1), so that 40 epochs of T = 8 are 40 steps. At 64 px these are too few to
    learn a face (MODEL_CARD.md); four times as many steps of 2 frames cost little more.
    """
    return min(preset.finetune_batch, max(1, frames // preset.finetune_epoch_steps))


def batch_rule(preset: Preset) -> str:
    """What ``batch_of`` does, in words, for the settings of a record."""
    return f"T / {preset.finetune_epoch_steps}, at most {preset.finetune_batch}"


class FineTuning(Stepper):
    """A stepper over the T frames of one person: ``for report in FineTuning(model, clip).steps(40): ...``.

    Args:
        model: meta-learned networks; copied, never changed.
        clip: the T source frames, resized to the model's size.
        seed: of the order in which frames are taken.
        embedding: ê, if not that of the clip (an ablation of the paper: a random one gives no plausible face).
        column: w' − w0, if not ê (the other ablation).
        fabric: devices and precision; default the model's device, float32.

    A step is a batch (``batch_of``); ``steps_per_epoch`` steps see every frame once.
    """

    def __init__(
        self, model: Model, clip: Clip, seed: int = 0, *, embedding: Float[Tensor, " n"] | None = None,
        column: Float[Tensor, " n"] | None = None, fabric: Fabric | None = None,
    ) -> None:
        if len(clip) == 0:
            raise ValueError(f"clip {clip.name} has no frames; give at least one photo of the person")
        self.preset, self.clip, self.seed, self.step = model.preset, clip.resize(model.preset.size), seed, 0
        self.fabric = fabric or Fabric(accelerator=model.device.type, devices=1)
        self.weights = LossWeights.of(self.preset)
        self.batch = batch_of(len(clip), self.preset)
        self.history: list[dict[str, float]] = []
        self.header = {"from": {k: v for k, v in model.header.items() if k not in ("history", "preset")}}
        embedding = model.embed(self.clip) if embedding is None else embedding.to(model.device)
        with torch.no_grad():
            adain = model.generator.project(embedding[None])
        self._build(PersonalGenerator(model.generator, adain), PersonalCritic(model.discriminator, embedding if column is None else column.to(model.device)))

    def _build(self, generator: PersonalGenerator, critic: PersonalCritic) -> None:
        p = self.preset
        generator.requires_grad_(True).train()
        critic.requires_grad_(True).train()
        g = torch.optim.Adam(generator.parameters(), lr=p.finetune_lr_generator, betas=p.betas, eps=p.eps)
        d = torch.optim.Adam(critic.parameters(), lr=p.finetune_lr_discriminator, betas=p.betas, eps=p.eps)
        self.generator, self.optimiser_g = self.fabric.setup(generator, g)
        self.critic, self.optimiser_d = self.fabric.setup(critic, d)
        self.content: Content | None = None  # loaded at the first step: the feed-forward variant needs none
        self.average = average_of(generator, p.finetune_ema)

    @property
    def steps_per_epoch(self) -> int:
        return -(-len(self.clip) // self.batch)

    def _step(self, weights: LossWeights) -> tuple[dict[str, Tensor], Tensor, Tensor]:
        """D's updates and one of G and ψ' by L_CNT + L_ADV, on one batch of frames."""
        if self.content is None:
            self.content = self.fabric.to_device(Content(self.preset.content))
        scene = self._scene()
        fake = self.generator(scene.drawn)
        for _ in range(weights.discriminator_steps):
            loss_d, real, generated = discriminator_loss(self.critic, scene, fake)
            self.apply(loss_d, self.optimiser_d)
        if weights.discriminator_steps == 0:
            loss_d, real, generated = self.look(scene, fake)
        return self._update_generator(scene, fake, weights) | {"discriminator": loss_d}, real, generated

    def _scene(self) -> Scene:
        return scene_of_step(self.clip, self.batch, self.step, self.seed, self.fabric)

    def _update_generator(self, scene: Scene, fake: Tensor, weights: LossWeights) -> dict[str, Tensor]:
        critic = self.critic.module
        with frozen(critic), self.fabric.autocast():
            terms = generator_terms(critic, self.content, scene, fake)
        if weights.generator_steps == 0:
            return terms
        self.apply(weights.total(terms), self.optimiser_g)
        if self.average is not None:
            self.average.update_parameters(self.generator.module)
        return terms

    def head(self) -> Head:
        """The person's generator as it is now; a copy, so that training may go on."""
        generator = self.average.module if self.average is not None and self.step else self.generator.module
        generator = copy.deepcopy(generator).eval().requires_grad_(False)
        header = self.header | provenance(self.preset) | {"frames": len(self.clip), "steps": self.step, "seed": self.seed, "source": self.clip.source}
        return Head(self.preset, generator.generator, generator.adain.detach(), header)
