"""Pix2pixHD's generator and discriminators (its paper, section 3.2)."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor, nn

from tlk.presets import Preset

LOCAL_BLOCKS = 3  #: residual blocks of the local enhancer, the original's number
SCALES = 2  #: discriminators


def normed(layer: nn.Module, channels: int) -> nn.Sequential:
    """The layer, instance norm without learned scales, ReLU."""
    return nn.Sequential(layer, nn.InstanceNorm2d(channels), nn.ReLU())


def wide(inputs: int, outputs: int) -> nn.Conv2d:
    return nn.Conv2d(inputs, outputs, 7, padding=3, padding_mode="reflect")


def halve(channels: int) -> nn.Sequential:
    """(b, channels, h, w) → (b, 2 channels, h / 2, w / 2)."""
    return normed(nn.Conv2d(channels, 2 * channels, 3, stride=2, padding=1), 2 * channels)


def double(channels: int) -> nn.Sequential:
    """(b, channels, h, w) → (b, channels / 2, 2 h, 2 w)."""
    return normed(nn.ConvTranspose2d(channels, channels // 2, 3, stride=2, padding=1, output_padding=1), channels // 2)


def pool(x: Float[Tensor, "b c h w"]) -> Float[Tensor, "b c i j"]:
    """Half the size; what lies outside the image does not count."""
    return F.avg_pool2d(x, 3, stride=2, padding=1, count_include_pad=False)


class Residual(nn.Module):
    """x + two convolutions 3 × 3 with instance norm, a ReLU between them."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        first, second = (nn.Conv2d(channels, channels, 3, padding=1, padding_mode="reflect") for _ in range(2))
        self.layers = nn.Sequential(normed(first, channels), second, nn.InstanceNorm2d(channels))

    def forward(self, x: Float[Tensor, "b c h w"]) -> Float[Tensor, "b c h w"]:
        return x + self.layers(x)


class CoarseToFine(nn.Module):
    """Landmark images → frames: the global part at half the size, the local enhancer around it at the full size."""

    def __init__(self, preset: Preset) -> None:
        super().__init__()
        c, halvings = preset.generator[0], len(preset.generator) - 1
        deepest = c * 2**halvings
        down = [halve(c * 2**n) for n in range(halvings)]
        blocks = [Residual(deepest) for _ in range(preset.bottleneck_blocks)]
        up = [double(c * 2**n) for n in range(halvings, 0, -1)]
        self.coarse = nn.Sequential(normed(wide(3, c), c), *down, *blocks, *up)
        self.enter = nn.Sequential(normed(wide(3, c // 2), c // 2), halve(c // 2))
        self.leave = nn.Sequential(*(Residual(c) for _ in range(LOCAL_BLOCKS)), double(c), wide(c // 2, 3))
        self.apply(start)

    def forward(self, drawn: Float[Tensor, "b 3 h w"]) -> Float[Tensor, "b 3 h w"]:
        """Both in [0, 1]."""
        return (self.leave(self.enter(drawn) + self.coarse(pool(drawn))).tanh() + 1) / 2


class PatchCritic(nn.Module):
    """Scores of overlapping patches: convolutions 4 × 4, the last two of stride 1; 70 × 70 pixels behind each score."""

    def __init__(self, channels: tuple[int, ...]) -> None:
        super().__init__()
        self.layers = nn.ModuleList()
        for n, (i, o) in enumerate(zip((6, *channels), (*channels, 2 * channels[-1]))):
            conv = nn.Conv2d(i, o, 4, stride=2 if n < len(channels) else 1, padding=2)
            norm = [] if n == 0 else [nn.InstanceNorm2d(o)]
            self.layers.append(nn.Sequential(conv, *norm, nn.LeakyReLU(0.2)))
        self.score = nn.Conv2d(2 * channels[-1], 1, 4, padding=2)

    def forward(self, x: Float[Tensor, "b 6 h w"]) -> tuple[Float[Tensor, "b 1 i j"], list[Tensor]]:
        """Scores, and the activations of each layer before them."""
        features = []
        for layer in self.layers:
            x = layer(x)
            features.append(x)
        return self.score(x), features


class MultiScaleCritic(nn.Module):
    """A ``PatchCritic`` for each scale: the first sees the frames as they are, each next one half the size."""

    def __init__(self, preset: Preset) -> None:
        super().__init__()
        self.scales = nn.ModuleList(PatchCritic(preset.generator[:3]) for _ in range(SCALES))
        self.apply(start)

    def forward(self, frames: Float[Tensor, "b 3 h w"], drawn: Float[Tensor, "b 3 h w"]) -> tuple[list[Tensor], list[list[Tensor]]]:
        """Frames and landmark images in [0, 1] → scores (b, 1, i, j) and activations, both by scale."""
        x, scores, features = torch.cat([2 * frames - 1, drawn], 1), [], []
        for critic in self.scales:
            found = critic(x)
            scores.append(found[0])
            features.append(found[1])
            x = pool(x)
        return scores, features


def start(module: nn.Module) -> None:
    """The original's starting weights."""
    if isinstance(module, nn.Conv2d | nn.ConvTranspose2d):
        nn.init.normal_(module.weight, std=0.02)
