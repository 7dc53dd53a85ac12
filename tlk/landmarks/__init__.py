"""Floor 0: the 68 points and their groups, rasterising, detection, cropping."""

from tlk.landmarks.crop import Square, crop_square
from tlk.landmarks.points import EYE_CORNERS, GROUPS, POINTS, PUPILS, Group
from tlk.landmarks.raster import line_width_of, rasterise

__all__ = ["EYE_CORNERS", "GROUPS", "POINTS", "PUPILS", "Group", "Square", "crop_square", "line_width_of", "rasterise"]
