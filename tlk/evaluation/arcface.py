"""ArcFace's network in plain torch (Deng et al. 2019), for CSIM as the paper has it, read from a file that the user names.

The layout and the names in the file are those of insightface's ``arcface_torch`` (``backbone.pth`` of iresnet18 to iresnet100); depth and
width are read off the file. Its published weights are for research that is not commercial.
"""

from __future__ import annotations

from pathlib import Path

import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor, nn

from tlk.losses.backbones.face_chip import _similarity

from .weights_file import fill, read_state

WHAT = "an ArcFace network (backbone.pth of insightface's arcface_torch)"
SIDE = 112  #: pixels of an aligned face
#: where insightface puts eyes, tip of the nose and corners of the mouth in it
PLACES = ((38.2946, 51.6963), (73.5318, 51.5014), (56.0252, 71.7366), (41.5493, 92.3655), (70.7299, 92.2041))


class Block(nn.Module):
    """Norm, convolution, norm, PReLU, convolution, norm; plus a 1 × 1 shortcut where the shape changes."""

    def __init__(self, before: int, after: int, stride: int) -> None:
        super().__init__()
        self.bn1, self.conv1 = nn.BatchNorm2d(before), nn.Conv2d(before, after, 3, 1, 1, bias=False)
        self.bn2, self.prelu = nn.BatchNorm2d(after), nn.PReLU(after)
        self.conv2, self.bn3 = nn.Conv2d(after, after, 3, stride, 1, bias=False), nn.BatchNorm2d(after)
        changes = stride > 1 or before != after
        self.downsample = nn.Sequential(nn.Conv2d(before, after, 1, stride, bias=False), nn.BatchNorm2d(after)) if changes else nn.Identity()

    def forward(self, x: Tensor) -> Tensor:
        y = self.prelu(self.bn2(self.conv1(self.bn1(x))))
        return self.bn3(self.conv2(y)) + self.downsample(x)


class ArcFace(nn.Module):
    """Aligned faces → embeddings. ``depths``: blocks of the four levels, (3, 4, 14, 3) for iresnet50."""

    name = "arcface"

    def __init__(self, depths: tuple[int, ...] = (3, 4, 14, 3), width: int = 64, embedding: int = 512) -> None:
        super().__init__()
        self.conv1, self.bn1, self.prelu = nn.Conv2d(3, width, 3, 1, 1, bias=False), nn.BatchNorm2d(width), nn.PReLU(width)
        before = width
        for level, depth in enumerate(depths):
            after = width * 2**level
            self.add_module(f"layer{level + 1}", nn.Sequential(*(Block(before if i == 0 else after, after, 1 + (i == 0)) for i in range(depth))))
            before = after
        self.bn2, self.fc, self.features = nn.BatchNorm2d(before), nn.Linear(before * 49, embedding), nn.BatchNorm1d(embedding)

    def forward(self, faces: Float[Tensor, "b 3 112 112"]) -> Float[Tensor, "b n"]:
        """RGB in [0, 1], aligned by ``aligned``."""
        x = self.prelu(self.bn1(self.conv1(2 * faces - 1)))
        for level in (self.layer1, self.layer2, self.layer3, self.layer4):
            x = level(x)
        return self.features(self.fc(self.bn2(x).flatten(1)))


def aligned(images: Float[Tensor, "b 3 h w"], landmarks: Float[Tensor, "b 68 2"]) -> Float[Tensor, "b 3 112 112"]:
    """Faces by the similarity that brings insightface's five places nearest to eyes, nose and mouth; outside the image is black.

    insightface takes five points from its own detector; here they come from the 68: means of the eyes' outlines, 30, 48 and 54.
    """
    five = torch.stack([landmarks[:, 36:42].mean(1), landmarks[:, 42:48].mean(1), landmarks[:, 30], landmarks[:, 48], landmarks[:, 54]], 1)
    turn, shift = _similarity(five.new_tensor(PLACES), five)
    v, u = torch.meshgrid(*[torch.arange(SIDE, dtype=five.dtype, device=five.device)] * 2, indexing="ij")
    a, b = turn[:, 0, None, None], turn[:, 1, None, None]
    x, y = a * u - b * v + shift[:, 0, None, None], b * u + a * v + shift[:, 1, None, None]
    grid = torch.stack([(2 * x + 1) / images.shape[-1] - 1, (2 * y + 1) / images.shape[-2] - 1], -1)
    return F.grid_sample(images, grid, align_corners=False)


def open_arcface(path: str | Path) -> ArcFace:
    """The network in ``path``; its name carries the first digits of the file's SHA-256. Raises WeightsMissing."""
    state, digits = read_state(path, WHAT)
    depths = tuple(len({name.split(".")[1] for name in state if name.startswith(f"layer{level}.")}) for level in (1, 2, 3, 4))
    first, last = state.get("conv1.weight"), state.get("fc.weight")
    known = all(depths) and first is not None and last is not None and first.ndim == 4 and last.ndim == 2
    network = fill(ArcFace(depths, len(first), len(last)) if known else ArcFace(), state, path, WHAT)
    network.name = f"{ArcFace.name} ({digits}…)"
    return network
