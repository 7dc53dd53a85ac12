"""Parts of a video: some of its frames, a box of each. Stand in for ``tlk.data.media``'s Photos and Video."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from dataclasses import dataclass

from torch import Tensor

from tlk.data.media import Media


@dataclass
class Cutting(Media):
    """The frames from ``start`` to ``end`` (seconds), at most ``most`` of them, cut to a box."""

    media: Media
    start: float = 0.0
    end: float | None = None
    box: tuple[float, float, float, float] | None = None  #: left, top, right, bottom: shares of the frame, or pixels when one is over 1.5
    most: int | None = None

    def __post_init__(self) -> None:
        self.fps, self.video, self.one_view, self.label = self.media.fps, self.media.video, self.media.one_view, self.media.label
        self.total = None

    def frames(self) -> Iterator[Tensor]:
        first, last = (None if t is None else round(t * self.fps) for t in (self.start, self.end))
        for frame in itertools.islice(itertools.islice(self.media.frames(), first, last), self.most):
            yield frame if self.box is None else _boxed(frame, self.box)


def _boxed(frame: Tensor, box: tuple[float, float, float, float]) -> Tensor:
    height, width = frame.shape[1:]
    across, down = (1, 1) if max(box) > 1.5 else (width, height)
    left, right = (round(min(max(v * across, 0), width)) for v in box[::2])
    top, bottom = (round(min(max(v * down, 0), height)) for v in box[1::2])
    if min(right - left, bottom - top) < 2:
        raise ValueError(f"the box {box} lies outside the frame; check the list that it comes from")
    return frame[:, top:bottom, left:right]


class Counting(Media):
    """The same frames; ``count`` says how many there were."""

    def __init__(self, media: Media) -> None:
        self.media, self.count = media, 0
        self.fps, self.video, self.one_view, self.label, self.total = media.fps, media.video, media.one_view, media.label, media.total

    def frames(self) -> Iterator[Tensor]:
        self.count = 0
        for frame in self.media.frames():
            self.count += 1
            yield frame
