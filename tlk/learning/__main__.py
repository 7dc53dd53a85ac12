"""``python -m tlk.learning``: meta-learn a preset on rendered people or on a folder of clips."""

from __future__ import annotations

import argparse
import sys
import time
from pathlib import Path

from lightning_fabric import Fabric

from tlk.data import Clip, heads, load_clip
from tlk.presets import PRESETS

from .meta import MetaLearning
from .train import Watch, train


def main(arguments: list[str] | None = None) -> int:
    options = parser("python -m tlk.learning", "Meta-learn E, G, P, D and W; resumable.").parse_args(arguments)
    try:
        run(options)
    except ValueError as error:
        print(f"python -m tlk.learning: {error}", file=sys.stderr)
        return 2
    return 0


def parser(prog: str, description: str) -> argparse.ArgumentParser:
    p = argparse.ArgumentParser(prog=prog, description=description)
    p.add_argument("--preset", choices=PRESETS, default="tiny")
    p.add_argument("--data", default="heads", help="'heads' (rendered people) or a folder of clips that tlk saved (default: heads)")
    p.add_argument("--people", type=int, default=800, help="rendered people of the training split (default: 800)")
    p.add_argument("--frames", type=int, default=24, help="frames of each rendered person (default: 24)")
    p.add_argument("--seed", type=int, default=0)
    p.add_argument("--batch", type=int, help="episodes of a step (default: the preset's)")
    p.add_argument("--precision", default="32-true", help="Lightning Fabric's name of a precision, e.g. bf16-mixed")
    p.add_argument("--minutes", type=float, help="stop after this long")
    p.add_argument("--steps", type=int, help="stop at this many steps in all")
    p.add_argument("--resume", action="store_true", help="go on from OUT/checkpoint.safetensors")
    p.add_argument("--out", type=Path, required=True, help="folder for checkpoint, model, curve and filmstrip")
    return p


def run(options: argparse.Namespace, kind: type[MetaLearning] = MetaLearning, watch: type[Watch] = Watch) -> None:
    """Train what ``kind`` trains until the options say to stop; ``watch`` draws the people beside the run."""
    if options.minutes is None and options.steps is None:
        raise ValueError("say when to stop: --minutes, --steps or both")
    checkpoint = options.out / "checkpoint.safetensors"
    if checkpoint.exists() and not options.resume:
        raise ValueError(f"{checkpoint} exists already; add --resume to go on from it, or give another --out")
    size = PRESETS[options.preset].size
    clips, unseen = _data(options, size)
    fabric = Fabric(devices=1, precision=options.precision)
    if checkpoint.exists():
        more = {} if options.batch is None else {"batch": options.batch}
        training = kind.resume(checkpoint, clips, fabric=fabric, **more)
    else:
        training = kind(options.preset, clips, options.seed, fabric=fabric, batch=options.batch, data=_about(options))
    end = time.monotonic() + 60 * (options.minutes or float("inf"))
    train(
        training, options.out, until=lambda r: time.monotonic() > end or r.step >= (options.steps or float("inf")),
        watch=watch(unseen, size, k=min(8, len(unseen[0]) // 2)) if unseen else None,
    )
    print(f"{training.step} steps; the model is {options.out / 'model.safetensors'}")


def _about(options: argparse.Namespace) -> str:
    if options.data != "heads":
        return f"clips of {options.data}"
    return f"rendered people (renderer version {heads.VERSION}), split train, {options.people} people of {options.frames} frames each"


def _data(options: argparse.Namespace, size: int) -> tuple[list[Clip], list[Clip]]:
    """The training clips, and some of people that are not among them."""
    if options.data == "heads":
        return heads.dataset("train", options.people, options.frames, size), heads.dataset("validation", 16, options.frames, size)
    folders = sorted(p for p in Path(options.data).iterdir() if p.is_dir()) if Path(options.data).is_dir() else []
    if len(folders) < 2:
        raise ValueError(f"{options.data}: holds no clips; give 'heads' or a folder with at least two clip folders that tlk saved")
    held = max(1, len(folders) // 50)
    clips = [load_clip(folder) for folder in folders]
    return clips[:-held], clips[-held:]


if __name__ == "__main__":
    sys.exit(main())
