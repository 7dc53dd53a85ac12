"""Everything that a step changes in a stepper, copied; and put back."""

from __future__ import annotations

import copy
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import torch
from torch import nn

from tlk.learning import LossWeights
from tlk.learning.stepper import Stepper


class Snapshot:
    """Networks, averages, optimisers, weights, step and curve of a stepper at one moment.

    Fixed networks (the content loss) are not copied. Nothing is shared with the stepper, which may go on.
    """

    def __init__(self, stepper: Stepper) -> None:
        self.step, self.rows = stepper.step, len(stepper.history)
        self.weights: LossWeights = stepper.weights.snapshot()
        self.modules = {name: clone(module.state_dict()) for name, module in modules(stepper).items()}
        self.optimisers = {name: clone(o.state_dict()) for name, o in optimisers(stepper).items()}

    def put_back(self, stepper: Stepper) -> None:
        """Make the stepper what it was. Its ``weights`` stay the same object, so whoever holds it sees the old values."""
        for name, module in modules(stepper).items():
            module.load_state_dict(self.modules[name])
        for name, optimiser in optimisers(stepper).items():
            optimiser.load_state_dict(clone(self.optimisers[name]))  # torch keeps what it is given
        vars(stepper.weights).update(vars(self.weights.snapshot()))
        stepper.step = self.step
        del stepper.history[self.rows :]


def modules(stepper: Stepper) -> dict[str, nn.Module]:
    """The stepper's networks that are trained, or averages of such, by attribute."""
    found = {name: value for name, value in vars(stepper).items() if isinstance(value, nn.Module)}
    return {name: getattr(m, "module", m) for name, m in found.items() if any(p.requires_grad for p in m.parameters()) or name == "average"}


def optimisers(stepper: Stepper) -> dict[str, torch.optim.Optimizer]:
    """By attribute, without the engine's wrapper."""
    plain = {name: getattr(value, "optimizer", value) for name, value in vars(stepper).items()}
    return {name: value for name, value in plain.items() if isinstance(value, torch.optim.Optimizer)}


def clone(state: Any) -> Any:
    """A deep copy; tensors detached."""
    if isinstance(state, torch.Tensor):
        return state.detach().clone()
    if isinstance(state, dict):
        return {key: clone(value) for key, value in state.items()}
    return copy.deepcopy(state)


@contextmanager
def only_looking(stepper: Stepper) -> Iterator[None]:
    """Passes through the networks inside change nothing: evaluation mode keeps the spectral norm's vectors where they are."""
    modes = [(m, m.training) for network in modules(stepper).values() for m in network.modules()]
    for module, _ in modes:
        module.training = False
    try:
        yield
    finally:
        for module, training in modes:
            module.training = training
