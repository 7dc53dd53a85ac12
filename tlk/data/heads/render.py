"""``render``: a person and a motion → a clip with exact landmarks."""

from __future__ import annotations

import numpy as np
import torch

from tlk.data.clip import Clip
from tlk.data.heads import background as scenery
from tlk.data.heads.asset import CHART_AXIS_Z, CHART_BOTTOM, CHART_TOP, LASHES, load_asset
from tlk.data.heads.compiled import compiled
from tlk.data.heads.geometry import bend, rooted, rotation, view
from tlk.data.heads.light import Light
from tlk.data.heads.motion import Motion
from tlk.data.heads.person import Person
from tlk.data.heads.raster import strands_into, triangles_into, vertex_normals
from tlk.data.heads.truth import landmarks
from tlk.landmarks.crop import crop_square
from tlk.data.heads.shade import resolve, shade, shade_strands

BASE = 256.0  #: pixels of the picture in which the crop is found
REGION = np.array([CHART_TOP, CHART_BOTTOM, CHART_AXIS_Z], np.float32)


def samples_per_pixel(size: int) -> int:
    """Samples along one side of a pixel: more for small pictures, where edges matter most."""
    return 4 if size <= 72 else (3 if size <= 144 else 2)


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
    """One person's points for one frame of a motion."""

    def __init__(self, person: Person, pose, expression, gaze):
        asset = load_asset()
        self.head = rotation(*map(float, pose))
        rest = person.neutral.copy()
        still = np.zeros(len(rest), bool)
        still[np.concatenate(asset.eye_vertices)] = True
        _move(rest, asset.unit.starts, asset.unit.vertices, asset.unit.offsets, expression.astype(np.float32), still)
        self.points = bend(rest, asset.neck, self.head)
        hair = person.hair
        self.strands = bend(rooted(rest, hair.root, hair.root_weight, hair.offset), hair.neck, self.head)
        self.eyes = np.stack([self._eye(person.neutral[v], gaze) for v in asset.eye_vertices]).astype(np.float32)

    def _eye(self, sphere: np.ndarray, gaze) -> np.ndarray:
        """(4, 3): the eyeball's centre, then the rows of the rotation from the world to the eye."""
        centre = (sphere.min(0) + sphere.max(0)) / 2
        moved = bend(centre[None], np.array([[0, 0, 0, 0, 1.0]]), self.head)[0]
        turn = self.head @ rotation(float(gaze[0]), float(gaze[1]), 0.0)
        return np.concatenate([moved[None], turn.T])


def _shadow_map(points, strands, starts, width, triangles, part, keep, direction, size):
    """Depth towards the lamp (1/z's place is taken by height along the light) and world → map matrix (3, 4)."""
    w = direction.astype(float)
    u = np.cross([0, 1, 0], w)
    u /= max(np.linalg.norm(u), 1e-6)
    v = np.cross(w, u)
    scale = size / 4.6
    centre = np.array([0, 7.2, 0.4])
    matrix = np.array([[*(u * scale), size / 2 - scale * u @ centre], [*(-v * scale), size / 2 + scale * v @ centre], [*w, -w @ centre]], np.float32)
    near = np.full((size, size), -10.0, np.float32)
    who = np.full((size, size), -1, np.int32)
    spare, spare2 = np.empty_like(near), np.empty_like(near)
    project = lambda p: p @ matrix[:, :3].T + matrix[:, 3]
    triangles_into(project(points), triangles, part, keep, who, near, spare, spare2)
    strands_into(project(strands), starts, 2.0 * width * scale, 3, 0, who, near, spare)
    return near, matrix


def draw(person: Person, scene: Scene, light: Light, focal: float, shift: tuple[float, float], size: int, still: dict) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """One frame: picture uint8 (h, w, 3), coverage (h, w) and the 1/z buffer at sample resolution.

    A point of the unit picture lands at ``focal`` × point + ``shift`` pixels of the frame.
    """
    asset, hair, looks = load_asset(), person.hair, person.looks
    factor = samples_per_pixel(size)
    count = size * factor
    distance = looks.distance
    to_samples = lambda p: (view(p, distance) * [focal * factor, focal * factor, 1] + [(shift[0] + 0.5) * factor - 0.5, (shift[1] + 0.5) * factor - 0.5, 0]).astype(np.float32)
    near, who = np.zeros((count, count), np.float32), np.full((count, count), -1, np.int32)
    b1, b2 = np.empty((count, count), np.float32), np.empty((count, count), np.float32)
    triangles_into(to_samples(scene.points), asset.triangles, asset.part, still["keep"], who, near, b1, b2)
    strands = to_samples(scene.strands)
    every = 2 if size <= 72 else 1
    width = np.maximum(hair.width * (focal * factor * every**0.8) * strands[:, 2], 0.8).astype(np.float32)
    strands_into(strands, hair.starts, width, every, len(asset.triangles), who, near, b1)
    lamps = light.array()
    shadow, matrix = _shadow_map(scene.points, scene.strands, hair.starts, hair.width, asset.triangles, asset.part, still["keep"], lamps[0], 160)
    camera = np.array([0.0, 7.05, 0.5 + distance], np.float32)
    samples = np.zeros((count, count, 4), np.float32)
    normal = vertex_normals(scene.points, asset.triangles)
    frame = scene.head.T[:2].astype(np.float32)
    shade(who, b1, b2, asset.triangles, asset.part, scene.points, normal, asset.template, asset.occlusion, asset.inside, person.chart, lamps, scene.eyes, looks.eyes, still["cloth"], shadow, matrix, camera, frame, REGION, samples)
    shade_strands(who, b1, len(asset.triangles), scene.strands, hair.colour, hair.occlusion, lamps, shadow, matrix, camera, 0.5, samples)
    picture, cover = resolve(samples, still["background"], factor, 0.78)
    return picture, cover, near


def still_parts(person: Person, size: int) -> dict:
    """What does not change from frame to frame."""
    asset, looks = load_asset(), person.looks
    angle = np.degrees(np.arctan2(asset.template[:, 0], asset.template[:, 2] - 0.3))
    line = looks.neckline[0] - looks.neckline[1] * np.exp(-((angle / 35) ** 2))
    keep = (line - asset.template[:, 1]).astype(np.float32)
    keep[asset.triangles[asset.part == LASHES]] = 0.5 - looks.masculine
    cloth = np.concatenate([looks.cloth, [[looks.gloss, 0, 0]]]).astype(np.float32)
    return {"keep": keep, "cloth": cloth, "background": scenery.background(looks.background, size)}


def _frame_square(person: Person, scenes: list[Scene], motion: Motion):
    """The crop of the person's own landmarks over the whole track, in the picture of ``BASE`` pixels' focal length."""
    distance = person.looks.distance
    focal = BASE / 4 * distance
    tracks = []
    for scene, pose in zip(scenes, motion.pose, strict=True):
        screen = view(scene.points, distance)[:, :2] * focal + BASE / 2
        tracks.append(landmarks(scene.points, screen, float(pose[2])))
    points = torch.from_numpy(np.stack(tracks))
    return points, crop_square(points), focal


def render(person: Person, motion: Motion, size: int = 256, light: Light | None = None) -> Clip:
    """The clip that shows ``person`` doing what ``motion`` says, ``size`` × ``size`` pixels.

    The frame is ``crop_square`` of the clip's own landmarks over the whole motion, as ``read_clip`` would crop it.
    ``light``: default ``person.light``. ``truth`` holds pose (f, 3) degrees, gaze (f, 2) degrees, expression (f, 52),
    pupils (f, 2, 2) pixels. Raises ValueError for a size below 16 or above 1024.
    """
    if not 16 <= size <= 1024:
        raise ValueError(f"size={size}: pictures are between 16 and 1024 pixels wide")
    scenes = [Scene(person, *row) for row in zip(motion.pose, motion.expression, motion.gaze, strict=True)]
    points, square, focal = _frame_square(person, scenes, motion)
    gain = size / square.side
    shift = ((BASE / 2 - square.left) * gain - 0.5, (BASE / 2 - square.top) * gain - 0.5)
    still, lamps = still_parts(person, size), light or person.light
    pictures = np.stack([draw(person, scene, lamps, focal * gain, shift, size, still)[0] for scene in scenes])
    pupils = np.stack([view(s.eyes[:, 0] + 0.135 * s.eyes[:, 3], person.looks.distance)[:, :2] for s in scenes]) * focal * gain + shift
    tensor = lambda a: torch.from_numpy(np.ascontiguousarray(a, np.float32))
    truth = {"pose": tensor(motion.pose), "gaze": tensor(motion.gaze), "expression": tensor(motion.expression), "pupils": tensor(pupils)}
    frames = torch.from_numpy(pictures.transpose(0, 3, 1, 2).copy())
    return Clip(frames, square.points(points, size), motion.fps, f"person-{person.seed}", "rendered by tlk.data.heads; this person does not exist", truth)
