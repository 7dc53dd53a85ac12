"""What both learning stages share: taking steps, reading the weights once a step, and a report after each."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass

import torch
from jaxtyping import Float
from lightning_fabric import Fabric
from torch import Tensor, nn
from torch.optim.swa_utils import AveragedModel, get_ema_multi_avg_fn

from .objective import Scene, discriminator_loss
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


class Stepper:
    """Base of ``MetaLearning`` and ``FineTuning``, which say what a step is in ``_step``.

    ``weights`` may be changed between steps. ``history`` has a row of numbers for each step.
    """

    step: int
    fabric: Fabric
    weights: LossWeights
    critic: nn.Module  #: as the engine wrapped it
    history: list[dict[str, float]]

    def steps(self, n: int) -> Iterator[Report]:
        """Take ``n`` steps, yielding a report after each. Weights are read once, at a step's beginning."""
        for _ in range(n):
            yield self.one_step()

    def one_step(self) -> Report:
        """One whole step: D's updates, then one of the generating side."""
        start, weights = time.perf_counter(), self.weights.snapshot()
        terms, real, generated = self._step(weights)
        self.step += 1
        stacked, real, generated = self._of_all(torch.stack([t.detach().float() for t in terms.values()]), real.float(), generated.float())
        values = stacked.tolist()  # one wait for the device
        report = Report(self.step, dict(zip(terms, values)), weights, real.cpu(), generated.cpu(), time.perf_counter() - start)
        self.history.append({"step": self.step, **report.terms, "real": report.accuracy[0], "fake": report.accuracy[1]})
        return report

    def _step(self, weights: LossWeights) -> tuple[dict[str, Tensor], Tensor, Tensor]:
        """Unweighted terms by name, and D's scores of real and generated frames."""
        raise NotImplementedError

    def _of_all(self, terms: Tensor, real: Tensor, generated: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Terms averaged over the processes, scores of all of them; with one process, as they are."""
        if self.fabric.world_size == 1:
            return terms, real, generated
        scores = self.fabric.all_gather(torch.stack([real, generated]))  # (processes, 2, b)
        return self.fabric.all_reduce(terms, reduce_op="mean"), scores[:, 0].flatten(), scores[:, 1].flatten()

    def look(self, scene: Scene, fake: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """D's loss and scores without an update, for steps that leave D alone."""
        with torch.no_grad(), self.fabric.autocast():
            return discriminator_loss(self.critic.module, scene, fake)

    def apply(self, loss: Tensor, *optimisers: torch.optim.Optimizer) -> None:
        """Backward, step, and gradients cleared."""
        self.fabric.backward(loss)
        self.advance(*optimisers)

    def advance(self, *optimisers: torch.optim.Optimizer) -> None:
        """Step by the gradients that are there, then clear them."""
        for optimiser in optimisers:
            optimiser.step()
            optimiser.zero_grad()


def average_of(module: nn.Module, decay: float | None) -> AveragedModel | None:
    """An exponential moving average of a module's weights; its buffers (spectral norm's vectors) are copies of the newest."""
    return None if decay is None else AveragedModel(module, multi_avg_fn=get_ema_multi_avg_fn(decay))
