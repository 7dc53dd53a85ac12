"""How damaged inputs are used: each of these reads a path as a user's program would."""

from __future__ import annotations

from pathlib import Path

from data_scripts.check import check
from data_scripts.sources import Settings, Source, read_source
from tlk.data import load_clips, open_set, read_clip
from tlk.data.shards import stored_clips
from tlk.learning import MetaLearning

from .materials import PEOPLE, Middle


def read(path: Path) -> object:
    return read_clip(path, 32, Middle(), progress=False)


def prepare(path: Path) -> object:
    """As the preparing programs read a source: a clip, or a row that says why not."""
    made, row = read_source(Source("c", "train", "p", str(path)), Settings(size=32, min_frames=2, min_eyes=2, detector=Middle()))
    if made is None:
        raise ValueError(row["dropped"])
    return made


def use_shard(path: Path) -> object:
    return list(load_clips(path)), [stored[:] for stored in stored_clips(path)]


def use_set(path: Path) -> object:
    faults = check(path)
    if faults:
        raise ValueError(faults[0])
    return [stored[:] for stored in open_set(path)]


def use_checkpoint(path: Path) -> object:
    return MetaLearning.resume(path, PEOPLE).one_step()


def load_clips_of(path: Path) -> object:
    return list(load_clips(path))
