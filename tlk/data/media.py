"""Frames of a video file, a photo or a folder of photos, one at a time, as they are meant to be seen."""

from __future__ import annotations

import os
import re
import warnings
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import av
import numpy as np
import torch
from PIL import Image, ImageOps, UnidentifiedImageError
from torch import Tensor

SMALLEST = 16  #: pixels of the shorter side; no detector finds a face in less
_IMAGES = (".png", ".jpg", ".jpeg", ".webp", ".bmp", ".tif", ".tiff", ".gif", ".ppm")
#: What ffmpeg would open although it is no video: text as a terminal's picture, lists that lead to other files.
_REFUSED = {"tty", "hls", "dash", "concat", "sdp", "imf", "bin", "adf", "idf"}


class Media:
    """Frames from somewhere, which can be gone through several times."""

    fps: float
    video: bool  #: frames follow each other in time
    one_view: bool  #: all frames have one size, so that one square can be cut out of all
    total: int | None  #: how many frames there are, as far as that is known

    def frames(self) -> Iterator[Tensor]:
        """uint8 (3, h, w)"""
        raise NotImplementedError

    def label(self, index: int) -> str:
        """What the index-th frame is called in messages."""
        raise NotImplementedError


def open_media(path: str | os.PathLike, fps: float | int | None = None, stride: int = 1, max_frames: int | None = None) -> Photos | Video:
    """What ``path`` holds. Its frames can be gone through several times; none is kept.

    ValueError, with one sentence that names the file, for what is not there or neither image nor video.
    """
    path = Path(path)
    if not path.exists():
        raise ValueError(f"{path} does not exist; give a video file, an image or a folder of images")
    if stride < 1 or (max_frames is not None and max_frames < 1) or (fps is not None and not fps > 0):
        raise ValueError(f"{path}: stride and max_frames must be at least 1 and fps positive, not {stride}, {max_frames} and {fps}")
    if path.is_dir():
        files = sorted((p for p in path.iterdir() if p.suffix.lower() in _IMAGES and not p.name.startswith(".")), key=_natural)
        if not files:
            raise ValueError(f"{path} holds no image ({', '.join(_IMAGES)}); give a folder of images, an image or a video file")
        return Photos(files[::stride][:max_frames], float(fps or 25))
    if _is_photo(path):
        return Photos([path], float(fps or 25))
    return Video(path, fps, stride, max_frames)


def read_image(path: Path) -> Tensor:
    """uint8 (3, h, w): turned as its EXIF says; transparent parts over white; grey, palette and 16 bit as RGB."""
    try:
        with Image.open(path) as image:
            image = ImageOps.exif_transpose(image)
            if image.mode.startswith("I;16") or image.mode == "I":
                image = Image.fromarray((np.asarray(image, dtype=np.float64) / 257).round().clip(0, 255).astype(np.uint8))
            if image.has_transparency_data:
                image = image.convert("RGBA")
                image = Image.alpha_composite(Image.new("RGBA", image.size, "white"), image)
            pixels = np.array(image.convert("RGB"))
    except (UnidentifiedImageError, OSError, SyntaxError, Image.DecompressionBombError) as error:
        raise ValueError(f"{path} is not a whole image ({error}); replace or remove it") from error
    return _checked(pixels, path)


@dataclass
class Photos(Media):
    """Images that need not have anything to do with each other."""

    files: list[Path]
    fps: float
    video = False  # frames do not follow each other in time

    @property
    def total(self) -> int:
        return len(self.files)

    @property
    def one_view(self) -> bool:
        """All have one size, so that one square can be cut out of all."""
        return len({read_image(file).shape for file in self.files}) == 1

    def frames(self) -> Iterator[Tensor]:
        """uint8 (3, h, w)"""
        return map(read_image, self.files)

    def label(self, index: int) -> str:
        return str(self.files[index])


class Video(Media):
    """Every ``stride``-th frame, or about ``fps`` frames a second (frames are left out, never invented)."""

    video = one_view = True

    def __init__(self, path: Path, fps: float | int | None, stride: int, max_frames: int | None) -> None:
        self.path, self.stride, self.max_frames = path, stride, max_frames
        with self._open() as container:
            stream = container.streams.video[0]
            self.rate = float(stream.average_rate or stream.guessed_rate or 25)
            self.declared: int = stream.frames
        self.wanted = float(fps) if fps is not None and fps < self.rate else None
        self.fps = self.wanted or self.rate / stride
        kept = None if self.wanted or not self.declared else -(-self.declared // stride)
        #: how many frames ``frames`` yields, as far as the file says
        self.total = kept if max_frames is None else min(kept or max_frames, max_frames)

    def label(self, index: int) -> str:
        return f"{self.path}, frame {index * self.stride if self.wanted is None else index}"

    def frames(self) -> Iterator[Tensor]:
        """uint8 (3, h, w)"""
        kept = 0
        for index, frame in self._decoded():
            time = float(frame.time) if frame.time is not None else index / self.rate
            due = index % self.stride == 0 if self.wanted is None else time * self.wanted >= kept - 0.01
            if due:
                kept += 1
                yield _checked(_upright(frame), self.path)
            if kept == self.max_frames:
                return
        if kept == 0:
            raise ValueError(f"{self.path} holds no frame that can be decoded: it is damaged or cut short; make or fetch it again")

    def _open(self) -> av.container.InputContainer:
        try:
            container = av.open(str(self.path.resolve()))  # from the root: no name can be taken for a protocol
        except (av.error.FFmpegError, ValueError, OSError) as error:
            raise ValueError(f"{self.path} is neither a video nor an image that can be read ({_reason(error)}); it may be damaged or cut short") from error
        if container.format.name in _REFUSED or not container.streams.video:
            container.close()
            raise ValueError(f"{self.path} holds no video; give a video file, an image or a folder of images")
        return container

    def _decoded(self) -> Iterator[tuple[int, av.VideoFrame]]:
        """Every frame that can be decoded; a warning when some cannot, as in a file that breaks off."""
        index = -1
        with self._open() as container:
            container.streams.video[0].thread_type = "AUTO"
            try:
                for packet in container.demux(video=0):
                    for frame in _decode(packet):
                        index += 1
                        yield index, frame
            except (av.error.FFmpegError, EOFError) as error:
                if index < 0:
                    raise ValueError(f"{self.path} cannot be decoded ({_reason(error)}); it is damaged or cut short") from error
        if 0 <= index < 0.95 * self.declared - 1:
            warnings.warn(f"{self.path} is cut short or damaged: {index + 1} of {self.declared} frames can be read, and these are used", stacklevel=2)
            self.declared = index + 1  # said once


def _decode(packet: av.Packet) -> list[av.VideoFrame]:
    """A damaged packet is no reason to give up those behind it, or those that the decoder still holds."""
    try:
        return packet.decode()
    except av.error.InvalidDataError:
        return []


def _upright(frame: av.VideoFrame) -> np.ndarray:
    """Phones store how the picture is to be turned (degrees, counter-clockwise) beside it."""
    return np.ascontiguousarray(np.rot90(frame.to_ndarray(format="rgb24"), round(frame.rotation / 90)))


def _checked(pixels: np.ndarray, path: Path) -> Tensor:
    height, width = pixels.shape[:2]
    if min(height, width) < SMALLEST:
        raise ValueError(f"{path} is {width} x {height} pixels, too small to hold a face; use one of at least {SMALLEST} pixels a side, better 256")
    return torch.from_numpy(pixels).permute(2, 0, 1)


def _is_photo(path: Path) -> bool:
    """Whether Pillow knows the file and it does not move (an animated GIF is a video)."""
    try:
        with Image.open(path) as image:
            return getattr(image, "n_frames", 1) == 1
    except Image.DecompressionBombError as error:
        raise ValueError(f"{path} is larger than any photo should be ({error}); make it smaller first") from error
    except (UnidentifiedImageError, OSError, SyntaxError):
        return path.suffix.lower() in _IMAGES  # a broken photo: read_image says so


def _natural(path: Path) -> list[tuple[bool, int | str]]:
    """frame2 before frame10."""
    return [(not part.isdigit(), int(part) if part.isdigit() else part) for part in re.split(r"(\d+)", path.name) if part]


def _reason(error: Exception) -> str:
    return getattr(error, "strerror", None) or str(error)
