"""Fine-tuning with one thing changed at a time, judged as the table is: where FT is behind another system, this looks for the cause.

    python -m data_scripts.finetune_trials --list                                       the changes, a line each
    python -m data_scripts.finetune_trials --people 6 --sources 8 --out runs/finetune   all of them (resumable)
    python -m data_scripts.finetune_trials --only ft best-embedding --clips FOLDER      a few of them, on real clips too
    python -m data_scripts.finetune_trials --only ft --clips FOLDER --seen              on the source frames themselves: what is not even fitted

A model's own preset says what is not changed, so that the former weights show what they were changed for. People of the split ``test`` would make the table's numbers a choice of ours: these are of ``validation``.
"""

from __future__ import annotations

import argparse
import dataclasses
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

from tlk.data import Clip
from tlk.evaluation.__main__ import describe, real_paths, write
from tlk.evaluation.ablations import BestEmbedding, Tuned, no_adversary
from tlk.evaluation.judges import Judges
from tlk.evaluation.run import evaluate
from tlk.evaluation.subjects import Subject, real, rendered
from tlk.evaluation.systems import System, standard_systems
from tlk.evaluation.table import summarise
from tlk.learning import Model, load
from tlk.learning.finetune import FineTuning

BESIDE = ("copy", "mean frame", "X2Face", "Pix2pixHD", "FF")  #: systems that fine-tuning is compared with

Start = Callable[[Model, Clip, int], FineTuning]


def replaced(**values) -> Start:
    """FineTuning with other values in the preset."""
    return lambda model, clip, seed: FineTuning(dataclasses.replace(model, preset=dataclasses.replace(model.preset, **values)), clip, seed)


def weighted(**values) -> Start:
    """FineTuning with other weights of its terms."""

    def start(model: Model, clip: Clip, seed: int) -> FineTuning:
        tuning = FineTuning(model, clip, seed)
        for name, value in values.items():
            setattr(tuning.weights, name, value)
        return tuning

    return start


def from_best_embedding(model: Model, clip: Clip, seed: int) -> FineTuning:
    """ψ' = P ê and w' = w0 + ê of an ê that was fitted to the frames before."""
    return FineTuning(model, clip, seed, embedding=BestEmbedding(model, seed=seed).embedding(clip))


#: name → (how fine-tuning starts, its epochs in parts of the asked for, what is changed)
CHANGES: dict[str, tuple[Start, float, str]] = {
    "ft": (FineTuning, 1, "as the table has it"),
    "adversary-1": (weighted(adversarial=1.0, feature_matching=10.0), 1, "adversarial term 1 and feature matching 10, the paper's"),
    "adversary-0.1": (weighted(adversarial=0.1, feature_matching=3.0), 1, "adversarial term 0.1 and feature matching 3, those of today's `tiny`"),
    "no-adversary": (no_adversary, 1, "L_CNT alone, D not trained"),
    "no-feature-matching": (weighted(feature_matching=0.0), 1, "no feature matching"),
    "one-d-step": (replaced(discriminator_steps=1), 1, "one update of D a step instead of two"),
    "lr-low": (replaced(finetune_lr_generator=2e-4, finetune_lr_discriminator=2e-4), 1, "learning rates 2e-4 instead of 5e-4"),
    "lr-high": (replaced(finetune_lr_generator=1e-3, finetune_lr_discriminator=1e-3), 1, "learning rates 1e-3 instead of 5e-4"),
    "beta-0.5": (replaced(betas=(0.5, 0.999)), 1, "Adam's first beta 0.5 instead of 0, Pix2pixHD's"),
    "beta-0.9": (replaced(betas=(0.9, 0.999)), 1, "Adam's first beta 0.9 instead of 0"),
    "average": (replaced(finetune_ema=0.9), 1, "the average of G's weights (0.9) draws instead of the last ones"),
    "batch-quarter": (replaced(finetune_epoch_steps=4), 1, "batches of a quarter of T, those of today's `tiny`"),
    "batch-8": (replaced(finetune_epoch_steps=1), 1, "batches of 8, the paper's: at T = 8 a quarter of the steps"),
    "epochs-double": (FineTuning, 2, "twice the epochs"),
    "epochs-fourfold": (FineTuning, 4, "four times the epochs"),
    "batch-2": (replaced(finetune_batch=2), 1, "batches of 2 whatever T is: at T = 32 four times the steps, at T = 8 as the table has it"),
    "content-frame": (replaced(content=(("efficientnet-lite0", 1.25),)), 1, "L_CNT on the frame alone, with the weight that frame, face and mouth have together"),
    "best-embedding": (from_best_embedding, 1, "ê fitted to the frames by L_CNT before (60 steps), E, P and G as they are"),
}  # fmt: skip


def changed(name: str, model: Model, epochs: int, seed: int = 0) -> Tuned:
    """``FT`` with one of ``CHANGES``, as a system of the table."""
    start, times, note = CHANGES[name]
    return Tuned(name, note, start, model, round(epochs * times), seed)


def systems(model: Model, names: list[str], epochs: int, seed: int, beside: Sequence[str]) -> list[System]:
    """What ``beside`` names of the table's systems, then FT with each change."""
    others = [s for s in standard_systems(model, epochs, seed) if s.name in beside]
    return [*others, *(changed(name, model, epochs, seed) for name in names)]


def seen(subjects: list[Subject], count: int) -> list[Subject]:
    """The people with their ``count`` source frames in place of the hold-out frames: errors are then those of the fit."""
    return [dataclasses.replace(s, holdout=s.take(count)) for s in subjects]


def parser() -> argparse.ArgumentParser:
    p = argparse.ArgumentParser(prog="python -m data_scripts.finetune_trials", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("--list", action="store_true", help="print the changes and stop")
    p.add_argument("--only", nargs="+", choices=CHANGES, metavar="CHANGE", default=list(CHANGES))
    p.add_argument("--beside", nargs="*", choices=BESIDE, default=BESIDE, metavar="SYSTEM", help=f"judged too (default: {' '.join(BESIDE)})")
    p.add_argument("--seen", action="store_true", help="judge on the source frames instead of hold-out frames (for one T)")
    p.add_argument("--model", default="heads-64", help="shipped weights, or a .safetensors file (default: heads-64)")
    p.add_argument("--people", type=int, default=6, help="rendered people of the validation split (default: 6)")
    p.add_argument("--clips", nargs="*", metavar="PATH", help="videos of real people, or folders of them (default: those in TLK_REAL_CLIPS, if it is set)")
    p.add_argument("--frames", type=int, default=16, help="hold-out frames of each person (default: 16)")
    p.add_argument("--sources", type=int, nargs="+", default=[8], metavar="T", help="numbers of source frames (default: 8)")
    p.add_argument("--epochs", type=int, default=40, help="of fine-tuning (default: 40)")
    p.add_argument("--seed", type=int, default=0)
    p.add_argument("--detector", default="dlib")
    p.add_argument("--device", default="cpu")
    p.add_argument("--out", type=Path, default=Path("runs/finetune"), help="folder of records, table and picture (default: runs/finetune)")
    p.set_defaults(inception=None, arcface=None)
    return p


def run(options: argparse.Namespace) -> str:
    """Returns the markdown, which is in ``OUT/table.md`` too."""
    model, judges, sources = load(options.model, options.device), Judges(options.detector, options.device), sorted(set(options.sources))
    subjects = rendered(options.people, options.frames, model.preset.size, max(sources), split="validation") if options.people else []
    subjects += real(real_paths(options), options.frames, model.preset.size, options.detector)
    if not subjects:
        raise ValueError("nobody to fine-tune on: --people is 0 and no clips are named")
    if options.seen:
        subjects = seen(subjects, *sources)
    records = evaluate(subjects, systems(model, options.only, options.epochs, options.seed, options.beside), sources, judges, options.out / "records")
    about = describe(options, model, judges, subjects) | {"rendered people": f"the first {options.people} of the split validation"}
    about["command"] = about["command"].replace("tlk.evaluation ", f"data_scripts.finetune_trials --only {' '.join(options.only)} {'--seen ' * options.seen}", 1)
    return write(options.out, summarise(records), about, subjects, records, sources)


def main(arguments: list[str] | None = None) -> int:
    options = parser().parse_args(arguments)
    if options.list:
        print("\n".join(f"{name:20} {what}" for name, (_, _, what) in CHANGES.items()))
        return 0
    try:
        if min(options.people, options.epochs - 1, options.frames - 1, *(t - 1 for t in options.sources)) < 0:
            raise ValueError("--people must be at least 0, --epochs, --frames and --sources at least 1")
        if options.seen and len(set(options.sources)) > 1:
            raise ValueError("--seen judges on the source frames, which differ from T to T: give one T to --sources")
        print(run(options))
    except (ValueError, OSError) as error:
        print(f"python -m data_scripts.finetune_trials: {error}", file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
