"""How far a mouth opens when the driver's does: what a mean over frames or over 68 points hides.

    python -m data_scripts.open_mouth heads-64 runs/heads-64/model.safetensors --people 6

For each model: mean change of the pixels inside the lips between a shut and an open jaw, generated feed-forward from 8 frames, over
that of the true frames (1: opens as far), and the correlation of the two changes (1: becomes what it should).
"""

from __future__ import annotations

import argparse
from statistics import mean

import torch

import tlk
from tlk.data import heads
from tlk.learning import Model

JAW = 0.9  #: of jawOpen's range


def opened(model: Model, people: int, frames: int = 8) -> tuple[float, float]:
    """(change generated / change true, correlation of the changes) over rendered people of the test split, in one frontal pose."""
    generated, true, agreement = [], [], []
    for i, seed in enumerate(heads.people("test", people)):
        person, size = heads.Person(seed), model.preset.size
        motions = heads.Motion(900 + 2 * i, frames, fps=2.5), heads.Motion.still(), heads.Motion.still(jawOpen=JAW)
        source, shut, wide = (heads.render(person, motion, size) for motion in motions)
        head = model.personalise(source, epochs=0)
        lips = wide.landmarks[0, 60:68].float()
        (left, top), (right, bottom) = lips.amin(0).long().tolist(), (lips.amax(0).long() + 1).tolist()
        made, wanted = ((b - a)[..., top:bottom, left:right].flatten() for a, b in ((head.drive(shut), head.drive(wide)), (shut.images, wide.images)))
        generated.append(made.abs().mean().item())
        true.append(wanted.abs().mean().item())
        agreement.append(torch.corrcoef(torch.stack([made, wanted]))[0, 1].item())
    return sum(generated) / sum(true), mean(agreement)


def main(arguments: list[str] | None = None) -> None:
    p = argparse.ArgumentParser(prog="python -m data_scripts.open_mouth", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("models", nargs="+", help="shipped weights or .safetensors files")
    p.add_argument("--people", type=int, default=6)
    options = p.parse_args(arguments)
    for name in options.models:
        model = tlk.load(name)
        share, agreement = opened(model, options.people)
        print(f"{name} ({model.header.get('steps')} steps): the mouth moves {share:.2f} of the true change, correlation {agreement:.2f} ({options.people} people)")


if __name__ == "__main__":
    main()
