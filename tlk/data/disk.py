"""Clips on disk: the one format, readable with any PNG, .npy and .json reader.

A clip is a folder::

    00000.png 00001.png ...   frames in order, RGB, square (.jpg, .jpeg and .webp are read too)
    landmarks.npy             float32 (f, 68, 2), pixels of these frames, centres at integers
    meta.json                 {"format": "tlk-clip", "version": 1, "name", "fps", "source", "square", "truth": {...}}
    truth.<name>.npy          one array for each tensor in ``truth``

or one sample of a tar shard by WebDataset's convention: the same files, each named ``<key>.<file>``, where the
key has no dot. Nothing is ever unpacked to disk from a shard, and arrays are read without pickle.
"""

from __future__ import annotations

import io
import itertools
import json
import os
import re
import tarfile
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path, PurePosixPath
from typing import Any

import numpy as np
import torch
from PIL import Image, UnidentifiedImageError
from torch import Tensor

from tlk.data.clip import Clip
from tlk.files import write_whole
from tlk.landmarks import Square

FORMAT = "tlk-clip"
VERSION = 1
_IMAGES = (".png", ".jpg", ".jpeg", ".webp")
_SAVED_AS = {"png": {"format": "png", "compress_level": 1}, "jpg": {"format": "jpeg", "quality": 95, "subsampling": 0}}


def save_clip(clip: Clip, path: str | os.PathLike) -> Path:
    """Write a clip as a folder, or as a shard of one where ``path`` ends in ``.tar``; whole or not at all.

    ValueError when a folder with files is already there, or ``truth`` holds what the format cannot.
    """
    path = Path(path)
    if path.suffix == ".tar":
        return save_clips([clip], path)
    if path.is_file() or (path.is_dir() and any(path.iterdir())):
        raise ValueError(f"{path} exists already; give the name of a new folder for clip {clip.name}")
    members = _members(clip)
    with write_whole(path) as folder:
        folder.mkdir()
        for name, data in members.items():
            (folder / name).write_bytes(data)
    return path


def save_clips(clips: Iterable[Clip], path: str | os.PathLike, image: str = "png") -> Path:
    """Write clips, in order, as the samples of one tar shard; whole or not at all. The same clips give the same bytes.

    image: ``png`` (exact), or ``jpg``, a fifth of the size, at quality 95.
    """
    with write_whole(path) as temporary, tarfile.open(temporary, "w") as shard:
        for number, clip in enumerate(clips):
            key = f"{number:06d}-{re.sub(r'[^A-Za-z0-9_-]+', '_', clip.name)[:80]}"
            for name, data in _members(clip, image).items():
                info = tarfile.TarInfo(f"{key}.{name}")
                info.size = len(data)
                shard.addfile(info, io.BytesIO(data))
    return Path(path)


def load_clip(path: str | os.PathLike) -> Clip:
    """Read a folder or a shard that holds one clip. ValueError names the file that is missing or broken."""
    path = Path(path)
    if path.is_dir():
        return clip_of_files({p.name: p.read_bytes for p in sorted(path.iterdir()) if p.is_file() and not p.name.startswith(".")}, str(path))
    clips = list(itertools.islice(load_clips(path), 2))
    if len(clips) != 1:
        raise ValueError(f"{path} holds {'several clips' if clips else 'no clip'}; load_clips reads a shard of any number")
    return clips[0]


def load_clips(path: str | os.PathLike) -> Iterator[Clip]:
    """Every clip of a tar shard, or of a folder of clip folders and shards (sorted by name), one at a time."""
    path = Path(path)
    if not path.exists():
        raise ValueError(f"{path} does not exist; give a folder of a clip, a folder of clips or a .tar shard")
    if path.is_file():
        yield from _shard(path)
    elif (path / "meta.json").is_file():
        yield load_clip(path)
    else:
        for child in sorted(path.iterdir()):
            if child.suffix == ".tar" or (child / "meta.json").is_file():
                yield from load_clips(child)


def _members(clip: Clip, kind: str = "png") -> dict[str, bytes]:
    """File name → content, in the order in which they are written."""
    if kind not in _SAVED_AS:
        raise ValueError(f"frames are saved as {' or '.join(_SAVED_AS)}, not {kind!r}")
    images = clip.frames.permute(0, 2, 3, 1).contiguous().cpu().numpy()
    members = {f"{i:05d}.{kind}": _encoded(image, kind) for i, image in enumerate(images)}
    members["landmarks.npy"] = _npy(clip.landmarks.float())
    plain = {}
    for name, value in clip.truth.items():
        if not re.fullmatch(r"[A-Za-z0-9_-]+", name):
            raise ValueError(f"clip {clip.name}: truth[{name!r}] cannot be saved; use a name of letters, digits, - and _")
        if isinstance(value, Tensor | np.ndarray):
            members[f"truth.{name}.npy"] = _npy(torch.as_tensor(value))
        else:
            plain[name] = value
    meta = {"format": FORMAT, "version": VERSION, "name": clip.name, "fps": clip.fps, "source": clip.source, "truth": plain}
    if clip.square is not None:
        meta["square"] = [clip.square.left, clip.square.top, clip.square.side]
    try:
        members["meta.json"] = (json.dumps(meta, indent=1, ensure_ascii=False) + "\n").encode()
    except TypeError as error:
        raise ValueError(f"clip {clip.name}: truth cannot be saved ({error}); keep tensors, numbers, text and lists of them in it") from error
    return members


def _encoded(image: np.ndarray, kind: str) -> bytes:
    out = io.BytesIO()
    Image.fromarray(image).save(out, **_SAVED_AS[kind])
    return out.getvalue()


def _npy(value: Tensor) -> bytes:
    out = io.BytesIO()
    np.save(out, value.detach().cpu().numpy(), allow_pickle=False)
    return out.getvalue()


def _shard(path: Path) -> Iterator[Clip]:
    """Files of one key stand together in a shard; a sample is complete when the key changes."""
    try:
        with tarfile.open(path, "r:") as shard:
            named = ((*split_member(member.name, path), member) for member in shard if member.isfile())
            for key, group in itertools.groupby(named, key=lambda item: item[0]):
                files = {name: shard.extractfile(member).read() for _, name, member in group}
                yield clip_of_files({name: (lambda data=data: data) for name, data in sorted(files.items())}, f"{path}, sample {key}")
    except (tarfile.TarError, EOFError, OSError) as error:
        raise ValueError(f"{path} is not a whole tar shard ({error}); make or fetch it again") from error


def split_member(name: str, path: Path) -> tuple[str, str]:
    """``folder/key.file.ext`` → key with folder, file.ext. ValueError for a name that leads out of the shard."""
    member = PurePosixPath(name)
    if member.is_absolute() or ".." in member.parts:
        raise ValueError(f"{path}: member {name!r} points outside the shard; do not use this file")
    key, _, rest = member.name.partition(".")
    return str(member.parent / key), rest


def clip_of_files(files: dict[str, Callable[[], bytes]], where: str, picked: list[int] | None = None) -> Clip:
    """Files by name (each a function that reads it, so that strangers in a folder are not read) → Clip.

    picked: ``files`` holds these frames alone, in this order, while landmarks and truth are those of the whole clip.
    """
    for name in ("meta.json", "landmarks.npy"):
        if name not in files:
            raise ValueError(f"{where}: {name} is missing; a clip is a folder or shard as tlk.data.save_clip writes it")
    frames = [_image(files[name], f"{where}: {name}") for name in files if Path(name).suffix.lower() in _IMAGES]
    if not frames or any(f.shape != frames[0].shape for f in frames):
        raise ValueError(f"{where}: {'its frames differ in size' if frames else 'there are no frames (.png)'}; save the clip again")
    meta = _meta(files["meta.json"], where)
    landmarks = _array(files["landmarks.npy"], f"{where}: landmarks.npy").float()
    _require_points(landmarks, where)
    arrays = {n[6:-4]: _array(files[n], f"{where}: {n}") for n in files if n.startswith("truth.") and n.endswith(".npy")}
    if picked is not None:
        if picked and max(picked) >= len(landmarks):
            raise ValueError(f"{where}: landmarks.npy has {len(landmarks)} frames and frame {max(picked)} is asked for; save the clip again")
        arrays = {n: a[picked] if a.ndim and len(a) == len(landmarks) else a for n, a in arrays.items()}
        landmarks = landmarks[picked]
    truth = {**meta["truth"], **arrays}
    try:
        square = Square(*map(float, meta["square"])) if meta["square"] else None
        return Clip(torch.stack(frames), landmarks, float(meta["fps"]), str(meta["name"]), str(meta["source"]), truth, square)
    except (ValueError, TypeError) as error:
        raise ValueError(f"{where}: {error}") from error


def _meta(read: Callable[[], bytes], where: str) -> dict[str, Any]:
    try:
        meta = json.loads(read())
    except (ValueError, RecursionError) as error:
        raise ValueError(f"{where}: meta.json is not JSON ({error})") from error
    if not isinstance(meta, dict) or meta.get("format") != FORMAT:
        raise ValueError(f'{where}: meta.json does not say "format": "{FORMAT}"; this is not a clip')
    if meta.get("version") != VERSION:
        raise ValueError(f"{where}: format version {meta.get('version')} is not {VERSION}; update tlk to read it")
    meta = {"name": Path(where).name, "fps": 25.0, "source": "", "square": None, "truth": {}, **meta}
    if not isinstance(meta["truth"], dict) or not isinstance(meta["fps"], int | float) or not meta["fps"] > 0:
        raise ValueError(f"{where}: meta.json needs a positive number for fps and an object for truth")
    return meta


def _image(read: Callable[[], bytes], where: str) -> Tensor:
    try:
        with Image.open(io.BytesIO(read())) as image:
            pixels = np.array(image.convert("RGB"))
    except (UnidentifiedImageError, OSError, SyntaxError, Image.DecompressionBombError) as error:
        raise ValueError(f"{where} is not a whole image; save the clip again") from error
    return torch.from_numpy(pixels).permute(2, 0, 1)


def _array(read: Callable[[], bytes], where: str) -> Tensor:
    try:
        return torch.from_numpy(np.load(io.BytesIO(read()), allow_pickle=False))
    except Exception as error:  # numpy raises half a dozen kinds, tokenize.TokenError among them
        raise ValueError(f"{where} is not a plain .npy array; save the clip again") from error


def _require_points(landmarks: Tensor, where: str) -> None:
    """Single points may be missing (NaN); a frame without any cannot be drawn and would train on black."""
    if landmarks.ndim == 3 and (empty := (~landmarks.isfinite().all(-1)).all(-1).nonzero().flatten().tolist()):
        raise ValueError(f"{where}: no landmark of frame {', '.join(map(str, empty[:10]))} is a number; leave such frames out")
