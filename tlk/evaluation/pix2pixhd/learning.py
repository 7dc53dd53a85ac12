"""How Pix2pixHD learns: the whole meta-training set first, then the T frames of one person. One step serves both."""

from __future__ import annotations

import copy
from collections.abc import Callable, Sequence

import torch
from jaxtyping import Float
from lightning_fabric import Fabric
from torch import Tensor, nn

from tlk.data import Clip
from tlk.evaluation.pretraining import Driven, Pretraining, Trained
from tlk.learning import LossWeights
from tlk.learning.finetune import batch_of, scene_of_step
from tlk.learning.objective import Scene, frozen
from tlk.learning.stepper import Stepper, average_of
from tlk.losses import Content, feature_matching
from tlk.presets import Preset

from .networks import CoarseToFine, MultiScaleCritic

BETAS = (0.5, 0.999)  #: of Adam, the original's


def least_squares(scores: Sequence[Tensor], wanted: float) -> Float[Tensor, ""]:
    """Σ over scales of mean (score − wanted)² (LSGAN, Mao et al. 2017); ``wanted`` is 1 for real, 0 for generated."""
    return torch.stack([(s - wanted).square().mean() for s in scores]).sum()


def discriminator_loss(critic: nn.Module, scene: Scene, fake: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """½ (least squares of real frames to 1 + of generated frames to 0); ``fake`` is detached here.

    Also returns the scores of real and of generated frames, (b,): the mean over patches and scales less ½, so
    that 0 is the border between real and generated, as it is for the hinge loss.
    """
    frames = torch.cat([scene.real, fake.detach()])
    scores, _ = critic(frames, scene.drawn.repeat(2, 1, 1, 1))
    real, generated = zip(*(s.chunk(2) for s in scores))
    means = torch.stack([s.detach().mean((1, 2, 3)) for s in scores]).mean(0) - 0.5
    return (least_squares(real, 1) + least_squares(generated, 0)) / 2, *means.chunk(2)


def generator_terms(critic: nn.Module, content: Callable, scene: Scene, fake: Tensor) -> dict[str, Tensor]:
    """The unweighted terms of G's loss: content, ``adversarial`` (least squares to 1) and ``feature_matching``.

    The latter is the mean over scales of Σ over layers of mean |difference|, which is the original's: its factors 1 / scales
    and 4 / (layers of stride 2 + 1) make the same of three such layers. Its weight is 10, as in ours.
    """
    scores, features = critic(fake, scene.drawn)
    with torch.no_grad():
        _, wanted = critic(scene.real, scene.drawn)
    terms = {f"content/{name}": term for name, term in content(fake, scene.real, scene.drawn).items()}
    terms["adversarial"] = least_squares(scores, 1)
    terms["feature_matching"] = torch.stack([feature_matching(f, r) for f, r in zip(features, wanted)]).mean()
    return terms


def weights_for(preset: Preset) -> LossWeights:
    return LossWeights(content=dict(preset.content), feature_matching=10.0, match=0.0, discriminator_steps=1)


def step(run: Stepper, scene: Scene, weights: LossWeights, update: Callable[[Tensor], None]) -> tuple[dict[str, Tensor], Tensor, Tensor]:
    """D's updates, then one of G by ``update``; what ``Stepper._step`` returns."""
    fake = run.networks(scene.drawn)
    loss, real, generated = discriminator_loss(run.critic, scene, fake)
    for n in range(weights.discriminator_steps):
        if n > 0:
            loss, real, generated = discriminator_loss(run.critic, scene, fake)
        run.apply(loss, run.optimiser_d)
    critic = run.critic.module
    with frozen(critic), run.fabric.autocast():
        terms = generator_terms(critic, run.content, scene, fake)
    update(weights.total(terms))
    return terms | {"discriminator": loss.detach()}, real, generated


class Pix2pixHD(Trained):
    """Trained Pix2pixHD: a face of nobody in particular, until it is fine-tuned."""

    system, title = "pix2pixhd", "Pix2pixHD"
    made_of = {"generator": CoarseToFine, "critic": MultiScaleCritic}

    @property
    def note(self) -> str:
        return f"our compact version, pre-trained for {self.header.get('steps')} steps, then fine-tuned on the T frames"

    def personalise(self, clip: Clip, epochs: int = 40, seed: int = 0) -> Driven:
        """Fine-tune for ``epochs`` passes over the T frames; 0 gives the face of nobody."""
        tuning = Pix2pixHDTuning(self, clip, seed)
        for _ in tuning.steps(tuning.steps_per_epoch * epochs):
            pass
        return Driven(copy.deepcopy(tuning.networks.module).eval(), self.preset.size, self.device)


class Pix2pixHDPretraining(Pretraining):
    """A stepper over the meta-training set: each step's target frames from their landmark images alone."""

    trained = Pix2pixHD
    modules = ("networks", "critic")
    optimisers = ("optimiser_g", "optimiser_d")

    def _build(self) -> None:
        p: Preset = self.preset
        self.weights = weights_for(p)
        with torch.random.fork_rng():
            torch.manual_seed(self.seed)
            networks, critic = CoarseToFine(p), MultiScaleCritic(p)
        self.networks, self.optimiser_g = self.fabric.setup(networks, torch.optim.Adam(networks.parameters(), p.lr_generator, BETAS, p.eps))
        self.critic, self.optimiser_d = self.fabric.setup(critic, torch.optim.Adam(critic.parameters(), p.lr_discriminator, BETAS, p.eps))
        self.content = self.fabric.to_device(Content(p.content))
        self.average = average_of(networks, p.ema)

    def _step(self, weights: LossWeights) -> tuple[dict[str, Tensor], Tensor, Tensor]:
        return step(self, self.scene()[0], weights, self.update)

    def parts(self) -> dict[str, nn.Module]:
        return {"generator": self.averaged, "critic": self.critic.module}


class Pix2pixHDTuning(Stepper):
    """A stepper over the T frames of one person, in batches as ours, from the pre-trained networks on.

    ``model`` is copied, never changed. ``steps_per_epoch`` steps see every frame once, in an order that depends on
    the seed and the epoch alone. Raises ValueError for a clip without frames.
    """

    def __init__(self, model: Pix2pixHD, clip: Clip, seed: int = 0, *, fabric: Fabric | None = None) -> None:
        if len(clip) == 0:
            raise ValueError(f"clip {clip.name} has no frames; give at least one photo of the person")
        p = self.preset = model.preset
        self.clip, self.seed, self.step, self.history = clip.resize(p.size), seed, 0, []
        self.batch = batch_of(len(clip), p)
        self.weights, self.content = weights_for(p), None  # the content network is loaded at the first step
        self.fabric = fabric or Fabric(accelerator=model.device.type, devices=1)
        networks, critic = (copy.deepcopy(model.parts[name]).requires_grad_(True).train() for name in ("generator", "critic"))
        self.networks, self.optimiser_g = self.fabric.setup(networks, torch.optim.Adam(networks.parameters(), p.finetune_lr_generator, BETAS, p.eps))
        self.critic, self.optimiser_d = self.fabric.setup(critic, torch.optim.Adam(critic.parameters(), p.finetune_lr_discriminator, BETAS, p.eps))

    @property
    def steps_per_epoch(self) -> int:
        return -(-len(self.clip) // self.batch)

    def _step(self, weights: LossWeights) -> tuple[dict[str, Tensor], Tensor, Tensor]:
        if self.content is None:
            self.content = self.fabric.to_device(Content(self.preset.content))
        return step(self, self.scene(), weights, lambda loss: self.apply(loss, self.optimiser_g))

    def scene(self) -> Scene:
        """The step's frames with their landmark images."""
        return scene_of_step(self.clip, self.batch, self.step, self.seed, self.fabric)
