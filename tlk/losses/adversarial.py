"""L_ADV and L_DSC: hinge losses on the realism score, and feature matching (paper, section 3.2 and 3.3).

A score is D's raw output V(x, y)ᵀ(W_i + w0) + b, any real number. There is no sigmoid: after one, scores lie
in (0, 1), no hinge could ever be satisfied, and D would be pushed for ever on frames that it tells apart well.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor


def hinge_discriminator(real: Float[Tensor, " b"], fake: Float[Tensor, " b"]) -> Float[Tensor, ""]:
    """L_DSC = max(0, 1 + D(x̂, y, i)) + max(0, 1 − D(x, y, i)), mean over the batch; at least 0.

    ``real``: scores of true frames x; ``fake``: scores of generated frames x̂ that were detached, since this
    loss trains D only.
    """
    return F.relu(1 + fake).mean() + F.relu(1 - real).mean()


def hinge_generator(fake: Float[Tensor, " b"]) -> Float[Tensor, ""]:
    """The score's part of L_ADV: −D(x̂, y, i), mean over the batch; any real number.

    Never add this to L_DSC in one backward pass: where |D| < 1 the two gradients at x̂ are equal and
    opposite, and G learns nothing from D.
    """
    return -fake.mean()


def feature_matching(fake: Sequence[Tensor], real: Sequence[Tensor]) -> Float[Tensor, ""]:
    """L_FM = Σ_l mean |D_l(x, y) − D_l(x̂, y)| over D's activations after each residual block l; at least 0.

    ``fake`` and ``real``: one tensor per block, (b, c, h, w), same shapes. Real activations are detached:
    they are the target. The paper does not say whether its L1 is a sum or a mean [A]. A mean over each
    block's elements makes the weight of 10 independent of image size and width, and lets a block of
    512 × 4 × 4 count as much as one of 64 × 128 × 128. Raises ValueError when the lists differ in length.
    """
    if len(real) != len(fake):
        raise ValueError(f"feature matching needs the same blocks on both sides, got {len(fake)} generated and {len(real)} real")
    return torch.stack([F.l1_loss(f, r.detach()) for f, r in zip(fake, real)]).sum()
