"""Your own videos (or a webcam recording, or photos) → a prepared set of clips, or one clip.

    python -m data_scripts.video me.mp4 --clip clips/me                  one clip, in the format that tlk.Clip.load reads
    python -m data_scripts.video holiday/*.mp4 --out sets/mine --workers 2
    python -m data_scripts.video talk.mp4 --out sets/talk --seconds 10   cut into clips of 10 seconds

Photos: python -m data_scripts.photos. To drive a head with a video and keep its sound: python -m tlk drive --sound.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from tlk.data.media import open_media

from .preparing import add_options, finish, settings_of
from .sources import Source, read_source


def sources(paths: list[Path], seconds: float | None = None, hold_out: float = 0.0) -> list[Source]:
    """A source for each file, or for each stretch of ``seconds``; the last ``hold_out`` share of files is split test."""
    found, held = [], len(paths) - round(len(paths) * hold_out)
    for number, path in enumerate(paths):
        split = "train" if number < held else "test"
        name = path.stem if sum(p.stem == path.stem for p in paths) == 1 else f"{path.parent.name}-{path.stem}"
        if seconds is None:
            found.append(Source(name, split, name, str(path)))
            continue
        found += [Source(f"{name}-{n:03d}", split, name, str(path), start, end) for n, (start, end) in enumerate(stretches(path, seconds))]
    return found


def stretches(path: Path, seconds: float) -> list[tuple[float, float]]:
    """(start, end) of each stretch, in seconds; a rest of less than half of one is left out."""
    media = open_media(path)
    length = (media.total or sum(1 for _ in media.frames())) / media.fps
    return [(n * seconds, (n + 1) * seconds) for n in range(round(length / seconds) or 1)]


def one_clip(options: argparse.Namespace) -> int:
    """Write a single clip folder."""
    if len(options.paths) != 1:
        raise ValueError("--clip takes one video, photo or folder of photos; use --out for several")
    path = options.paths[0]
    clip, row = read_source(Source(path.stem, "train", path.stem, str(path)), settings_of(options))
    if clip is None:
        raise ValueError(row["dropped"])
    clip.save(options.clip)
    print(f"{len(clip)} frames of {clip.size} px, a face in {float(row['faces']):.0%} of the frames, eyes {row['eyes']} px apart: {options.clip}")
    return 0


def run(options: argparse.Namespace, list_sources) -> int:
    """What video and photos share: one clip, or a set."""
    if (options.clip is None) == (options.out is None):
        print("give either --clip FOLDER for one clip or --out FOLDER for a set", file=sys.stderr)
        return 2
    if options.clip is None:
        return finish(list_sources, options)
    try:
        return one_clip(options)
    except (ValueError, OSError) as error:
        print(error, file=sys.stderr)
        return 2


def options_of(name: str, about: str | None, minimum: int) -> argparse.ArgumentParser:
    p = argparse.ArgumentParser(prog=f"python -m data_scripts.{name}", description=about, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("paths", type=Path, nargs="+", metavar="PATH")
    p.add_argument("--clip", type=Path, metavar="FOLDER", help="write one clip here")
    p.add_argument("--hold-out", type=float, default=0.0, help="share of the sources, the last ones, that become split test")
    add_options(p, out_required=False)
    p.set_defaults(min_frames=minimum)
    return p


def main(arguments: list[str] | None = None) -> int:
    p = options_of("video", __doc__, 9)
    p.add_argument("--seconds", type=float, help="cut each video into clips this long")
    options = p.parse_args(arguments)
    return run(options, lambda: sources(options.paths, options.seconds, options.hold_out))


if __name__ == "__main__":
    sys.exit(main())
