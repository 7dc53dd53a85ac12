"""Small networks, inputs and the plain float64 formulae that the blocks are compared with."""

from __future__ import annotations

import dataclasses

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from tlk.networks import Discriminator, Embedder, Generator
from tlk.presets import PRESETS, Preset, preset

MINI = dataclasses.replace(
    preset("tiny"), name="mini", size=32, embedder=(8, 16, 24), generator=(8, 16, 24), bottleneck_blocks=2, embedding=24, k=2, batch=2
)
ALL = sorted(PRESETS)
NETWORKS = (Embedder, Generator, Discriminator)


def pictures(p: Preset, count: int, seed: int = 0) -> tuple[Tensor, Tensor]:
    """Smooth frames that differ plainly from one another, and dark canvases with bright lines; both in [0, 1]."""
    g = torch.Generator().manual_seed(seed)
    frames = F.interpolate(torch.rand(count, 3, 4, 4, generator=g), (p.size, p.size), mode="bilinear")
    lines = torch.zeros(count, 3, p.size, p.size)
    for image in lines:
        for row, column, c in torch.randint(0, 3 * p.size // 4, (8, 3), generator=g).tolist():
            image[c % 3, row, column : column + p.size // 4] = 1
            image[c % 3, row : row + p.size // 4, column] = 1
    return frames, lines


def normalised(x: np.ndarray, eps: float = 1e-5) -> np.ndarray:
    mean = x.mean((2, 3), keepdims=True)
    return (x - mean) / np.sqrt(((x - mean) ** 2).mean((2, 3), keepdims=True) + eps)


def layer_norm_of(layer: nn.Module, adain: Tensor | None, channels: int, batch: int) -> tuple[np.ndarray, np.ndarray]:
    """(scale, shift) as (b, c, 1, 1) of an AdaIN or an instance norm."""
    if adain is None:
        scale, shift = layer.weight.expand(batch, channels), layer.bias.expand(batch, channels)
    else:
        scale, shift = adain[:, layer.scales], adain[:, layer.shifts]
    return tuple(t.detach().numpy()[..., None, None] for t in (scale, shift))


def convolved(x: np.ndarray, layer: nn.Module) -> np.ndarray:
    """Convolution as a sum over shifted images; zero padding."""
    weight, bias = layer.weight.detach().numpy(), layer.bias.detach().numpy()
    r, (h, w) = weight.shape[-1] // 2, x.shape[2:]
    padded = np.pad(x, ((0, 0), (0, 0), (r, r), (r, r)))
    shifted = (np.einsum("oi,bihw->bohw", weight[..., i, j], padded[..., i : i + h, j : j + w]) for i, j in np.ndindex(weight.shape[2:]))
    return sum(shifted) + bias[:, None, None]


def doubled(x: np.ndarray) -> np.ndarray:
    return x.repeat(2, axis=2).repeat(2, axis=3)


def halved(x: np.ndarray) -> np.ndarray:
    b, c, h, w = x.shape
    return x.reshape(b, c, h // 2, 2, w // 2, 2).mean((3, 5))


def block_formula(block: nn.Module, x: Tensor, adain: Tensor | None = None, fault: str = "") -> np.ndarray:
    """method.md's residual block, step by step as written there. ``fault`` names a mistake to make."""

    def activated(value: np.ndarray, norm: nn.Module | None) -> np.ndarray:
        if norm is not None:
            scale, shift = layer_norm_of(norm, adain, value.shape[1], len(value))
            value = normalised(value) * scale + shift
        return np.maximum(value, 0)

    x = x.numpy()
    leading = not block.first or fault == "leading ReLU on the first block"
    out = activated(x, block.norm1) if leading else x
    skip = np.maximum(x, 0) if fault == "ReLU in place" else x
    if fault == "pooling before the second convolution":
        return halved(convolved(skip, block.skip)) + convolved(halved(activated(convolved(out, block.conv1), block.norm2)), block.conv2)
    if block.resample == "up":
        out, skip = doubled(out), doubled(skip)
    out = activated(convolved(out, block.conv1), None if fault == "no second norm" else block.norm2)
    out = convolved(out, block.conv2)
    skip = skip if block.skip is None else convolved(skip, block.skip)
    return halved(out) + halved(skip) if block.resample == "down" else out + skip


def attention_formula(layer: nn.Module, x: Tensor, fault: str = "") -> np.ndarray:
    """SAGAN's attention, one query position after the other."""

    def channels(conv: nn.Module, image: np.ndarray) -> np.ndarray:
        return np.einsum("oi,ihw->ohw", conv.weight.detach().numpy()[..., 0, 0], image)

    def pooled(image: np.ndarray) -> np.ndarray:
        c, h, w = image.shape
        return image.reshape(c, h // 2, 2, w // 2, 2).max((2, 4)).reshape(c, -1)

    result = x.numpy().copy()
    for image in result:
        query, key, value = channels(layer.theta, image), pooled(channels(layer.phi, image)), pooled(channels(layer.g, image))
        weights = np.einsum("chw,ck->hwk", query, key) / (len(query) ** 0.5 if fault == "scaled by the root of the width" else 1)
        weights = np.exp(weights)
        weights /= weights.sum((0, 1) if fault == "softmax over queries" else -1, keepdims=True)
        mixed = np.einsum("hwk,ck->chw", weights, value)
        image += layer.gamma.item() * channels(layer.out, mixed)
    return result


def convolutions(network: nn.Module) -> dict[str, nn.Module]:
    """Every convolution and linear layer by name."""
    return {n: m for n, m in network.named_modules() if isinstance(m, nn.Conv2d | nn.ConvTranspose2d | nn.Linear)}


def settle(network: nn.Module, steps: int = 200) -> None:
    """Let the power iterations of spectral norm catch up with changed weights."""
    network.train()
    with torch.no_grad():
        for layer in convolutions(network).values():
            for _ in range(steps):
                layer.weight


def shake(network: nn.Module, seed: int = 0) -> nn.Module:
    """Random weights in place of the orthogonal ones, as if trained; attention switched on."""
    g = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for name, p in network.named_parameters():
            p.copy_(0.5 * torch.randn(p.shape, generator=g, dtype=p.dtype))
    settle(network)
    return network
