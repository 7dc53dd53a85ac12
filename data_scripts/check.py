"""Verify a prepared set: counts, hashes, landmarks, duplicates between the splits; and draw a contact sheet.

    python -m data_scripts.check sets/voxceleb2
    python -m data_scripts.check sets/voxceleb2 --sample 200 --sheet sheet.png

Reads every clip once (--sample: so many of each split, spread evenly). Exit status 1 when something is wrong.
"""

from __future__ import annotations

import argparse
import sys
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from PIL import Image
from tqdm import tqdm

from tlk.data import Clip
from tlk.data.shards import StoredClip, open_set, read_manifest
from tlk.files import write_whole

ALIKE = 3  #: bits of 64 by which the pictures of two clips may differ and still be called one


def check(folder: Path, sample: int | None = None, sheet: Path | None = None) -> list[str]:
    """What is wrong with the set, a sentence each."""
    rows = read_manifest(folder)
    splits = [s for s in dict.fromkeys(r["split"] for r in rows) if any(r["split"] == s and not r["dropped"] for r in rows)]
    faults = [f"{folder} holds no clip that was kept"] * (not splits) + people_in_both(rows)
    prints: dict[str, dict[str, int]] = {}
    tiles: list[Clip] = []
    for split in splits:
        kept = {r["name"]: r for r in rows if r["split"] == split and not r["dropped"]}
        faults += _names([r for r in rows if r["split"] == split and not r["dropped"]], split)
        try:
            clips = open_set(folder, split)
        except ValueError as error:
            faults.append(str(error))
            continue
        prints[split] = {}
        for stored in tqdm(_spread(clips, sample), desc=split, unit="clip", mininterval=1):
            faults += _clip(stored, kept[stored.name], prints[split], tiles)
    faults += duplicates(prints)
    if sheet is not None and tiles:
        contact_sheet(sheet, tiles)
    return faults


def people_in_both(rows: Sequence[dict[str, str]]) -> list[str]:
    people: dict[str, set[str]] = {}
    for row in rows:
        people.setdefault(row["person"], set()).add(row["split"])
    return [f"{person} is in {' and '.join(sorted(splits))}: one person must be in one split" for person, splits in people.items() if len(splits) > 1]


def _names(rows, split: str) -> list[str]:
    return [f"split {split}: {name} is there {n} times" for name, n in Counter(r["name"] for r in rows).items() if n > 1]


def _clip(stored: StoredClip, row: dict[str, str], prints: dict[str, int], tiles: list[Clip]) -> list[str]:
    try:
        clip = stored[:]
    except (ValueError, OSError) as error:
        return [str(error)]
    faults = []
    if row["sha256"] != stored.sha256():
        faults.append(f"{stored.shard}, clip {stored.name}: its files are not those that the manifest's sha256 was made of")
    outside = ((clip.landmarks < -clip.size / 2) | (clip.landmarks > 1.5 * clip.size)).any(-1).any(-1)
    missing = ~torch.isfinite(clip.landmarks).all(-1).all(-1)
    for what, which in (("landmarks far outside the frame", outside), ("missing landmarks", missing)):
        if which.any():
            faults.append(f"{stored.shard}, clip {stored.name}: {what} in {int(which.sum())} frames")
    prints[stored.name] = picture_hash(clip)
    if len(tiles) < 64:
        tiles.append(clip[:1].resize(96))
    return faults


def picture_hash(clip: Clip) -> int:
    """64 bits: which of 9 × 8 grey cells of the first frame is brighter than its right neighbour."""
    grey = F.interpolate(clip[:1].images, (8, 9), mode="area").mean(1)[0]
    return int("".join("1" if bit else "0" for bit in (grey[:, 1:] > grey[:, :-1]).flatten().tolist()), 2)


def duplicates(prints: dict[str, dict[str, int]]) -> list[str]:
    """Clips of different splits whose first frames look alike (by ``picture_hash``)."""
    if len(prints) < 2:
        return []
    (_, first), *others = prints.items()
    names, bits = list(first), np.array(list(first.values()), dtype=np.uint64)
    faults = []
    for other in others:
        for name, value in other[1].items():
            distance = np.bitwise_count(bits ^ np.uint64(value))
            faults += [f"{names[i]} and {name} look alike but are in different splits" for i in np.flatnonzero(distance <= ALIKE)]
    return faults


def _spread(clips: list[StoredClip], sample: int | None) -> list[StoredClip]:
    if sample is None or sample >= len(clips):
        return clips
    return [clips[round(i)] for i in np.linspace(0, len(clips) - 1, sample)]


def contact_sheet(path: Path, tiles: list[Clip], columns: int = 8) -> None:
    """First frames above their landmark images."""
    cells = [torch.cat([t.images[0], t.landmark_images[0]], 1) for t in tiles]
    cells += [torch.ones_like(cells[0])] * (-len(cells) % columns)
    rows = [torch.cat(cells[i : i + columns], 2) for i in range(0, len(cells), columns)]
    pixels = (torch.cat(rows, 1) * 255).round().byte().permute(1, 2, 0).numpy()
    with write_whole(path) as temporary:
        Image.fromarray(pixels).save(temporary)


def main(arguments: list[str] | None = None) -> int:
    p = argparse.ArgumentParser(prog="python -m data_scripts.check", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("folder", type=Path)
    p.add_argument("--sample", type=int, help="clips of each split (default: all)")
    p.add_argument("--sheet", type=Path, metavar="FILE.png", help="write a picture of the first frames with their landmarks")
    options = p.parse_args(arguments)
    try:
        faults = check(options.folder, options.sample, options.sheet)
    except (ValueError, OSError) as error:
        print(error, file=sys.stderr)
        return 2
    print("\n".join(faults) or f"{options.folder}: nothing wrong")
    return int(bool(faults))


if __name__ == "__main__":
    sys.exit(main())
