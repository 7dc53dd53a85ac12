"""Checks for 02_embedder: the mean over K, retrieval, a probe that never saw the person."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor

from tlk.checks import passed, same, wrong_if


def _random(*shape: int, seed: int = 0) -> Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed))


def average_sources(answer: Callable) -> None:
    """``answer(embed, frames (b, k, 3, h, w), drawn (b, k, 3, h, w))`` → ê (b, n); ``embed`` takes four axes, as E does."""
    weight = _random(6 * 16, 5, seed=2)

    def embed(frames: Tensor, drawn: Tensor) -> Tensor:
        wrong_if(frames.ndim != 4 or drawn.ndim != 4, f"embed takes (images, 3, h, w), but was given {tuple(frames.shape)}: join the axes b and k first")
        return (torch.cat([frames, drawn], 1).flatten(1) @ weight).relu()

    frames, drawn = _random(2, 3, 3, 4, 4), _random(2, 3, 3, 4, 4, seed=1)
    each = embed(frames.flatten(0, 1), drawn.flatten(0, 1)).unflatten(0, (2, 3))
    yours = answer(embed, frames, drawn)
    mixed = embed(frames.transpose(0, 1).flatten(0, 1), drawn.transpose(0, 1).flatten(0, 1)).unflatten(0, (2, 3)).mean(1)
    wrong_if(_equal(yours, each), "this is one embedding a frame: average over k")
    wrong_if(_equal(yours, each.flatten(0, 1)), "this is one embedding a frame: take b and k apart again, then average over k")
    wrong_if(_equal(yours, each.mean(0)), "this averages over the clips of the batch; the K frames of one clip lie along axis 1")
    wrong_if(_equal(yours, each.sum(1)), "this is the sum over k; ê is the mean, so that it does not grow with K")
    wrong_if(_equal(yours, embed(frames.mean(1), drawn.mean(1))), "this embeds the mean picture; E is not linear, so embed every frame and average the embeddings")
    wrong_if(_equal(yours, each.amax(1)), "this is the largest value over k; ê is the mean")
    own = embed(frames.flatten(0, 1), frames.flatten(0, 1)).unflatten(0, (2, 3)).mean(1)
    wrong_if(_equal(yours, own), "embed was given the frames twice: its second argument is their landmark images")
    wrong_if(_equal(yours, each[:, 0]), "only the first frame of each clip is used")
    wrong_if(_equal(yours, mixed), "frames of different clips got mixed: join (b, k) in this order and take them apart in the same order")
    same(yours, each.mean(1), "ê is the mean over k of E(x_k, y_k), shape (b, n)")
    passed("ê is the mean of the K embeddings of each clip")


def retrieval(answer: Callable) -> None:
    """``answer(embeddings (m, n), who (m,))`` → the share of rows whose nearest other row shows the same person."""
    who = torch.arange(6).repeat_interleave(4)
    embeddings = 2 + _random(24, 3) * torch.tensor([1.0, 3.0, 1.0]) + 1.2 * _random(6, 3, seed=1)[who]
    distance = torch.cdist(embeddings, embeddings)
    shares = lambda d: (who[d.argmin(1)] == who).float().mean()
    right, far = shares(distance.clone().fill_diagonal_(torch.inf)), shares(-distance)
    yours = answer(embeddings.clone(), who.clone())
    wrong_if(yours is None, "your function returns nothing: is there a return at its end?")
    wrong_if(not isinstance(yours, float) and getattr(yours, "shape", None) != (), "return one number")
    yours = float(yours)
    wrong_if(yours == 1, "every row finds itself, at distance 0: take the diagonal out before you look for the smallest")
    wrong_if(_near(yours, 100 * right) or _near(yours, 24 * right), "return a share between 0 and 1, neither a count nor per cent")
    wrong_if(_near(yours, 1 - right), "this is the share of mistakes")
    wrong_if(_near(yours, far), "this takes the farthest row: argmin, not argmax")
    product = embeddings @ embeddings.T
    wrong_if(_near(yours, shares(-product.fill_diagonal_(-torch.inf))), "a bare scalar product prefers long embeddings: use distances (torch.cdist)")
    wrong_if(not _near(yours, right), f"{yours:.3f}, but it should be {right:.3f}: for every row find the nearest other row, and compare who they are")
    passed(f"nearest other embedding: same person in {100 * right:.0f} % of the test's rows")


def left_out(answer: Callable) -> None:
    """``answer(x (m, n), y (m,), who (m,), ridge)`` → predictions (m,), each by a ridge fit without any row of that person."""
    who = torch.arange(5).repeat_interleave(4)
    x = 3 + _random(5, 8, seed=1)[who] + 0.3 * _random(20, 8)
    y, ridge = 7 + x[:, 0] + _random(5, seed=3)[who], 0.5
    yours = answer(x.clone(), y.clone(), who.clone(), ridge)
    right = _predict(x, y, who, ridge)
    wrong_if(_equal(yours, _fit(x, y, ridge)(x)), "the probe was fitted on everybody, also on the person it is asked about")
    wrong_if(_equal(yours, _predict(x, y, torch.arange(20), ridge)), "only one row is left out: the person's other rows tell the answer, so leave the whole person out")
    wrong_if(_equal(yours, _predict(x, y, who, ridge, centre=False)), "the means are missing: without them the line must pass through the origin")
    wrong_if(_equal(yours, _predict(x, y, who, 0.0)), "ridge is not used: add it to the diagonal of AᵀA")
    wrong_if(_equal(yours, right - _others_mean(y, who)), "add the mean of the training rows' y again")
    wrong_if(_equal(yours, _predict(x, y, who, ridge, own_mean=True)), "rows of the person were centred with their own mean; use the mean of the rows that the probe was fitted on")
    same(yours, right, "for each person: fit h = (AᵀA + ridge · I)⁻¹ Aᵀ(y − ȳ) on the other people's centred rows, then predict this person's", rtol=1e-3, atol=1e-3)
    passed("no prediction comes from a probe that saw the person")


def _fit(x: Tensor, y: Tensor, ridge: float, centre: bool = True) -> Callable[[Tensor], Tensor]:
    mx, my = (x.mean(0), y.mean()) if centre else (torch.zeros_like(x[0]), y.new_zeros(()))
    a = (x - mx).double()
    w = torch.linalg.lstsq(a.T @ a + ridge * torch.eye(a.shape[1]).double(), (a.T @ (y - my).double())[:, None]).solution[:, 0].float()
    return lambda rows: (rows - mx) @ w + my


def _predict(x: Tensor, y: Tensor, who: Tensor, ridge: float, centre: bool = True, own_mean: bool = False) -> Tensor:
    out = torch.empty_like(y)
    for person in who.unique():
        rows = who == person
        shift = x[~rows].mean(0) - x[rows].mean(0) if own_mean else 0
        out[rows] = _fit(x[~rows], y[~rows], ridge, centre)(x[rows] + shift)
    return out


def _others_mean(y: Tensor, who: Tensor) -> Tensor:
    return torch.stack([y[who != person].mean() for person in who])


def _equal(a: object, b: Tensor) -> bool:
    return isinstance(a, Tensor) and a.shape == b.shape and torch.allclose(a.detach().to(b), b, rtol=1e-3, atol=1e-3)


def _near(a: float, b: Tensor | float) -> bool:
    return abs(a - float(b)) < 1e-3
