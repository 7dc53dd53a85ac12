"""``python -m tlk drive``, ``describe`` and ``weights``: the five lines, the sizes and where weights are looked for, without a notebook."""

from __future__ import annotations

import argparse
import sys
import time
import warnings
from pathlib import Path

import tlk


def main(arguments: list[str] | None = None) -> int:
    """Run one command; 0 when it worked, 2 with one sentence on stderr when the input is at fault."""
    options = parser().parse_args(arguments)
    with warnings.catch_warnings():
        warnings.showwarning = lambda message, *_, **__: print(f"tlk {options.name}: note: {message}", file=sys.stderr)
        try:
            options.command(options)
        except (ValueError, OSError) as error:
            print(f"tlk {options.name}: {error}", file=sys.stderr)
            return 2
    return 0


def parser() -> argparse.ArgumentParser:
    p = argparse.ArgumentParser(prog="python -m tlk", description="Few-shot neural talking heads.", allow_abbrev=False)
    commands = p.add_subparsers(required=True, dest="name", metavar="drive | describe | weights")
    d = commands.add_parser("drive", help="make a head of one person and let a video drive it", allow_abbrev=False)
    d.add_argument("--source", required=True, metavar="FILE", help="whose face: a photo, a video or a folder of photos; with their consent")
    d.add_argument("--driver", required=True, metavar="FILE", help="whose motion: a video")
    d.add_argument("--out", required=True, type=Path, metavar="FILE.mp4", help="the video to write, at the driver's frame rate")
    d.add_argument("--model", default="heads-64", help="shipped weights, or a .safetensors file (default: heads-64)")
    d.add_argument("--epochs", type=count, default=40, help="of fine-tuning; 0 is the feed-forward variant (default: 40)")
    d.add_argument("--frames", type=positive, default=8, help="source frames, evenly spaced among all of the source in which a face is found (default: 8)")
    d.add_argument("--detector", default="auto", help="of landmarks: auto, dlib or face-alignment (default: auto)")
    d.add_argument("--max-frames", type=positive, metavar="N", help="read no more than N frames of the driver (default: all)")
    d.add_argument("--sound", action="store_true", help="put the driver's sound under the video")
    d.add_argument("--device", default="cpu", help="cpu or cuda (default: cpu)")
    d.set_defaults(command=drive)
    s = commands.add_parser("describe", help="parameters and arithmetic of each preset", allow_abbrev=False)
    s.add_argument("presets", nargs="*", metavar="PRESET", help="default: all")
    s.set_defaults(command=describe)
    w = commands.add_parser("weights", help="where weights of other people's networks are looked for, and what is there", allow_abbrev=False)
    w.set_defaults(command=weights)
    return p


def count(text: str) -> int:
    if not text.isdecimal():
        raise argparse.ArgumentTypeError(f"must be a whole number from 0, not {text!r}")
    return int(text)


def positive(text: str) -> int:
    if count(text) == 0:
        raise argparse.ArgumentTypeError("must be at least 1")
    return int(text)


def drive(options: argparse.Namespace) -> None:
    """Source and driver in, video out. What can be checked at once is checked before the slow part."""
    if options.out.suffix.lower() != ".mp4":
        raise ValueError(f"--out {options.out}: must end in .mp4")
    clock = Clock()
    model = tlk.load(options.model, device=options.device)
    source = tlk.read_clip(options.source, detector=options.detector)
    driver = tlk.read_clip(options.driver, detector=options.detector, max_frames=options.max_frames)
    chosen = spread(len(source), options.frames)
    clock(f"read {options.source} ({len(chosen)} of {len(source)} frames taken) and {options.driver} ({len(driver)} frames)")
    head = model.personalise(source[chosen], epochs=options.epochs)
    clock(f"personalised {options.model} " + (f"in {options.epochs} epochs" if options.epochs else "feed-forward"))
    tlk.write_video(options.out, head.drive(driver), fps=driver.fps, audio_from=options.driver if options.sound else None)
    clock(f"wrote {options.out}: {len(driver)} frames at {driver.fps:g} fps, marked as synthetic")


class Clock:
    """Prints a line with the seconds since the line before."""

    def __init__(self) -> None:
        self.last = time.perf_counter()

    def __call__(self, text: str) -> None:
        now = time.perf_counter()
        print(f"{now - self.last:6.1f} s  {text}", flush=True)
        self.last = now


def spread(length: int, wanted: int) -> list[int]:
    """Indices of ``wanted`` frames spread evenly over ``length``, ends included; all when there are no more."""
    if wanted >= length:
        return list(range(length))
    return [round(i * (length - 1) / max(wanted - 1, 1)) for i in range(wanted)]


def describe(options: argparse.Namespace) -> None:
    """A column for each preset, a row for each number that ``tlk.describe`` knows."""
    columns = {name: tlk.describe(name) for name in options.presets or tlk.PRESETS}
    rows = list(dict.fromkeys(key for column in columns.values() for key in column))
    width = max(map(len, rows)) + 2
    print("".ljust(width) + "".join(name.rjust(12) for name in columns))
    for key in rows:
        print(key.ljust(width) + "".join(shown(column.get(key, "")).rjust(12) for column in columns.values()))


def weights(_: argparse.Namespace) -> None:
    """The folders, and a line for each network."""
    from tlk.where import table

    print(table())


def shown(value: object) -> str:
    return f"{value:.3g}" if isinstance(value, float) else str(value)


if __name__ == "__main__":
    sys.exit(main())
