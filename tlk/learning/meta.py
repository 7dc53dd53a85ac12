"""Meta-learning: episodes of many clips teach E, G, P, D and W (paper, section 3.2)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import torch
from jaxtyping import Float, Int64
from lightning_fabric import Fabric
from torch import Tensor, nn

from tlk.data import Ahead, AnyClip, EpisodeBatch, Episodes
from tlk.landmarks import rasterise
from tlk.losses import Content
from tlk.networks import ClipTable, Discriminator, Embedder, Generator
from tlk.presets import Preset, preset as preset_named

from .changing import agree, changed, with_average
from .checkpoints import BadCheckpoint, load_module, load_optimiser, load_tensors, module_tensors, optimiser_tensors, save_tensors, under
from .model import Model
from .objective import Scene, discriminator_loss, frozen, generator_terms
from .provenance import device_name, provenance
from .row_adam import RowAdam
from .sharing import held, leave_rows_alone, share_rows
from .stepper import Stepper, average_of
from .weights import LossWeights

KIND = "a meta-learning checkpoint"


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


class MetaLearning(Stepper):
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
        batch: episodes of a step in all processes together, if not the preset's.
        accumulate: passes that a step's episodes are taken in, for a memory that does not hold them all. The
            gradients are the whole batch's; E and G are computed once more for each part.
        workers: processes that read and decode episodes ahead (``tlk.data.Ahead``); 0 reads them when needed.
        data: where the clips came from, for whoever reads the weights' header.
    """

    kind = KIND
    modules = ("networks", "critic")  #: attributes that a checkpoint holds, as the engine wrapped them
    optimisers = ("optimiser_g", "optimiser_d", "optimiser_w")

    def __init__(
        self, preset: str | Preset, clips: Sequence[AnyClip], seed: int = 0, *,
        fabric: Fabric | None = None, batch: int | None = None, fresh_batches: bool = False, data: str = "",
        accumulate: int = 1, workers: int = 0,
    ) -> None:
        self.preset = preset_named(preset)
        self.seed, self.step, self.fresh_batches, self.data, self.accumulate = seed, 0, fresh_batches, data, accumulate
        self.fabric = fabric or Fabric(devices=1)
        self.names = [clip.name for clip in clips]
        clips = [clip.resize(self.preset.size) for clip in clips]
        part = (self.fabric.global_rank, self.fabric.world_size)
        self.episodes: Episodes | Ahead = Episodes(clips, self.preset.k, batch or self.preset.batch, seed, part)
        if self.episodes.batch_size % (part[1] * accumulate):
            raise ValueError(f"a batch of {self.episodes.batch_size} episodes cannot be taken in {accumulate} equal parts by each of {part[1]} processes")
        if workers:
            self.episodes = Ahead(self.episodes, workers)
        self.weights = LossWeights.of(self.preset)
        self.history: list[dict[str, float]] = []
        self._build()

    def _build(self) -> None:
        p = self.preset
        with torch.random.fork_rng():
            torch.manual_seed(self.seed)
            networks, critic = EmbedAndGenerate(p), Critic(p, len(self.names))
        g = torch.optim.Adam(networks.parameters(), lr=p.lr_generator, betas=p.betas_generator or p.betas, eps=p.eps)
        d = torch.optim.Adam(critic.discriminator.parameters(), lr=p.lr_discriminator, betas=p.betas, eps=p.eps)
        w = RowAdam(critic.table.parameters(), lr=p.lr_table, betas=p.betas, eps=p.eps)
        leave_rows_alone(critic, "table.weight")
        self.networks, self.optimiser_g = self.fabric.setup(networks, g)
        self.critic, self.optimiser_d, self.optimiser_w = self.fabric.setup(critic, d, w)
        self.content = self.fabric.to_device(Content(p.content))
        self.average = average_of(networks, p.ema)

    def _step(self, weights: LossWeights) -> tuple[dict[str, Tensor], Tensor, Tensor]:
        """See the class for the phases."""
        if self.accumulate > 1:
            return self._step_in_parts(weights)
        scene, fake, embedding = self.draw()
        loss_d = real = generated = None
        for update in range(weights.discriminator_steps):
            if update > 0 and self.fresh_batches:
                scene, fake, embedding = self.draw(stream=update)
            loss_d, real, generated = self.update_discriminator(scene, fake)
        if weights.discriminator_steps == 0:
            loss_d, real, generated = self.look(scene, fake)
        terms = self.update_generator(scene, fake, embedding, weights)
        return terms | {"discriminator": loss_d}, real, generated

    def _step_in_parts(self, weights: LossWeights) -> tuple[dict[str, Tensor], Tensor, Tensor]:
        """The same phases with the gradients of several passes added up; E and G are recomputed where they learn."""
        n, batches, scored, terms = self.accumulate, self.episodes.batch(self.step).split(self.accumulate), [], []
        for update in range(max(weights.discriminator_steps, 1)):
            if update > 0 and self.fresh_batches:
                batches = self.episodes.batch(self.step, update).split(n)
            scored = []
            for part, batch in enumerate(batches):
                with torch.no_grad(), held(*(() if part == update == 0 else (self.networks,))):
                    scene, fake, _ = self.render(batch)
                with self.fabric.no_backward_sync(self.critic, enabled=part < n - 1), held(*(() if part == 0 else (self.critic,))):
                    loss, *scores = discriminator_loss(self.critic, scene, fake)
                    if weights.discriminator_steps > 0:
                        self.fabric.backward(loss / n)
                scored.append((loss.detach(), *scores))
            if weights.discriminator_steps > 0:
                self._advance_discriminator()
        for part, batch in enumerate(batches):
            with self.fabric.no_backward_sync(self.networks, enabled=part < n - 1), held(self.networks):
                scene, fake, embedding = self.render(batch)
                terms.append(self.generator_terms(scene, fake, embedding))
                if weights.generator_steps > 0:
                    self.fabric.backward(weights.total(terms[-1]) / n)
        if weights.generator_steps > 0:
            self._advance_generator()
        means = {name: torch.stack([t[name].detach() for t in terms]).mean() for name in terms[0]}
        losses, real, generated = zip(*scored)
        return means | {"discriminator": torch.stack(losses).mean()}, torch.cat(real), torch.cat(generated)

    def draw(self, stream: int = 0) -> tuple[Scene, Tensor, Tensor]:
        """The forward pass of E and G on this step's episodes: (scene, generated frames, embeddings)."""
        return self.render(self.episodes.batch(self.step, stream))

    def render(self, batch: EpisodeBatch) -> tuple[Scene, Tensor, Tensor]:
        """The forward pass of E and G on a batch."""
        batch = batch.to(self.fabric.device)
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
        self._advance_discriminator()
        return loss.detach(), real, generated

    def _advance_discriminator(self) -> None:
        share_rows(self.fabric, self.critic.module.table.weight)
        self.advance(self.optimiser_d, self.optimiser_w)

    def update_generator(self, scene: Scene, fake: Tensor, embedding: Tensor, weights: LossWeights) -> dict[str, Tensor]:
        """One update of φ, ψ and P by L; returns the unweighted terms."""
        terms = self.generator_terms(scene, fake, embedding)
        if weights.generator_steps > 0:
            self.fabric.backward(weights.total(terms))
            self._advance_generator()
        return terms

    def generator_terms(self, scene: Scene, fake: Tensor, embedding: Tensor) -> dict[str, Tensor]:
        """The unweighted terms of L, against D as it is."""
        critic = self.critic.module
        with frozen(critic), self.fabric.autocast():
            return generator_terms(critic, self.content, scene, fake, embedding, critic.table(scene.index))

    def _advance_generator(self) -> None:
        self.advance(self.optimiser_g)
        if self.average is not None:
            self.average.update_parameters(self.networks.module)

    def model(self) -> Model:
        """The networks as they are now, averaged where an average is kept, for personalising and shipping."""
        networks = self.average.module if self.average is not None else self.networks.module
        return Model(self.preset, networks.embedder, networks.generator, self.critic.module.discriminator, self.header()).copy()

    def header(self) -> dict[str, Any]:
        """What the weights say of the run that made them."""
        return provenance(self.preset) | {"seed": self.seed, "steps": self.step, "clips": len(self.names), "data": self.data, "device": device_name(self.fabric.device)}

    def save(self, path: str | Path) -> None:
        """Write networks, average, optimisers, step, weights and curve, whole or not at all."""
        tensors = {}
        for name in self.modules:
            tensors |= module_tensors(name, getattr(self, name).module)
        if self.average is not None:
            tensors |= module_tensors("average", self.average)
        for name in self.optimisers:
            tensors |= optimiser_tensors(name, getattr(self, name).optimizer)
        header = provenance(self.preset) | {
            "kind": self.kind, "seed": self.seed, "step": self.step, "batch": self.episodes.batch_size, "fresh_batches": self.fresh_batches,
            "clips": self.names, "data": self.data, "weights": asdict(self.weights), "history": self.history,
        }
        save_tensors(path, tensors, header)

    @classmethod
    def resume(cls, path: str | Path, clips: Sequence[AnyClip], *, changes: Mapping[str, Any] | None = None, **options) -> MetaLearning:
        """Go on as if never stopped: same clips in, same numbers out. ``options`` as for the class (batch, fabric).

        ``changes``: preset fields that have other values from here on (``changing.py``); ``data`` says so, and which
        step it was. Learning rates, betas and eps are always those of the preset that the checkpoint holds, or that
        ``changes`` makes of it; moments and step counts are the checkpoint's.

        Raises BadCheckpoint when the file is damaged or its rows of W belong to other clips, ValueError on a change
        that a run cannot make.
        """
        tensors, header = load_tensors(path, cls.kind)
        if [clip.name for clip in clips] != header["clips"]:
            raise BadCheckpoint(
                f"{path}: made with {len(header['clips'])} clips, {header['clips'][0]} first; resume with the same clips in the same order: every episode hangs on it, and row i of W belongs to clip i"
            )
        options = {name: header[name] for name in ("batch", "fresh_batches", "data")} | options
        was = Preset.from_dict(header["preset"])
        run = cls(changed(was, changes or {}, begun=True), clips, header["seed"], **options)
        run._restore(with_average(tensors, was, run.preset), path)
        run.step, run.history, run.weights = header["step"], header["history"], type(run.weights)(**header["weights"])
        if changes:
            run.data += agree(run.weights, was, run.preset, changes, run.step)
        return run

    def _restore(self, tensors: dict[str, Tensor], path: str | Path) -> None:
        for name in self.modules:
            load_module(getattr(self, name).module, under(name, tensors), path)
        if self.average is not None:
            load_module(self.average, under("average", tensors), path)
        for name in self.optimisers:
            load_optimiser(getattr(self, name).optimizer, under(name, tensors))
