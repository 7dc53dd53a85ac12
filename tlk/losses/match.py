"""L_MCH: the embedding of a clip is pulled to the clip's column of W (paper, section 3.2)."""

from __future__ import annotations

from jaxtyping import Float
from torch import Tensor


def match(embedding: Float[Tensor, "b n"], column: Float[Tensor, "b n"]) -> Float[Tensor, ""]:
    """L_MCH = 1/N ‖ê_i − W_i‖₁, a mean over the N numbers and over the batch; at least 0.

    ``embedding``: ê_i, mean of E over the K source frames; ``column``: W_i of the same clips. E learns to predict
    the column, which makes w0 + ê_NEW a sensible start for w′ in fine-tuning. The function itself is symmetric;
    the paper minimises L over φ, ψ and P, and W by L_DSC, so whoever trains passes the column detached.

    The paper writes a sum, without 1/N [A]; a mean keeps the weight of 80 independent of N (a sum with that weight would be
    512 times larger at the paper's size, and 192 times at ``tiny``'s).
    """
    return (embedding - column).abs().mean()
