"""Meta-learning: episodes of many clips teach E, G, P, D and W (paper, section 3.3)."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import torch
from jaxtyping import Float, Int64
from lightning_fabric import Fabric
from torch import Tensor, nn
from torch.optim.swa_utils import AveragedModel, get_ema_multi_avg_fn

from tlk.data import Clip, EpisodeBatch, Episodes
from tlk.landmarks import rasterise
from tlk.losses import Content
from tlk.networks import ClipTable, Discriminator, Embedder, Generator
from tlk.presets import Preset, preset as preset_named

from .model import Model, device_name, provenance
from .objective import Scene, discriminator_loss, frozen, generator_terms
from .row_adam import RowAdam
from .weights import LossWeights


@dataclass
class Report:
    """What one step did: unweighted terms, the weights in force, D's scores; floats and CPU tensors only."""

    step: int  #: steps done so far, this one included
    terms: dict[str, float]  #: generator's terms by name, and ``discriminator``
    weights: LossWeights
    real_scores: Float[Tensor, " b"]
    fake_scores: Float[Tensor, " b"]
    seconds: float

    @property
    def accuracy(self) -> tuple[float, float]:
        """Share of real frames that D scores above 0 and of generated frames below 0 (last D update)."""
        return (self.real_scores > 0).float().mean().item(), (self.fake_scores < 0).float().mean().item()


class EmbedAndGenerate(nn.Module):
    """E and G as one module, so that one optimiser, one average and one engine wrapper hold them."""

    def __init__(self, preset: Preset) -> None:
        super().__init__()
        self.embedder, self.generator = Embedder(preset), Generator(preset)

    def forward(
        self, source: Float[Tensor, "b k 3 h w"], source_drawn: Float[Tensor, "b k 3 h w"], drawn: Float[Tensor, "b 3 h w"]
    ) -> tuple[Float[Tensor, "b 3 h w"], Float[Tensor, "b n"]]:
        """x̂ = G(y; ψ, P ê) and ê = mean over k of E(x_k, y_k)."""
        embedding = self.embedder.embed(source, source_drawn)
        return self.generator(drawn, self.generator.project(embedding)), embedding


class Critic(nn.Module):
    """D with W: the column of clip i is row i of the table."""

    def __init__(self, preset: Preset, rows: int) -> None:
        super().__init__()
        self.discriminator, self.table = Discriminator(preset), ClipTable(rows, preset.embedding)

    def forward(
        self, frames: Float[Tensor, "b 3 h w"], drawn: Float[Tensor, "b 3 h w"], index: Int64[Tensor, " b"]
    ) -> tuple[Float[Tensor, " b"], list[Tensor]]:
        return self.discriminator(frames, drawn, self.table(index))


class MetaLearning:
    """A stepper: ``for report in MetaLearning("tiny", clips).steps(1000): ...`` yields after every step.

    One step: one forward pass of E and G; ``discriminator_steps`` updates of D on its result, detached; one
    update of E, G and P against the D that came out. All updates use the same batch, which saves a pass of E
    and G for each D update (the paper does not say; ``fresh_batches=True`` draws a new batch for each).

    Args:
        preset: name or ``Preset``.
        clips: the meta-training set; row i of W belongs to ``clips[i]``. Resized to the preset when they differ.
        seed: every random choice hangs off it: the networks' start and, with the step number, each episode.
        fabric: a launched ``lightning_fabric.Fabric`` for devices and precision; default: one device,
            the GPU when there is one, float32.
        batch: episodes of a step, if not the preset's.
        data: where the clips came from, for whoever reads the weights' header.
    """

    def __init__(
        self, preset: str | Preset, clips: Sequence[Clip], seed: int = 0, *,
        fabric: Fabric | None = None, batch: int | None = None, fresh_batches: bool = False, data: str = "",
    ) -> None:
        self.preset = preset_named(preset)
        self.seed, self.step, self.fresh_batches, self.data = seed, 0, fresh_batches, data
        self.names = [clip.name for clip in clips]
        clips = [clip.resize(self.preset.size) for clip in clips]
        self.episodes = Episodes(clips, self.preset.k, batch or self.preset.batch, seed)
        self.weights = LossWeights.of(self.preset)
        self.history: list[dict[str, float]] = []
        self.fabric = fabric or Fabric(devices=1)
        self._build()

    def _build(self) -> None:
        p = self.preset
        with torch.random.fork_rng():
            torch.manual_seed(self.seed)
            networks, critic = EmbedAndGenerate(p), Critic(p, len(self.names))
        g = torch.optim.Adam(networks.parameters(), lr=p.lr_generator, betas=p.betas, eps=p.eps)
        d = torch.optim.Adam(critic.discriminator.parameters(), lr=p.lr_discriminator, betas=p.betas, eps=p.eps)
        w = RowAdam(critic.table.parameters(), lr=p.lr_table, betas=p.betas, eps=p.eps)
        self.networks, self.optimiser_g = self.fabric.setup(networks, g)
        self.critic, self.optimiser_d, self.optimiser_w = self.fabric.setup(critic, d, w)
        self.content = self.fabric.to_device(Content(p.content))
        self.average = None
        if p.ema is not None:
            self.average = AveragedModel(networks, multi_avg_fn=get_ema_multi_avg_fn(p.ema))

    def steps(self, n: int) -> Iterator[Report]:
        """Take ``n`` steps, yielding a report after each. Weights are read once, at a step's beginning."""
        for _ in range(n):
            yield self.one_step()

    def one_step(self) -> Report:
        """One whole step; see the class for its phases."""
        start, weights = time.perf_counter(), self.weights.snapshot()
        for update in range(weights.discriminator_steps):
            if update == 0 or self.fresh_batches:
                scene, fake, embedding = self.draw(stream=update)
            loss_d, real, generated = self.update_discriminator(scene, fake)
        if weights.discriminator_steps == 0:
            scene, fake, embedding = self.draw()
            with torch.no_grad(), self.fabric.autocast():
                loss_d, real, generated = discriminator_loss(self.critic.module, scene, fake)
        terms = self.update_generator(scene, fake, embedding, weights)
        self.step += 1
        return self._report(terms | {"discriminator": loss_d}, weights, real, generated, time.perf_counter() - start)

    def draw(self, stream: int = 0) -> tuple[Scene, Tensor, Tensor]:
        """The forward pass of E and G on this step's episodes: (scene, generated frames, embeddings)."""
        batch: EpisodeBatch = self.episodes.batch(self.step, stream).to(self.fabric.device)
        b, k = batch.source.shape[:2]
        size = self.preset.size
        drawn = rasterise(batch.target_landmarks, size)
        source_drawn = rasterise(batch.source_landmarks.flatten(0, 1), size).unflatten(0, (b, k))
        fake, embedding = self.networks(batch.source.float() / 255, source_drawn, drawn)
        return Scene(batch.target.float() / 255, drawn, batch.index), fake, embedding

    def update_discriminator(self, scene: Scene, fake: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """One update of θ, w0, b and the batch's rows of W by L_DSC."""
        loss, real, generated = discriminator_loss(self.critic, scene, fake)
        self.fabric.backward(loss)
        for optimiser in (self.optimiser_d, self.optimiser_w):
            optimiser.step()
            optimiser.zero_grad()
        return loss.detach(), real, generated

    def update_generator(self, scene: Scene, fake: Tensor, embedding: Tensor, weights: LossWeights) -> dict[str, Tensor]:
        """One update of φ, ψ and P by L; returns the unweighted terms."""
        critic = self.critic.module
        with frozen(critic), self.fabric.autocast():
            column = critic.table(scene.index)
            terms = generator_terms(critic, self.content, scene, fake, embedding, column)
        self.fabric.backward(weights.total(terms))
        self.optimiser_g.step()
        self.optimiser_g.zero_grad()
        if self.average is not None:
            self.average.update_parameters(self.networks.module)
        return terms

    def _report(self, terms: dict[str, Tensor], weights: LossWeights, real: Tensor, generated: Tensor, seconds: float) -> Report:
        values = torch.stack([t.detach().float() for t in terms.values()]).tolist()  # one wait for the device
        report = Report(self.step, dict(zip(terms, values)), weights, real.float().cpu(), generated.float().cpu(), seconds)
        self.history.append({"step": self.step, **report.terms, "real": report.accuracy[0], "fake": report.accuracy[1]})
        return report

    def model(self) -> Model:
        """The networks as they are now, averaged where an average is kept, for personalising and shipping."""
        networks = self.average.module if self.average is not None else self.networks.module
        header = provenance(self.preset) | {"seed": self.seed, "steps": self.step, "clips": len(self.names), "data": self.data, "device": device_name(self.fabric.device)}
        return Model(self.preset, networks.embedder, networks.generator, self.critic.module.discriminator, header).copy()

    def save(self, path: str | Path) -> None:
        """Write everything that ``resume`` needs, whole or not at all."""
        from .resume import save_meta

        save_meta(self, path)

    @classmethod
    def resume(cls, path: str | Path, clips: Sequence[Clip], **options) -> MetaLearning:
        """Go on as if never stopped: same clips in, same numbers out. ``options`` as for the class (batch, fabric)."""
        from .resume import resume_meta

        return resume_meta(cls, path, clips, **options)
