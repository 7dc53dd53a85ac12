"""The generator G(y; ψ, P): a landmark image and a person's AdaIN values → a frame."""

from __future__ import annotations

import torch
from jaxtyping import Float
from torch import Tensor, nn

from tlk.networks.blocks import AdaIN, DownPart, InstanceNorm, ResidualBlock, SelfAttention, conv, spectral
from tlk.presets import Preset, preset as find_preset


class Generator(nn.Module):
    """G of the paper (sections 3.1 and 3.4; method.md, Networks).

    Down with ordinary instance norm, ``bottleneck_blocks`` residual blocks and the way up with AdaIN,
    then AdaIN – ReLU – conv 3 × 3 – sigmoid. Nothing normalises the RGB output: an instance norm there
    would take the person's colour out of the person's hands. Sigmoid rather than tanh, since images are
    in [0, 1] everywhere. Attention sits at 1/8 of the image on the way down and at 1/4 on the way up.

    ψ are the weights that all people share. Everything that tells people apart goes through ``project``: ψ̂ = P ê. A personalised generator keeps
    ψ′ instead, and ``generator.projection = None`` drops P.
    """

    def __init__(self, preset: str | Preset) -> None:
        super().__init__()
        self.preset = find_preset(preset)
        channels = self.preset.generator
        if len(channels) < 3:
            raise ValueError(f"preset {self.preset.name}: the generator needs three or more blocks (attention sits at 1/8), not {len(channels)}")
        self.adain_size = 0  #: a, the number of AdaIN values (13,056 at ``paper``)
        self.down = DownPart(3, channels, norm=InstanceNorm)
        self.bottleneck = nn.ModuleList(
            ResidualBlock(channels[-1], channels[-1], norm=self._adain) for _ in range(self.preset.bottleneck_blocks)
        )
        outputs = channels[::-1]
        inputs = (channels[-1], *outputs[:-1])
        self.up = nn.ModuleList(ResidualBlock(i, o, "up", self._adain) for i, o in zip(inputs, outputs))
        self._attention_block = len(channels) - 3  # its output is 1/4 of the image
        self.attention = SelfAttention(outputs[self._attention_block])
        self.norm = self._adain(outputs[-1])
        self.rgb = conv(outputs[-1], 3)
        self.projection: nn.Module | None = self._projection()

    def _adain(self, channels: int) -> AdaIN:
        """The next AdaIN layer, which reads the next 2 × channels values of ψ̂."""
        start, self.adain_size = self.adain_size, self.adain_size + 2 * channels
        return AdaIN(channels, start)

    def _projection(self) -> nn.Module:
        """P. Its bias starts every scale at 1 and every shift at 0 (our choice): a plain instance norm plus P ê."""
        projection = spectral(nn.Linear(self.preset.embedding, self.adain_size))
        with torch.no_grad():
            for layer in self.adain_layers():
                projection.bias[layer.scales] = 1
        return projection

    def adain_layers(self) -> list[AdaIN]:
        """All AdaIN layers, in the order of their slices of ψ̂."""
        return sorted((m for m in self.modules() if isinstance(m, AdaIN)), key=lambda layer: layer.scales.start)

    def project(self, embedding: Float[Tensor, "b n"]) -> Float[Tensor, "b a"]:
        """ψ̂ = P ê: the scales and shifts of all AdaIN layers. Raises ValueError once P was dropped."""
        if self.projection is None:
            raise ValueError("this generator belongs to one person: its projection P was dropped; give forward() that person's AdaIN values")
        return self.projection(embedding)

    def forward(self, landmark_images: Float[Tensor, "b 3 h w"], adain: Float[Tensor, "#b a"]) -> Float[Tensor, "b 3 h w"]:
        """Landmark images in [0, 1] and AdaIN values (one row, or one for each image) → frames in [0, 1]."""
        if adain.shape[1] != self.adain_size:
            raise ValueError(f"this generator takes {self.adain_size} AdaIN values, not {adain.shape[1]}; get them from project()")
        adain = adain.expand(len(landmark_images), -1)
        x = self.down(landmark_images)[-1]
        for block in self.bottleneck:
            x = block(x, adain)
        for n, block in enumerate(self.up):
            x = block(x, adain)
            x = self.attention(x) if n == self._attention_block else x
        return self.rgb(self.norm(x, adain).relu()).sigmoid()
