"""Floor 0: the 68 points and their groups, rasterising, detection, cropping."""

from tlk.landmarks.crop import Square, crop_image, crop_square, paste_back
from tlk.landmarks.detect import Detection, Detector, Face, NoFace, detect, open_detector
from tlk.landmarks.points import EYE_CORNERS, GROUPS, POINTS, PUPILS, Group
from tlk.landmarks.raster import line_width_of, rasterise

__all__ = [
    "EYE_CORNERS", "GROUPS", "POINTS", "PUPILS", "Detection", "Detector", "Face", "Group", "NoFace", "Square",
    "crop_image", "crop_square", "detect", "line_width_of", "open_detector", "paste_back", "rasterise",
]  # fmt: skip
