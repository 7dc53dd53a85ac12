"""Any video, photo or folder of photos → a cropped ``Clip`` with landmarks."""

from __future__ import annotations

import os
import warnings
from pathlib import Path

import torch

from tlk.data.clip import Clip
from tlk.data.disk import load_clip
from tlk.data.media import Media, open_media
from tlk.landmarks import Detection, Detector, NoFace, crop_image, crop_square, detect


def read_clip(
    path: str | os.PathLike, size: int = 256, detector: str | Detector = "auto", *,
    max_frames: int | None = None, stride: int = 1, fps: float | int | None = None, progress: bool = True,
) -> Clip:
    """Frames and landmarks of a video file, an image, or a folder of images (in natural order of their names).

    Each frame is cut to a square (``tlk.landmarks.crop_square``) and resampled to ``size`` pixels. A video, and
    a folder of images of one size, has one square for all frames, so that head motion stays; photos of different
    sizes have one each. Frames without a face are left out: a warning and ``clip.source`` list them.
    A folder or ``.tar`` that ``save_clip`` wrote is loaded and resized.

    detector: see ``tlk.landmarks.detect``. Only every ``stride``-th frame is read, or about ``fps`` frames a
    second where ``fps`` is given and lower than the file's; at most ``max_frames``.
    Raises NoFace when no frame shows a face, and ValueError for a file that is missing, damaged, no video or
    image, or too small: one sentence that names the file.
    """
    path = Path(path)
    if size < 1:
        raise ValueError(f"{path}: size must be at least one pixel, not {size}")
    if path.suffix == ".tar" or (path / "meta.json").is_file():
        return load_clip(path)[::stride][:max_frames].resize(size)
    return clip_of_media(open_media(path, fps, stride, max_frames), path, size, detector, progress)


def clip_of_media(media: Media, path: Path, size: int = 256, detector: str | Detector = "auto", progress: bool = True) -> Clip:
    """``read_clip`` for frames that are opened already (``tlk.data.media.open_media``, or anything like it)."""
    found = _find(media, path, detector, progress)
    return _cut(media, found, path, size)


def _find(media: Media, path: Path, detector: str | Detector, progress: bool) -> Detection:
    bar = progress and media.total != 1
    found = detect(media.frames(), detector, skip=True, follow=media.video, progress=bar, total=media.total, label=media.label)
    count, without = len(found.points), len(found.skipped)
    if without == count:
        where = f"any of its {count} frames" if count > 1 else "it"
        raise NoFace(f"{path}: {found.detector} found no face in {where}; use a picture in which the face looks ahead and is at least 40 pixels tall")
    if without:
        warnings.warn(f"{path}: no face in {without} of {count} frames, which are left out: {_some(found.skipped)}", stacklevel=4)
    return found


def _cut(media: Media, found: Detection, path: Path, size: int) -> Clip:
    square = crop_square(found.points) if media.one_view else None
    frames, landmarks = [], []
    for frame, points in zip(media.frames(), found.points, strict=False):
        if torch.isfinite(points).all():
            here = square or crop_square(points[None])
            frames.append(crop_image(frame, here, size))
            landmarks.append(here.points(points, size))
    source = f"{path}; landmarks by {found.detector}"
    if found.skipped:
        source += f"; no face in {len(found.skipped)} of {len(found.points)} frames, left out: {_some(found.skipped)}"
    return Clip(torch.stack(frames), torch.stack(landmarks), media.fps, path.stem, source, square=square)


def _some(numbers: list[int]) -> str:
    return ", ".join(map(str, numbers[:20])) + (f" and {len(numbers) - 20} more" if len(numbers) > 20 else "")
