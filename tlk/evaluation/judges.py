"""``Judges``: the networks and the detector that look at frames, and the numbers that follow from what they saw."""

from __future__ import annotations

from dataclasses import dataclass, fields
from pathlib import Path

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from tlk.data import Clip
from tlk.landmarks import Detector, open_detector
from tlk.losses.backbones import EfficientNetLite, face_chips, load_backbone

from .arcface import ArcFace, aligned, open_arcface
from .inception import Inception, open_inception
from .metrics import csim, l1, landmark_error, mouth_error, perceptual, psnr, ssim

#: stages of the network at 1/2, 1/4, 1/8, 1/16 and 1/16 of the frame
LAYERS = ("stem", "block3", "block6", "block10", "block14")


@dataclass
class Seen:
    """What the judges saw in the frames of one clip."""

    images: Float[Tensor, "f 3 h w"]
    layers: list[Tensor]  #: efficientnet-lite1, shallow to deep
    pooled: Float[Tensor, "f 1280"]
    identity: Float[Tensor, "f 128"]
    found: Float[Tensor, "f 68 2"]  #: pixels of the frames; NaN where no face was found
    inception: Float[Tensor, "f m"] | None = None  #: where a file was named
    arcface: Float[Tensor, "f k"] | None = None  #: where a file was named


class Judges:
    """Loads ``efficientnet-lite1`` and ``dlib-resnet`` (neither trains anything here) and a landmark detector.

    detector: a name as for ``tlk.landmarks.detect``, or an object with ``find``. It looks first where the driving
    points are. ``inception`` and ``arcface``: files of the networks that the paper measured with (see those modules), or the networks
    themselves; None goes without. Raises WeightsMissing when a network's or the detector's weights cannot be had.
    """

    def __init__(
        self, detector: str | Detector = "dlib", device: str | torch.device = "cpu", inception: str | Path | Inception | None = None,
        arcface: str | Path | ArcFace | None = None,
    ) -> None:  # fmt: skip
        self.detector = open_detector(detector) if isinstance(detector, str) else detector
        self.device = torch.device(device)
        self.features = EfficientNetLite("efficientnet-lite1", (*LAYERS, "pooled"), resize=240).to(self.device)
        self.identity = load_backbone("dlib-resnet").to(self.device)
        self.inception = _opened(inception, open_inception, self.device)
        self.arcface = _opened(arcface, open_arcface, self.device)

    @property
    def names(self) -> dict[str, str]:
        """For the records: what each judgement was made with."""
        names = {"perceptual": self.features.name, "frechet": self.features.name, "csim": self.identity.name, "landmark_error": self.detector.name}
        named = {"fid": self.inception, "csim_arcface": self.arcface}
        return names | {metric: network.name for metric, network in named.items() if network is not None}

    @torch.no_grad()
    def see(self, images: Float[Tensor, "f 3 h w"], points: Float[Tensor, "f 68 2"], batch: int = 16) -> Seen:
        """Look at frames whose faces should be at ``points`` (pixels). Images are rounded to 8 bits, as a video is.

        Identity is read off the face where the detector finds it, and at ``points`` where it finds none.
        """
        images = ((images.clamp(0, 1) * 255).round() / 255).cpu()
        found = self._find(images, points)
        placed = torch.where(torch.isfinite(found), found, points.float().cpu())
        parts = []
        for x, p in zip(images.split(batch), placed.split(batch), strict=True):
            x, p = x.to(self.device), p.to(self.device)
            *layers, pooled = self.features(x)
            own = self.inception(x).cpu() if self.inception else None, self.arcface(aligned(x, p)).cpu() if self.arcface else None
            parts.append((pooled.cpu(), self.identity(face_chips(x, p))[-1].cpu(), *own, [y.cpu() for y in layers]))
        *vectors, layers = zip(*parts, strict=True)
        pooled, identity, inception, arcface = (None if v[0] is None else torch.cat(v) for v in vectors)
        return Seen(images, [torch.cat(layer) for layer in zip(*layers, strict=True)], pooled, identity, found, inception, arcface)

    def _find(self, images: Tensor, points: Tensor) -> Float[Tensor, "f 68 2"]:
        found = torch.full(points.shape, torch.nan)
        for i, image in enumerate((images * 255).round().byte().permute(0, 2, 3, 1).numpy()):
            face = self.detector.find([np.ascontiguousarray(image)], points[i].cpu().numpy())[0]
            if face is not None:
                found[i] = torch.from_numpy(np.asarray(face.points, np.float32))
        return found


def _opened(network, opener, device: torch.device):
    return None if network is None else (opener(network) if isinstance(network, str | Path) else network).to(device)


@dataclass
class Scores:
    """One number for each frame."""

    ssim: Float[Tensor, " f"]
    perceptual: Float[Tensor, " f"]
    csim: Float[Tensor, " f"]
    landmark_error: Float[Tensor, " f"]  #: NaN where no face was found
    l1: Float[Tensor, " f"]
    psnr: Float[Tensor, " f"]
    mouth_error: Float[Tensor, " f"]  #: NaN where no face was found
    csim_arcface: Float[Tensor, " f"] | None = None

    def lists(self) -> dict[str, list[float | None]]:
        return plain({f.name: v for f in fields(self) if (v := getattr(self, f.name)) is not None})


def plain(scores: dict[str, Tensor]) -> dict[str, list[float | None]]:
    """For JSON, which has neither NaN nor infinity: None instead."""
    rounded = {name: [round(v, 6) for v in values.double().tolist()] for name, values in scores.items()}
    return {name: [v if np.isfinite(v) else None for v in values] for name, values in rounded.items()}


def score(seen: Seen, truth: Seen, driver: Clip) -> Scores:
    """The generated frames against the true ones; landmarks against the driving points."""
    return Scores(
        ssim=ssim(seen.images, truth.images),
        perceptual=perceptual(seen.layers, truth.layers),
        csim=csim(seen.identity, truth.identity),
        landmark_error=landmark_error(seen.found, driver.landmarks.float()),
        l1=l1(seen.images, truth.images),
        psnr=psnr(seen.images, truth.images),
        mouth_error=mouth_error(seen.found, driver.landmarks.float()),
        csim_arcface=None if seen.arcface is None or truth.arcface is None else csim(seen.arcface, truth.arcface),
    )
