"""Parts of a video: some of its frames, a box of each. Stand in for ``tlk.data.media``'s Photos and Video."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from dataclasses import dataclass

from torch import Tensor

from tlk.data.media import Photos, Video


@dataclass
class Cutting:
    """Frames ``first`` to ``last`` (excluded), cut to a box that is given in shares of the frame, at most ``most`` of them."""

    media: Photos | Video
    first: int = 0
    last: int | None = None
    box: tuple[float, float, float, float] | None = None  #: left, top, right, bottom
    most: int | None = None

    def __post_init__(self) -> None:
        self.fps, self.video, self.one_view, self.label = self.media.fps, self.media.video, self.media.one_view, self.media.label
        self.total = None

    def frames(self) -> Iterator[Tensor]:
        for frame in itertools.islice(itertools.islice(self.media.frames(), self.first, self.last), self.most):
            yield frame if self.box is None else _boxed(frame, self.box)


def _boxed(frame: Tensor, box: tuple[float, float, float, float]) -> Tensor:
    height, width = frame.shape[1:]
    left, right = (round(min(max(v, 0), 1) * width) for v in box[::2])
    top, bottom = (round(min(max(v, 0), 1) * height) for v in box[1::2])
    if min(right - left, bottom - top) < 2:
        raise ValueError(f"the box {box} lies outside the frame; check the list that it comes from")
    return frame[:, top:bottom, left:right]


class Counting:
    """The same frames; ``count`` says how many there were."""

    def __init__(self, media: Photos | Video | Cutting) -> None:
        self.media, self.count = media, 0
        self.fps, self.video, self.one_view, self.label, self.total = media.fps, media.video, media.one_view, media.label, media.total

    def frames(self) -> Iterator[Tensor]:
        self.count = 0
        for frame in self.media.frames():
            self.count += 1
            yield frame
