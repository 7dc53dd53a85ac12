"""Checks for 03_generator: AdaIN, the layout of ψ̂, one query's attention, pooling folded into a kernel."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import torch
import torch.nn.functional as F
from torch import Tensor

from tlk.checks import passed, same, wrong_if


def _random(*shape: int, seed: int = 0) -> Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed))


def adain(answer: Callable) -> None:
    """``answer(x (b, c, h, w), scale (b, c), shift (b, c))`` → (b, c, h, w), with eps = 1e-5."""
    x, scale, shift = 3 * _random(2, 4, 3, 5) + 1, _random(2, 4, seed=1), _random(2, 4, seed=2)
    s, t = scale[..., None, None], shift[..., None, None]
    try:
        yours = answer(x.clone(), scale.clone(), shift.clone())
    except RuntimeError as error:
        wrong_if("must match the size" in str(error), f"shapes that do not fit ({error}): means and variances need keepdim=True, scale and shift two more axes, [:, :, None, None]")
        raise
    plain = _normal(x, (2, 3))
    wrong_if(_equal(yours, s * _normal(x, (0, 2, 3)) + t), "mean and variance run over the batch too; every image has its own (instance norm): only over h and w")
    wrong_if(_equal(yours, s * _normal(x, (1, 2, 3)) + t), "mean and variance run over the channels too; every channel has its own: only over h and w")
    wrong_if(_equal(yours, s * _normal(x, (2, 3), unbiased=True) + t), "the variance is divided by h·w − 1; norms divide by h·w (unbiased=False)")
    wrong_if(_equal(yours, (1 + s) * plain + t), "scales are used as they come here, not as 1 + scale")
    wrong_if(_equal(yours, t * plain + s), "scale and shift are swapped")
    wrong_if(_equal(yours, plain), "scale and shift are not used: this is a plain instance norm")
    wrong_if(_equal(yours, s[:1] * plain + t[:1]), "every image of the batch has its own row of scales and shifts; only the first is used")
    wrong_if(_equal(yours, s * (x - x.mean((2, 3), keepdim=True)) + t), "divide by the standard deviation")
    wrong_if(_equal(yours, s * (x - x.mean((2, 3), keepdim=True)) / x.var((2, 3), keepdim=True, unbiased=False) + t), "divide by the root of the variance, not by the variance")
    same(yours, s * plain + t, "scale · (x − mean) / sqrt(var + eps) + shift, with mean and variance over h and w of each channel of each image")
    flat = answer(torch.full((1, 1, 4, 4), 7.0), torch.tensor([[3.0]]), torch.tensor([[0.5]]))
    wrong_if(not torch.allclose(flat, torch.tensor(0.5), atol=1e-2), "a flat channel has variance 0, and there your result is not its shift: where is eps?")
    passed("AdaIN, also for a channel without contrast")


def swap_layers(answer: Callable) -> None:
    """``answer(psi_a (a,), psi_b (a,), channels, chosen)`` → a's values, but b's in the layers that ``chosen`` numbers."""
    channels, chosen = [3, 2, 4, 1], [1, 3]
    a, b = torch.arange(20.0), 100 + torch.arange(20.0)
    before = a.clone(), b.clone()
    yours = answer(a, b, channels, chosen)
    wrong_if(not (torch.equal(a, before[0]) and torch.equal(b, before[1])), "your function wrote into a person's ψ̂: start from a clone")
    right = _swapped(a, b, channels, chosen)
    wrong_if(_equal(yours, _swapped(a, b, channels, [0, 2])), "this took the other layers from b")
    wrong_if(_equal(yours, _swapped(a, b, channels, chosen, width=1)), "every layer has 2 × channels values: scales and shifts")
    wrong_if(_equal(yours, _swapped(a, b, channels, chosen, part=(0, 1))), "only the scales came from b: the shifts follow right behind them")
    wrong_if(_equal(yours, _swapped(a, b, channels, chosen, part=(1, 2))), "only the shifts came from b: the scales stand before them")
    joined = torch.cat([_swapped(a[half], b[half], channels, chosen, width=1) for half in (slice(0, 10), slice(10, 20))])
    wrong_if(_equal(yours, joined), "this reads ψ̂ as all scales, then all shifts; layer by layer, its scales stand before its own shifts")
    same(yours, right, "layer i starts at twice the sum of the channels before it and is 2 × channels long")
    passed("the chosen layers are b's, scales and shifts, the rest is a's")


def attention_map(answer: Callable) -> None:
    """``answer(query (c, h, w), key (c, i, j), row, column)`` → (i, j): where the query at that place looks; it sums to 1."""
    query, key = 2 * _random(3, 4, 6), 2 * _random(3, 2, 3, seed=1)
    yours, row, column = answer(query.clone(), key.clone(), 1, 3), 1, 3
    scores = torch.einsum("chw,cij->hwij", query, key)
    right = scores[row, column].flatten().softmax(0).view(2, 3)
    wrong_if(_equal(yours, scores[row, column]), "these are scores: a softmax over all keys turns them into shares that sum to 1")
    wrong_if(_equal(yours, scores.flatten(0, 1).softmax(0).view_as(scores)[row, column]), "the softmax runs over the queries; each query shares itself out over the keys")
    wrong_if(_equal(yours, scores[row, column].softmax(-1)) or _equal(yours, scores[row, column].softmax(0)), "the softmax runs along one axis of the keys' image; flatten both axes first")
    wrong_if(_equal(yours, (scores[row, column] / 3**0.5).flatten().softmax(0).view(2, 3)), "SAGAN does not divide by the root of the channels, as transformers do")
    wrong_if(_equal(yours, scores[column % 4, row].flatten().softmax(0).view(2, 3)), "row and column are swapped: images are (c, row, column)")
    wrong_if(_equal(yours, right.T), "the map is turned: the result is (rows, columns) of the keys")
    same(yours, right, "softmax over all (i, j) of the scalar product of the query's c values with each key's")
    passed("one query's shares over all keys; they sum to 1")


def pooled_kernel(answer: Callable) -> None:
    """``answer(weight (o, i, 3, 3))`` → (o, i, 4, 4), whose convolution of stride 2, padding 1 is conv 3 × 3, then pooling 2 × 2."""
    weight, x = _random(2, 3, 3, 3), _random(1, 3, 8, 8, seed=1)
    right = sum(F.pad(weight, (u, 1 - u, v, 1 - v)) for u in (0, 1) for v in (0, 1)) / 4
    yours = answer(weight.clone())
    wrong_if(getattr(yours, "shape", None) == weight.shape, "a 3 × 3 kernel cannot do it: a mean of four neighbouring results sees 4 × 4 pixels")
    wrong_if(_equal(yours, 4 * right), "pooling is a mean of four: divide by 4")
    wrong_if(_equal(yours, 2 * right), "pooling is a mean of four results, not of two: divide by 4")
    wrong_if(_equal(yours, right.flip(-2, -1)), "the kernel is mirrored: PyTorch's conv2d does not flip, so the kernel is only moved")
    wrong_if(any(_equal(yours, g * F.pad(weight, (u, 1 - u, v, 1 - v))) for u in (0, 1) for v in (0, 1) for g in (1, 0.25)), "this is one of four moved copies: pooling adds the results at (0, 0), (0, 1), (1, 0) and (1, 1)")
    wrong_if(_equal(yours, F.avg_pool2d(F.pad(weight, (1, 1, 1, 1)), 2, 1).flip(-1)), "the kernel is mirrored left to right")
    same(yours, right, "add the kernel moved by (0, 0), (0, 1), (1, 0) and (1, 1) inside 4 × 4 zeros, and divide by 4")
    torch.testing.assert_close(F.conv2d(x, yours, stride=2, padding=1), F.avg_pool2d(F.conv2d(x, weight, padding=1), 2), rtol=1e-4, atol=1e-5)
    passed("one 4 × 4 convolution of stride 2 is conv 3 × 3 and pooling")


def _normal(x: Tensor, axes: tuple[int, ...], unbiased: bool = False) -> Tensor:
    return (x - x.mean(axes, keepdim=True)) / (x.var(axes, keepdim=True, unbiased=unbiased) + 1e-5).sqrt()


def _swapped(a: Tensor, b: Tensor, channels: Sequence[int], chosen: Sequence[int], width: int = 2, part: tuple[int, int] | None = None) -> Tensor:
    """``width``: values a channel takes; ``part``: which of them come from b (the first to the last but one)."""
    out, start = a.clone(), 0
    first, last = part or (0, width)
    for i, c in enumerate(channels):
        if i in chosen:
            out[start + first * c : start + last * c] = b[start + first * c : start + last * c]
        start += width * c
    return out


def _equal(a: object, b: Tensor) -> bool:
    return isinstance(a, Tensor) and a.shape == b.shape and torch.allclose(a.detach().to(b), b, rtol=1e-4, atol=1e-4)
