"""The checks of notebook 02: right answers pass, each likely mistake is named."""

import pytest
import torch

from tlk.checks import Wrong
from tlk.checks import embedder as checks


def every(embed, frames, drawn):
    return embed(frames.flatten(0, 1), drawn.flatten(0, 1)).unflatten(0, frames.shape[:2])


def average(embed, frames, drawn):
    return every(embed, frames, drawn).mean(1)


def mixed(embed, frames, drawn):
    b, k = frames.shape[:2]
    return embed(frames.transpose(0, 1).flatten(0, 1), drawn.transpose(0, 1).flatten(0, 1)).view(b, k, -1).mean(1)


def retrieval(embeddings, who, exclude=True, sign=1.0):
    distance = sign * torch.cdist(embeddings, embeddings)
    if exclude:
        distance.fill_diagonal_(torch.inf)
    return (who[distance.argmin(1)] == who).float().mean()


def by_product(embeddings, who):
    return (who[(embeddings @ embeddings.T).fill_diagonal_(-torch.inf).argmax(1)] == who).float().mean()


def fit(x, y, ridge, bias=True):
    mx, my = (x.mean(0), y.mean()) if bias else (0 * x[0], 0)
    a = x - mx
    w = torch.linalg.solve(a.T @ a + ridge * torch.eye(x.shape[1]), a.T @ (y - my))
    return lambda rows: (rows - mx) @ w + my


def left_out(x, y, who, ridge, bias=True, add_mean=True, own_mean=False):
    out = torch.empty_like(y)
    for person in who.unique():
        rows = who == person
        moved = x[rows] - x[rows].mean(0) + x[~rows].mean(0) if own_mean else x[rows]
        out[rows] = fit(x[~rows], y[~rows], ridge, bias)(moved) - (0 if add_mean else y[~rows].mean())
    return out


@pytest.mark.parametrize("check, answer", [(checks.average_sources, average), (checks.retrieval, retrieval), (checks.left_out, left_out)])
def test_right_answers_pass(check, answer, capsys):
    check(answer)
    assert capsys.readouterr().out.startswith("✓")


@pytest.mark.parametrize(
    "check, answer, words",
    [
        (checks.average_sources, lambda *a: None, "returns nothing"),
        (checks.average_sources, lambda e, f, d: e(f, d), "join the axes"),
        (checks.average_sources, every, "one embedding a frame"),
        (checks.average_sources, lambda *a: every(*a).flatten(0, 1), "take b and k apart"),
        (checks.average_sources, lambda *a: every(*a).mean(0), "clips of the batch"),
        (checks.average_sources, lambda *a: every(*a).sum(1), "sum over k"),
        (checks.average_sources, lambda e, f, d: e(f.mean(1), d.mean(1)), "mean picture"),
        (checks.average_sources, lambda *a: every(*a).amax(1), "largest value"),
        (checks.average_sources, lambda e, f, d: average(e, f, f), "frames twice"),
        (checks.average_sources, lambda *a: every(*a)[:, 0], "first frame"),
        (checks.average_sources, mixed, "got mixed"),
        (checks.average_sources, lambda *a: 2 * average(*a), "mean over k of E"),
        (checks.retrieval, lambda *a: None, "returns nothing"),
        (checks.retrieval, lambda e, w: torch.cdist(e, e), "one number"),
        (checks.retrieval, lambda e, w: retrieval(e, w, exclude=False), "finds itself"),
        (checks.retrieval, lambda e, w: 100 * retrieval(e, w), "per cent"),
        (checks.retrieval, lambda e, w: len(w) * retrieval(e, w), "count"),
        (checks.retrieval, lambda e, w: 1 - retrieval(e, w), "mistakes"),
        (checks.retrieval, lambda e, w: retrieval(e, w, exclude=False, sign=-1.0), "farthest"),
        (checks.retrieval, by_product, "long embeddings"),
        (checks.retrieval, lambda e, w: 0.123, "nearest other row"),
        (checks.left_out, lambda *a: None, "returns nothing"),
        (checks.left_out, lambda x, y, w, r: fit(x, y, r)(x), "fitted on everybody"),
        (checks.left_out, lambda x, y, w, r: left_out(x, y, torch.arange(len(y)), r), "whole person"),
        (checks.left_out, lambda *a: left_out(*a, bias=False), "means are missing"),
        (checks.left_out, lambda x, y, w, r: left_out(x, y, w, 0.0), "ridge is not used"),
        (checks.left_out, lambda *a: left_out(*a, add_mean=False), "mean of the training"),
        (checks.left_out, lambda *a: left_out(*a, own_mean=True), "own mean"),
        (checks.left_out, lambda x, y, w, r: y, "for each person"),
    ],
)
def test_likely_mistakes_are_named(check, answer, words):
    with pytest.raises(Wrong, match=words):
        check(answer)
