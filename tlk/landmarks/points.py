"""The 68 iBUG points: which belong together, in which order they are drawn, in which colour.

Order and colours are those of the code that two of the paper's authors published later.
"""

from __future__ import annotations

from dataclasses import dataclass

POINTS = 68  #: points a detector gives
PUPILS = (68, 69)  #: optional centres of the right and the left pupil (the person's right is the picture's left)
EYE_CORNERS = (36, 45)  #: outer corners; their distance is the inter-ocular distance of NME


@dataclass(frozen=True)
class Group:
    """One polyline: points ``first`` to ``last`` (inclusive), joined back to the first where ``closed``."""

    name: str
    first: int
    last: int
    colour: tuple[int, int, int]  #: RGB, 0 or 255
    closed: bool = False

    @property
    def indices(self) -> list[int]:
        return list(range(self.first, self.last + 1))

    @property
    def segments(self) -> list[tuple[int, int]]:
        """Pairs of point numbers that a line joins."""
        ring = self.indices + [self.first] * self.closed
        return list(zip(ring, ring[1:], strict=False))


#: In drawing order: a later group lies over an earlier one where they cross.
GROUPS: tuple[Group, ...] = (
    Group("jaw", 0, 16, (255, 255, 255)),
    Group("right brow", 17, 21, (255, 0, 0)),
    Group("left brow", 22, 26, (0, 255, 0)),
    Group("nose bridge", 27, 30, (0, 0, 255)),
    Group("nostrils", 31, 35, (0, 0, 255)),
    Group("right eye", 36, 41, (255, 0, 255), closed=True),
    Group("left eye", 42, 47, (0, 255, 255), closed=True),
    Group("outer lips", 48, 59, (255, 255, 0), closed=True),
    Group("inner lips", 60, 67, (255, 255, 0), closed=True),
)
PUPIL_COLOUR = (255, 255, 255)  #: drawn last, where 70 points are given
