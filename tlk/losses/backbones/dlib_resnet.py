"""dlib's face identity network (King 2017: ResNet with 29 convolutions) in torch, read from dlib's own file.

It measures (CSIM) and does not train. Two faces are of one person when their embeddings lie within 0.6.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor, nn

from tlk.losses.backbones.base import Backbone
from tlk.losses.backbones.dlib_file import read_layers
from tlk.weights_cache import Weights, WeightsMissing, find

WEIGHTS = Weights(
    file="models/dlib_face_recognition_resnet_model_v1.dat",
    sha256="55533b28a95800a551ba546ba62fe69625c7e95a7061c338adffead08719da30",
    package="face_recognition_models", distribution="face-recognition-models==0.3.0",
)  # fmt: skip
#: (channels, blocks, whether the first block halves the image) of each level
LEVELS = ((32, 3, False), (64, 4, True), (128, 3, True), (256, 3, True), (256, 1, True))
MEANS = (122.782, 117.001, 104.298)


class DlibResnet(Backbone):
    """Output of each level and the embedding (b, 128) of face chips, 150 × 150 (see ``face_chips``).

    Input scaling: (255 x − means) / 256, RGB. The embedding is not normalised; dlib compares embeddings by
    their distance, CSIM by their cosine. Raises WeightsMissing when face-recognition-models is not installed;
    ValueError on images of another size.
    """

    name = "dlib-resnet"
    layers = ("level1", "level2", "level3", "level4", "level5", "embedding")
    gains = (1.0,) * 6  # not calibrated: it measures

    def __init__(self) -> None:
        super().__init__()
        convs, affines, dense = _read()
        self._freeze(means=torch.tensor(MEANS).view(3, 1, 1), dense=dense)
        folded = iter([_fold(conv, affine) for conv, affine in zip(convs, affines, strict=True)])
        self.stem = Conv(*next(folded), stride=2)
        self.levels = nn.ModuleList(
            nn.Sequential(*(Residual(Conv(*next(folded), stride=1 + (down and i == 0)), Conv(*next(folded))) for i in range(count)))
            for _, count, down in LEVELS
        )

    def forward(self, images: Float[Tensor, "b 3 h w"]) -> list[Tensor]:
        if images.shape[-2:] != (150, 150):
            raise ValueError(f"dlib-resnet reads aligned faces of 150 × 150 pixels, not {tuple(images.shape[-2:])}; cut them with face_chips(images, landmarks)")
        x = F.max_pool2d(F.relu(self.stem((255 * images - self.means) / 256)), 3, 2)
        features = []
        for level in self.levels:
            x = level(x)
            features.append(x)
        return [*features, x.mean((-2, -1)) @ self.dense]


class Conv(nn.Module):
    """Convolution with the affine layer after it folded in; padded only at stride 1, as dlib does."""

    def __init__(self, weight: Tensor, bias: Tensor, stride: int = 1) -> None:
        super().__init__()
        self.stride = stride
        self.register_buffer("weight", weight, persistent=False)
        self.register_buffer("bias", bias, persistent=False)

    def forward(self, x: Tensor) -> Tensor:
        padding = self.weight.shape[-1] // 2 if self.stride == 1 else 0
        return F.conv2d(x, self.weight, self.bias, self.stride, padding)


class Residual(nn.Module):
    """relu(x + conv(relu(conv(x)))); where the first convolution has stride 2, x is average-pooled."""

    def __init__(self, first: Conv, second: Conv) -> None:
        super().__init__()
        self.first, self.second = first, second

    def forward(self, x: Tensor) -> Tensor:
        y = self.second(F.relu(self.first(x)))
        return F.relu(_add(F.avg_pool2d(x, 2) if self.first.stride == 2 else x, y))


def _add(x: Tensor, y: Tensor) -> Tensor:
    """Sum of two maps whose channels and sides may differ; what one lacks counts as zero, at the end of each axis."""
    shape = [max(a, b) for a, b in zip(x.shape, y.shape)]
    pads = [[n for axis in (3, 2, 1) for n in (0, shape[axis] - z.shape[axis])] for z in (x, y)]
    return F.pad(x, pads[0]) + F.pad(y, pads[1])


def _fold(conv: tuple[Tensor, Tensor], affine: tuple[Tensor, Tensor]) -> tuple[Tensor, Tensor]:
    (weight, bias), (scale, shift) = conv, affine
    return weight * scale[:, None, None, None], bias * scale + shift


def _read() -> tuple[list[tuple[Tensor, Tensor]], list[tuple[Tensor, Tensor]], Tensor]:
    """Convolutions (weight, bias), affine layers (scale, shift) in the order of computation, and the last matrix (256, 128)."""
    path = find(WEIGHTS)
    widths = [(32, 3, 7)]
    for channels, count, _ in LEVELS:
        widths += [(channels, widths[-1][0] if i == 0 else channels, 3) for i in range(2 * count)]
    layers = read_layers(path.read_bytes())
    convs, affines, dense = ([p for kind, p in layers if kind == name] for name in ("con", "affine", "fc"))
    sizes = [out * c_in * k * k + out for out, c_in, k in widths]
    if [len(p) for p in convs] != sizes or [len(p) for p in affines] != [2 * w[0] for w in widths] or [len(p) for p in dense] != [256 * 128]:
        raise WeightsMissing(f"{path} holds another network than dlib's face identity net; reinstall face-recognition-models")
    weights = [(p[:-out].view(out, c_in, k, k), p[-out:]) for p, (out, c_in, k) in zip(convs, widths)]
    return weights, [(p[: len(p) // 2], p[len(p) // 2 :]) for p in affines], dense[0].view(256, 128)
