"""Inception of 2015 in plain torch, as FID has it (Szegedy et al. 2016; Heusel et al. 2017), read from a file that the user names.

The layout, and the names in the file, are those of pytorch-fid's ``pt_inception-2015-12-05-6726825d.pth`` (95 MB, Apache-2.0): torchvision's
Inception v3 with the three departures of TensorFlow's graph, which are marked below. No package that installs without
torchvision carries it, hence this file.
"""

from __future__ import annotations

from pathlib import Path

import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor, nn

from .weights_file import fill, read_state

WHAT = "the Inception of FID (pytorch-fid's pt_inception-2015-12-05-6726825d.pth)"

# A branch is a list of convolutions (ending of the name, channels, kernel, stride); a tuple of two instead of one is a fork.
Step = tuple[str, int, int | tuple[int, int], int]


def _a(pool: int) -> dict[str, list]:
    double = [("_1", 64, 1, 1), ("_2", 96, 3, 1), ("_3", 96, 3, 1)]
    return {"branch1x1": [("", 64, 1, 1)], "branch5x5": [("_1", 48, 1, 1), ("_2", 64, 5, 1)], "branch3x3dbl": double, "branch_pool": [("", pool, 1, 1)]}


def _c(c: int) -> dict[str, list]:
    double = [("_1", c, 1, 1), ("_2", c, (7, 1), 1), ("_3", c, (1, 7), 1), ("_4", c, (7, 1), 1), ("_5", 192, (1, 7), 1)]
    seven = [("_1", c, 1, 1), ("_2", c, (1, 7), 1), ("_3", 192, (7, 1), 1)]
    return {"branch1x1": [("", 192, 1, 1)], "branch7x7": seven, "branch7x7dbl": double, "branch_pool": [("", 192, 1, 1)]}


B = {"branch3x3": [("", 384, 3, 2)], "branch3x3dbl": [("_1", 64, 1, 1), ("_2", 96, 3, 1), ("_3", 96, 3, 2)]}
D = {"branch3x3": [("_1", 192, 1, 1), ("_2", 320, 3, 2)], "branch7x7x3": [("_1", 192, 1, 1), ("_2", 192, (1, 7), 1), ("_3", 192, (7, 1), 1), ("_4", 192, 3, 2)]}
E = {
    "branch1x1": [("", 320, 1, 1)],
    "branch3x3": [("_1", 384, 1, 1), (("_2a", 384, (1, 3), 1), ("_2b", 384, (3, 1), 1))],
    "branch3x3dbl": [("_1", 448, 1, 1), ("_2", 384, 3, 1), (("_3a", 384, (1, 3), 1), ("_3b", 384, (3, 1), 1))],
    "branch_pool": [("", 192, 1, 1)],
}
STEM = {"1a_3x3": (32, 3, 2, 0), "2a_3x3": (32, 3, 1, 0), "2b_3x3": (64, 3, 1, 1), "3b_1x1": (80, 1, 1, 0), "4a_3x3": (192, 3, 1, 0)}  #: channels, kernel, stride, padding
#: name → branches and pool. FID's Inception averages without the padding's zeros (torchvision counts them) and takes a maximum in 7c (torchvision averages).
MIXED = {
    "5b": (_a(32), "mean"), "5c": (_a(64), "mean"), "5d": (_a(64), "mean"), "6a": (B, "halve"), "6b": (_c(128), "mean"), "6c": (_c(160), "mean"),
    "6d": (_c(160), "mean"), "6e": (_c(192), "mean"), "7a": (D, "halve"), "7b": (E, "mean"), "7c": (E, "max"),
}  # fmt: skip
POOLS = {
    "mean": lambda x: F.avg_pool2d(x, 3, 1, 1, count_include_pad=False), "max": lambda x: F.max_pool2d(x, 3, 1, 1), "halve": lambda x: F.max_pool2d(x, 3, 2),
}  # fmt: skip


class Conv(nn.Module):
    """Convolution, batch norm, ReLU."""

    def __init__(self, before: int, after: int, kernel: int | tuple[int, int], stride: int = 1, padding: int | tuple[int, int] = 0) -> None:
        super().__init__()
        self.conv, self.bn = nn.Conv2d(before, after, kernel, stride, padding, bias=False), nn.BatchNorm2d(after, eps=1e-3)

    def forward(self, x: Tensor) -> Tensor:
        return F.relu(self.bn(self.conv(x)))


class Mixed(nn.Module):
    """Branches side by side, their results one after the other; the last branch pools."""

    def __init__(self, before: int, branches: dict[str, list], pool: str, width: float) -> None:
        super().__init__()
        self.branches, self.pool, self.channels = branches, POOLS[pool], before if pool == "halve" else 0
        for name, steps in branches.items():
            channels = before
            for step in steps:
                fork = step if isinstance(step[0], tuple) else (step,)
                for ending, after, kernel, stride in fork:
                    k = kernel if isinstance(kernel, tuple) else (kernel, kernel)
                    setattr(self, name + ending, Conv(channels, round(after * width), k, stride, (k[0] // 2, k[1] // 2) if stride == 1 else 0))
                channels = sum(round(s[1] * width) for s in fork)
            self.channels += channels

    def forward(self, x: Tensor) -> Tensor:
        parts = [self._branch(name, steps, self.pool(x) if name == "branch_pool" else x) for name, steps in self.branches.items()]
        return torch.cat(parts if "branch_pool" in self.branches else [*parts, self.pool(x)], 1)

    def _branch(self, name: str, steps: list, x: Tensor) -> Tensor:
        for step in steps:
            fork = step if isinstance(step[0], tuple) else (step,)
            x = torch.cat([getattr(self, name + ending)(x) for ending, *_ in fork], 1)
        return x


class Inception(nn.Module):
    """Frames → the 2,048 pooled features of FID. ``width`` narrows every layer (for tests; the real one is 1)."""

    name = "inception-2015"

    def __init__(self, width: float = 1.0) -> None:
        super().__init__()
        channels = 3
        for name, (after, kernel, stride, padding) in STEM.items():
            self.add_module(f"Conv2d_{name}", Conv(channels, round(after * width), kernel, stride, padding))
            channels = round(after * width)
        for name, (branches, pool) in MIXED.items():
            mixed = Mixed(channels, branches, pool, width)
            self.add_module(f"Mixed_{name}", mixed)
            channels = mixed.channels

    def forward(self, images: Float[Tensor, "b 3 h w"]) -> Float[Tensor, "b n"]:
        """Images in [0, 1], brought to 299 px without antialiasing, as pytorch-fid does (TensorFlow's own resizing differs a little)."""
        x = 2 * F.interpolate(images, (299, 299), mode="bilinear", align_corners=False) - 1
        for name in STEM:
            x = getattr(self, f"Conv2d_{name}")(x)
            x = F.max_pool2d(x, 3, 2) if name in ("2b_3x3", "4a_3x3") else x
        for name in MIXED:
            x = getattr(self, f"Mixed_{name}")(x)
        return x.mean((2, 3))


def open_inception(path: str | Path) -> Inception:
    """The network in ``path``; its name carries the first digits of the file's SHA-256. Raises WeightsMissing."""
    state, digits = read_state(path, WHAT)
    first = state.get("Conv2d_1a_3x3.conv.weight")
    network = fill(Inception(len(first) / STEM["1a_3x3"][0] if first is not None and first.ndim == 4 else 1.0), state, path, WHAT)
    network.name = f"{Inception.name} ({digits}…)"
    return network
