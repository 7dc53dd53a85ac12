"""Frozen networks by name, and what each may be used for.

| name                 | weights from        | role    |
| -------------------- | ------------------- | ------- |
| ``vgg19-caffe``        | download            | trains  |
| ``vggface``            | download            | trains  |
| ``efficientnet-lite0`` | installed package   | trains  |
| ``dlib-resnet``        | installed package   | measures (identity, CSIM) |
| ``efficientnet-lite1`` | installed package   | measures (Fréchet distance) |

``X@face`` and ``X@mouth`` are X on that part alone (``close_up``), for the same use.

What trains does not measure: a generator that is trained on a network's features learns to please that
network, and the same network would then report a likeness that no one else sees.
"""

from __future__ import annotations

import sys

from tlk.losses.backbones.base import Backbone
from tlk.losses.backbones.close_up import CloseUp, close_up
from tlk.losses.backbones.dlib_resnet import DlibResnet
from tlk.losses.backbones.efficientnet import EfficientNetLite
from tlk.losses.backbones.face_chip import face_chips
from tlk.losses.backbones.vgg import Vgg
from tlk.weights_cache import WeightsMissing

ROLES = {
    "vgg19-caffe": "trains", "vggface": "trains", "efficientnet-lite0": "trains",
    "dlib-resnet": "measures", "efficientnet-lite1": "measures",
}  # fmt: skip


def load_backbone(name: str) -> Backbone:
    """The backbone of that name, frozen. Weights come from an installed package, the cache folder or a download.

    ``auto`` takes ``vgg19-caffe`` if its weights can be had and ``efficientnet-lite0`` otherwise, and prints which;
    the result's ``.name`` says so too. Any other name is never swapped for another.
    Raises ValueError on an unknown name, WeightsMissing (a ValueError) when weights cannot be had.
    """
    if name == "auto":
        return _auto()
    if "@" in name:
        name, _, part = name.partition("@")
        return CloseUp(load_backbone(name), part)
    if name not in ROLES:
        raise ValueError(f"unknown backbone {name!r}; choose one of {', '.join(ROLES)} or auto")
    if name == "efficientnet-lite0":
        return EfficientNetLite(name, zoom=2)
    if name == "efficientnet-lite1":
        return EfficientNetLite(name, resize=240)
    return DlibResnet() if name == "dlib-resnet" else Vgg(name)


def _auto() -> Backbone:
    try:
        backbone = load_backbone("vgg19-caffe")
    except WeightsMissing as error:
        print(f"backbone auto: {error}", file=sys.stderr)
        backbone = load_backbone("efficientnet-lite0")
    print(f"backbone auto: took {backbone.name}", file=sys.stderr)
    return backbone


__all__ = ["ROLES", "Backbone", "CloseUp", "DlibResnet", "EfficientNetLite", "Vgg", "close_up", "face_chips", "load_backbone"]
