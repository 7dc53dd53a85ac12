"""Short meta-learning runs that differ from ``tiny`` in one thing each, and the table of what each did.

    python -m data_scripts.trials --list                        the trials, a line each
    python -m data_scripts.trials --steps 400 --out runs/trials  all of them, one after the other (resumable)
    python -m data_scripts.trials --only base no-match --seeds 0 1 2 3 4 --out runs/trials

Every run starts from the same weights and sees the same episodes (seed by seed), on rendered people; quality is that of
feed-forward frames (K = 8) of 16 people who are not in the training set. A run that is there already is not repeated.
Judges: efficientnet-lite1 (perceptual), L1 and SSIM on images in [0, 1]; content loss: efficientnet-lite0, on the frame, the face and the mouth.
"""

from __future__ import annotations

import argparse
import dataclasses
import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import mean

import torch
from torch import nn
from torch.nn.utils.parametrize import is_parametrized
from tqdm import tqdm

from tlk.data import Clip, heads
from tlk.evaluation import metrics
from tlk.evaluation.judges import LAYERS
from tlk.files import write_whole
from tlk.learning import MetaLearning, load
from tlk.learning.objective import generator_terms, gradient_shares
from tlk.learning.starting import start_from
from tlk.losses.backbones import EfficientNetLite
from tlk.networks import SelfAttention
from tlk.presets import Preset, preset

Change = Callable[[Preset], Preset]


@dataclass(frozen=True)
class Trial:
    """One change: to the preset, to the run once it is built, or to the clips."""

    what: str
    preset: Change = lambda p: p
    run: Callable[[MetaLearning], None] = lambda run: None
    clips: Callable[[list[Clip]], list[Clip]] = lambda clips: clips


def replaced(what: str, **values) -> Trial:
    return Trial(what, preset=lambda p: dataclasses.replace(p, **values))


def weighted(what: str, **values) -> Trial:
    return Trial(what, run=lambda run: [setattr(run.weights, name, value) for name, value in values.items()] and None)


def unbounded(part: str) -> Callable[[MetaLearning], None]:
    """Takes the spectral norm off the layers of a part of E, G and P: what it says may then grow with its weights. Its start is the same."""

    def change(run: MetaLearning) -> None:
        for net in (run.networks.module, *([run.average.module] if run.average else [])):
            for name in [name for name, layer in net.named_modules() if name.startswith(part) and is_parametrized(layer)]:
                parent, _, child = name.rpartition(".")
                setattr(net.get_submodule(parent), child, plain(net.get_submodule(name)))
        run.optimiser_g.optimizer.param_groups[0]["params"] = list(run.networks.module.parameters())

    return change


def plain(layer: nn.Linear | nn.Conv2d) -> nn.Linear | nn.Conv2d:
    """The layer with its normalised weights as plain ones."""
    bias = layer.bias is not None
    if isinstance(layer, nn.Linear):
        made: nn.Linear | nn.Conv2d = nn.Linear(layer.in_features, layer.out_features, bias)
    else:
        made = nn.Conv2d(layer.in_channels, layer.out_channels, layer.kernel_size, padding=layer.padding, bias=bias)
    made.load_state_dict({"weight": layer.weight.detach().clone()} | ({"bias": layer.bias.detach().clone()} if bias else {}))
    return made.to(layer.weight.device)


def no_attention(run: MetaLearning) -> None:
    """γ of every self-attention stays at its start, 0."""
    for module in (run.networks.module, run.critic.module):
        for layer in module.modules():
            if isinstance(layer, SelfAttention):
                layer.gamma.requires_grad_(False)


def relu_last(run: MetaLearning) -> None:
    for net in (run.networks.module, *([run.average.module] if run.average else [])):
        net.embedder.relu_first = False


def jittered(clips: list[Clip], pixels: float = 0.5) -> list[Clip]:
    """Landmarks moved by a normal error of ``pixels``, once for all, as a detector would."""
    random = torch.Generator().manual_seed(0)
    return [dataclasses.replace(c, landmarks=c.landmarks + pixels * torch.randn(c.landmarks.shape, generator=random)) for c in clips]


TRIALS: dict[str, Trial] = {
    "base": Trial("preset tiny as it ships, or as the weights to begin with had it"),
    "no-close-ups": replaced("content on the frame alone, not on face and mouth too", content=(("efficientnet-lite0", 0.5),)),
    "content-iccv": replaced("content on the frame alone, weight 0.175, the ICCV version's", content=(("efficientnet-lite0", 0.175),)),
    "content-v1": replaced("content on the frame alone, weight 0.012, preprint v1's", content=(("efficientnet-lite0", 0.012),)),
    "match-v1": weighted("match weight 80, preprint v1's, instead of 5", match=80.0),
    "match-1": weighted("match weight 1 instead of 5", match=1.0),
    "no-match": weighted("no match term", match=0.0),
    "adversarial-1": weighted("adversarial weight 1 and feature matching 10, the paper's", adversarial=1.0, feature_matching=10.0),
    "no-adversarial": weighted("no adversarial term for G", adversarial=0.0),
    "no-feature-matching": weighted("no feature matching", feature_matching=0.0),
    "content-only": weighted("content term alone, D not trained", adversarial=0.0, feature_matching=0.0, match=0.0, discriminator_steps=0),
    "one-d-step": replaced("one update of D a step instead of two", discriminator_steps=1),
    "beta-0.5": replaced("Adam's first beta 0.5 instead of 0", betas=(0.5, 0.999)),
    "beta-0.9": replaced("Adam's first beta 0.9 instead of 0", betas=(0.9, 0.999)),
    "lr-low": replaced("learning rate of E and G 2e-4 instead of 5e-4", lr_generator=2e-4),
    "lr-high": replaced("learning rate of E and G 1e-3 instead of 5e-4", lr_generator=1e-3),
    "table-lr": replaced("learning rate of W's rows 5e-4 instead of 1e-2", lr_table=5e-4),
    "free-projection": Trial("no spectral norm on P", run=unbounded("generator.projection")),
    "free-embedder": Trial("no spectral norm in E", run=unbounded("embedder")),
    "no-attention": Trial("no self-attention", run=no_attention),
    "relu-last": Trial("ReLU after sum pooling in E (the paper's order)", run=relu_last),
    "k-1": replaced("K = 1 instead of 3", k=1),
    "k-8": replaced("K = 8 instead of 3", k=8),
    "people-96": Trial("96 people instead of all", clips=lambda clips: clips[:96]),
    "jitter": Trial("landmarks jittered by 0.5 px", clips=jittered),
    "no-average": replaced("judged without an average of the weights", ema=None),
}


class Panel:
    """People outside the training set, judged feed-forward: the first 8 frames are sources, every second later one is drawn."""

    def __init__(self, clips: Sequence[Clip], k: int = 8) -> None:
        self.sources, self.drivers = [c[:k] for c in clips], [c[k + 4 :: 2] for c in clips]
        self.judge = EfficientNetLite("efficientnet-lite1", LAYERS, resize=240)  # as the table's perceptual distance

    @torch.no_grad()
    def __call__(self, run: MetaLearning) -> dict[str, float]:
        """Means over people; ``spread`` and ``length`` of ê as in ``tlk.learning.train.Watch``."""
        model = run.model()
        fake = [model.personalise(s, epochs=0).drive(d) for s, d in zip(self.sources, self.drivers)]
        real = [d.images for d in self.drivers]
        pairs = list(zip(fake, real))
        embedding = torch.stack([model.embed(s) for s in self.sources])
        length = embedding.norm(dim=-1).mean().item()
        return {
            "l1": mean(metrics.l1(f, r).mean().item() for f, r in pairs),
            "ssim": mean(metrics.ssim(f, r).mean().item() for f, r in pairs),
            "perceptual": mean(metrics.perceptual(self.judge(f), self.judge(r)).mean().item() for f, r in pairs),
            "length": length,
            "spread": (embedding - embedding.mean(0)).norm(dim=-1).mean().item() / max(length, 1e-12),
            "contrast": mean(f.std(0).mean().item() for f in fake),
        }


def shares(run: MetaLearning) -> dict[str, float]:
    """Each term's share of the pull on the generated image, on the next step's episodes (no step is taken)."""
    scene, fake, _ = run.draw()
    fake = fake.detach().requires_grad_()
    found = gradient_shares(generator_terms(run.critic.module, run.content, scene, fake), run.weights, fake)
    return {"content": sum(share for name, share in found.items() if name.startswith("content/")), **found}


def pull_on_weights(run: MetaLearning) -> dict[str, dict[str, float]]:
    """For E, P and G: ‖gradient‖ of the adversarial and the feature-matching term in their weights, in parts of content's; no step is taken.

    Not the shares of ``shares``: pulls of pixels that agree add up on their way to a weight, those of opposite sign cancel.
    """
    scene, fake, embedding = run.draw()
    terms, named = run.generator_terms(scene, fake, embedding), list(run.networks.module.named_parameters())
    groups = {"content": sum(run.weights[n] * t for n, t in terms.items() if n.startswith("content"))}
    groups |= {n: run.weights[n] * terms[n] for n in ("adversarial", "feature_matching")}
    places = {"E": "embedder", "P": "generator.projection", "G": "generator"}
    found: dict[str, dict[str, float]] = {place: {} for place in places}
    for group, loss in groups.items():
        gradients = torch.autograd.grad(loss, [p for _, p in named], retain_graph=True, allow_unused=True)
        for place, prefix in places.items():
            own = [g.flatten() for (n, _), g in zip(named, gradients) if g is not None and n.startswith(prefix) and (place != "G" or "projection" not in n)]
            found[place][group] = torch.cat(own).norm().item()
    return {place: {n: v[n] / v["content"] for n in groups if n != "content"} for place, v in found.items()}


def run_trial(name: str, seed: int, steps: int, clips: list[Clip], panel: Panel, start: str | None = None) -> dict:
    trial = TRIALS[name]
    model = None if start is None else load(start)
    base = preset("tiny") if model is None else model.preset  # what is not changed is as it was when the weights were made
    base = dataclasses.replace(base, ema=0.99)  # 0.999 would still show the first weights after so few steps
    run = MetaLearning(trial.preset(base), trial.clips(clips), seed)
    if model is not None:
        start_from(run, model)
    trial.run(run)
    seconds = [report.seconds for report in tqdm(run.steps(steps), total=steps, desc=f"{name}, seed {seed}", mininterval=5)]
    last = run.history[-steps // 4 :]
    about = {"trial": name, "what": trial.what, "seed": seed, "steps": steps, "start": start, "people": len(run.names), "torch": torch.__version__}
    numbers = panel(run) | {"content": mean(row["content/efficientnet-lite0"] for row in last)}
    numbers |= {"d_real": mean(row["real"] for row in last), "d_fake": mean(row["fake"] for row in last), "step_seconds": sorted(seconds)[steps // 2]}
    return about | numbers | {"shares": shares(run), "pull_on_weights": pull_on_weights(run)}


def table(results: list[dict]) -> str:
    """Markdown, in the order of TRIALS; the pull's shares as content / adversarial / feature matching, then the adversarial gradient in parts of content's."""
    order = {name: n for n, name in enumerate(TRIALS)}
    lines = ["| change | seed | steps | L1 ↓ | SSIM ↑ | perceptual ↓ | content, training ↓ | ‖ê‖ | spread of ê | D right on real / fake | pull: content / adv. / FM | adv. in E, P, G | s a step |", "|" + " --- |" * 13]
    for r in sorted(results, key=lambda r: (order[r["trial"]], r["steps"], r["seed"])):
        weights = " / ".join(f"{part['adversarial']:.2f}" for part in r.get("pull_on_weights", {}).values()) or "–"
        pull = " / ".join(f"{100 * r['shares'][k]:.0f} %" for k in ("content", "adversarial", "feature_matching"))
        lines.append(
            f"| {r['what']} | {r['seed']} | {r['steps']} | {r['l1']:.3f} | {r['ssim']:.3f} | {r['perceptual']:.2f} | {r['content']:.1f} | {r['length']:.1f} | {r['spread']:.2f} "
            f"| {r['d_real']:.2f} / {r['d_fake']:.2f} | {pull} | {weights} | {r['step_seconds']:.2f} |"
        )
    return "\n".join(lines) + "\n"


def main(arguments: list[str] | None = None) -> None:
    p = argparse.ArgumentParser(prog="python -m data_scripts.trials", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("--list", action="store_true", help="print the trials and stop")
    p.add_argument("--only", nargs="+", choices=TRIALS, metavar="TRIAL", default=list(TRIALS))
    p.add_argument("--seeds", nargs="+", type=int, default=[0])
    p.add_argument("--steps", type=int, default=400)
    p.add_argument("--people", type=int, default=800)
    p.add_argument("--version", type=int, default=heads.renderer_version(64), help="an older renderer's people, as far as they are still in the cache")
    p.add_argument("--start", metavar="MODEL", help="begin with these weights (heads-64, or a file) and fresh optimisers: what a change does late; use an --out of its own")
    p.add_argument("--out", type=Path, default=Path("runs/trials"))
    options = p.parse_args(arguments)
    if options.list:
        print("\n".join(f"{name:20} {trial.what}" for name, trial in TRIALS.items()))
        return
    clips, panel = heads.dataset("train", options.people, version=options.version), Panel(heads.dataset("validation", 16, version=options.version))
    for clip in clips:
        clip.truth.clear()  # masks of all frames would fill memory
    options.out.mkdir(parents=True, exist_ok=True)
    for name in options.only:
        for seed in options.seeds:
            path = options.out / f"{name}-seed{seed}-{options.steps}.json"
            if not path.exists():
                result = run_trial(name, seed, options.steps, clips, panel, options.start) | {"renderer": options.version}
                with write_whole(path) as temporary:
                    temporary.write_text(json.dumps(result, indent=1) + "\n")
    text = table([json.loads(path.read_text()) for path in sorted(options.out.glob("*.json"))])
    with write_whole(options.out / "table.md") as temporary:
        temporary.write_text(text)
    print(text)


if __name__ == "__main__":
    main()
