"""The checks of notebook 04: right answers pass, each likely mistake is named."""

import pytest
import torch
import torch.nn.functional as F
from torch import nn

from tlk.checks import Wrong
from tlk.checks import discriminator as checks


def split(v, column, w0, bias):
    return v @ w0 + bias, (v * column).sum(-1)


def update(table, index, gradient, lr):
    return table.index_add(0, index, gradient, alpha=-lr)


def sigma(weight, steps, rows=1, normalise=True, result=lambda u, m, v: u @ m @ v):
    matrix = weight.flatten(rows) if rows == 1 else weight.flatten(0, rows)
    u = F.normalize(torch.ones(len(matrix)), dim=0)
    unit = (lambda x: F.normalize(x, dim=0)) if normalise else (lambda x: x)
    for _ in range(steps):
        v = unit(matrix.T @ u)
        u = unit(matrix @ v)
    return result(u, matrix, v)


def row(w0, embedding):
    return nn.Parameter((w0 + embedding).detach().clone())


@pytest.mark.parametrize("check, answer", [(checks.split_score, split), (checks.update_rows, update), (checks.largest_singular_value, sigma), (checks.fine_tuning_row, row)])
def test_right_answers_pass(check, answer, capsys):
    check(answer)
    assert capsys.readouterr().out.startswith("✓")


def lost_duplicates(table, index, gradient, lr):
    new = table.clone()
    new[index] -= lr * gradient
    return new


def in_place(table, index, gradient, lr):
    return table.index_add_(0, index, gradient, alpha=-lr)


def averaged(table, index, gradient, lr):
    return update(table, index, gradient / torch.bincount(index)[index][:, None], lr)


@pytest.mark.parametrize(
    "check, answer, words",
    [
        (checks.split_score, lambda v, c, w0, b: (v * (c + w0)).sum(-1) + b, "two tensors"),
        (checks.split_score, lambda v, c, w0, b: (v @ w0 + b, v @ c.T), "no matrix product"),
        (checks.split_score, lambda v, c, w0, b: (v @ w0, (v * c).sum(-1)), "bias is missing"),
        (checks.split_score, lambda v, c, w0, b: (v @ w0, (v * c).sum(-1) + b), "identity holds the bias"),
        (checks.split_score, lambda v, c, w0, b: (v @ w0 + b, (v * (c + w0)).sum(-1)), "W_i \\+ w0"),
        (checks.split_score, lambda v, c, w0, b: split(v, c, w0, b)[::-1], "swapped"),
        (checks.split_score, lambda v, c, w0, b: (v @ w0 + b, v * c), "shape"),
        (checks.update_rows, lambda *a: None, "return the new table"),
        (checks.update_rows, lost_duplicates, "index_add"),
        (checks.update_rows, in_place, "clone"),
        (checks.update_rows, lambda t, i, g, lr: update(t, i, g, -lr), "uphill"),
        (checks.update_rows, averaged, "averaged"),
        (checks.update_rows, lambda t, i, g, lr: t - lr * g.sum(0), "not in the batch moved"),
        (checks.update_rows, lambda t, i, g, lr: update(t, i, g, 2 * lr), "sum of the gradients"),
        (checks.largest_singular_value, lambda w, s: w.norm(), "Frobenius"),
        (checks.largest_singular_value, lambda w, s: sigma(w, s) ** 2, "σ²"),
        (checks.largest_singular_value, lambda w, s: sigma(w, s, rows=2), "flattened another way"),
        (checks.largest_singular_value, lambda w, s: sigma(w, s, normalise=False), "runs away"),
        (checks.largest_singular_value, lambda w, s: sigma(w, s, result=lambda u, m, v: u.norm()), "answer is 1"),
        (checks.largest_singular_value, lambda w, s: w.flatten(1) @ w.flatten(1).T, "one number"),
        (checks.largest_singular_value, lambda w, s: 0.5 * sigma(w, s), "alternate"),
        (checks.fine_tuning_row, lambda w0, e: nn.Parameter(e.detach().clone()), "w0 is missing"),
        (checks.fine_tuning_row, lambda w0, e: nn.Parameter(F.normalize((w0 + e).detach(), dim=0)), "length was divided away"),
        (checks.fine_tuning_row, lambda w0, e: nn.Parameter((w0 + F.normalize(e, dim=0)).detach()), "length was divided away"),
        (checks.fine_tuning_row, lambda w0, e: nn.Parameter(F.relu(w0 + e).detach()), "no activation"),
        (checks.fine_tuning_row, lambda w0, e: w0 + e, "detach"),
        (checks.fine_tuning_row, lambda w0, e: (w0 + e).detach(), "nn.Parameter"),
        (checks.fine_tuning_row, lambda w0, e: nn.Parameter(w0.data.add_(e.detach())), "shares memory"),
    ],
)
def test_each_likely_mistake_is_named(check, answer, words):
    with pytest.raises(Wrong, match=words):
        check(answer)
