"""RowAdam against one torch.optim.Adam for each row; traps: a shared Adam state, a shared step count."""

import pytest
import torch

from tlk.learning import RowAdam
from tlk.networks import ClipTable

ROWS, N, LR = 6, 4, 0.1
VISITS = [[0, 1], [0, 1], [1, 2], [0], [0, 1], [2, 2], [0], [5, 0]]  # the last step is row 5's first


def run_table(make_optimiser, visits=VISITS, betas=(0.9, 0.999)):
    torch.manual_seed(0)
    table = ClipTable(ROWS, N)
    optimiser = make_optimiser(table, betas)
    start = table.weight.detach().clone()
    targets = torch.randn(ROWS, N)
    for rows in visits:
        index = torch.tensor(rows)
        ((table(index) - targets[index]) ** 2).sum().backward()
        optimiser.step()
        optimiser.zero_grad()
    return start, table.weight.detach().clone()


def separate_adams(visits=VISITS, betas=(0.9, 0.999)):
    """The second opinion: every row is a parameter of its own with its own torch.optim.Adam."""
    torch.manual_seed(0)
    weight = ClipTable(ROWS, N).weight.detach()
    targets = torch.randn(ROWS, N)
    rows = [weight[i].clone().double().requires_grad_() for i in range(ROWS)]
    optimisers = [torch.optim.Adam([r], lr=LR, betas=betas) for r in rows]
    for visit in visits:
        sum(((rows[i] - targets[i].double()) ** 2).sum() for i in visit).backward()
        for i in set(visit):
            optimisers[i].step()
            optimisers[i].zero_grad()
    return torch.stack([r.detach() for r in rows]).float()


def ours(table, betas):
    return RowAdam(table.parameters(), lr=LR, betas=betas)


@pytest.mark.parametrize("betas", [(0.9, 0.999), (0.0, 0.999)])
def test_each_row_moves_as_with_an_adam_of_its_own(betas):
    torch.testing.assert_close(run_table(ours, betas=betas)[1], separate_adams(betas=betas), atol=1e-6, rtol=1e-5)


def test_sparse_adam_takes_far_too_long_a_step_for_a_row_seen_late():
    sparse = run_table(lambda table, betas: torch.optim.SparseAdam(table.parameters(), lr=LR, betas=betas))
    right = separate_adams()
    late = (sparse[1][5] - sparse[0][5]).norm() / (right[5] - sparse[0][5]).norm()
    assert not torch.allclose(sparse[1], right, atol=1e-3)
    assert abs(late - 1) > 0.2  # row 5's one step is of the wrong length
    start, mine = run_table(ours)
    assert (mine[5] - start[5]).norm() / (right[5] - start[5]).norm() == pytest.approx(1, abs=1e-4)


def test_a_row_outside_the_batch_does_not_move_though_it_has_moments():
    """One dense Adam for all columns moves row 2 on momentum alone."""

    def moved(make):
        before = run_table(make, visits=[[2, 0], [2, 0]])[1]
        after = run_table(make, visits=[[2, 0], [2, 0], [0]])[1]
        return (after[2] - before[2]).abs().max().item()

    def dense(table, betas):
        table.sparse = False
        return torch.optim.Adam(table.parameters(), lr=LR, betas=betas)

    assert moved(ours) == 0
    assert moved(dense) > 1e-3


def test_dense_gradients_are_refused():
    table = torch.nn.Embedding(3, 2)
    table(torch.tensor([1])).sum().backward()
    with pytest.raises(ValueError, match="sparse"):
        RowAdam(table.parameters()).step()


def test_without_beta1_no_first_moment_is_stored():
    table = ClipTable(ROWS, N)
    optimiser = RowAdam(table.parameters(), betas=(0.0, 0.999))
    table(torch.tensor([1])).sum().backward()
    optimiser.step()
    assert set(optimiser.state[table.weight]) == {"step", "exp_avg_sq"}
