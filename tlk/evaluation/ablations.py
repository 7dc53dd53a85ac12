"""The paper's ablations of fine-tuning (section 4.2), as systems of the table: what each part of the start and of the loss is worth.

    python -m tlk.evaluation.ablations --model heads-64 --people 8      # a small table and a picture; resumes where it stopped

What the paper reports: from a random ê or ψ' no plausible image comes out; with a random w' (or without L_MCH, which is what makes w0 + ê
a sensible start) images are plausible, with a clear gap in realism and identity; without the adversarial term they are slightly
less crisp, which is for the picture to show: no metric of the table measures crispness alone, and SSIM likes blur. "Without L_MCH" in meta-learning would need other weights; its effect in fine-tuning is that w' starts somewhere.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from jaxtyping import Float
from lightning_fabric import Fabric
from torch import Tensor

from tlk.data import Clip
from tlk.learning import LossWeights, Model, load
from tlk.learning.finetune import FineTuning, batch_rule, scene_of_step
from tlk.losses import Content

from .__main__ import describe, write
from .judges import Judges
from .run import evaluate
from .subjects import rendered
from .systems import Drawer, Ours, fingerprint
from .table import summarise


def like(vector: Tensor, seed: int) -> Tensor:
    """Normal random numbers with the mean and standard deviation of ``vector``: the kindest of random starts, right in everything but the person."""
    noise = torch.randn(vector.shape, generator=torch.Generator().manual_seed(seed)).to(vector.device)
    return vector.mean() + vector.std() * noise


def random_embedding(model: Model, clip: Clip, seed: int) -> FineTuning:
    """ê random; ψ' = P ê and w' = w0 + ê follow from it."""
    return FineTuning(model, clip, seed, embedding=like(model.embed(clip), seed))


def random_adain(model: Model, clip: Clip, seed: int) -> FineTuning:
    """ψ' random; w' as usual."""
    tuning = FineTuning(model, clip, seed)
    with torch.no_grad():
        start = like(tuning.generator.module.adain, seed)
        for generator in (tuning.generator.module, *([tuning.average.module] if tuning.average is not None else [])):
            generator.adain.copy_(start)
    return tuning


def random_column(model: Model, clip: Clip, seed: int) -> FineTuning:
    """w' random; ψ' as usual."""
    w0 = model.discriminator.w0.detach()
    return FineTuning(model, clip, seed, column=like(w0 + model.embed(clip), seed) - w0)


def no_adversary(model: Model, clip: Clip, seed: int) -> FineTuning:
    """L_CNT alone: neither the score nor feature matching, and D is not trained."""
    tuning = FineTuning(model, clip, seed)
    tuning.weights.adversarial = tuning.weights.feature_matching = 0.0
    tuning.weights.discriminator_steps = 0
    return tuning


#: name in the table → how fine-tuning is started, and one line for the table
ABLATIONS: dict[str, tuple[Callable[[Model, Clip, int], FineTuning], str]] = {
    "random ê": (random_embedding, "FT from a random embedding"),
    "random ψ′": (random_adain, "FT from random AdaIN values"),
    "random w′": (random_column, "FT with a random row of D: as if L_MCH had not made w0 + ê fit"),
    "no adversary": (no_adversary, "FT with L_CNT alone"),
}


@dataclass
class Tuned:
    """``FT`` with one thing changed; the same frames and seed."""

    name: str
    note: str
    start: Callable[[Model, Clip, int], FineTuning]  #: model, source frames and seed → fine-tuning that has taken no step
    model: Model
    epochs: int
    seed: int = 0

    @property
    def settings(self) -> dict[str, Any]:
        rule = batch_rule(self.model.preset)
        return {"weights": fingerprint(self.model), "epochs": self.epochs, "seed": self.seed, "batch": rule, "changed": self.note}

    def fit(self, source: Clip) -> Drawer:
        tuning = self.start(self.model, source, self.seed)
        for _ in tuning.steps(tuning.steps_per_epoch * self.epochs):
            pass
        return tuning.head().drive


def ablation(name: str, model: Model, epochs: int, seed: int = 0) -> Tuned:
    """One of ``ABLATIONS`` as a system of the table."""
    start, note = ABLATIONS[name]
    return Tuned(name, note, start, model, epochs, seed)


@dataclass
class BestEmbedding:
    """FF with ê fitted to the T frames by L_CNT while E, P and G stay as they are: what could be drawn if E said it.

    What FF loses against this is lost in E; what this loses against FT is more than ê can say. Not of the paper.
    """

    model: Model
    steps: int = 60  #: of Adam; by then the loss has nearly stopped
    seed: int = 0
    rate: float = 0.1
    name, note = "best ê", "FF with ê alone fitted to the T frames by L_CNT: what P and G would draw if E said it (not of the paper)"

    @property
    def settings(self) -> dict[str, Any]:
        return {"weights": fingerprint(self.model), "steps": self.steps, "seed": self.seed, "rate": self.rate}

    def fit(self, source: Clip) -> Drawer:
        return self.model.personalise(source, epochs=0, seed=self.seed, embedding=self.embedding(source)).drive

    def embedding(self, source: Clip) -> Float[Tensor, " n"]:
        """ê after ``steps`` steps of Adam, each on a batch of up to 8 frames, from the mean embedding on."""
        model, fabric = self.model, Fabric(accelerator=self.model.device.type, devices=1)
        source, weights = source.resize(model.preset.size), LossWeights.of(model.preset)
        content = fabric.to_device(Content(model.preset.content))
        found = model.embed(source).requires_grad_()
        optimiser = torch.optim.Adam([found], lr=self.rate)
        for step in range(self.steps):
            scene = scene_of_step(source, min(model.preset.finetune_batch, len(source)), step, self.seed, fabric)
            fake = model.generator(scene.drawn, model.generator.project(found[None]))
            optimiser.zero_grad()
            weights.total({f"content/{name}": term for name, term in content(fake, scene.real, scene.drawn).items()}).backward()
            optimiser.step()
        return found.detach()


def ablations(model: Model, epochs: int = 40, seed: int = 0) -> list[Ours | Tuned | BestEmbedding]:
    """FF, FF with the best ê, FT, then FT with one part changed at a time."""
    return [Ours(model, 0, seed), BestEmbedding(model, seed=seed), Ours(model, epochs, seed), *(ablation(name, model, epochs, seed) for name in ABLATIONS)]


def parser() -> argparse.ArgumentParser:
    p = argparse.ArgumentParser(prog="python -m tlk.evaluation.ablations", description="The paper's ablations of fine-tuning; resumable.", allow_abbrev=False)
    p.add_argument("--model", default="heads-64", help="shipped weights, or a .safetensors file (default: heads-64)")
    p.add_argument("--people", type=int, default=8, help="rendered people of the test split (default: 8)")
    p.add_argument("--frames", type=int, default=16, help="hold-out frames of each person (default: 16)")
    p.add_argument("--sources", type=int, nargs="+", default=[8], metavar="T", help="numbers of source frames (default: 8)")
    p.add_argument("--epochs", type=int, default=40, help="of fine-tuning (default: 40)")
    p.add_argument("--seed", type=int, default=0, help="of the order of frames and of the random starts (default: 0)")
    p.add_argument("--detector", default="dlib", help="of landmarks in results (default: dlib)")
    p.add_argument("--device", default="cpu", help="cpu or cuda (default: cpu)")
    p.add_argument("--out", type=Path, default=Path("runs/ablations"), help="folder of records, table and picture (default: runs/ablations)")
    p.set_defaults(inception=None, arcface=None)
    return p


def main(arguments: list[str] | None = None) -> int:
    options = parser().parse_args(arguments)
    try:
        if min(options.people, options.epochs, options.frames, *options.sources) < 1:
            raise ValueError("--people, --epochs, --frames and --sources must be at least 1")
        print(run(options))
    except (ValueError, OSError) as error:
        print(f"python -m tlk.evaluation.ablations: {error}", file=sys.stderr)
        return 2
    return 0


def run(options: argparse.Namespace) -> str:
    """Returns the markdown, which is in ``OUT/table.md`` too, beside ``table.json`` and the pictures."""
    model, judges, sources = load(options.model, options.device), Judges(options.detector, options.device), sorted(set(options.sources))
    subjects = rendered(options.people, options.frames, model.preset.size, max(sources))
    records = evaluate(subjects, ablations(model, options.epochs, options.seed), sources, judges, options.out / "records")
    about = describe(options, model, judges, subjects) | {"systems left out": "none: ablations are of our fine-tuning", "systems of other papers, trained with": "none takes part"}
    about["command"] = about["command"].replace("tlk.evaluation ", "tlk.evaluation.ablations ", 1)
    return write(options.out, summarise(records), about, subjects, records, sources)


if __name__ == "__main__":
    sys.exit(main())
