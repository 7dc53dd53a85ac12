"""The embedder E(x, y; φ): a frame with its landmarks → what stays the same in a person's frames."""

from __future__ import annotations

from einops import rearrange, reduce
from jaxtyping import Float
from torch import Tensor, nn

from tlk.networks.blocks import DownPart, frame_with_landmarks, sum_pool
from tlk.presets import Preset, preset as find_preset


class Embedder(nn.Module):
    """E of the paper (sections 3.1 and 3.4; method.md, Networks): down to 4 × 4, sum pooling, ReLU. No norm layers.

    ReLU follows the pooling as the paper has it; ``relu_first`` turns the order round, as its authors'
    later code does (default: as the preset says; MODEL_CARD.md has what it did). Input range: see ``frame_with_landmarks``.
    """

    def __init__(self, preset: str | Preset, relu_first: bool | None = None) -> None:
        super().__init__()
        self.preset = find_preset(preset)
        self.relu_first = self.preset.relu_first if relu_first is None else relu_first
        self.down = DownPart(6, self.preset.embedder)

    def forward(self, frames: Float[Tensor, "b 3 h w"], landmark_images: Float[Tensor, "b 3 h w"]) -> Float[Tensor, "b n"]:
        """Frames and landmark images in [0, 1] → one embedding (not negative) for each."""
        features = self.down(frame_with_landmarks(frames, landmark_images))
        return sum_pool(features[-1], self.relu_first)

    def embed(self, frames: Float[Tensor, "b k 3 h w"], landmark_images: Float[Tensor, "b k 3 h w"]) -> Float[Tensor, "b n"]:
        """ê = (1/K) Σ_k E(x_k, y_k) for K source frames of each clip (paper, section 3.2)."""
        flat = [rearrange(t, "b k c h w -> (b k) c h w") for t in (frames, landmark_images)]
        return reduce(self(*flat), "(b k) n -> b n", "mean", k=frames.shape[1])
