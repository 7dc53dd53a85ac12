"""VoxCeleb2's official tree → a prepared set of clips.

    python -m data_scripts.voxceleb2 VOXCELEB2 --out sets/voxceleb2 --per-video 1 --fps 5 --workers 16
    sbatch --array=1-50 --wrap 'python -m data_scripts.voxceleb2 VOXCELEB2 --out SET --part $SLURM_ARRAY_TASK_ID/50'

VOXCELEB2 holds dev/mp4/<speaker>/<video>/<utterance>.mp4 and test/mp4/... as its archives unpack. dev becomes split
train, test stays test, so that the official speakers never mix. One clip an utterance; the paper's unit, a video
sequence with a column of W, is --per-video 1 (the first utterance of each video in order of name).
Train on it with: python -m tlk.learning --preset paper --data SET
"""

from __future__ import annotations

import argparse
import itertools
import sys
from pathlib import Path

from .preparing import add_options, finish
from .sources import Source

SPLITS = {"dev": "train", "test": "test"}


def sources(root: Path, per_video: int | None = None) -> list[Source]:
    """Every utterance of the tree, sorted; ValueError when it is not VoxCeleb2's."""
    found = []
    for folder, split in SPLITS.items():
        files = sorted((root / folder / "mp4").glob("*/*/*.mp4"))
        for (speaker, video), group in itertools.groupby(files, key=lambda p: p.parts[-3:-1]):
            for path in itertools.islice(group, per_video):
                found.append(Source(f"{speaker}-{video}-{path.stem}", split, speaker, str(path)))
    if not found:
        raise ValueError(f"{root} does not hold dev/mp4/<speaker>/<video>/<utterance>.mp4 (or test/mp4/...); give the folder that the archives were unpacked into")
    return found


def main(arguments: list[str] | None = None) -> int:
    p = argparse.ArgumentParser(prog="python -m data_scripts.voxceleb2", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("root", type=Path, metavar="VOXCELEB2")
    p.add_argument("--per-video", type=int, help="utterances of each video (default: all)")
    add_options(p)
    options = p.parse_args(arguments)
    return finish(lambda: sources(options.root, options.per_video), options)


if __name__ == "__main__":
    sys.exit(main())
