"""Write clips of rendered people to disk, and a picture of many of them.

    python -m data_scripts.heads --out clips/ --split train --people 20 --frames 50 --size 128
    python -m data_scripts.heads --sheet people.png --split test --people 64 --size 128

Clips are in the project's one format (`Clip.save`): a folder each, readable without this code.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np
from tqdm import tqdm

from tlk.data.heads import SPLITS, Motion, Person, people, render
from tlk.data.heads.dataset import motion_seed
from tlk.files import write_whole


def write_clips(out: Path, seeds: list[int], frames: int, size: int, clips: int, fps: float) -> None:
    """One folder per clip; clips that exist already are left alone, so an interrupted run goes on."""
    work = [(seed, n) for seed in seeds for n in range(clips)]
    print(f"{len(work)} clips of {frames} frames, at most {len(work) * frames * 3 * size * size / 1e6:.0f} MB, into {out}")
    for seed, n in tqdm(work, unit="clip"):
        folder = out / f"person-{seed}-{n}"
        if folder.exists():
            continue
        clip = render(Person(seed), Motion(motion_seed(seed, n), frames, fps), size)
        clip.name = folder.name
        clip.save(folder)


def contact_sheet(path: Path, seeds: list[int], size: int, columns: int) -> None:
    """A picture of all these people, each as in the middle of some motion."""
    from PIL import Image

    tiles = [render(Person(seed), Motion(seed, 12, fps=2.5)[[6]], size).frames[0].permute(1, 2, 0).numpy() for seed in tqdm(seeds, unit="person")]
    tiles += [np.full_like(tiles[0], 255)] * (-len(tiles) % columns)
    rows = [np.concatenate(tiles[i : i + columns], 1) for i in range(0, len(tiles), columns)]
    with write_whole(path) as temporary:
        Image.fromarray(np.concatenate(rows)).save(temporary)
    print(f"{len(seeds)} people in {path}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--split", choices=list(SPLITS), default="train")
    parser.add_argument("--people", type=int, default=8, help="how many, from the split's first seed on")
    parser.add_argument("--frames", type=int, default=50)
    parser.add_argument("--fps", type=float, default=25.0, help="a lower rate spreads the frames over a longer time")
    parser.add_argument("--size", type=int, default=128)
    parser.add_argument("--clips", type=int, default=1, help="clips of each person")
    parser.add_argument("--out", type=Path, help="folder for the clips")
    parser.add_argument("--sheet", type=Path, help="write a contact sheet here")
    parser.add_argument("--columns", type=int, default=8, help="of the contact sheet")
    options = parser.parse_args()
    if not options.out and not options.sheet:
        parser.error("say where to: --out FOLDER for clips, --sheet FILE.png for a picture, or both")
    seeds = people(options.split, options.people)
    if options.sheet:
        contact_sheet(options.sheet, seeds, options.size, options.columns)
    if options.out:
        write_clips(options.out, seeds, options.frames, options.size, options.clips, options.fps)


if __name__ == "__main__":
    main()
