"""VGG19 and VGGFace as the paper uses them: Caffe's nets, Caffe's input scaling. Weights are downloaded, or converted
from what you have by ``data_scripts.convert_weights``.

The paper's loss weights belong to this scaling. Inputs reach ±130, and so activations reach hundreds; with
torchvision's normalisation (about ±2.5) the same terms would come out some fifty times too small.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor

from tlk.losses.backbones.base import Backbone
from tlk.weights_cache import Weights, converted, find, load_state_dict

WIDTHS = (64, 128, 256, 512, 512)


@dataclass(frozen=True)
class Variant:
    """One trained VGG. ``means`` are in the order of ``channels``, on the scale 0–255."""

    convs: tuple[int, ...]  #: convolutions in each of the five blocks
    channels: str  #: order of the input channels, "bgr" or "rgb"
    means: tuple[float, float, float]
    weights: Weights
    indexed: bool  #: the file names layers features.0, features.2, … instead of conv1_1, conv1_2, …


VARIANTS = {
    "vgg19-caffe": Variant(
        convs=(2, 2, 4, 4, 4), channels="bgr", means=(103.939, 116.779, 123.68), indexed=True,
        weights=Weights("vgg19-d01eb7cb.pth", "d01eb7cb", "https://web.eecs.umich.edu/~justincj/models/vgg19-d01eb7cb.pth"),
    ),
    # The VGG group's own PyTorch file takes RGB; its means are the Caffe net's, in that order. No hash was published.
    "vggface": Variant(
        convs=(2, 2, 3, 3, 3), channels="rgb", means=(129.186279296875, 104.76238250732422, 93.59396362304688), indexed=False,
        weights=Weights("vgg_face_dag.pth", "", "https://www.robots.ox.ac.uk/~albanie/models/pytorch-mcn/vgg_face_dag.pth"),
    ),
}  # fmt: skip


class Vgg(Backbone):
    """relu1_1, relu2_1, relu3_1, relu4_1 and relu5_1 of ``vgg19-caffe`` or ``vggface``: activations at 1/1 … 1/16 of the image.

    In the paper's numbering of layers these are 1, 6, 11, 20, 29 of VGG19 and 1, 6, 11, 18, 25 of VGGFace.
    Input scaling: 255 x minus the variant's means, in its channel order. ``state`` and ``variant`` are for weights
    that come from elsewhere (names as ``shapes`` gives them); by default the name says both.
    Raises WeightsMissing when they cannot be had.
    """

    layers = ("relu1_1", "relu2_1", "relu3_1", "relu4_1", "relu5_1")
    gains = (1.0,) * 5

    def __init__(self, name: str, state: dict[str, Tensor] | None = None, variant: Variant | None = None) -> None:
        super().__init__()
        self.name, self.variant = name, variant or VARIANTS[name]
        if state is None:
            state = load_state_dict(converted(name) or find(self.variant.weights), shapes(self.variant))
        self._freeze(means=torch.tensor(self.variant.means).view(3, 1, 1))
        for own, theirs in _names(self.variant).items():
            self._freeze(**{f"{own}_weight": state[f"{theirs}.weight"], f"{own}_bias": state[f"{theirs}.bias"]})

    def forward(self, images: Float[Tensor, "b 3 h w"]) -> list[Tensor]:
        x = 255 * (images.flip(1) if self.variant.channels == "bgr" else images) - self.means
        features = []
        for own in _names(self.variant):
            block, position = own.removeprefix("conv").split("_")
            if position == "1" and block != "1":
                x = F.max_pool2d(x, 2, ceil_mode=True)  # Caffe rounds up
            x = F.relu(F.conv2d(x, getattr(self, own + "_weight"), getattr(self, own + "_bias"), padding=1))
            if position == "1":
                features.append(x)
        return features


def shapes(variant: Variant) -> dict[str, tuple[int, ...]]:
    """Names and shapes of the tensors that ``Vgg`` takes from the file: convolutions up to conv5_1."""
    found, c_in = {}, 3
    for own, theirs in _names(variant).items():
        c_out = WIDTHS[int(own[4]) - 1]
        found |= {f"{theirs}.weight": (c_out, c_in, 3, 3), f"{theirs}.bias": (c_out,)}
        c_in = c_out
    return found


def _names(variant: Variant) -> dict[str, str]:
    """Our name → the file's name, in order, up to conv5_1; an indexed file also counts ReLUs and poolings."""
    names, index = {}, 0
    for block, count in enumerate(variant.convs, start=1):
        for position in range(1, count + 1):
            own = f"conv{block}_{position}"
            names[own] = f"features.{index}" if variant.indexed else own
            if own == "conv5_1":
                break
            index += 2
        index += 1
    return names
