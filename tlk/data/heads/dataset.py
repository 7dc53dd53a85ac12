"""Clips of rendered people, made once and kept on disk."""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path

import numpy as np
import platformdirs
import torch
from safetensors.torch import load_file
from tqdm import tqdm

from tlk.data.clip import Clip
from tlk.data.heads.motion import Motion
from tlk.data.heads.person import Person
from tlk.data.heads.render import render
from tlk.files import write_tensors

SPLITS = {"train": 0, "validation": 1_000_000, "test": 2_000_000}  #: the first seed of each
SPACING = 0.4  #: seconds between the frames of a clip: a second of 25 frames shows too little of a person
CHUNK = 8  #: people in one file


def renderer_version(size: int) -> int:
    """The version of the renderer that draws pictures of ``size``: another number, other pictures, another cache.

    1: first people; 2: strands, glasses, hats; 3: teeth, eyes; 4: brows; 5: curls clear of the face, finer frames and beards;
    6: more samples a pixel, so that hair shimmers less. Above 72 pixels only: smaller pictures are version 5's to the bit.
    """
    return 5 if size <= 72 else 6


def people(split: str, count: int) -> list[int]:
    """The first ``count`` seeds of a split; splits never share a person. Raises ValueError for an unknown split."""
    if split not in SPLITS:
        raise ValueError(f"unknown split {split!r}; choose one of {', '.join(SPLITS)}")
    if not 1 <= count <= 1_000_000:
        raise ValueError(f"{count} people asked for; a split holds 1 to 1,000,000")
    return list(range(SPLITS[split], SPLITS[split] + count))


def cache_folder() -> Path:
    """Where rendered clips are kept: the environment variable TLK_CACHE, else the user's cache folder."""
    root = os.environ.get("TLK_CACHE")
    return (Path(root) if root else Path(platformdirs.user_cache_dir("tlk"))) / "heads"


def motion_seed(person: int, clip: int) -> int:
    """The motion of a person's n-th clip; other motions than those anyone picks by hand."""
    return 10_000_000 + 64 * person + clip


def clip_of(person: int, clip: int, frames: int, size: int) -> Clip:
    """The n-th clip of a person as data sets hold it."""
    made = render(Person(person), Motion(motion_seed(person, clip), frames, fps=1 / SPACING), size)
    made.name = f"person-{person}-{clip}"
    return made


def dataset(split: str, people: int = 400, frames: int = 24, size: int = 64, clips_per_person: int = 1, progress: bool = True, version: int | None = None) -> list[Clip]:
    """``people`` × ``clips_per_person`` clips of a split (``train``, ``validation``, ``test``), person by person.

    Rendered at the first call and kept under ``cache_folder()``; a killed call goes on where it stopped. Asking for
    more people later adds to what is there. ``version``: people of an older renderer, as far as they are still on disk.
    Raises ValueError for an unknown split, counts below 1, or an older version that is not on disk.
    """
    seeds = _seeds(split, people)
    if frames < 1 or clips_per_person < 1 or clips_per_person > 64:
        raise ValueError(f"frames={frames} and clips_per_person={clips_per_person} must be at least 1 (and at most 64 clips)")
    present = renderer_version(size)
    version = present if version is None else version
    folder = cache_folder() / f"v{version}-{size}px-{frames}f-{clips_per_person}c"
    chunks = sorted({seed // CHUNK for seed in seeds})
    missing = [c for c in chunks if not (folder / f"{c}.safetensors").exists()]
    if missing and version != present:
        raise ValueError(f"{len(missing) * CHUNK} people of renderer version {version} are not in {folder}, and this is version {present}: leave version out")
    if missing:
        _announce(folder, len(missing), frames, size, clips_per_person)
        for chunk in tqdm(missing, desc=f"rendering {split} people", unit=f"{CHUNK} people", disable=not progress):
            _render_chunk(folder / f"{chunk}.safetensors", chunk, frames, size, clips_per_person)
    clips = [clip for chunk in chunks for clip in _read_chunk(folder / f"{chunk}.safetensors")]
    return clips[: len(seeds) * clips_per_person]


def _seeds(split: str, count: int) -> list[int]:
    return people(split, count)


def _announce(folder: Path, chunks: int, frames: int, size: int, clips: int) -> None:
    megabytes = chunks * CHUNK * clips * frames * (3 + 1 / 8) * size * size / 1e6
    print(f"rendering {chunks * CHUNK} people once, about {megabytes:.0f} MB, into {folder}", file=sys.stderr)


def _render_chunk(path: Path, chunk: int, frames: int, size: int, clips_per_person: int) -> None:
    made = [clip_of(chunk * CHUNK + i, c, frames, size) for i in range(CHUNK) for c in range(clips_per_person)]
    tensors = {"frames": torch.stack([c.frames for c in made]), "landmarks": torch.stack([c.landmarks for c in made])}
    tensors |= {f"truth.{k}": torch.stack([c.truth[k] for c in made]) for k in made[0].truth}
    tensors["truth.mask"] = torch.from_numpy(np.packbits(tensors["truth.mask"].numpy(), -1))
    about = {"names": json.dumps([c.name for c in made]), "fps": str(made[0].fps), "source": made[0].source, "version": str(renderer_version(size))}
    write_tensors(path, tensors, {"about": json.dumps(about)})  # one entry: safetensors writes several in any order


def _read_chunk(path: Path) -> list[Clip]:
    from safetensors import safe_open

    tensors = load_file(path)
    with safe_open(path, "pt") as file:
        about = file.metadata()
    about = json.loads(about["about"]) if "about" in about else about  # caches of version 4 and before
    size = tensors["frames"].shape[-1]
    if "truth.mask" in tensors:
        tensors["truth.mask"] = torch.from_numpy(np.unpackbits(tensors["truth.mask"].numpy(), -1, count=size).astype(bool))
    truth = {k.removeprefix("truth."): v for k, v in tensors.items() if k.startswith("truth.")}
    return [
        Clip(tensors["frames"][i], tensors["landmarks"][i], float(about["fps"]), name, about["source"], {k: v[i] for k, v in truth.items()})
        for i, name in enumerate(json.loads(about["names"]))
    ]
