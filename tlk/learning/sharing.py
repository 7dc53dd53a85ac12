"""Batches shared by several processes, or taken in parts by one; the engine (Lightning Fabric) does the rest."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import torch
from lightning_fabric import Fabric
from torch import Tensor, nn
from torch.nn.parallel import DistributedDataParallel


def leave_rows_alone(module: nn.Module, name: str) -> None:
    """Tell the engine's gradient averaging to leave the parameter ``name`` out; call before ``fabric.setup``.

    W's gradients are sparse. NCCL cannot reduce sparse tensors, and a dense one would be as long as the data set.
    """
    DistributedDataParallel._set_params_and_buffers_to_ignore_for_model(module, [name])


def share_rows(fabric: Fabric, rows: Tensor) -> None:
    """Replace the sparse gradient of ``rows`` by its mean over the processes: their rows laid side by side, not the table's.

    Every process must hold the gradient of as many rows (a row may be there several times).
    """
    if fabric.world_size == 1 or rows.grad is None:
        return
    indices = fabric.all_gather(rows.grad._indices()[0]).flatten()
    values = fabric.all_gather(rows.grad._values()).flatten(0, 1) / fabric.world_size
    rows.grad = torch.sparse_coo_tensor(indices[None], values, rows.shape, check_invariants=False)


@contextmanager
def held(*modules: nn.Module) -> Iterator[None]:
    """Spectral norm's vectors do not move inside: parts of one batch then see one and the same network.

    Evaluation mode does nothing else in these networks, which have neither dropout nor running averages.
    """
    training = [m.training for m in modules]
    for module in modules:
        module.eval()
    try:
        yield
    finally:
        for module, mode in zip(modules, training):
            module.train(mode)
