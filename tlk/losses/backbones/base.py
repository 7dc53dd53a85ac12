"""What every frozen network here has in common."""

from __future__ import annotations

from jaxtyping import Float
from torch import Tensor, nn


class Backbone(nn.Module):
    """A frozen network: images in [0, 1] → a list of features, shallow to deep, one per name in ``layers``.

    Each backbone does its own input scaling. Weights are non-persistent buffers: no optimiser can be handed
    them, gradients flow through to the images only, and no checkpoint of ours carries a copy of them.
    """

    name: str
    layers: tuple[str, ...]
    #: Factor of each layer's term in L_CNT. 1 for the paper's Caffe VGGs; elsewhere measured so that the layer pulls
    #: on the image as hard as VGG's layer of that depth, whereby the paper's weights hold (data_scripts/calibrate_content.py).
    gains: tuple[float, ...]
    part: str | None = None  #: what it looks at alone; it then takes landmark images too (``close_up``)

    def forward(self, images: Float[Tensor, "b 3 h w"]) -> list[Tensor]:
        raise NotImplementedError

    def _freeze(self, **tensors: Tensor) -> None:
        for name, tensor in tensors.items():
            self.register_buffer(name, tensor.detach().clone(), persistent=False)
