"""Did the head turn as the driver said? Rotation from 68 points by PnP, against the pose that a rendered person is known to have."""

from __future__ import annotations

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from tlk.data.heads import Person
from tlk.data.heads.asset import load_asset
from tlk.data.heads.geometry import rotation
from tlk.data.heads.truth import places

#: ends of the brows, nose, corners of eyes and mouth: what an expression moves least. With the nose and eyes alone exact points are
#: read better (1.0 instead of 2.9 degrees at 64 px), found points worse (8.9 instead of 5.1): depth hangs on too few pixels then.
STEADY = (17, 21, 22, 26, *range(27, 36), 36, 39, 42, 45, 48, 54)
DISTANCE = 12.0  #: dm from the camera to the head; rendered people have about 10 to 15, and a wrong one costs a fraction of a degree


def steady_points(person: Person | None = None) -> Float[Tensor, "p 3"]:
    """``STEADY`` in space, dm: x to the person's left, y up, z forward. Of a rendered person at rest, or of the mean head."""
    inner = places()
    mesh = load_asset().template if person is None else person.neutral
    points = (mesh[inner["inner"]] * inner["inner_weights"][..., None]).sum(-2)  # numbers 17 to 67
    return torch.from_numpy(points[[i - 17 for i in STEADY]].astype(np.float64))


def estimate_rotation(points: Float[Tensor, "f 68 2"], model: Float[Tensor, "p 3"], size: int, steps: int = 6) -> Float[Tensor, "f 3 3"]:
    """Rotations of the head from landmarks in pixels of frames ``size`` wide: POSIT (DeMenthon and Davis 1995).

    An orthographic camera would give p = s R₁₂ X + t, linear in the six numbers of s R₁₂. A point nearer to the camera by z than
    the head's middle is larger by 1 / (1 − z/d); with the rotation of the step before, z is known, so the points are made
    smaller by that much and the linear problem is solved again. The camera is taken to look at the middle of the frame.
    NaN where a point is missing. ``model`` from ``steady_points``.
    """
    seen = points[:, list(STEADY)].double()
    ok = torch.isfinite(seen).all(-1).all(-1)
    picture = (seen - (size - 1) / 2) * seen.new_tensor([1, -1])  # y up, as in space
    picture = torch.where(ok[:, None, None], picture, 0.0)
    space = model.double() - model.double().mean(0)
    inverse = torch.linalg.pinv(torch.cat([space, torch.ones_like(space[:, :1])], 1))
    nearer = torch.zeros_like(picture[..., 0])
    for _ in range(steps):
        linear = (inverse @ (picture * (1 - nearer / DISTANCE)[..., None]))[:, :3].mT  # s R₁₂
        turn = _nearest_rotation(linear)
        nearer = (space @ turn[:, 2, :, None])[..., 0]
    return torch.where(ok[:, None, None], turn, torch.nan)


def _nearest_rotation(linear: Float[Tensor, "f 2 3"]) -> Float[Tensor, "f 3 3"]:
    """The rotation whose first two rows are nearest to a multiple of ``linear``."""
    u, _, v = torch.linalg.svd(linear + 1e-12 * torch.eye(2, 3, dtype=linear.dtype), full_matrices=False)
    rows = u @ v
    return torch.cat([rows, torch.linalg.cross(rows[:, :1], rows[:, 1:])], 1)


def angles(turn: Float[Tensor, "f 3 3"]) -> Float[Tensor, "f 3"]:
    """Yaw, pitch and roll in degrees, with ``Motion``'s signs."""
    yaw, pitch = torch.atan2(turn[:, 0, 2], turn[:, 2, 2]), torch.asin(turn[:, 1, 2].clamp(-1, 1))
    roll = torch.atan2(-turn[:, 1, 0], turn[:, 1, 1])
    return torch.rad2deg(torch.stack([yaw, pitch, roll], 1))


def pose_error(points: Float[Tensor, "f 68 2"], pose: Float[Tensor, "f 3"], model: Float[Tensor, "p 3"], size: int) -> Float[Tensor, " f"]:
    """Angle in degrees of the one turn between the rotation that ``points`` show and the true one; 0 is best, NaN where a point is missing.

    ``points``: found by a detector in a result; ``pose``: yaw, pitch, roll of the motion that drove it, in degrees. The detector's and
    PnP's own error is that of true frames: read the number beside it. Like ``landmark_error``, from whose points it is made, it
    does not see whose face it is, nor blur or colours; a mirrored frame is wrong by twice its yaw, frames in another order by
    what lies between them, and a still picture by how far the driver is from its pose.
    """
    truth = torch.stack([torch.from_numpy(rotation(*map(float, row))) for row in pose])
    between = (estimate_rotation(points, model, size) @ truth.mT).diagonal(dim1=-2, dim2=-1).sum(-1)
    return torch.rad2deg(torch.acos(((between - 1) / 2).clamp(-1, 1))).float()
