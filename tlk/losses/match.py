"""L_MCH: the embedding of a clip and its column of W are pulled together (paper, section 3.2)."""

from __future__ import annotations

from jaxtyping import Float
from torch import Tensor


def match(embedding: Float[Tensor, "b n"], column: Float[Tensor, "b n"]) -> Float[Tensor, ""]:
    """L_MCH = ‖ê_i − W_i‖₁, here the mean over n and over the batch; at least 0.

    ``embedding``: ê_i, mean of E over the K source frames; ``column``: W_i of the same clips. Both sides move:
    E learns to predict the column, and the column comes to where E can predict it. That is what makes
    w0 + ê_NEW a sensible start for w′ in fine-tuning. The paper writes a sum [A]; a mean keeps the weight of
    80 independent of N (a sum with that weight would be 512 times larger at the paper's size, and 192 times
    at ``tiny``'s).
    """
    return (embedding - column).abs().mean()
