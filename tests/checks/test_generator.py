"""The checks of notebook 03: right answers pass, each likely mistake is named."""

import pytest
import torch
import torch.nn.functional as F

from tlk.checks import Wrong
from tlk.checks import generator as checks


def adain(x, scale, shift, axes=(2, 3), unbiased=False, eps=1e-5, one=0):
    normal = (x - x.mean(axes, keepdim=True)) / (x.var(axes, keepdim=True, unbiased=unbiased) + eps).sqrt()
    return (one + scale[..., None, None]) * normal + shift[..., None, None]


def no_root(x, scale, shift):
    return scale[..., None, None] * (x - x.mean((2, 3), keepdim=True)) / x.var((2, 3), keepdim=True, unbiased=False) + shift[..., None, None]


def centred(x, scale, shift):
    return scale[..., None, None] * (x - x.mean((2, 3), keepdim=True)) + shift[..., None, None]


def swap(a, b, channels, chosen, first=0, last=2, width=2):
    out, start = a.clone(), 0
    for i, c in enumerate(channels):
        if i in chosen:
            out[start + first * c : start + last * c] = b[start + first * c : start + last * c]
        start += width * c
    return out


def swap_in_place(a, b, channels, chosen):
    a[:] = swap(a, b, channels, chosen)
    return a


def swap_others(a, b, channels, chosen):
    return swap(a, b, channels, [i for i in range(len(channels)) if i not in chosen])


def swap_halves(a, b, channels, chosen):
    n = sum(channels)
    return torch.cat([swap(p, q, channels, chosen, last=1, width=1) for p, q in ((a[:n], b[:n]), (a[n:], b[n:]))])


def scores(query, key):
    return torch.einsum("chw,cij->hwij", query, key)


def attend(query, key, row, column, temperature=1.0):
    return (scores(query, key)[row, column] / temperature).flatten().softmax(0).view(key.shape[1:])


def over_queries(query, key, row, column):
    all_scores = scores(query, key)
    return all_scores.flatten(0, 1).softmax(0).view_as(all_scores)[row, column]


def moved(weight, u, v):
    return F.pad(weight, (u, 1 - u, v, 1 - v))


def pooled(weight, divisor=4):
    return sum(moved(weight, u, v) for u in (0, 1) for v in (0, 1)) / divisor


RIGHT = [(checks.adain, adain), (checks.swap_layers, swap), (checks.attention_map, attend), (checks.pooled_kernel, pooled)]


@pytest.mark.parametrize("check, answer", RIGHT)
def test_right_answers_pass(check, answer, capsys):
    check(answer)
    assert capsys.readouterr().out.startswith("✓")


@pytest.mark.parametrize("check", [check for check, _ in RIGHT])
def test_an_empty_answer_is_refused(check):
    with pytest.raises(Wrong, match="returns nothing"):
        check(lambda *a: None)


@pytest.mark.parametrize(
    "check, answer, words",
    [
        (checks.adain, lambda *a: adain(*a, axes=(0, 2, 3)), "over the batch"),
        (checks.adain, lambda *a: adain(*a, axes=(1, 2, 3)), "over the channels"),
        (checks.adain, lambda *a: adain(*a, unbiased=True), "unbiased"),
        (checks.adain, lambda *a: adain(*a, one=1), "not as 1 \\+ scale"),
        (checks.adain, lambda x, s, t: adain(x, t, s), "swapped"),
        (checks.adain, lambda x, s, t: adain(x, 0 * s + 1, 0 * t), "plain instance norm"),
        (checks.adain, lambda x, s, t: adain(x, s[:1], t[:1]), "only the first is used"),
        (checks.adain, lambda x, s, t: s * (x - x.mean((2, 3))) + t, "keepdim=True"),
        (checks.adain, centred, "standard deviation"),
        (checks.adain, no_root, "not by the variance"),
        (checks.adain, lambda *a: adain(*a, eps=0), "where is eps"),
        (checks.adain, lambda x, s, t: x, "mean and variance over h and w"),
        (checks.swap_layers, swap_in_place, "clone"),
        (checks.swap_layers, swap_others, "other layers"),
        (checks.swap_layers, lambda *a: swap(*a, last=1, width=1), "2 × channels values"),
        (checks.swap_layers, lambda *a: swap(*a, last=1), "only the scales"),
        (checks.swap_layers, lambda *a: swap(*a, first=1), "only the shifts"),
        (checks.swap_layers, swap_halves, "all scales, then all shifts"),
        (checks.swap_layers, lambda a, b, c, k: b.clone(), "starts at twice the sum"),
        (checks.attention_map, lambda q, k, r, c: scores(q, k)[r, c], "softmax over all keys"),
        (checks.attention_map, over_queries, "over the queries"),
        (checks.attention_map, lambda q, k, r, c: scores(q, k)[r, c].softmax(-1), "flatten both axes"),
        (checks.attention_map, lambda *a: attend(*a, temperature=3**0.5), "root of the channels"),
        (checks.attention_map, lambda q, k, r, c: attend(q, k, c, r), "row and column"),
        (checks.attention_map, lambda *a: attend(*a).T, "turned"),
        (checks.attention_map, lambda *a: 2 * attend(*a), "softmax over all"),
        (checks.pooled_kernel, lambda w: w / 4, "3 × 3 kernel cannot"),
        (checks.pooled_kernel, lambda w: pooled(w, 1), "divide by 4"),
        (checks.pooled_kernel, lambda w: pooled(w, 2), "not of two"),
        (checks.pooled_kernel, lambda w: pooled(w).flip(-2, -1), "mirrored"),
        (checks.pooled_kernel, lambda w: pooled(w).flip(-1), "left to right"),
        (checks.pooled_kernel, lambda w: moved(w, 1, 0), "one of four"),
        (checks.pooled_kernel, lambda w: moved(w, 1, 0) / 4, "one of four"),
        (checks.pooled_kernel, lambda w: F.pad(w, (0, 2, 0, 2)), "shape"),
        (checks.pooled_kernel, lambda w: 0 * pooled(w), "inside 4 × 4 zeros"),
    ],
)
def test_likely_mistakes_are_named(check, answer, words):
    with pytest.raises(Wrong, match=words):
        check(answer)
