"""Where in the face a system's landmark error lies, and how much of it is the same in every frame.

    python -m data_scripts.landmark_parts --clips FOLDER --systems Pix2pixHD ft          real clips, T = 8
    python -m data_scripts.landmark_parts --people 4 --systems FF ft                     rendered people of the validation split

*Place* is the part that all frames share (a nose drawn too low), *motion* the rest (a head that turns too little, and the
detector's noise). Systems are those of the table and the changes that ``python -m data_scripts.finetune_trials --list`` names.
All over the distance of the outer eye corners, as the table's landmark error is.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence

from jaxtyping import Float
from torch import Tensor

from tlk.evaluation.__main__ import real_paths
from tlk.evaluation.compared import compared
from tlk.evaluation.judges import Judges
from tlk.evaluation.metrics import landmark_error, place_and_motion
from tlk.evaluation.subjects import Subject, real, rendered
from tlk.evaluation.systems import Ours, System
from tlk.landmarks.points import GROUPS
from tlk.learning import Model, load

from .finetune_trials import CHANGES, changed

COMPARED = ("FF", "X2Face", "Pix2pixHD")


def parts(found: Float[Tensor, "f 68 2"], driving: Float[Tensor, "f 68 2"]) -> dict[str, tuple[float, float]]:
    """Group of points, or ``all`` → (place, motion)."""
    place, motion = place_and_motion(found, driving)
    groups = {"all": list(range(len(place))), **{group.name: group.indices for group in GROUPS}}
    return {name: (place[chosen].mean().item(), motion[chosen].mean().item()) for name, chosen in groups.items()}


def system(name: str, model: Model, epochs: int, seed: int) -> System:
    return next(s for s in (Ours(model, 0, seed), *compared(model, epochs, seed)) if s.name == name) if name in COMPARED else changed(name, model, epochs, seed)


def line(name: str, found: Tensor, driving: Tensor) -> str:
    """One row: the landmark error, then place / motion of all points and of each group."""
    error = landmark_error(found, driving).nanmean().item()
    return f"| {name} | {error:.3f} | " + " | ".join(f"{place:.3f} / {motion:.3f}" for place, motion in parts(found, driving).values()) + " |"


def run(subjects: Sequence[Subject], systems: Sequence[System], count: int, judges: Judges) -> None:
    names = ["all", *(group.name for group in GROUPS)]
    print("| system | landmark error | " + " | ".join(f"{name}: place / motion" for name in names) + " |")
    print("|" + " --- |" * (2 + len(names)), flush=True)
    for subject in subjects:
        driving = subject.holdout.landmarks
        print(line(f"{subject.name}: true frames", judges.see(subject.holdout.images, driving).found, driving), flush=True)
        for one in systems:
            frames = one.fit(subject.take(count))(subject.holdout)
            print(line(f"{subject.name}: {one.name} ({count})", judges.see(frames, driving).found, driving), flush=True)


def parser() -> argparse.ArgumentParser:
    p = argparse.ArgumentParser(prog="python -m data_scripts.landmark_parts", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("--systems", nargs="+", choices=[*COMPARED, *CHANGES], metavar="SYSTEM", default=["Pix2pixHD", "ft"], help="default: Pix2pixHD ft")
    p.add_argument("--model", default="heads-64", help="shipped weights, or a .safetensors file (default: heads-64)")
    p.add_argument("--people", type=int, default=0, help="rendered people of the validation split (default: 0)")
    p.add_argument("--clips", nargs="*", metavar="PATH", help="videos of real people, or folders of them (default: those in TLK_REAL_CLIPS, if it is set)")
    p.add_argument("--frames", type=int, default=32, help="hold-out frames of each person (default: 32)")
    p.add_argument("--sources", type=int, default=8, metavar="T", help="number of source frames (default: 8)")
    p.add_argument("--epochs", type=int, default=40, help="of fine-tuning (default: 40)")
    p.add_argument("--seed", type=int, default=0)
    return p


def main(arguments: list[str] | None = None) -> int:
    options = parser().parse_args(arguments)
    try:
        if min(options.people, options.epochs - 1, options.frames - 1, options.sources - 1) < 0:
            raise ValueError("--people must be at least 0, --epochs, --frames and --sources at least 1")
        model, judges = load(options.model), Judges()
        subjects = rendered(options.people, options.frames, model.preset.size, options.sources, split="validation")
        subjects += real(real_paths(options), options.frames, model.preset.size, "dlib")
        if not subjects:
            raise ValueError("nobody to look at: --people is 0 and no clips are named")
        run(subjects, [system(name, model, options.epochs, options.seed) for name in options.systems], options.sources, judges)
    except (ValueError, OSError) as error:
        print(f"python -m data_scripts.landmark_parts: {error}", file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
