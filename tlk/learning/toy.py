"""A GAN small enough to see whole: points on a plane, with the same steps, weights and reports as the faces.

The truth x is a point in one of eight clusters on a ring. The generator is told only roughly where: y = x plus noise,
as landmarks tell roughly what a frame shows. Many x fit one y, so the best answer to an L1 loss alone is the median
between them, which lies where no point ever was: the toy's blur. D, which knows the clusters, objects.
"""

from __future__ import annotations

import math

import torch
import torch.nn.functional as F
from jaxtyping import Float
from lightning_fabric import Fabric
from torch import Tensor, nn
from torch.nn.utils.parametrizations import spectral_norm

from tlk.losses import feature_matching, hinge_discriminator, hinge_generator

from .objective import frozen
from .stepper import Stepper
from .weights import LossWeights

MODES, RADIUS, SPREAD, NOISE = 8, 2.0, 0.1, 1.2


def centres() -> Float[Tensor, "m 2"]:
    """The middles of the clusters."""
    angle = torch.arange(MODES) * (2 * math.pi / MODES)
    return RADIUS * torch.stack([angle.cos(), angle.sin()], -1)


def draw_points(n: int, *seed: int) -> tuple[Float[Tensor, "n 2"], Float[Tensor, "n 2"]]:
    """(y, x): what the generator is told and the truth. The same numbers in ``seed`` give the same points."""
    mixed = 0
    for part in seed:
        mixed = mixed * 1_000_003 + part
    g = torch.Generator().manual_seed(mixed)
    real = centres()[torch.randint(MODES, (n,), generator=g)] + SPREAD * torch.randn(n, 2, generator=g)
    return real + NOISE * torch.randn(n, 2, generator=g), real


class ToyGenerator(nn.Module):
    """G: y (n, 2) → x̂ (n, 2)."""

    def __init__(self, width: int = 64) -> None:
        super().__init__()
        self.layers = nn.Sequential(nn.Linear(2, width), nn.ReLU(), nn.Linear(width, width), nn.ReLU(), nn.Linear(width, width), nn.ReLU(), nn.Linear(width, 2))

    def forward(self, told: Float[Tensor, "n 2"]) -> Float[Tensor, "n 2"]:
        return self.layers(told)


class ToyCritic(nn.Module):
    """D: a point → its score and the activations of each layer. It sees the point only, so that it can be drawn as a map."""

    def __init__(self, width: int = 64, gain: float = 4.0) -> None:
        super().__init__()
        self.gain = gain  # spectral norm keeps D's slope under 1; the clusters are 0.1 wide
        self.hidden = nn.ModuleList(spectral_norm(nn.Linear(i, width)) for i in (2, width, width))
        self.score = spectral_norm(nn.Linear(width, 1))

    def forward(self, points: Float[Tensor, "n 2"]) -> tuple[Float[Tensor, " n"], list[Tensor]]:
        features = [self.gain * points]
        for layer in self.hidden:
            features.append(F.leaky_relu(layer(features[-1]), 0.2) * math.sqrt(2))
        return self.score(features[-1])[:, 0], features[1:]


class ToyGAN(Stepper):
    """A stepper on points: ``for report in ToyGAN().steps(500): ...``. Terms: ``content/points``, ``adversarial``, ``feature_matching``.

    Args:
        seed: the networks' start and, with the step's number, every batch.
        batch: points of a step.
        lr: (of G, of D).
    """

    def __init__(self, seed: int = 0, batch: int = 128, lr: tuple[float, float] = (2e-3, 4e-3)) -> None:
        self.seed, self.batch, self.step = seed, batch, 0
        self.weights = LossWeights(content={"points": 0.3}, feature_matching=0.3, match=0.0)
        self.history: list[dict[str, float]] = []
        self.fabric = Fabric(accelerator="cpu", devices=1)
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed)
            generator, critic = ToyGenerator(), ToyCritic()
        g = torch.optim.Adam(generator.parameters(), lr=lr[0], betas=(0.0, 0.99))
        d = torch.optim.Adam(critic.parameters(), lr=lr[1], betas=(0.0, 0.99))
        self.generator, self.optimiser_g = self.fabric.setup(generator, g)
        self.critic, self.optimiser_d = self.fabric.setup(critic, d)

    def _step(self, weights: LossWeights) -> tuple[dict[str, Tensor], Tensor, Tensor]:
        """D's updates on this step's points, then one of G."""
        told, real = draw_points(self.batch, self.seed, self.step)
        fake = self.generator(told)
        for _ in range(weights.discriminator_steps):
            loss_d, of_real, of_fake = self._judge(real, fake)
            self.apply(loss_d, self.optimiser_d)
        if weights.discriminator_steps == 0:
            with torch.no_grad():
                loss_d, of_real, of_fake = self._judge(real, fake)
        with frozen(self.critic.module):
            terms = toy_terms(self.critic.module, real, fake)
        if weights.generator_steps:
            self.apply(weights.total(terms), self.optimiser_g)
        return terms | {"discriminator": loss_d}, of_real.detach(), of_fake.detach()

    def _judge(self, real: Tensor, fake: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        of_real, of_fake = self.critic(torch.cat([real, fake.detach()]))[0].chunk(2)
        return hinge_discriminator(of_real, of_fake), of_real, of_fake


def toy_terms(critic: nn.Module, real: Float[Tensor, "n 2"], fake: Float[Tensor, "n 2"]) -> dict[str, Float[Tensor, ""]]:
    """The generator's unweighted terms: mean |x̂ − x|, −D(x̂), and feature matching over D's layers."""
    scores, features = critic(fake)
    with torch.no_grad():
        _, of_real = critic(real)
    return {"content/points": F.l1_loss(fake, real), "adversarial": hinge_generator(scores), "feature_matching": feature_matching(features, of_real)}


def toy_quality(fake: Float[Tensor, "n 2"], real: Float[Tensor, "n 2"]) -> dict[str, float]:
    """``on a cluster``: share of x̂ within 3 standard deviations of one; ``clusters reached`` of 8 (5 % or more of an even
    share); ``distance to the truth``: mean ‖x̂ − x‖."""
    distance = torch.cdist(fake, centres())
    nearest, which = distance.min(1)
    on = nearest < 3 * SPREAD
    counts = torch.bincount(which[on], minlength=MODES)
    return {
        "on a cluster": on.float().mean().item(),
        "clusters reached": (counts > 0.05 * len(fake) / MODES).float().mean().item(),
        "distance to the truth": (fake - real).norm(dim=-1).mean().item(),
    }
