"""The whole adversarial objective: what D minimises, what E and G minimise. Used by both learning stages.

A *critic* is D with its column: ``critic(frames, landmark_images, index) -> (scores (b,), features)``.
In meta-learning the column is W_i + w0, in fine-tuning the free vector w'.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import torch
from jaxtyping import Float, Int64
from torch import Tensor, nn

from tlk.losses import feature_matching, hinge_discriminator, hinge_generator, match

from .weights import LossWeights


@dataclass
class Scene:
    """What is to be drawn: real frames, their landmark images, and the rows of W they belong to."""

    real: Float[Tensor, "b 3 h w"]
    drawn: Float[Tensor, "b 3 h w"]
    index: Int64[Tensor, " b"]


def discriminator_loss(critic: nn.Module, scene: Scene, fake: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """L_DSC = max(0, 1 + D(x̂, y, i)) + max(0, 1 − D(x, y, i)), mean over the batch.

    ``fake`` is detached here, so that no gradient of D's loss can reach G. Real and generated frames pass D
    together: it has no batch statistics, and one pass moves the spectral norm's vectors once.
    Returns the loss and the scores of the real and the generated frames.
    """
    frames = torch.cat([scene.real, fake.detach()])
    scores, _ = critic(frames, scene.drawn.repeat(2, 1, 1, 1), scene.index.repeat(2))
    real, generated = scores.chunk(2)
    return hinge_discriminator(real, generated), real.detach(), generated.detach()


def generator_terms(
    critic: nn.Module, content: Callable, scene: Scene, fake: Tensor, embedding: Tensor | None = None, column: Tensor | None = None
) -> dict[str, Tensor]:
    """The unweighted terms of L = L_CNT + L_ADV + L_MCH (paper, eq. 2 to 5); L_MCH when ``embedding`` is given.

    ``column`` is W_i: L_MCH moves the embedding to it, never the other way round.
    """
    scores, features = critic(fake, scene.drawn, scene.index)
    with torch.no_grad():
        _, real_features = critic(scene.real, scene.drawn, scene.index)
    terms = {f"content/{name}": term for name, term in content(fake, scene.real, scene.drawn).items()}
    terms["adversarial"] = hinge_generator(scores)
    terms["feature_matching"] = feature_matching(features, real_features)
    if embedding is not None:
        terms["match"] = match(embedding, column.detach())
    return terms


def gradient_shares(terms: dict[str, Tensor], weights: LossWeights, fake: Tensor) -> dict[str, float]:
    """Each weighted term's share of ‖dL/dx̂‖, the pull on the generated image; L_MCH does not touch it.

    Shares are norms over the sum of norms, so they add up to one although the gradients themselves may oppose.
    """
    norms = {}
    for name, term in terms.items():
        (gradient,) = torch.autograd.grad(weights[name] * term, fake, retain_graph=True, allow_unused=True)
        norms[name] = 0.0 if gradient is None else gradient.norm().item()
    total = sum(norms.values()) or 1.0
    return {name: norm / total for name, norm in norms.items()}


@contextmanager
def frozen(module: nn.Module) -> Iterator[None]:
    """No gradients for a module's parameters inside: G's pass through D then costs half, and cannot train D."""
    trained = [p for p in module.parameters() if p.requires_grad]
    for p in trained:
        p.requires_grad_(False)
    try:
        yield
    finally:
        for p in trained:
            p.requires_grad_(True)
