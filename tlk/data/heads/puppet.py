"""``Puppet``: landmarks from pose and expression alone, without drawing a picture; fast enough to follow a slider."""

from __future__ import annotations

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from tlk.data.heads.asset import load_asset
from tlk.data.heads.geometry import bend, neck_transforms, project, rotation
from tlk.data.heads.motion import Motion
from tlk.data.heads.person import Person
from tlk.data.heads.scene import _move
from tlk.data.heads.truth import landmarks
from tlk.landmarks import EYE_CORNERS


class Puppet:
    """The mesh of a rendered person with its 68 points (default: person 0), as ``render`` places them, times a scale.

    ``fit`` lays it over given landmarks: then it moves *their* points by what the mesh's own points move, so that
    whose face it is stays in them.
    """

    def __init__(self, person: Person | None = None) -> None:
        asset, self.person = load_asset(), person or Person(0)
        self.rest = self.person.neutral
        self.still = np.zeros(len(self.rest), bool)
        self.still[np.concatenate(asset.eye_vertices)] = True

    def points(self, motion: Motion) -> Float[Tensor, "f 68 2"]:
        """The landmarks of each frame of a motion, in pixels of a picture 256 wide that is not cropped."""
        rows = zip(motion.pose, motion.expression, strict=True)
        return torch.from_numpy(np.stack([self._points(*row) for row in rows]))

    def _points(self, pose: np.ndarray, expression: np.ndarray) -> np.ndarray:
        asset, distance = load_asset(), self.person.looks.distance
        moved = self.rest.copy()
        _move(moved, asset.unit.starts, asset.unit.vertices, asset.unit.offsets, expression.astype(np.float32), self.still)
        posed = bend(moved, asset.neck, *neck_transforms(rotation(*map(float, pose))))
        screen = project(posed, np.float32(distance), np.float32(64 * distance), np.float32(128), np.float32(128))
        return landmarks(posed, screen, float(pose[2]))[:, :2]

    def fit(self, given: Float[Tensor, "68 2"]) -> FittedPuppet:
        """``given``: a face with its mouth shut, turned to the front as nearly as there is one (``most_frontal``)."""
        return FittedPuppet(self, given)


class FittedPuppet:
    """Landmarks of one face that follow pose and expression; made by ``Puppet.fit``.

    ``yaw`` and ``pitch`` are those of the mesh, out of a grid of angles, that lies nearest to the given points.
    """

    def __init__(self, puppet: Puppet, given: Float[Tensor, "68 2"]) -> None:
        self.puppet, self.given = puppet, given.float()
        angles = [(float(yaw), float(pitch)) for yaw in range(-35, 36, 7) for pitch in range(-18, 19, 6)]
        found = torch.cat([puppet.points(Motion.still(*a)) for a in angles])
        error = (normal(found) - normal(self.given[None])).norm(dim=-1).mean(-1)
        best = int(error.argmin())
        (self.yaw, self.pitch), self.reference = angles[best], found[best]
        self.scale = width(self.given) / width(self.reference)

    def __call__(self, motion: Motion) -> Float[Tensor, "f 68 2"]:
        """given + scale · (the mesh's points − the mesh's points in the given face's pose), in pixels of ``given``."""
        return self.given + self.scale * (self.puppet.points(motion) - self.reference)


def normal(points: Float[Tensor, "f 68 2"]) -> Float[Tensor, "f 68 2"]:
    """Centred, and scaled by the distance of the outer eye corners."""
    eyes = (points[:, EYE_CORNERS[0]] - points[:, EYE_CORNERS[1]]).norm(dim=-1)
    return (points - points.mean(1, keepdim=True)) / eyes[:, None, None]


def width(points: Float[Tensor, "68 2"]) -> float:
    """Distance of the outer eye corners."""
    return (points[EYE_CORNERS[0]] - points[EYE_CORNERS[1]]).norm().item()


def most_frontal(points: Float[Tensor, "f 68 2"]) -> int:
    """The frame whose nose is most in the middle between the ears, with the lips closed: |asymmetry| + mouth's opening, by eye distance."""
    eyes = (points[:, EYE_CORNERS[0]] - points[:, EYE_CORNERS[1]]).norm(dim=-1)
    aside = ((points[:, 30] - points[:, 0]).norm(dim=-1) - (points[:, 16] - points[:, 30]).norm(dim=-1)).abs()
    mouth = (points[:, 62] - points[:, 66]).norm(dim=-1)
    return int(((aside + mouth) / eyes).nan_to_num(torch.inf).argmin())
