"""VoxCeleb1 → a prepared set of clips, from its frame archives or from its lists and videos that you have.

    python -m data_scripts.voxceleb1 --frames unzippedFaces --out sets/voxceleb1 --workers 16
    python -m data_scripts.voxceleb1 --lists txt --videos videos --out sets/voxceleb1 --fps 1

--frames: the official archives of faces at 1 frame a second: <speaker>/1.6/<video>/<number>.jpg; a video is a clip.
--lists: the official lists <speaker>/<video>/<utterance>.txt with the face's box at 25 frames a second, and
    <video>.mp4 (or .mkv, .webm) in --videos; a list is a clip. Videos that are not there are left out and counted:
    many are gone from the web.
The 40 speakers of the official test split (names with E, id10270 to id10309) are split test.
"""

from __future__ import annotations

import argparse
import re
import sys
from pathlib import Path

from .preparing import add_options, finish
from .sources import Source

RATE = 25  #: frames a second that the lists count in
MARGIN = 0.8  #: of the box's sides, added on each side, so that the crop has hair and shoulders
_NUMBERS = re.compile(r"^\s*(\d+)((?:\s+-?\d+(?:\.\d+)?){4})\s*$")


def split_of(speaker: str) -> str:
    number = re.fullmatch(r"id(\d{5})", speaker)
    return "test" if (10270 <= int(number[1]) <= 10309 if number else speaker.startswith("E")) else "train"


def from_frames(root: Path) -> list[Source]:
    """A source for each folder of frames; ValueError when there is none."""
    videos = sorted({p.parent for p in root.glob("*/1.6/*/*.jpg")} | {p.parent for p in root.glob("*/1.6/*/*.png")})
    if not videos:
        raise ValueError(f"{root} does not hold <speaker>/1.6/<video>/<number>.jpg; give the folder that the face archives were unpacked into")
    return [Source(f"{v.parts[-3]}-{v.name}", split_of(v.parts[-3]), v.parts[-3], str(v)) for v in videos]


def from_lists(lists: Path, videos: Path) -> list[Source]:
    """A source for each list whose video is there; ValueError when there is none, or a list is damaged."""
    paths, found, missing = sorted(lists.glob("*/*/*.txt")), [], set()
    have = {p.stem: p for p in sorted(videos.iterdir()) if p.suffix.lower() in (".mp4", ".mkv", ".webm")} if videos.is_dir() else {}
    for path in paths:
        speaker, video = path.parts[-3:-1]
        if video not in have:
            missing.add(video)
            continue
        start, end, box = read_list(path)
        found.append(Source(f"{speaker}-{video}-{path.stem}", split_of(speaker), speaker, str(have[video]), start, end, box))
    if missing:
        print(f"note: {len(missing)} videos of the lists are not in {videos} and are left out", file=sys.stderr)
    if not found:
        raise ValueError(f"{lists} holds no <speaker>/<video>/<utterance>.txt whose <video>.mp4 is in {videos}")
    return found


def read_list(path: Path) -> tuple[float, float, tuple[float, float, float, float]]:
    """(start, end) in seconds and the box around all boxes of the track, with a margin."""
    matches = [m for m in map(_NUMBERS.match, path.read_text(errors="replace").splitlines()) if m]
    if not matches:
        raise ValueError(f"{path} holds no line FRAME X Y W H; fetch the list again")
    frames, boxes = [int(m[1]) for m in matches], [tuple(map(float, m[2].split())) for m in matches]
    left, top = min(b[0] for b in boxes), min(b[1] for b in boxes)
    right, bottom = max(b[0] + b[2] for b in boxes), max(b[1] + b[3] for b in boxes)
    across, down = MARGIN * max(b[2] for b in boxes), MARGIN * max(b[3] for b in boxes)
    return min(frames) / RATE, (max(frames) + 1) / RATE, (left - across, top - down, right + across, bottom + down)


def main(arguments: list[str] | None = None) -> int:
    p = argparse.ArgumentParser(prog="python -m data_scripts.voxceleb1", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("--frames", type=Path, metavar="FOLDER", help="the unpacked face archives")
    p.add_argument("--lists", type=Path, metavar="FOLDER", help="the unpacked lists")
    p.add_argument("--videos", type=Path, metavar="FOLDER", help="videos for the lists, named by their id")
    add_options(p)
    options = p.parse_args(arguments)
    if (options.frames is None) == (options.lists is None) or (options.lists is None) != (options.videos is None):
        print("give either --frames FOLDER or --lists FOLDER with --videos FOLDER", file=sys.stderr)
        return 2
    return finish(lambda: from_frames(options.frames) if options.frames else from_lists(options.lists, options.videos), options)


if __name__ == "__main__":
    sys.exit(main())
