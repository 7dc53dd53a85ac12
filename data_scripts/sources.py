"""A source of a prepared set, read: as a clip with its row in the manifest, or as the reason why it is left out."""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tlk.data import Clip
from tlk.data.media import open_media
from tlk.data.reading import clip_of_media
from tlk.data.shards import COLUMNS
from tlk.landmarks import EYE_CORNERS

from .cutting import Counting, Cutting


@dataclass(frozen=True)
class Source:
    """A video, a photo or a folder of frames that becomes one clip."""

    name: str  #: of the clip; unique in the set
    split: str  #: train or test
    person: str
    path: str
    start: float = 0.0  #: seconds; what comes before is left out
    end: float | None = None  #: and what comes from here on
    box: tuple[float, float, float, float] | None = None  #: left, top, right, bottom of the face's surroundings; shares of the frame, or pixels


@dataclass(frozen=True)
class Settings:
    """What a prepared set depends on, apart from its sources."""

    size: int = 256
    fps: float | None = None
    max_frames: int | None = None
    min_frames: int = 9  #: K + 1 of the preset ``paper``
    min_eyes: float = 20  #: pixels of the source between the outer eye corners
    detector: str = "auto"
    image: str = "png"
    shard: int = 32  #: sources in a shard


def read_source(source: Source, settings: Settings) -> tuple[Clip | None, dict[str, Any]]:
    """A source as a clip and its row in the manifest; no clip, and the reason in ``dropped``, when it is not fit."""
    row: dict[str, Any] = {name: "" for name in COLUMNS} | {"name": source.name, "split": source.split, "person": source.person, "source": source.path}
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # what they would say stands in the row
            clip, share = _read(source, settings)
    except (ValueError, OSError) as error:
        return None, row | {"dropped": " ".join(str(error).split())}
    eyes, shake = eye_distance(clip), tremble(clip)
    row |= {"frames": len(clip), "fps": f"{clip.fps:g}", "faces": f"{share:.3f}", "eyes": f"{eyes:.1f}", "tremble": f"{shake:.4f}"}
    if len(clip) < settings.min_frames:
        return None, row | {"dropped": f"{source.path}: a face in {len(clip)} frames, fewer than {settings.min_frames}"}
    if eyes < settings.min_eyes:
        return None, row | {"dropped": f"{source.path}: the eyes are {eyes:.0f} pixels apart, fewer than {settings.min_eyes:g}"}
    clip.name, clip.source = source.name, f"{Path(source.path).name}; landmarks by {settings.detector}"
    return clip, row


def _read(source: Source, settings: Settings) -> tuple[Clip, float]:
    """The clip, and the share of the frames in which a face was found."""
    part = source.box is not None or source.start > 0 or source.end is not None
    media = open_media(source.path, settings.fps, 1, None if part else settings.max_frames)
    if part:
        media = Cutting(media, source.start, source.end, source.box, settings.max_frames)
    seen = Counting(media)
    clip = clip_of_media(seen, Path(source.path), settings.size, settings.detector, progress=False)
    return clip, len(clip) / max(seen.count, 1)


def eye_distance(clip: Clip) -> float:
    """Median distance of the outer eye corners, in pixels of the source video."""
    distance = (clip.landmarks[:, EYE_CORNERS[0]] - clip.landmarks[:, EYE_CORNERS[1]]).norm(dim=-1).nanmedian().item()
    return distance * (clip.square.side / clip.size if clip.square is not None else 1)


def tremble(clip: Clip) -> float:
    """Median second difference of the landmarks in time over the eyes' distance: how much the detector shakes."""
    if len(clip) < 3:
        return 0.0
    eyes = (clip.landmarks[:, EYE_CORNERS[0]] - clip.landmarks[:, EYE_CORNERS[1]]).norm(dim=-1).nanmedian()
    return (clip.landmarks.diff(n=2, dim=0).norm(dim=-1).nanmedian() / eyes.clamp_min(1e-6)).item()
