"""Clips in tar shards, read frame by frame without unpacking; and sets of shards with the manifest that numbers them.

A prepared set is a folder::

    manifest.csv                one row a clip, kept or dropped, in the order of the plan (see ``COLUMNS``)
    train-000000.tar ...        WebDataset shards in the project's clip format (tlk.data.disk)
    train-000000.index.npz      where each file of the shard lies; made again when it is missing or does not fit

``row`` counts the kept clips of a split: it is the clip's row of W, fixed once the set is prepared.
"""

from __future__ import annotations

import csv
import hashlib
import io
import itertools
import os
import tarfile
from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path

import numpy as np
from PIL import Image
from torch import Tensor

from tlk.data.clip import Clip
from tlk.data.disk import clip_of_files, split_member
from tlk.files import write_whole

MANIFEST = "manifest.csv"
#: faces: share of frames in which a face was found; eyes: median distance of the outer eye corners in source pixels;
#: tremble: median second difference of the landmarks over that distance; sha256: of the clip's files, see ``StoredClip``.
COLUMNS = ("name", "split", "person", "source", "row", "shard", "frames", "fps", "faces", "eyes", "tremble", "sha256", "dropped")


@dataclass(frozen=True)
class StoredClip:
    """A clip in a shard. To ``Episodes`` it is like a ``Clip``: ``len``, ``name``, ``size``, ``resize``, indexing.

    Only the frames that are asked for are read and decoded.
    """

    shard: Path
    name: str
    frames: tuple[tuple[str, int, int], ...]  #: of each frame: file name, offset in the shard, bytes
    files: tuple[tuple[str, int, int], ...]  #: the same of landmarks.npy, meta.json and truth
    size: int  #: pixels that frames are given out with

    def __len__(self) -> int:
        return len(self.frames)

    def resize(self, size: int) -> StoredClip:
        return replace(self, size=size)

    def __getitem__(self, index: int | slice | list[int] | Tensor) -> Clip:
        """The frames of ``index`` (as for ``Clip``), decoded now. ValueError names a shard that is damaged."""
        wanted = np.atleast_1d(np.arange(len(self))[index.numpy() if isinstance(index, Tensor) else index]).tolist()
        picked = sorted(set(wanted))
        members = (*self.files, *(self.frames[i] for i in picked))
        files = {name: (lambda offset=offset, size=size: self._read(offset, size)) for name, offset, size in members}
        clip = clip_of_files(files, f"{self.shard}, clip {self.name}", picked)
        place = {i: n for n, i in enumerate(picked)}
        return clip[[place[i] for i in wanted]].resize(self.size)

    def sha256(self) -> str:
        """Of the bytes of the clip's files, frames first."""
        digest = hashlib.sha256()
        for _, offset, size in (*self.frames, *self.files):
            digest.update(self._read(offset, size))
        return digest.hexdigest()

    def _read(self, offset: int, size: int) -> bytes:
        data = os.pread(_descriptor(self.shard, os.getpid()), size, offset)
        if len(data) != size:
            raise ValueError(f"{self.shard} is shorter than its index says: it is damaged or cut short; prepare or fetch this shard again")
        return data


AnyClip = Clip | StoredClip  #: what episodes are drawn from


@lru_cache(maxsize=256)
def _descriptor(path: Path, process: int) -> int:
    """One open file for a shard and process; ``pread`` keeps no position, so threads may share it."""
    return os.open(path, os.O_RDONLY)


def stored_clips(shard: str | os.PathLike) -> list[StoredClip]:
    """The clips of one shard, in order. ValueError when it is not a whole shard."""
    shard = Path(shard)
    index = _index(shard)
    members = list(zip(index["names"].tolist(), index["offsets"].tolist(), index["sizes"].tolist()))
    ends = np.cumsum(index["counts"]).tolist()
    clips = []
    for key, start, end in zip(index["keys"].tolist(), [0, *ends], ends):
        images = tuple(m for m in members[start:end] if not m[0].endswith((".npy", ".json")))
        rest = tuple(m for m in members[start:end] if m[0].endswith((".npy", ".json")))
        clips.append(StoredClip(shard, key, images, rest, int(index["pixels"])))
    return clips


def _index(shard: Path) -> dict[str, np.ndarray]:
    """The index beside the shard; made (and written, where that is allowed) when it is missing or of another shard."""
    path = shard.with_suffix(".index.npz")
    try:
        size = shard.stat().st_size
    except OSError as error:
        raise ValueError(f"{shard} cannot be read ({error.strerror}); prepare or fetch this shard again") from error
    try:
        with np.load(path, allow_pickle=False) as file:
            index = dict(file)
        if int(index["bytes"]) == size:
            return index
    except Exception:  # numpy and zipfile raise a dozen kinds for a damaged file, and this one can be made again
        pass
    index = _scan(shard) | {"bytes": np.int64(size)}
    try:
        with write_whole(path) as temporary:
            np.savez(temporary, **index)
    except OSError:  # a set on a disk that may not be written: it is made again each time
        pass
    return index


def _scan(shard: Path) -> dict[str, np.ndarray]:
    keys, counts, names, offsets, sizes, pixels = [], [], [], [], [], 0
    try:
        with tarfile.open(shard, "r:") as tar:
            found = ((*split_member(m.name, shard), m) for m in tar if m.isfile())
            for key, group in itertools.groupby(found, key=lambda item: item[0]):
                members = sorted((name, m.offset_data, m.size) for _, name, m in group)
                keys.append(key)
                counts.append(len(members))
                names += [m[0] for m in members]
                offsets += [m[1] for m in members]
                sizes += [m[2] for m in members]
        if keys:
            pixels = _pixels(shard, offsets[0], sizes[0])
    except (tarfile.TarError, EOFError, OSError) as error:
        raise ValueError(f"{shard} is not a whole tar shard ({error}); prepare or fetch it again") from error
    return {
        "keys": np.array(keys, dtype=str), "counts": np.array(counts, dtype=np.int64), "names": np.array(names, dtype=str),
        "offsets": np.array(offsets, dtype=np.int64), "sizes": np.array(sizes, dtype=np.int64), "pixels": np.int64(pixels),
    }


def _pixels(shard: Path, offset: int, size: int) -> int:
    """Side of the first frame (frames sort before the other files)."""
    with open(shard, "rb") as file:
        file.seek(offset)
        with Image.open(io.BytesIO(file.read(size))) as image:
            return image.width


def read_manifest(folder: str | os.PathLike) -> list[dict[str, str]]:
    """The rows of a prepared set's manifest. ValueError when there is none, or it is not one."""
    path = Path(folder) / MANIFEST
    if not path.is_file():
        raise ValueError(f"{folder} is not a prepared set: it holds no {MANIFEST}; the programs in data_scripts make one")
    try:
        with open(path, newline="", encoding="utf-8") as file:
            rows = list(csv.DictReader(file, strict=True))
    except (csv.Error, UnicodeDecodeError) as error:
        raise ValueError(f"{path} is damaged ({error}); run the program that prepared the set again") from error
    if rows and (set(rows[0]) != set(COLUMNS) or None in rows[-1].values()):
        raise ValueError(f"{path} does not have the columns {', '.join(COLUMNS)} in every row; run the program that prepared the set again")
    return rows


def open_set(folder: str | os.PathLike, split: str = "train") -> list[StoredClip]:
    """The kept clips of a split, clip i being row i of W; nothing is decoded yet.

    ValueError when the set holds no such clips, its rows do not count up, or a shard does not hold what the manifest says.
    """
    path = Path(folder) / MANIFEST
    rows = [row for row in read_manifest(folder) if row["split"] == split and not row["dropped"]]
    if not rows:
        raise ValueError(f"{path} lists no clip of split {split!r} that was kept")
    if [row["row"] for row in rows] != [str(n) for n in range(len(rows))]:
        raise ValueError(f"{path}: the rows of split {split!r} do not count from 0 up, so rows of W would belong to other clips; merge the set again")
    clips: list[StoredClip] = []
    for shard, group in itertools.groupby(rows, key=lambda row: row["shard"]):
        if Path(shard).name != shard or not shard.endswith(".tar"):
            raise ValueError(f"{path}: {shard!r} is not the name of a shard beside it; do not use this set")
        wanted, stored = list(group), stored_clips(Path(folder) / shard)
        if len(wanted) != len(stored) or any(row["frames"] != str(len(clip)) for row, clip in zip(wanted, stored)):
            raise ValueError(f"{Path(folder) / shard} does not hold the clips that {MANIFEST} says; prepare this shard again")
        clips += [replace(clip, name=row["name"]) for row, clip in zip(wanted, stored)]
    return clips
