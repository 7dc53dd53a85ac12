"""How X2Face learns, and how it is used."""

from __future__ import annotations

from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor

from tlk.data import Clip
from tlk.evaluation.pretraining import Driven, Pretraining, Trained
from tlk.learning import LossWeights, Report
from tlk.learning.stepper import average_of
from tlk.losses import Content
from tlk.presets import Preset

from .networks import X2FaceNetworks, fetch


@dataclass
class PhotometricWeights(LossWeights):
    """The terms are ``l1`` and ``content/<backbone>``; those of an adversarial loss are not used."""

    l1: float = 100.0  #: at the start of a run of `tiny` it then pulls on the image about as hard as the content loss

    def __getitem__(self, term: str) -> float:
        return self.l1 if term == "l1" else super().__getitem__(term)


class X2Face(Trained):
    """Trained X2Face: T frames → their embedded face, in one pass and without any learning."""

    system, title = "x2face", "X2Face"
    made_of = {"networks": X2FaceNetworks}

    @property
    def note(self) -> str:
        return f"our compact version, pre-trained for {self.header.get('steps')} steps, feed-forward; driven by landmarks (the original: by a true frame)"

    @torch.no_grad()
    def personalise(self, clip: Clip, epochs: int = 0, seed: int = 0) -> Driven:
        """``epochs`` and ``seed`` are not used: nothing is learned from the T frames, as in the few-shot paper's comparison."""
        networks = self.parts["networks"]
        face = networks.embedding.embed(clip.resize(self.preset.size).images[None].to(self.device))
        return Driven(lambda drawn: fetch(face.expand(len(drawn), -1, -1, -1), networks.driving(drawn)), self.preset.size, self.device)


class X2FacePretraining(Pretraining):
    """A stepper: L = L1(x̂, x) + L_CNT(x̂, x) on target frames of the clips that the source frames are from.

    Steps use one source frame of each episode, two, … all K, in turn: with one there is nothing to average, and
    the fields must do the work; with more, embedded faces must lie on one another.
    """

    trained = X2Face

    def _build(self) -> None:
        p: Preset = self.preset
        self.weights = PhotometricWeights(content=dict(p.content), discriminator_steps=0)
        with torch.random.fork_rng():
            torch.manual_seed(self.seed)
            networks = X2FaceNetworks(p)
        optimiser = torch.optim.Adam(networks.parameters(), lr=p.lr_generator, eps=p.eps)
        self.networks, self.optimiser_g = self.fabric.setup(networks, optimiser)
        self.content = self.fabric.to_device(Content(p.content))
        self.average = average_of(networks, p.ema)

    def one_step(self) -> Report:
        """No discriminator: no scores in the report, and no accuracy in the history."""
        report = super().one_step()
        for name in ("real", "fake"):
            del self.history[-1][name]
        return report

    def _step(self, weights: LossWeights) -> tuple[dict[str, Tensor], Tensor, Tensor]:
        scene, source = self.scene()
        fake = self.networks(source[:, : 1 + self.step % source.shape[1]], scene.drawn)
        with self.fabric.autocast():
            terms = {"l1": F.l1_loss(fake, scene.real)} | {f"content/{name}": t for name, t in self.content(fake, scene.real, scene.drawn).items()}
        self.update(weights.total(terms))
        return terms, torch.empty(0), torch.empty(0)

    def parts(self) -> dict[str, torch.nn.Module]:
        return {"networks": self.averaged}
