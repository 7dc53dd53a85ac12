"""What the three networks are made of: normalised layers, AdaIN, residual blocks, self-attention.

Spectral norm is on every convolution and linear layer. It caps the largest singular value at 1, so a
layer can only lose signal; orthogonal starting weights (as in BigGAN) lose the least, since all their
singular values are 1. Biases start at 0: otherwise they would outweigh an input that shrinks on its way.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import Literal

import torch
import torch.nn.functional as F
from einops import rearrange
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn.utils.parametrizations import spectral_norm

#: The block of a down part that attention follows: three halvings, hence at 1/8 of the image.
ATTENTION_BLOCK = 2


def spectral(layer: nn.Module) -> nn.Module:
    """Orthogonal weights, zero bias, spectral norm (whose vectors start from those weights)."""
    nn.init.orthogonal_(layer.weight)
    if layer.bias is not None:
        nn.init.zeros_(layer.bias)
    return spectral_norm(layer)


def conv(inputs: int, outputs: int, kernel: int = 3, bias: bool = True) -> nn.Module:
    """Convolution of stride 1 that keeps the image's size, with spectral norm."""
    return spectral(nn.Conv2d(inputs, outputs, kernel, padding=kernel // 2, bias=bias))


class InstanceNorm(nn.Module):
    """Instance norm with learned scale and shift; the same in training and evaluation (no running averages)."""

    def __init__(self, channels: int, eps: float = 1e-5) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.ones(channels))
        self.bias = nn.Parameter(torch.zeros(channels))
        self.eps = eps

    def forward(self, x: Float[Tensor, "b c h w"], adain: Tensor | None = None) -> Float[Tensor, "b c h w"]:
        """``adain`` is not used: the argument lets a block hold either norm."""
        return F.instance_norm(x, weight=self.weight, bias=self.bias, eps=self.eps)


class AdaIN(nn.Module):
    """Adaptive instance norm: scale * (x - mean) / sqrt(var + eps) + shift, mean and variance over h, w.

    Scales and shifts of all AdaIN layers of a generator lie in one vector ψ̂; this layer reads
    ``scales`` and ``shifts``, two neighbouring slices from ``start`` on. They are used as they come
    (the scale is not 1 + value), as in the paper: "scale and shift given directly".
    """

    def __init__(self, channels: int, start: int, eps: float = 1e-5) -> None:
        super().__init__()
        self.scales = slice(start, start + channels)
        self.shifts = slice(start + channels, start + 2 * channels)
        self.eps = eps

    def forward(self, x: Float[Tensor, "b c h w"], adain: Float[Tensor, "b a"]) -> Float[Tensor, "b c h w"]:
        scale, shift = adain[:, self.scales], adain[:, self.shifts]
        # One fused kernel: every channel of every image is a channel of its own to batch norm.
        flat = rearrange(x, "b c h w -> 1 (b c) h w")
        flat = F.batch_norm(flat, None, None, scale.flatten(), shift.flatten(), training=True, eps=self.eps)
        return flat.view_as(x)


Norm = Callable[[int], nn.Module]  #: channels → InstanceNorm or AdaIN


class ResidualBlock(nn.Module):
    """Residual block in BigGAN's style (method.md, Networks).

    (norm) – ReLU – (nearest × 2) – conv 3 × 3 – (norm) – ReLU – conv 3 × 3 – (average pool × ½), added to
    a skip path with a 1 × 1 convolution wherever the shape changes. ``first`` leaves out the leading
    norm and ReLU. The skip path's convolution works on the smaller of the two images: it commutes with
    pooling and with repeating pixels, and costs a quarter there. For the other paths see ``fused``.
    """

    #: Resample inside the convolution beside it (``conv_pool``, ``upsample_conv``): the same function to
    #: rounding, with 4 / 9 of the multiplications. False computes it step by step, as it is written above.
    fused: bool = True

    def __init__(
        self, inputs: int, outputs: int, resample: Literal["down", "up"] | None = None, norm: Norm | None = None, first: bool = False
    ) -> None:
        super().__init__()
        self.resample, self.first = resample, first
        self.norm1 = norm(inputs) if norm and not first else None
        self.conv1 = conv(inputs, outputs)
        self.norm2 = norm(outputs) if norm else None
        self.conv2 = conv(outputs, outputs)
        self.skip = conv(inputs, outputs, kernel=1) if resample or inputs != outputs else None

    def forward(self, x: Float[Tensor, "b c h w"], adain: Tensor | None = None) -> Float[Tensor, "b d i j"]:
        """(b, inputs, h, w) → (b, outputs, h', w'), h' = h, h / 2 or 2 h. ``adain`` goes to AdaIN layers."""
        out = x if self.first else activate(self.norm1, x, adain)
        out = upsample_conv(out, self.conv1, self.fused) if self.resample == "up" else self.conv1(out)
        out = activate(self.norm2, out, adain)
        out = conv_pool(out, self.conv2, self.fused) if self.resample == "down" else self.conv2(out)
        return self._skip(x) + out

    def _skip(self, x: Tensor) -> Tensor:
        x = F.avg_pool2d(x, 2) if self.resample == "down" else x
        x = self.skip(x) if self.skip is not None else x
        return upsample(x) if self.resample == "up" else x


def activate(norm: nn.Module | None, x: Tensor, adain: Tensor | None) -> Tensor:
    """(norm) – ReLU. Never in place: the skip path and feature matching need ``x`` as it was."""
    return F.relu(x if norm is None else norm(x, adain))


def upsample(x: Float[Tensor, "b c h w"]) -> Float[Tensor, "b c i j"]:
    """Every pixel becomes 2 × 2 pixels."""
    return F.interpolate(x, scale_factor=2, mode="nearest")


def conv_pool(x: Float[Tensor, "b c h w"], layer: nn.Module, fused: bool = True) -> Float[Tensor, "b d i j"]:
    """Convolution 3 × 3, then average pooling of 2 × 2; fused, that is one 4 × 4 convolution of stride 2."""
    if not fused:
        return F.avg_pool2d(layer(x), 2)
    return F.conv2d(x, widened(layer.weight, divisor=4), layer.bias, stride=2, padding=1)


def upsample_conv(x: Float[Tensor, "b c h w"], layer: nn.Module, fused: bool = True) -> Float[Tensor, "b d i j"]:
    """Pixels repeated to 2 × 2, then convolution 3 × 3; fused, one transposed 4 × 4 convolution of stride 2."""
    if not fused:
        return layer(upsample(x))
    kernel = widened(layer.weight.flip(-2, -1)).transpose(0, 1)  # transposed convolution mirrors its kernel
    return F.conv_transpose2d(x, kernel, layer.bias, stride=2, padding=1)


def widened(kernel: Float[Tensor, "o i 3 3"], divisor: int = 1) -> Float[Tensor, "o i 4 4"]:
    """The 3 × 3 kernel convolved with a 2 × 2 block of ones, over ``divisor``.

    As a product with a constant 9 × 16 matrix: many times faster on a CPU than padding or pooling the kernel.
    """
    return (kernel.flatten(-2) @ (_spread(kernel.device, kernel.dtype) / divisor)).unflatten(-1, (4, 4))


@cache
def _spread(device: torch.device, dtype: torch.dtype) -> Tensor:
    """(9, 16): which entries of a 4 × 4 kernel an entry of the 3 × 3 kernel lands in."""
    with torch.inference_mode(False):  # kept for good, so it must also serve training
        line = torch.eye(3, 4, device=device, dtype=dtype) + torch.eye(3, 4, device=device, dtype=dtype).roll(1, -1)
        return torch.kron(line, line)


class SelfAttention(nn.Module):
    """Self-attention over the positions of an image (SAGAN, section 3, as in its authors' code).

    x + γ O(softmax(queryᵀ key) value), all four 1 × 1 convolutions without bias; queries and keys have c / 8
    channels, values c / 2; keys and values are max-pooled by 2, so keys are a quarter of the queries.
    γ starts at 0: the network first learns without attention, and only then do the four convolutions.
    ``theta``, ``phi`` and ``g``, their names in SAGAN, make queries, keys and values; θ and φ of the paper are other things.
    """

    def __init__(self, channels: int) -> None:
        super().__init__()
        narrow, middle = max(channels // 8, 1), max(channels // 2, 1)
        self.theta = conv(channels, narrow, kernel=1, bias=False)
        self.phi = conv(channels, narrow, kernel=1, bias=False)
        self.g = conv(channels, middle, kernel=1, bias=False)
        self.out = conv(middle, channels, kernel=1, bias=False)
        self.gamma = nn.Parameter(torch.zeros(()))

    def forward(self, x: Float[Tensor, "b c h w"]) -> Float[Tensor, "b c h w"]:
        query = rearrange(self.theta(x), "b c h w -> b (h w) c")
        key = rearrange(F.max_pool2d(self.phi(x), 2), "b c h w -> b c (h w)")
        value = rearrange(F.max_pool2d(self.g(x), 2), "b c h w -> b (h w) c")
        mixed = (query @ key).softmax(-1) @ value
        mixed = rearrange(mixed, "b (h w) c -> b c h w", h=x.shape[-2])
        return x + self.gamma * self.out(mixed)


class DownPart(nn.Module):
    """Downsampling residual blocks, one for each entry of ``channels``, with self-attention at 1/8 of the image."""

    def __init__(self, inputs: int, channels: tuple[int, ...], norm: Norm | None = None) -> None:
        super().__init__()
        widths = zip((inputs, *channels[:-1]), channels)
        self.blocks = nn.ModuleList(ResidualBlock(i, o, "down", norm, first=n == 0) for n, (i, o) in enumerate(widths))
        self.attention = SelfAttention(channels[ATTENTION_BLOCK])

    def forward(self, x: Float[Tensor, "b c h w"]) -> list[Tensor]:
        """Activations after each block (the third one's after attention), largest image first."""
        features = []
        for n, block in enumerate(self.blocks):
            x = block(x)
            x = self.attention(x) if n == ATTENTION_BLOCK else x
            features.append(x)
        return features


def sum_pool(x: Float[Tensor, "b c h w"], relu_first: bool = False) -> Float[Tensor, "b c"]:
    """Sum over positions, then ReLU (the paper's words); ``relu_first``: the order of its authors' later code."""
    return F.relu(x).sum((-2, -1)) if relu_first else F.relu(x.sum((-2, -1)))


def frame_with_landmarks(frames: Float[Tensor, "b 3 h w"], landmark_images: Float[Tensor, "b 3 h w"]) -> Float[Tensor, "b 6 h w"]:
    """What E and V see: frames centred from [0, 1] to [-1, 1], landmark images as they are.

    The landmarks' dark canvas is then the 0 that convolutions pad with, and does not outweigh the lines.
    Channels last: these convolutions are quicker so, also on a CPU.
    """
    return torch.cat([2 * frames - 1, landmark_images], 1).contiguous(memory_format=torch.channels_last)
