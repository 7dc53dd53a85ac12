"""Checks for 04_discriminator: the score in two parts, a sparse update of W, power iteration, the row w'."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor, nn

from tlk.checks import passed, same, wrong_if


def _random(*shape: int, seed: int = 0) -> Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed))


def split_score(answer: Callable) -> None:
    """``answer(vector (b, n), column (b, n), w0 (n,), bias ())`` → realism (b,) and identity (b,)."""
    v, column, w0, bias = _random(3, 5), _random(3, 5, seed=1), _random(5, seed=2), torch.tensor(0.7)
    parts = answer(v, column, w0, bias)
    wrong_if(not isinstance(parts, tuple | list) or len(parts) != 2, "return two tensors, realism and identity, not one score")
    realism, identity = parts
    for name, part in (("realism", realism), ("identity", identity)):
        wrong_if(getattr(part, "shape", None) == (3, 3), f"{name} is (b, b): frame r belongs to column r alone; multiply element by element and sum over n, no matrix product of two batches")
    right = v @ w0 + bias, (v * column).sum(-1)
    wrong_if(_equal(realism, right[0] - bias) and _equal(identity, right[1]), "the bias is missing: it belongs to realism, since it does not depend on the clip")
    wrong_if(_equal(identity, right[1] + bias), "identity holds the bias: b is the same for every clip, so it belongs to realism")
    wrong_if(_equal(identity, right[1] + v @ w0), "identity was made with W_i + w0: w0 asks the same of every clip, so it belongs to realism alone")
    wrong_if(_equal(realism, right[1]) and _equal(identity, right[0]), "the two are swapped: return realism first")
    same(realism, right[0], "realism is V(x, y)ᵀ w0 + b, one number for each frame")
    same(identity, right[1], "identity is V(x, y)ᵀ W_i, one number for each frame")
    passed("realism and identity add up to the score")


def update_rows(answer: Callable) -> None:
    """``answer(table (rows, n), index (b,), gradient (b, n), lr)`` → the table after one step of plain descent."""
    table, index, gradient, lr = _random(5, 2), torch.tensor([3, 1, 3]), _random(3, 2, seed=1), 0.1
    before = table.clone()
    new = answer(table, index, gradient, lr)
    wrong_if(new is None, "return the new table")
    wrong_if(not torch.equal(table, before), "your function changed the table that it was given: start from a clone")
    right = before.index_add(0, index, gradient, alpha=-lr)
    lost = before.clone()
    lost[index] -= lr * gradient
    wrong_if(_equal(new, lost), "clip 3 stands twice in the batch and only one of its gradients arrived: table[index] -= … writes a row once; add with index_add")
    wrong_if(_equal(new, before.index_add(0, index, gradient, alpha=lr)), "the rows went uphill: descent subtracts lr times the gradient")
    counts = torch.bincount(index)[index][:, None]
    wrong_if(_equal(new, before.index_add(0, index, gradient / counts, alpha=-lr)), "gradients of a clip that stands twice are averaged; they add up, as they do in backward()")
    outside = torch.tensor([0, 2, 4])
    wrong_if(getattr(new, "shape", None) == before.shape and not torch.equal(new[outside], before[outside]), "a row whose clip is not in the batch moved")
    same(new, right, "row i must move by −lr times the sum of the gradients of clip i")
    passed("rows of the batch moved, by the sum of their gradients; no other row did")


def largest_singular_value(answer: Callable) -> None:
    """``answer(weight (o, i, k, k), steps)`` → the largest singular value of the weight as an (o, i·k·k) matrix."""
    torch.manual_seed(0)
    weight = _random(6, 4, 3, 3)
    weight[0] += 1.5  # one direction stands out, so that few steps suffice
    found = answer(weight.clone(), 100)
    wrong_if(not isinstance(found, float) and getattr(found, "shape", None) != (), "return one number")
    found, right = float(found), float(torch.linalg.svdvals(weight.flatten(1))[0])
    wrong_if(found != found or found > 1e3 * right, "the number runs away: divide the vectors by their length after every product")
    wrong_if(_near(found, weight.norm()), "this is the Frobenius norm, the root of the sum of all squared singular values; only the largest one is asked for")
    wrong_if(_near(found, right**2), "this is σ²: a product with the matrix and one with its transpose both stretch; return uᵀ M v")
    others = [torch.linalg.svdvals(weight.flatten(0, 2))[0], torch.linalg.svdvals(weight.flatten(0, 1).flatten(1))[0]]
    wrong_if(any(_near(found, o) for o in others), "the kernel was flattened another way: rows are output channels, so weight.flatten(1)")
    wrong_if(_near(found, 1.0), "the answer is 1: measure the length before you divide by it")
    wrong_if(not _near(found, right), f"{found:.4f} after 100 steps, but the largest singular value is {right:.4f}: alternate M v and Mᵀ u, each divided by its length")
    passed(f"σ = {found:.4f}, as by singular value decomposition")


def fine_tuning_row(answer: Callable) -> None:
    """``answer(w0 (n,), embedding (n,))`` → w' as an ``nn.Parameter`` (n,), where fine-tuning starts."""
    w0, embedding = nn.Parameter(_random(6)), _random(6, seed=1).requires_grad_()
    right = (w0 + embedding).detach()
    row = answer(w0, embedding * 1.0)
    wrong_if(not isinstance(row, torch.Tensor), "return a tensor")
    wrong_if(_equal(row, embedding), "w0 is missing: W_i + w0 is what a training clip is scored with")
    wrong_if(_equal(row, right / right.norm()) or _equal(row, w0.detach() + embedding / embedding.norm()), "a length was divided away: the lengths of w0 and ê set how far scores spread, keep them")
    wrong_if(_equal(row, right.relu()), "no activation on w': its negative entries say what this person does not look like")
    same(row, right, "w' starts at w0 + ê")
    wrong_if(not row.is_leaf, "w' still hangs on the embedder's graph: detach the sum before you make it a parameter")
    wrong_if(not isinstance(row, nn.Parameter) or not row.requires_grad, "w' must be trained: wrap it in nn.Parameter")
    wrong_if(row.data_ptr() in (w0.data_ptr(), embedding.data_ptr()), "w' shares memory with what it was made of: training would overwrite that")
    passed("w' starts at w0 + ê, keeps its length and is free to train")


def _equal(a: object, b: Tensor) -> bool:
    return isinstance(a, Tensor) and a.shape == b.shape and torch.allclose(a.detach(), b.detach(), rtol=1e-4, atol=1e-5)


def _near(a: float, b: Tensor | float) -> bool:
    return abs(a - float(b)) < 1e-3 * abs(float(b))
