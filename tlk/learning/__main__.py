"""``python -m tlk.learning``: meta-learn a preset on rendered people or on a folder of clips.

``--set NAME=VALUE ...`` gives fields of the preset other values: losses' weights, the content loss's backbones,
learning rates, Adam's betas and eps, ``ema``, ``relu_first``, ``discriminator_steps`` and what fine-tuning will use.
With ``--resume`` they hold from the step of the checkpoint on, so a run whose values changed on its way is made again
by one command for each part:

    python -m tlk.learning --out runs/a --steps 2000 --set adversarial=1 match=1
    python -m tlk.learning --out runs/a --steps 3000 --resume --set adversarial=0.1 content=efficientnet-lite0:0.5,efficientnet-lite0@face:0.5

The checkpoint keeps them: a later ``--resume`` without ``--set`` goes on with what was last set. The field ``data`` of
the weights' header says what was set and from which step on. What changes the networks or the episodes cannot be set.
"""

from __future__ import annotations

import argparse
import sys
import time
from pathlib import Path

from lightning_fabric import Fabric

from tlk.data import AnyClip, Clip, heads, load_clip, open_set
from tlk.data.shards import MANIFEST, read_manifest
from tlk.presets import PRESETS

from .changing import CHANGEABLE, changed, read_changes, recorded
from .meta import MetaLearning
from .model import load
from .starting import start_from
from .train import Watch, cooled, train


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
    p.add_argument("--data", default="heads", help="'heads' (rendered people), a set that data_scripts prepared, or a folder of clips that tlk saved (default: heads)")
    p.add_argument("--people", type=int, default=800, help="rendered people of the training split (default: 800)")
    p.add_argument("--frames", type=int, default=24, help="frames of each rendered person (default: 24)")
    p.add_argument("--seed", type=int, default=0)
    p.add_argument("--batch", type=int, help="episodes of a step (default: the preset's)")
    p.add_argument("--accumulate", type=int, default=1, help="passes that a batch is taken in, for a small memory (default: 1)")
    p.add_argument("--devices", type=int, default=1, help="GPUs, or processes on a CPU, that share each batch (default: 1)")
    p.add_argument("--workers", type=int, default=0, help="processes of each device that read episodes ahead (default: 0)")
    p.add_argument("--precision", default="32-true", help="Lightning Fabric's name of a precision, e.g. bf16-mixed")
    p.add_argument("--minutes", type=float, help="stop after this long")
    p.add_argument("--steps", type=int, help="stop at this many steps in all")
    p.add_argument("--cool", type=int, default=0, metavar="N", help="over the last N of --steps learning rates fall to a tenth (default: 0)")
    p.add_argument("--save-minutes", type=float, default=5, help="between checkpoints (default: 5)")
    p.add_argument("--keep", type=int, default=1, help="checkpoints that are kept (default: 1)")
    p.add_argument("--tensorboard", action="store_true", help="write OUT/tensorboard too")
    p.add_argument("--start", metavar="MODEL", help="begin with these weights: shipped ones (heads-64) or a model.safetensors (default: at random)")
    p.add_argument(
        "--set", dest="changes", nargs="+", action="extend", default=[], metavar="NAME=VALUE",
        help="preset fields with other values, from the start or, with --resume, from the checkpoint on, and kept by it: match=5 "
        f"betas_generator=0.5,0.999 content=efficientnet-lite0:0.5,efficientnet-lite0@face:0.5 ema=none; fields: {', '.join(CHANGEABLE)}",
    )
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
    if options.start and kind is not MetaLearning:
        raise ValueError("--start is for python -m tlk.learning: the compared systems begin at random")
    if options.changes and kind is not MetaLearning:
        raise ValueError("--set is for python -m tlk.learning: the compared systems have values of their own")
    if options.cool and options.steps is None:
        raise ValueError("--cool counts back from --steps: give both")
    changes = read_changes(options.changes)
    size = PRESETS[options.preset].size
    fabric = Fabric(devices=options.devices, precision=options.precision, strategy="ddp" if options.devices > 1 else "auto")
    if options.devices > 1:
        fabric.launch()
    clips, unseen = _data(options, size)
    more = {"fabric": fabric, "accumulate": options.accumulate, "workers": options.workers}
    if checkpoint.exists():
        training = kind.resume(checkpoint, clips, changes=changes, **more, **({} if options.batch is None else {"batch": options.batch}))
    else:
        usual, preset = PRESETS[options.preset], changed(PRESETS[options.preset], changes)
        other = [name for name in changes if getattr(preset, name) != getattr(usual, name)]
        training = kind(preset, clips, options.seed, batch=options.batch, data=_about(options, size) + recorded(preset, other, "from the start"), **more)
        if options.start:
            start_from(training, load(options.start, device=training.fabric.device))
    if changes and fabric.is_global_zero:
        print(f"the weights' header will say: {training.data}")
    end = time.monotonic() + 60 * (options.minutes or float("inf"))
    train(
        training, options.out, until=lambda r: time.monotonic() > end or r.step >= (options.steps or float("inf")),
        watch=watch(unseen, size, k=min(8, len(unseen[0]) // 2)) if unseen else None, save_minutes=options.save_minutes, keep=options.keep,
        rate=cooled(options.steps, options.cool) if options.cool else None, tensorboard=options.tensorboard,
    )
    if fabric.is_global_zero:
        print(f"{training.step} steps; the model is {options.out / 'model.safetensors'}")


def _about(options: argparse.Namespace, size: int) -> str:
    if options.data != "heads":
        return f"clips of {options.data}"
    return f"rendered people (renderer version {heads.renderer_version(size)}), split train, {options.people} people of {options.frames} frames each"


def _data(options: argparse.Namespace, size: int) -> tuple[list[AnyClip], list[Clip]]:
    """The training clips, and some of people that are not among them."""
    if options.data == "heads":
        return heads.dataset("train", options.people, options.frames, size), heads.dataset("validation", 16, options.frames, size)
    if (Path(options.data) / MANIFEST).is_file():
        return prepared(options.data)
    folders = sorted(p for p in Path(options.data).iterdir() if p.is_dir()) if Path(options.data).is_dir() else []
    if len(folders) < 2:
        raise ValueError(f"{options.data}: holds no clips; give 'heads', a prepared set, or a folder with at least two clip folders that tlk saved")
    held = max(1, len(folders) // 50)
    clips = [load_clip(folder) for folder in folders]
    return clips[:-held], clips[-held:]


def prepared(folder: str, watched: int = 16) -> tuple[list[AnyClip], list[Clip]]:
    """All of split train, left on disk; and at most ``watched`` clips of split test, where there is one."""
    splits = {row["split"] for row in read_manifest(folder) if not row["dropped"]}
    test = open_set(folder, "test")[:watched] if "test" in splits else []
    shortest = min(map(len, test), default=0)
    return open_set(folder, "train"), [clip[: min(shortest, 24)] for clip in test]


if __name__ == "__main__":
    sys.exit(main())
