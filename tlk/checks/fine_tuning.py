"""Checks of notebook 07's exercises: where fine-tuning starts, what it trains, which frames it sees."""

from __future__ import annotations

from collections.abc import Callable
from itertools import chain

import torch
from torch import Tensor, nn

from . import Wrong, passed, same, wrong_if

N, A = 6, 10  #: of the stand-ins: length of ê, number of AdaIN values


class _Embedder(nn.Module):
    """Stands in for E: (t, 3, h, w) twice → (t, 6)."""

    def __init__(self) -> None:
        super().__init__()
        self.scale = nn.Parameter(torch.tensor(3.0))

    def forward(self, frames: Tensor, landmark_images: Tensor) -> Tensor:
        return self.scale * torch.cat([frames.mean((2, 3)), landmark_images.mean((2, 3))], 1) ** 2


class _Generator(nn.Module):
    """Stands in for G: P and one more layer."""

    def __init__(self) -> None:
        super().__init__()
        self.projection, self.rgb = nn.Linear(N, A), nn.Conv2d(3, 3, 1)

    def project(self, embedding: Tensor) -> Tensor:
        wrong_if(embedding.shape[-1] != N or embedding.ndim != 2, f"P takes ê as (1, n), and you gave it {tuple(embedding.shape)}")
        return self.projection(embedding)


class _Discriminator(nn.Module):
    """Stands in for D: V, w0 and b."""

    def __init__(self) -> None:
        super().__init__()
        self.down, self.w0, self.bias = nn.Conv2d(6, N, 1), nn.Parameter(torch.randn(N)), nn.Parameter(torch.zeros(()))


def _networks() -> tuple[_Embedder, _Generator, _Discriminator]:
    with torch.random.fork_rng():
        torch.manual_seed(1)
        return _Embedder(), _Generator(), _Discriminator()


def start(answer: Callable) -> None:
    """Exercise 1: ``answer(embedder, generator, discriminator, frames (t, 3, h, w), landmark_images)`` → (ψ' (1, a), w' (n,)), both nn.Parameter."""
    e, g, d = _networks()
    w0 = d.w0.detach().clone()
    frames, drawn = torch.rand(2, 4, 3, 5, 5, generator=torch.Generator().manual_seed(0))
    made = answer(e, g, d, frames, drawn)
    wrong_if(not isinstance(made, tuple | list) or len(made) != 2, "return two things: ψ', then w'")
    psi, column = made
    with torch.no_grad():
        each = e(frames, drawn)
        mean, of_mean = each.mean(0), e(frames.mean(0, keepdim=True), drawn.mean(0, keepdim=True))[0]
        right = g.project(mean[None])
    wrong_if(not torch.equal(d.w0, w0), "the meta-learned w0 was changed: w' must be a tensor of its own, w0 + ê, made with + and not with +=")
    wrong_if([getattr(part, "shape", None) for part in made] == [(N,), (1, A)], "that is w' first: return ψ', then w'")
    wrong_if(isinstance(psi, Tensor) and psi.shape == (4, A), "this is one ψ' for each frame: P takes the mean of the embeddings, so that the person has one")
    _column(column, w0, mean, each, of_mean)
    same(psi, right, "ψ' starts at P ê, with ê the mean of E over the T frames")
    for name, value in (("ψ'", psi), ("w'", column)):
        wrong_if(not value.is_leaf, f"{name} still hangs on the graph of E: detach it, or make it under torch.no_grad(), before it becomes a parameter")
        wrong_if(not isinstance(value, nn.Parameter), f"{name} is a plain tensor, which no optimiser would train: wrap it in nn.Parameter")
        wrong_if(not value.requires_grad, f"{name} does not ask for a gradient: it is to be trained")
    passed("ψ' starts at P ê and w' at w0 + ê, both free")


def _column(column: object, w0: Tensor, mean: Tensor, each: Tensor, of_mean: Tensor) -> None:
    right = w0 + mean
    mistakes = {
        "w' is ê alone: D was trained with W_i + w0, so w' starts at w0 + ê": mean,
        "w' is w0 alone: the person is missing, w' starts at w0 + ê": w0,
        "w' has length 1: a (spectral) norm took its length, which carries the size of the score": right / right.norm(),
        "w' has ê of the first frame only: take the mean over the T frames": w0 + each[0],
        "w' has the sum of the embeddings: take the mean over the T frames": w0 + each.sum(0),
        "the frames were averaged, and E saw one blur: let E see each frame, then take the mean of its T answers": w0 + of_mean,
    }
    for message, wrong in mistakes.items():
        wrong_if(isinstance(column, Tensor) and column.numel() == N and torch.allclose(column.detach().flatten(), wrong, rtol=1e-4), message)
    same(column, right, "w' starts at w0 + ê")


def optimisers(answer: Callable) -> None:
    """Exercise 2: ``answer(embedder, generator, discriminator, psi, column)`` → (optimiser of the generating side, optimiser of D)."""
    e, g, d = _networks()
    psi, column = nn.Parameter(torch.rand(1, A)), nn.Parameter(torch.rand(N))
    made = answer(e, g, d, psi, column)
    pair = isinstance(made, tuple | list) and len(made) == 2 and all(isinstance(o, torch.optim.Optimizer) for o in made)
    wrong_if(not pair, "return two optimisers: that of G with ψ', then that of D with w'")
    held = [{id(p) for group in o.param_groups for p in group["params"]} for o in made]
    both = held[0] | held[1]
    wrong_if(both & _ids(e.parameters()), "E is stepped: in fine-tuning ê is no longer computed, and E must stay as it is for the next person")
    wrong_if(both & _ids(g.projection.parameters()), "P is stepped: ψ' took its place, and P must stay as it is for the next person")
    wrong_if(id(psi) in held[1] or id(column) in held[0], "ψ' belongs to the generator's side and w' to D's: each would else be pushed by the opponent's loss")
    wrong_if(id(psi) not in held[0], "ψ' is not trained: hand it to the generator's optimiser")
    wrong_if(id(column) not in held[1], "w' is not trained: hand it to D's optimiser")
    wrong_if(held[0] & _ids(d.parameters()) or held[1] & _ids(g.parameters()), "one optimiser holds weights of both sides: G and D want opposite things")
    wrong_if(id(d.w0) in both, "w0 is stepped: it went into w', and D' has no other use for it")
    wrong_if(not _ids(g.rgb.parameters()) <= held[0], "the weights ψ of G are not trained: fine-tuning moves them together with ψ'")
    wrong_if(not _ids(chain(d.down.parameters(), [d.bias])) <= held[1], "θ and b of D are not trained: D must go on learning what is real about this person")
    passed("G and ψ' on one side, V, b and w' on the other; E, P and w0 rest")


def _ids(parameters) -> set[int]:
    return {id(p) for p in parameters}


def batches(answer: Callable) -> None:
    """Exercise 3: ``answer(frames, epochs, generator)`` → list of batches (lists of frame numbers) over all epochs."""
    for frames, expected in ((1, [1]), (5, [5]), (8, [8]), (12, [8, 4]), (32, [8] * 4)):
        epochs = 3
        made = _batches(answer, frames, epochs, seed=0)
        sizes = [len(batch) for batch in made]
        wrong_if(frames == 1 and sizes == [8] * epochs, "one photo was put eight times into a batch: with T = 1 a batch is that one frame")
        run_on = sum(sizes) == frames * epochs and len(made) < len(expected) * epochs
        wrong_if(run_on and max(sizes) <= 8, "the batches run on from one epoch into the next: begin a new batch with each epoch, so that the last one may be smaller")
        wrong_if(max(sizes, default=0) > 8, f"a batch of {max(sizes, default=0)} frames: at most 8")
        wrong_if(len(made) == len(expected), f"{len(made)} batches for {epochs} epochs of {frames} frames: one epoch is not all of them")
        wrong_if(frames > 1 and set(sizes) == {1}, "batches of one frame although T > 1: the paper takes 8 at a time")
        wrong_if(sum(sizes) < frames * epochs, f"{sum(sizes)} frames in {epochs} epochs of {frames}: the last, smaller batch was dropped")
        flat = [i for batch in made for i in batch]
        for n in range(epochs):
            seen = sorted(flat[n * frames : (n + 1) * frames])
            wrong_if(seen != list(range(frames)), f"epoch {n} of T = {frames} does not see every frame exactly once: shuffle instead of drawing with replacement")
        wrong_if(sizes != expected * epochs, f"T = {frames}: batches of {sizes[: len(expected)]} in an epoch, not {expected}")
        orders = {tuple(flat[n * frames : (n + 1) * frames]) for n in range(epochs)}
        wrong_if(frames >= 5 and len(orders) == 1, "every epoch has the same order: shuffle anew for each")
    again, others = _batches(answer, 32, 1, seed=0), [_batches(answer, 32, 1, seed=seed) for seed in range(1, 4)]
    wrong_if(again != _batches(answer, 32, 1, seed=0), "two calls with generators of one seed give different orders: hand the generator to torch.randperm, so that a run can be made again")
    wrong_if(all(other == again for other in others), "generators of different seeds give one order: draw with the generator that you were given")
    passed("every frame once an epoch, in a new order, at most 8 at a time")


def _batches(answer: Callable, frames: int, epochs: int, seed: int) -> list[list[int]]:
    made = answer(frames, epochs, torch.Generator().manual_seed(seed))
    wrong_if(made is None, "your function returns nothing: is there a return at its end?")
    try:
        return [[int(i) for i in batch] for batch in made]
    except (TypeError, ValueError) as error:
        raise Wrong("return one flat list of batches, each a list of frame numbers: epochs follow one another and are not lists of their own") from error
