"""The discriminator D(x, y, i; θ, W, w0, b) = V(x, y; θ)ᵀ (W_i + w0) + b, and the table W."""

from __future__ import annotations

import torch
from jaxtyping import Float, Int
from torch import Tensor, nn

from tlk.networks.blocks import DownPart, ResidualBlock, frame_with_landmarks, sum_pool
from tlk.presets import Preset, preset as find_preset


class Discriminator(nn.Module):
    """V, w0 and b of the paper (sections 3.1 and 3.4; method.md, Networks); W is a ``ClipTable`` of its own.

    V has the embedder's layout and one more residual block at 4 × 4; inputs as in ``Embedder``. The
    score is not squashed: the hinge loss needs it as it is. No spectral norm on w0 (nor on W): its
    length carries meaning, as fine-tuning replaces W_i + w0 by ê + w0.
    """

    def __init__(self, preset: str | Preset, relu_first: bool = False) -> None:
        super().__init__()
        self.preset, self.relu_first = find_preset(preset), relu_first
        n = self.preset.embedding
        self.down = DownPart(6, self.preset.embedder)
        self.last = ResidualBlock(n, n)
        self.w0 = nn.Parameter(torch.randn(n) / n**0.5)
        self.bias = nn.Parameter(torch.zeros(()))

    def vector(
        self, frames: Float[Tensor, "b 3 h w"], landmark_images: Float[Tensor, "b 3 h w"]
    ) -> tuple[Float[Tensor, "b n"], list[Tensor]]:
        """V(x, y) and the activations after each residual block (for feature matching), largest image first."""
        features = self.down(frame_with_landmarks(frames, landmark_images))
        features.append(self.last(features[-1]))
        return sum_pool(features[-1], self.relu_first), features

    def forward(
        self, frames: Float[Tensor, "b 3 h w"], landmark_images: Float[Tensor, "b 3 h w"], column: Float[Tensor, "b n"]
    ) -> tuple[Float[Tensor, " b"], list[Tensor]]:
        """Scores (above 0: taken for real) for frames in [0, 1], landmark images and W's columns; and V's activations."""
        vector, features = self.vector(frames, landmark_images)
        return (vector * (column + self.w0)).sum(-1) + self.bias, features


class ClipTable(nn.Embedding):
    """W: one vector W_i of length n for each training clip; the paper's columns, kept as rows. Nothing is applied to it.

    Gradients are sparse: they hold the rows of the batch and no others, so that a step costs the same
    with a thousand clips and with a million.
    """

    def __init__(self, rows: int, n: int) -> None:
        super().__init__(rows, n, sparse=True)

    def reset_parameters(self) -> None:
        """Length about 1 (torch's default would be sqrt(n)), as w0."""
        nn.init.normal_(self.weight, std=self.embedding_dim**-0.5)

    def forward(self, index: Int[Tensor, " b"]) -> Float[Tensor, "b n"]:
        """Numbers of clips → their vectors."""
        return super().forward(index)
