"""``render``: a person and a motion → a clip with exact landmarks."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch

from tlk.data.clip import Clip
from tlk.data.heads import background as scenery
from tlk.data.heads.asset import CHART_AXIS_Z, CHART_BOTTOM, CHART_TOP, load_asset
from tlk.data.heads.geometry import CENTRE, project
from tlk.data.heads.light import Light
from tlk.data.heads.motion import Motion
from tlk.data.heads.person import Person
from tlk.data.heads.raster import strands_into, triangles_into, vertex_normals
from tlk.data.heads.scene import Scene
from tlk.data.heads.shade import resolve, shade, shade_strands
from tlk.data.heads.truth import hidden, landmarks
from tlk.landmarks.crop import Square, crop_square

BASE = 256.0  #: pixels of the picture in which the crop is found
REGION = np.array([CHART_TOP, CHART_BOTTOM, CHART_AXIS_Z], np.float32)
EXPOSURE, GLOSS = 0.78, 0.5


@dataclass(frozen=True)
class View:
    """Where the camera's picture lands: ``focal`` × a point of the unit picture + ``shift``, in pixels of the frame."""

    size: int
    focal: float
    shift: tuple[float, float]

    @property
    def factor(self) -> int:
        """Samples along one side of a pixel. A hair is about one sample wide: fewer, and it shimmers as it moves."""
        return 4 if self.size <= 144 else 3

    @property
    def samples(self) -> tuple[np.float32, np.float32, np.float32]:
        """focal length and shift in samples."""
        return tuple(np.float32(x) for x in (self.focal * self.factor, *((s + 0.5) * self.factor - 0.5 for s in self.shift)))


def thinning(size: int) -> int:
    """Every how-manieth strand is drawn."""
    return 5 if size <= 72 else (3 if size <= 144 else (2 if size <= 288 else 1))


def still_parts(person: Person, size: int) -> dict[str, np.ndarray]:
    """What does not change from frame to frame: where clothing is, its colours, the background."""
    asset, looks = load_asset(), person.looks
    angle = np.degrees(np.arctan2(asset.template[:, 0], asset.template[:, 2] - 0.3))
    line = looks.neckline[0] - looks.neckline[1] * np.exp(-((angle / 35) ** 2))
    cloth = np.concatenate([looks.cloth, [[looks.gloss, 0, 0]]]).astype(np.float32)
    return {"keep": (line - asset.template[:, 1]).astype(np.float32), "cloth": cloth, "background": scenery.background(looks.background, size)}


def draw(scene: Scene, light: Light, where: View, still: dict[str, np.ndarray]) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """One frame: picture uint8 (h, w, 3), coverage (h, w) and 1/z of every sample."""
    asset, person, count = load_asset(), scene.person, where.size * where.factor
    distance, samples, first = np.float32(person.looks.distance), where.samples, len(asset.triangles)
    near, who = np.zeros((count, count), np.float32), np.full((count, count), -1, np.int32)
    b1, b2 = np.empty((count, count), np.float32), np.empty((count, count), np.float32)
    triangles_into(project(scene.points, distance, *samples), asset.triangles, asset.part, still["keep"], who, near, b1, b2)
    strands = project(scene.strands, distance, *samples)
    width = np.maximum(scene.hair.width * samples[0] * strands[:, 2], 0.7)
    strands_into(strands, scene.hair.starts, width, 1, first, who, near, b1)
    lamps, colours = light.array(), np.zeros((count, count, 4), np.float32)
    shadow, matrix = scene.shadow(still["keep"], lamps[0])
    camera = CENTRE + np.array([0, 0, distance], np.float32)
    shade(
        who, b1, b2, asset.triangles, asset.part, scene.points, vertex_normals(scene.points, asset.triangles), asset.template, asset.occlusion, asset.inside, still["keep"],
        person.chart, lamps, scene.eyes, person.looks.eyes, still["cloth"], shadow, matrix, camera, scene.head.T[:2].astype(np.float32), REGION, colours,
    )
    shade_strands(who, b1, first, scene.strands, scene.hair.colour, scene.hair.occlusion, lamps, shadow, matrix, camera, GLOSS, colours)
    return *resolve(colours, still["background"], where.factor, EXPOSURE), near


def frame_square(scenes: list[Scene]) -> tuple[torch.Tensor, Square, float]:
    """The crop of the person's own landmarks over the whole track: points (f, 68, 3: x, y, 1/z), square and focal length."""
    focal = BASE / 4 * scenes[0].person.looks.distance
    points = []
    for scene in scenes:
        screen = scene.on_screen(focal, (BASE / 2, BASE / 2))
        points.append(landmarks(scene.points, screen, float(scene.pose[2])))
    points = torch.from_numpy(np.stack(points))
    return points, crop_square(points[..., :2].contiguous()), focal


def render(person: Person, motion: Motion, size: int = 256, light: Light | None = None) -> Clip:
    """The clip that shows ``person`` doing what ``motion`` says, ``size`` × ``size`` pixels.

    The frame is ``crop_square`` of the clip's own landmarks over the whole motion, just as ``read_clip`` crops a video.
    ``light``: default ``person.light``. ``truth`` holds, per frame: ``pose`` (3) degrees, ``gaze`` (2) degrees relative to the
    head, ``expression`` (52), ``pupils`` (2, 2) pixels, ``mask`` (size, size) bool, ``occluded`` (68) bool.
    Raises ValueError for a size below 16 or above 1024.
    """
    if not 16 <= size <= 1024:
        raise ValueError(f"size={size}: pictures are between 16 and 1024 pixels wide")
    scenes = [Scene(person, *row, thinning(size)) for row in zip(motion.pose, motion.expression, motion.gaze, strict=True)]
    points, square, focal = frame_square(scenes)
    gain = size / square.side
    where = View(size, focal * gain, ((BASE / 2 - square.left) * gain - 0.5, (BASE / 2 - square.top) * gain - 0.5))
    placed = square.points(points[..., :2].contiguous(), size)
    still, lamps = still_parts(person, size), light or person.light
    frames = torch.empty(len(motion), 3, size, size, dtype=torch.uint8)
    mask, occluded, pupils = torch.empty(len(motion), size, size, dtype=torch.bool), torch.empty(len(motion), 68, dtype=torch.bool), torch.empty(len(motion), 2, 2)
    for i, scene in enumerate(scenes):
        picture, cover, near = draw(scene, lamps, where, still)
        frames[i], mask[i] = torch.from_numpy(picture).permute(2, 0, 1), torch.from_numpy(cover > 0.5)
        occluded[i] = torch.from_numpy(hidden(near, where.factor, torch.cat([placed[i], points[i, :, 2:]], 1).numpy()))
        pupils[i] = torch.from_numpy(project(scene.pupils, np.float32(person.looks.distance), *map(np.float32, (where.focal, *where.shift)))[:, :2])
    tensor = lambda a: torch.from_numpy(np.ascontiguousarray(a, np.float32))
    truth = {"pose": tensor(motion.pose), "gaze": tensor(motion.gaze), "expression": tensor(motion.expression), "pupils": pupils, "mask": mask, "occluded": occluded}
    return Clip(frames, placed, motion.fps, f"person-{person.seed}", "rendered by tlk.data.heads; this person does not exist", truth)
