"""Adam for W: moments and a step count for every row, and a cost that depends on the batch alone."""

from __future__ import annotations

import torch
from torch import Tensor


class RowAdam(torch.optim.Optimizer):
    """Adam on the rows of an embedding table with sparse gradients (``ClipTable``).

    A row that is not in the batch keeps its value, its moments and its step count. ``torch.optim.SparseAdam``
    counts steps once for the whole table: a row first seen at step 10,000 then gets no bias correction, and
    with beta2 = 0.999 its first steps are up to 30 times too long. Here every row has the steps that a
    separate Adam for that row would take.

    Args:
        params: tensors (rows, n) whose gradients are sparse COO over the first axis.
        lr, betas, eps: as in ``torch.optim.Adam``. With beta1 = 0 no first moment is stored.

    Raises:
        ValueError: on a dense gradient, which would mean that every row is touched.
    """

    def __init__(self, params, lr: float = 2e-4, betas: tuple[float, float] = (0.0, 0.999), eps: float = 1e-8) -> None:
        super().__init__(params, dict(lr=lr, betas=betas, eps=eps))

    @torch.no_grad()
    def step(self, closure=None) -> None:
        for group in self.param_groups:
            for table in group["params"]:
                if table.grad is None:
                    continue
                if not table.grad.is_sparse:
                    raise ValueError("RowAdam needs sparse gradients: make the table with nn.Embedding(..., sparse=True)")
                gradient = table.grad.coalesce()
                self._step_rows(table, gradient.indices()[0], gradient.values(), group)

    def _step_rows(self, table: Tensor, rows: Tensor, gradient: Tensor, group: dict) -> None:
        beta1, beta2 = group["betas"]
        state = self._state_of(table, beta1)
        state["step"][rows] += 1
        t = state["step"][rows][:, None].double()  # 1 - 0.999 in float32 would be off by 6e-5
        second = state["exp_avg_sq"][rows].mul_(beta2).addcmul_(gradient, gradient, value=1 - beta2)
        state["exp_avg_sq"][rows] = second
        first = gradient
        if beta1 > 0:
            first = state["exp_avg"][rows].mul_(beta1).add_(gradient, alpha=1 - beta1)
            state["exp_avg"][rows] = first
            first = first / (1 - beta1**t).to(first.dtype)
        denominator = (second / (1 - beta2**t).to(second.dtype)).sqrt_().add_(group["eps"])
        table.index_add_(0, rows, first / denominator, alpha=-group["lr"])

    def _state_of(self, table: Tensor, beta1: float) -> dict[str, Tensor]:
        state = self.state[table]
        if not state:
            state["step"] = torch.zeros(len(table), dtype=torch.int64, device=table.device)
            state["exp_avg_sq"] = torch.zeros_like(table)
            if beta1 > 0:
                state["exp_avg"] = torch.zeros_like(table)
        return state
