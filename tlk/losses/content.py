"""L_CNT: the generated and the true frame should look alike to networks that know pictures (paper, section 3.2)."""

from __future__ import annotations

from collections.abc import Sequence

import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor, nn

from tlk.losses.backbones import ROLES, Backbone, load_backbone


def content_loss(
    features_fake: Sequence[Tensor], features_real: Sequence[Tensor], gains: Sequence[float] | None = None
) -> Float[Tensor, ""]:
    """L_CNT of one backbone = Σ_l g_l mean |Φ_l(x) − Φ_l(x̂)| over its layers l; at least 0, 0 for equal images.

    ``features_fake`` = Φ(x̂), ``features_real`` = Φ(x): one tensor per layer, (b, c, h, w), same shapes. The real
    side is detached: it is the target. Sum or mean is open in the paper [A]; with a mean over each layer's
    elements a weight holds at every image size and a deep layer counts as much as a shallow one that has a
    hundred times its elements. ``gains`` g_l are 1 in the paper's nets, and by default; see ``Backbone.gains``.
    Raises ValueError when the lists differ in length.
    """
    gains = [1.0] * len(features_real) if gains is None else gains
    if not len(features_fake) == len(features_real) == len(gains):
        raise ValueError(
            f"content needs the same layers on both sides, got {len(features_fake)} generated, {len(features_real)} real and {len(gains)} gains"
        )
    return torch.stack([g * F.l1_loss(f, r.detach()) for f, r, g in zip(features_fake, features_real, gains)]).sum()


class Content(nn.Module):
    """L_CNT on named backbones: ``Content([("efficientnet-lite0", 0.012)])(fake, real)`` → {name: unweighted term}.

    ``terms``: (backbone or its name, weight) pairs, such as ``preset.content``. The weights are only kept, in
    ``weights``: whoever sums the losses applies them, so that a slider can move them. Names in the result are
    those of the nets that were loaded (``auto`` resolves to one).

    Raises ValueError for a backbone that measures (see ``backbones``), unless ``allow_measuring``: a network that
    trained a generator says nothing about it afterwards.
    """

    def __init__(self, terms: Sequence[tuple[str | Backbone, float]], allow_measuring: bool = False) -> None:
        super().__init__()
        self.weights: dict[str, float] = {}
        self.backbones = nn.ModuleList()
        for backbone, weight in terms:
            name = backbone if isinstance(backbone, str) else backbone.name
            if ROLES.get(name.partition("@")[0]) == "measures" and not allow_measuring:
                raise ValueError(f"{name} measures results and must not train them; choose another backbone, or pass allow_measuring=True and never report a number made with {name}")
            self.backbones.append(load_backbone(name) if isinstance(backbone, str) else backbone)
            name = self.backbones[-1].name
            if name in self.weights:
                raise ValueError(f"{name} is named twice in the content loss; give it one weight")
            self.weights[name] = weight

    def forward(
        self, fake: Float[Tensor, "b 3 h w"], real: Float[Tensor, "b 3 h w"], landmark_images: Float[Tensor, "b 3 h w"] | None = None
    ) -> dict[str, Float[Tensor, ""]]:
        """``fake`` = x̂ and ``real`` = x in [0, 1]. Gradients reach ``fake`` only.

        ``landmark_images`` = y says where the face is, for backbones that look at it alone; ValueError where one is without.
        """
        terms = {}
        for backbone in self.backbones:
            if backbone.part and landmark_images is None:
                raise ValueError(f"{backbone.name} looks at the {backbone.part} alone: call content(fake, real, landmark_images)")
            where = (landmark_images,) if backbone.part else ()
            with torch.no_grad():
                target = backbone(real, *where)
            terms[backbone.name] = content_loss(backbone(fake, *where), target, backbone.gains)
        return terms
