"""The two networks of X2Face. A *field* says of each pixel where to fetch it from: (b, 2, h, w), x and y, added to
the pixel's own place; −1 to 1 is the whole image.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from einops import rearrange
from jaxtyping import Float
from torch import Tensor, nn

from tlk.networks import InstanceNorm
from tlk.presets import Preset

DRIVING = 128  #: length of the driving vector, the original's
GAIN = 0.1  #: of what becomes a field: without it Adam's first steps move pixels by several pixels each, and training starts worse than a copy


def widths(preset: Preset) -> tuple[int, ...]:
    """Channels after each halving of the image."""
    return (*preset.generator, preset.embedding)


def fetch(images: Float[Tensor, "b 3 h w"], field: Float[Tensor, "b 2 h w"]) -> Float[Tensor, "b 3 h w"]:
    """out(p) = images(p + field(p)), bilinear; beyond the edge, the edge's pixel. A field of zeros copies the images."""
    h, w = images.shape[-2:]
    y, x = torch.meshgrid(*(torch.linspace(-1, 1, n, device=images.device, dtype=images.dtype) for n in (h, w)), indexing="ij")
    places = torch.stack([x, y], -1) + field.permute(0, 2, 3, 1)
    return F.grid_sample(images, places, mode="bilinear", padding_mode="border", align_corners=True)


class Down(nn.Module):
    """Convolution 4 × 4 of stride 2, instance norm, leaky ReLU."""

    def __init__(self, inputs: int, outputs: int) -> None:
        super().__init__()
        self.conv, self.norm = nn.Conv2d(inputs, outputs, 4, stride=2, padding=1), InstanceNorm(outputs)

    def forward(self, x: Float[Tensor, "b c h w"]) -> Float[Tensor, "b d i j"]:
        return F.leaky_relu(self.norm(self.conv(x)), 0.2)


class Up(nn.Module):
    """Bilinear × 2, convolution 3 × 3, instance norm, ReLU."""

    def __init__(self, inputs: int, outputs: int) -> None:
        super().__init__()
        self.conv, self.norm = nn.Conv2d(inputs, outputs, 3, padding=1), InstanceNorm(outputs)

    def forward(self, x: Float[Tensor, "b c h w"]) -> Float[Tensor, "b d i j"]:
        return F.relu(self.norm(self.conv(twice(x))))


def twice(x: Float[Tensor, "b c h w"]) -> Float[Tensor, "b c i j"]:
    return F.interpolate(x, scale_factor=2, mode="bilinear", align_corners=False)


def last(inputs: int, outputs: int) -> nn.Conv2d:
    """Small weights: fields start near zero and confidences near equal, so training starts from the source frame itself."""
    conv = nn.Conv2d(inputs, outputs, 3, padding=1)
    nn.init.normal_(conv.weight, std=1e-3)
    nn.init.zeros_(conv.bias)
    return conv


class EmbeddingNetwork(nn.Module):
    """Source frames → the embedded face: a U-Net gives a field and a confidence for each source frame."""

    def __init__(self, preset: Preset) -> None:
        super().__init__()
        channels = widths(preset)
        self.down = nn.ModuleList(Down(i, o) for i, o in zip((3, *channels), channels))
        inner = channels[::-1]  # on the way up every block but the first also sees the way down's activation of its size
        self.up = nn.ModuleList(Up(i if n == 0 else 2 * i, o) for n, (i, o) in enumerate(zip(inner, inner[1:])))
        self.last = last(2 * channels[0], 3)

    def forward(self, frames: Float[Tensor, "b 3 h w"]) -> tuple[Float[Tensor, "b 3 h w"], Float[Tensor, "b 1 h w"]]:
        """Frames in [0, 1] → each one's pixels where the embedded face has them, and their weights, above 0.1."""
        x, seen = 2 * frames - 1, []
        for block in self.down:
            x = block(x)
            seen.append(x)
        for n, block in enumerate(self.up):
            x = torch.cat([block(x), seen[-2 - n]], 1)
        out = self.last(twice(x))
        return fetch(frames, (GAIN * out[:, :2]).tanh()), out[:, 2:].exp() + 0.1

    def embed(self, frames: Float[Tensor, "b k 3 h w"]) -> Float[Tensor, "b 3 h w"]:
        """The embedded face: Σ_k weight_k · pixels_k / Σ_k weight_k."""
        pixels, weight = (rearrange(t, "(b k) c h w -> b k c h w", b=len(frames)) for t in self(frames.flatten(0, 1)))
        return (weight * pixels).sum(1) / weight.sum(1)


class DrivingNetwork(nn.Module):
    """Landmark images → fields, by way of a vector that has no room for a picture."""

    def __init__(self, preset: Preset) -> None:
        super().__init__()
        channels = widths(preset)
        side = preset.size // 2 ** len(channels)
        self.down = nn.Sequential(*(Down(i, o) for i, o in zip((3, *channels), channels)))
        self.narrow, self.widen = nn.Linear(channels[-1] * side**2, DRIVING), nn.Linear(DRIVING, channels[-1] * side**2)
        self.up = nn.Sequential(*(Up(i, o) for i, o in zip(channels[::-1], channels[-2::-1])))
        self.last = last(channels[0], 2)

    def forward(self, drawn: Float[Tensor, "b 3 h w"]) -> Float[Tensor, "b 2 h w"]:
        x = self.down(drawn)
        wide = F.relu(self.widen(self.narrow(x.flatten(1))))
        return (GAIN * self.last(twice(self.up(wide.view_as(x))))).tanh()


class X2FaceNetworks(nn.Module):
    """Both networks as one module, so that one optimiser and one average hold them."""

    def __init__(self, preset: Preset) -> None:
        super().__init__()
        self.embedding, self.driving = EmbeddingNetwork(preset), DrivingNetwork(preset)

    def forward(self, source: Float[Tensor, "b k 3 h w"], drawn: Float[Tensor, "b 3 h w"]) -> Float[Tensor, "b 3 h w"]:
        """Source frames in [0, 1] and driving landmark images → frames in [0, 1]."""
        return fetch(self.embedding.embed(source), self.driving(drawn))
