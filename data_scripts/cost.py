"""What meta-learning at the paper's size costs, from figures that you measured: GPU-hours, terabytes, cores for the loader.

    python -m data_scripts.cost --step-seconds 0.9 --frame-kb 45 --frames-per-second-and-core 180
    python -m data_scripts.cost --clips 145000 --clip-frames 64 --epochs 75 --batch 8 --gpus 8 ...

--step-seconds: one step on one GPU with --batch episodes (`python -m tlk.learning --preset paper` prints steps a second;
`make bench` prints it for the CPU). --frame-kb, --frames-per-second-and-core: of your prepared set and `make bench`.
Assumptions: an epoch draws every clip once; GPUs share the batch's episodes perfectly; checkpoints and W are kept once.
"""

from __future__ import annotations

import argparse
import sys
from dataclasses import dataclass

from tlk.presets import PRESETS


@dataclass(frozen=True)
class Cost:
    steps: float
    gpu_hours: float
    days: float  #: with all GPUs
    terabytes: float  #: of prepared frames
    table_gigabytes: float  #: W with its optimiser's state, float32
    loader_cores: float  #: that keep all GPUs busy


def cost(
    clips: int, clip_frames: float, epochs: float, batch: int, gpus: int, step_seconds: float, frame_kb: float, frames_per_core: float, k: int = 8, embedding: int = 512
) -> Cost:
    """``step_seconds``: of ``batch`` episodes on one GPU. ValueError unless everything is positive."""
    if min(clips, clip_frames, epochs, batch, gpus, step_seconds, frame_kb, frames_per_core, k, embedding) <= 0:
        raise ValueError("every figure must be positive")
    steps = epochs * clips / batch
    hours = steps * step_seconds / 3600
    row = 4 * embedding * 2 + 8  # the row, Adam's second moment (beta1 is 0), the row's step count
    frames_a_second = gpus * batch * (k + 1) / step_seconds
    return Cost(steps, hours, hours / gpus / 24, clips * clip_frames * frame_kb / 1e9, clips * row / 1e9, frames_a_second / frames_per_core)


def main(arguments: list[str] | None = None) -> int:
    p = argparse.ArgumentParser(prog="python -m data_scripts.cost", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("--clips", type=int, default=145_000, help="default: VoxCeleb2's dev videos, one clip each")
    p.add_argument("--clip-frames", type=float, default=64, help="frames kept of a clip (default: 64)")
    p.add_argument("--epochs", type=float, default=75, help="the paper's FT variant: 75, FF: 150 (default: 75)")
    p.add_argument("--batch", type=int, default=PRESETS["paper"].batch)
    p.add_argument("--gpus", type=int, default=1)
    p.add_argument("--step-seconds", type=float, required=True)
    p.add_argument("--frame-kb", type=float, required=True)
    p.add_argument("--frames-per-second-and-core", type=float, required=True)
    o = p.parse_args(arguments)
    try:
        c = cost(o.clips, o.clip_frames, o.epochs, o.batch, o.gpus, o.step_seconds, o.frame_kb, o.frames_per_second_and_core, PRESETS["paper"].k, PRESETS["paper"].embedding)
    except ValueError as error:
        print(error, file=sys.stderr)
        return 2
    print(f"{c.steps:,.0f} steps: {c.gpu_hours:,.0f} GPU-hours, {c.days:,.1f} days on {o.gpus} GPU{'s' * (o.gpus > 1)}")
    print(f"{c.terabytes:.2f} TB of frames, {c.table_gigabytes:.2f} GB of W with its optimiser's state, {c.loader_cores:.1f} cores to read episodes")
    return 0


if __name__ == "__main__":
    sys.exit(main())
