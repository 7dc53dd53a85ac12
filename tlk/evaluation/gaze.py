"""Where do the eyes look, left or right? The dark of the eye between its corners, made an angle by a line through true frames.

Landmarks carry no gaze sideways (lids follow it up and down), so a head that is driven by them cannot follow: its gaze is what the
source frames had, or an average. The number therefore says what the method lacks, not how well it was trained: a system does as it
should when it is no worse than looking ahead all the time, and only one that sees the driver's frames (or draws pupils
into the landmark image) can be better. At 64 px an eye is seven pixels wide; the row of true frames says what is left of the
measure there, and where that row is no better than looking ahead, the column says nothing at all.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor

EYES = ((36, 39), (42, 45))  #: corners, left one in the picture first
HEIGHT, WIDTH = 0.30, 0.62  #: of the patch that is looked at, in widths of the eye


def gaze_offset(images: Float[Tensor, "f 3 h w"], points: Float[Tensor, "f 68 2"], samples: int = 33) -> Float[Tensor, " f"]:
    """How far right of the middle between its corners the dark of the eye lies, in widths of the eye, mean of both eyes; NaN without points.

    Positive when the person looks to their left (the picture's right). No angle yet: ``line`` makes one of it. Points in pixels of
    ``images``. Colours hardly move it; a mirrored frame turns its sign; blur and closed lids pull it to the middle; lashes, glasses and
    shadows are dark too.
    """
    found = [_one_eye(images, points[:, a], points[:, b], samples) for a, b in EYES]
    return torch.stack(found).mean(0)


def _one_eye(images: Tensor, left: Tensor, right: Tensor, samples: int) -> Tensor:
    across = right - left
    down = torch.stack([-across[:, 1], across[:, 0]], 1)
    v, u = torch.meshgrid(*[torch.linspace(-0.5, 0.5, samples)] * 2, indexing="ij")
    u, v = u * WIDTH, v * HEIGHT
    where = ((left + right) / 2)[:, None, None] + u[None, ..., None] * across[:, None, None] + v[None, ..., None] * down[:, None, None]
    ok = torch.isfinite(where).all(-1).all(-1).all(-1)
    grid = (2 * torch.nan_to_num(where) + 1) / torch.tensor([images.shape[-1], images.shape[-2]]) - 1
    light = F.grid_sample(images.float().mean(1, keepdim=True), grid.float(), align_corners=False)[:, 0]
    dark = (light.flatten(1).median(1).values[:, None, None] - light).clamp_min(0) ** 2
    centre = (dark * u).sum((1, 2)) / dark.sum((1, 2)).clamp_min(1e-8)
    return torch.where(ok, centre, torch.nan)


def line(offsets: Float[Tensor, " f"], degrees: Float[Tensor, " f"]) -> tuple[float, float]:
    """Slope and intercept of the least-squares line from offsets to degrees; NaN offsets are left out.

    With fewer than three values the line is flat, at their mean: nothing can be read off the offset then.
    """
    ok = torch.isfinite(offsets)
    x, y = offsets[ok].double(), degrees[ok].double()
    if len(x) < 3:
        return 0.0, y.mean().item() if len(x) else 0.0
    slope = ((x - x.mean()) * (y - y.mean())).sum() / (x - x.mean()).square().sum().clamp_min(1e-12)
    return slope.item(), (y.mean() - slope * x.mean()).item()
