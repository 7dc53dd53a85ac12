"""Finding the 68 points in images, with a detector chosen by name."""

from __future__ import annotations

import importlib.util
import itertools
import sys
import warnings
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from functools import cache
from typing import Protocol, runtime_checkable

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor
from tqdm import tqdm

from tlk.landmarks.points import POINTS

Box = tuple[float, float, float, float]  #: left, top, right, bottom; edges
DETECTORS = ("face-alignment", "dlib")  #: in the order in which ``auto`` tries them


class NoFace(ValueError):
    """No face was found; the message names the frame."""


@dataclass(frozen=True)
class Face:
    points: Float[np.ndarray, "68 2"]  #: pixels of the image, centres at integers
    others: int = 0  #: faces that were seen beside it


@runtime_checkable
class Detector(Protocol):
    """What ``detect`` needs: a name for messages, and the chosen face of each image."""

    name: str
    batch: int  #: images that it likes to get at once

    def find(self, images: list[np.ndarray], near: np.ndarray | None = None) -> list[Face | None]:
        """images: uint8 (h, w, 3) RGB. near: points of the frame before, when the images follow it in a video:
        then the face at that place is meant, else the largest."""
        ...


@dataclass(frozen=True)
class Detection:
    points: Float[Tensor, "f 68 2"]  #: pixels of each frame, centres at integers; NaN in skipped frames
    detector: str  #: the one that was used
    skipped: list[int] = field(default_factory=list)  #: frames without a face
    crowded: list[int] = field(default_factory=list)  #: frames in which several faces were seen


def detect(
    frames: Tensor | Iterable[Tensor],
    detector: str | Detector = "auto",
    *,
    skip: bool = False,
    follow: bool = False,
    progress: bool = False,
    total: int | None = None,
    label: Callable[[int], str] = "frame {}".format,
) -> Detection:
    """The 68 points of one face in each frame.

    frames: (f, 3, h, w), or anything that yields (3, h, w) one by one (sizes may differ): uint8, or float in [0, 1].
    detector: ``"face-alignment"`` (2DFAN4, the paper's), ``"dlib"``, ``"auto"`` (the first of them whose weights
    are on this machine; it says which) or an object with ``find``, such as ``FaceAlignment(device="cuda")``.
    skip: leave frames without a face as NaN and list them. Otherwise NoFace is raised for the first.
    follow: the frames are consecutive ones of a video, so look first where the face was; quicker, and stays with
    one person. With several faces the largest is taken, with a warning.
    label: what a frame is called in messages. progress, total: show a bar.
    """
    finder = open_detector(detector) if isinstance(detector, str) else detector
    found: list[Face | None] = []
    near: np.ndarray | None = None
    bar = tqdm(frames, "landmarks", total, leave=False, disable=not progress, unit="frame", mininterval=0.5)
    for images in _batches(map(_image, bar), finder.batch):
        faces = [_finite(face) for face in finder.find(images, near)]
        found += faces
        if not skip and None in faces:
            raise NoFace(f"{label(found.index(None))}: {finder.name} found no face; use an image with a frontal face at least 40 pixels tall")
        if follow:
            near = next((face.points for face in reversed(faces) if face is not None), None)
    points = [np.full((POINTS, 2), np.nan, np.float32) if face is None else face.points for face in found]
    crowded = [i for i, face in enumerate(found) if face is not None and face.others]
    if crowded:
        count = found[crowded[0]].others + 1
        warnings.warn(f"{label(crowded[0])}: {count} faces; the {'largest is followed' if follow else 'largest is taken'}", stacklevel=2)
    stacked = torch.from_numpy(np.stack(points).astype(np.float32)) if points else torch.zeros(0, POINTS, 2)
    return Detection(stacked, finder.name, [i for i, face in enumerate(found) if face is None], crowded)


@cache
def open_detector(name: str = "auto") -> Detector:
    """Load a detector by name, once. WeightsMissing when its weights cannot be had, ValueError on another name."""
    if name == "auto":
        return open_detector(_first_at_hand())
    if name == "face-alignment":
        from tlk.landmarks.face_alignment_detector import FaceAlignment

        return FaceAlignment()
    if name == "dlib":
        from tlk.landmarks.dlib_detector import Dlib

        return Dlib()
    raise ValueError(f"unknown detector {name!r}; choose auto, {' or '.join(DETECTORS)}")


def _first_at_hand() -> str:
    from tlk.landmarks.face_alignment_detector import missing_files

    if importlib.util.find_spec("face_alignment") and not missing_files():
        chosen, why = "face-alignment", "its weights are in torch hub's checkpoints folder"
    else:
        chosen, why = "dlib", "face-alignment's weights are not on this machine"
    print(f'landmarks: detector "auto" takes {chosen} ({why})', file=sys.stderr)
    return chosen


def largest(boxes: list[Box], near: np.ndarray | None = None) -> Box:
    """The largest box, or the one that overlaps most (intersection over union) with the face of the points ``near``."""
    if near is None:
        return max(boxes, key=_area)
    x, y, right, bottom = (float(v) for v in (*near.min(0), *near.max(0)))
    around = (x, y, right, bottom)
    return max(boxes, key=lambda box: (_overlap(box, around), _area(box)))


def _area(box: Box) -> float:
    return max(box[2] - box[0], 0.0) * max(box[3] - box[1], 0.0)


def _overlap(a: Box, b: Box) -> float:
    common = _area((max(a[0], b[0]), max(a[1], b[1]), min(a[2], b[2]), min(a[3], b[3])))
    return common / max(_area(a) + _area(b) - common, 1e-9)


def _finite(face: Face | None) -> Face | None:
    """A detector that answers NaN has found nothing."""
    return face if face is not None and np.isfinite(face.points).all() else None


def _image(frame: Tensor) -> np.ndarray:
    if frame.ndim != 3 or frame.shape[0] != 3:
        raise ValueError(f"detect takes frames of shape (3, h, w), not {tuple(frame.shape)}")
    if frame.is_floating_point():
        frame = (frame.clamp(0, 1) * 255).round().to(torch.uint8)
    return np.ascontiguousarray(frame.detach().cpu().permute(1, 2, 0).numpy())


def _batches(images: Iterable[np.ndarray], size: int) -> Iterator[list[np.ndarray]]:
    images = iter(images)
    while batch := list(itertools.islice(images, size)):
        yield batch
