"""Who is drawn: unseen people, each with frames to learn from and frames to be judged by that lie apart.

Interleaved frames would make copying the nearest one look unbeatable, so source and hold-out come from two
motions (rendered people) or from two parts of a video with a gap between them (real ones).
"""

from __future__ import annotations

import hashlib
import math
import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from tlk.data import Clip, heads, read_clip

SOURCE_END, HOLDOUT_START = 0.4, 0.6  #: of a video's frames
VIDEOS = (".avi", ".mkv", ".mov", ".mp4", ".webm")  #: what is taken from a folder; a file that is named may be anything


@dataclass
class Subject:
    """One person. Of the hold-out frames a system uses nothing but the landmarks."""

    group: str  #: the table that the person belongs to: ``rendered`` or ``real``
    name: str
    source: Clip
    holdout: Clip
    seed: int | None = None  #: of a rendered person

    def take(self, count: int) -> Clip:
        """``count`` source frames, evenly spread. Raises ValueError when there are fewer."""
        if not 1 <= count <= len(self.source):
            raise ValueError(f"{self.name} has {len(self.source)} source frames, not {count}; ask for fewer with --sources")
        return self.source[spread(len(self.source), count)]

    @property
    def digest(self) -> str:
        """First 16 digits of the SHA-256 of all frames and landmarks."""
        digest = hashlib.sha256()
        for clip in (self.source, self.holdout):
            digest.update(clip.frames.contiguous().numpy().tobytes() + clip.landmarks.contiguous().numpy().tobytes())
        return digest.hexdigest()[:16]


def spread(length: int, count: int) -> list[int]:
    """The middles of ``count`` equal parts of ``length`` frames; all frames when there are no more."""
    count = min(count, length)
    return [int((i + 0.5) * length / count) for i in range(count)]


def rendered(people: int, frames: int = 32, size: int = 64, sources: int = 32, split: str = "test") -> list[Subject]:
    """The first ``people`` of a split: frames to learn from show one motion, ``frames`` hold-out frames another."""
    if people == 0:
        return []
    clips = heads.dataset(split, people, max(frames, sources, 32), size, clips_per_person=2)
    pairs = zip(clips[::2], clips[1::2], heads.people(split, people), strict=True)
    return [Subject("rendered", a.name.rsplit("-", 1)[0], a, b[:frames], seed) for a, b, seed in pairs]


def real(paths: Sequence[str | os.PathLike], frames: int = 32, size: int = 64, detector: str = "dlib") -> list[Subject]:
    """Videos, or folders of videos: source frames from the first 40 % of each, up to ``frames`` hold-out frames from the last 40 %.

    Raises ValueError for a folder without videos, a video that cannot be read, or one under 10 frames.
    """
    files = [file for path in paths for file in _videos(Path(path))]
    subjects = [split_clip(read_clip(file, size, detector), frames) for file in files]
    if len({s.name for s in subjects}) < len(subjects):
        raise ValueError(f"two of the videos have the same name ({', '.join(s.name for s in subjects)}); rename one")
    return subjects


def split_clip(clip: Clip, frames: int = 32) -> Subject:
    """One video as a subject of the group ``real``; see ``real``."""
    if len(clip) < 10:
        raise ValueError(f"{clip.name} has {len(clip)} frames; an evaluation needs 10, for frames to learn from, a gap and frames to be judged by")
    end, start = math.floor(SOURCE_END * len(clip)), math.ceil(HOLDOUT_START * len(clip))
    last = clip[start:]
    return Subject("real", clip.name, clip[:end], last[spread(len(last), frames)])


def _videos(path: Path) -> list[Path]:
    if not path.is_dir():
        return [path]
    found = sorted(p for p in path.iterdir() if p.suffix.lower() in VIDEOS)
    if not found:
        raise ValueError(f"{path} holds no video ({', '.join(VIDEOS)}); name a video file or a folder of them")
    return found
