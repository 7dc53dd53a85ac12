"""One person in one pose: points in space, ready to be drawn."""

from __future__ import annotations

import numpy as np

from tlk.data.heads.asset import load_asset
from tlk.data.heads.compiled import compiled
from tlk.data.heads.geometry import bend, neck_transforms, project, rooted, rotation
from tlk.data.heads.person import Person
from tlk.data.heads.raster import strands_into, triangles_into

EYEBALL = 0.135  #: dm, from the eyeball's centre to the pupil
SHADOW_SIZE, SHADOW_WIDTH = 160, 4.6  #: samples and dm along one side of the shadow map


@compiled
def _move(points, starts, vertices, offsets, weights, still):
    for u in range(len(weights)):
        if weights[u] > 1e-4:
            for i in range(starts[u], starts[u + 1]):
                v = vertices[i]
                if not still[v]:
                    for c in range(3):
                        points[v, c] += weights[u] * offsets[i, c]


class Scene:
    """One person's points for one frame of a motion: ``points`` (n, 3) of the mesh and ``strands`` (m, 3), dm;
    ``eyes`` (2, 4, 3): left then right eye, centre and the rows of the rotation from the world to the eye."""

    def __init__(self, person: Person, pose: np.ndarray, expression: np.ndarray, gaze: np.ndarray, every: int = 1):
        asset = load_asset()
        self.person, self.hair, self.pose = person, person.hair(every), pose
        self.head = rotation(*map(float, pose))
        self.neck = neck_transforms(self.head)
        rest = person.neutral.copy()
        still = np.zeros(len(rest), bool)
        still[np.concatenate(asset.eye_vertices)] = True
        _move(rest, asset.unit.starts, asset.unit.vertices, asset.unit.offsets, expression.astype(np.float32), still)
        self.points = bend(rest, asset.neck, *self.neck)
        self.strands = bend(rooted(rest, self.hair.root, self.hair.root_weight, self.hair.offset), self.hair.neck, *self.neck)
        self.eyes = np.stack([self._eye(person.neutral[v], gaze) for v in asset.eye_vertices]).astype(np.float32)

    def _eye(self, sphere: np.ndarray, gaze: np.ndarray) -> np.ndarray:
        centre = (sphere.min(0) + sphere.max(0)) / 2
        moved = bend(centre[None], np.array([[0, 0, 0, 0, 1.0]]), *self.neck)[0]
        turn = self.head @ rotation(float(gaze[0]), float(gaze[1]), 0.0)
        return np.concatenate([moved[None], turn.T])

    @property
    def pupils(self) -> np.ndarray:
        """(2, 3) pupil centres, the right eye's (left in the picture) first, as the 68 points have it."""
        return (self.eyes[:, 0] + EYEBALL * self.eyes[:, 3])[::-1]

    def shadow(self, keep: np.ndarray, direction: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """How near to the lamp the first surface is, seen from it, and the map's matrix (3, 4) from the world."""
        asset, w = load_asset(), direction.astype(float)
        u = np.cross([0, 1, 0], w)
        u /= max(np.linalg.norm(u), 1e-6)
        v = np.cross(w, u)
        scale, centre, half = SHADOW_SIZE / SHADOW_WIDTH, np.array([0, 7.2, 0.4]), SHADOW_SIZE / 2
        matrix = np.array([[*(u * scale), half - scale * u @ centre], [*(-v * scale), half + scale * v @ centre], [*w, -w @ centre]], np.float32)
        near, who = np.full((SHADOW_SIZE, SHADOW_SIZE), -10.0, np.float32), np.empty((SHADOW_SIZE, SHADOW_SIZE), np.int32)
        spare, other = np.empty_like(near), np.empty_like(near)
        triangles_into(self.points @ matrix[:, :3].T + matrix[:, 3], asset.triangles, asset.part, keep, who, near, spare, other)
        wide = np.where(self.hair.width > 0.02, np.minimum(self.hair.width * scale * self.shadow_step, 8), 1.6).astype(np.float32)
        strands_into(self.strands @ matrix[:, :3].T + matrix[:, 3], self.hair.starts, wide, self.shadow_step, 0, who, near, spare)
        return near, matrix

    @property
    def shadow_step(self) -> int:
        """Shadows of hair are soft: about 1,200 strands are enough."""
        return max(1, (len(self.hair.starts) - 1) // 1200)

    def on_screen(self, focal: float, shift: tuple[float, float]) -> np.ndarray:
        """(n, 3) the mesh's points in pixels, with 1/z."""
        return project(self.points, np.float32(self.person.looks.distance), np.float32(focal), np.float32(shift[0]), np.float32(shift[1]))
