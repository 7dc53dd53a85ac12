"""Checks of notebook 06's exercises: episodes, the mean embedding, the two phases of a step."""

from __future__ import annotations

import copy
from collections.abc import Callable

import numpy as np
import torch
from torch import Tensor, nn

from tlk.losses import hinge_discriminator, hinge_generator

from . import Wrong, passed, same, wrong_if


def episode(draw: Callable) -> None:
    """Exercise 1: ``draw(frames, k, random)`` → (k numbers of source frames, number of the target)."""
    random = np.random.default_rng(0)
    for frames, k in ((4, 3), (9, 3)):
        drawn = [_read(draw(frames, k, random), frames, k) for _ in range(120)]
        targets, sources = {target for _, target in drawn}, [tuple(source) for source, _ in drawn]
        wrong_if(len(targets) == 1, "the target was the same frame every time: draw it at random too")
        wrong_if(len(set(sources)) == 1, "the source frames were the same every time: draw them anew for each episode")
        never = sorted(set(range(frames)) - targets)
        wrong_if(never, f"of {frames} frames, {never} were never the target in 120 draws: does every frame have a chance?")
    _refuses(draw, random)
    passed("K different source frames, and a target that is not among them")


def _read(answer: object, frames: int, k: int) -> tuple[list[int], int]:
    try:
        source, target = answer
        source, target = [int(i) for i in source], int(target)
    except (TypeError, ValueError) as error:
        raise Wrong("return two things: the numbers of the K source frames, then the number of the target") from error
    wrong_if(len(source) != k, f"{len(source)} source frames for K = {k}: the target comes on top of the K")
    wrong_if(not set([*source, target]) <= set(range(frames)), f"a frame outside 0 to {frames - 1} was drawn")
    wrong_if(target in source, f"the target, frame {target}, is among the sources {source}: the answer leaks, and E need only pass it on")
    wrong_if(len(set(source)) < k, f"the sources {source} repeat a frame: draw without replacement")
    return source, target


def _refuses(draw: Callable, random: np.random.Generator) -> None:
    try:
        answer = draw(3, 3, random)
    except ValueError:
        return
    raise Wrong(f"3 frames leave no target for K = 3, but you returned {answer}: raise a ValueError")


class _Embedder(nn.Module):
    """Stands in for E: not linear, different for every frame, and it looks at the landmark image too."""

    def forward(self, frames: Tensor, landmark_images: Tensor) -> Tensor:
        wrong_if(frames.ndim != 4, f"E takes (b, 3, h, w), and you gave it {tuple(frames.shape)}: fold the axis of the source frames into the batch, unfold it after")
        wrong_if(frames.shape != landmark_images.shape, "E got frames and landmark images of different shapes")
        return torch.cat([frames.mean((2, 3)), landmark_images.mean((2, 3))], 1) ** 2


def embed(answer: Callable) -> None:
    """Exercise 2: ``answer(embedder, frames (b, k, 3, h, w), landmark_images)`` → ê (b, n)."""
    generator = torch.Generator().manual_seed(0)
    frames, drawn = torch.rand(2, 2, 3, 3, 4, 4, generator=generator) * torch.arange(1, 4)[:, None, None, None]
    e = _Embedder()
    each = e(frames.flatten(0, 1), drawn.flatten(0, 1)).unflatten(0, (2, 3))
    yours = answer(e, frames, drawn)
    wrong_if(isinstance(yours, Tensor) and yours.shape == each.shape, "this is one embedding per frame, (b, k, n): ê is their mean over the K frames")
    mistakes = {
        "this is the embedding of the mean frame: embed each frame, then take the mean": e(frames.mean(1), drawn.mean(1)),
        "these are sums over the K frames: with another K the length of ê would change": each.sum(1),
        "this is the largest value over the K frames; the paper takes the mean": each.amax(1),
        "frames of different clips were mixed: fold (b, k) into (b k), not into (k b), and unfold in the same order": each.flatten(0, 1).unflatten(0, (3, 2)).mean(0),
        "this is the first source frame's embedding: what about the others?": each[:, 0],
        "E saw other landmark images than those of the source frames": e(frames.flatten(0, 1), frames.flatten(0, 1)).unflatten(0, (2, 3)).mean(1),
    }
    for message, wrong in mistakes.items():
        wrong_if(_equal(yours, wrong), message)
    same(yours, each.mean(1), "this is not the mean of E over the K source frames of each clip")
    passed("ê is the mean over the K source frames, one row for each clip")


def _equal(a: object, b: Tensor) -> bool:
    return isinstance(a, Tensor) and a.shape == b.shape and torch.allclose(a, b, rtol=1e-4)


class _Toy:
    """A generator and a critic of a few numbers, with plain gradient descent: every mistake leaves its own mark."""

    def __init__(self) -> None:
        with torch.random.fork_rng():
            torch.manual_seed(3)
            self.generator = nn.Linear(4, 4).double()
            self.critic = nn.Sequential(nn.Linear(4, 8), nn.Tanh(), nn.Linear(8, 1), nn.Flatten(0)).double()
            self.pairs = [(torch.rand(5, 4).double(), 1 + torch.rand(5, 4).double()) for _ in range(2)]
        self.optimiser_g = torch.optim.SGD(self.generator.parameters(), lr=0.1)
        self.optimiser_d = torch.optim.SGD(self.critic.parameters(), lr=0.1)

    def after(self, step: Callable) -> list[Tensor]:
        """All parameters after two steps, and how often a gradient came into G."""
        self.visits = 0
        self.generator.weight.register_hook(self._count)
        for y, x in self.pairs:
            step(self.generator, self.critic, self.optimiser_g, self.optimiser_d, y, x)
        return [p.detach().clone() for p in (*self.generator.parameters(), *self.critic.parameters())]

    def _count(self, gradient: Tensor) -> None:
        self.visits += 1


def reference_step(generator, critic, optimiser_g, optimiser_d, y, x, *, updates=2, squash=lambda s: s, sign=1.0, g_first=False, clear=True) -> None:
    """The step of exercise 3; the options are mistakes."""
    fake = generator(y)

    def update_g() -> None:
        optimiser_g.zero_grad()
        (sign * hinge_generator(squash(critic(fake)))).backward()
        optimiser_g.step()

    if g_first:
        update_g()
    for _ in range(updates):
        if clear:
            optimiser_d.zero_grad()
        hinge_discriminator(squash(critic(x)), squash(critic(fake.detach()))).backward()
        optimiser_d.step()
        if not clear:
            optimiser_d.zero_grad()  # too early: what G's pass leaves in D stays until the next step
    if not g_first:
        update_g()


def _summed(generator, critic, optimiser_g, optimiser_d, y, x) -> None:
    fake = generator(y)
    optimiser_g.zero_grad(), optimiser_d.zero_grad()
    (hinge_discriminator(critic(x), critic(fake)) + hinge_generator(critic(fake))).backward()
    optimiser_g.step(), optimiser_d.step()


def _variant(**options) -> Callable:
    return lambda *args: reference_step(*args, **options)


MISTAKES: dict[str, Callable] = {
    "D's updates come first, then G's: G should learn from the better D": _variant(g_first=True),
    "D was updated once in a step, not twice": _variant(updates=1),
    "D kept the gradients that G's pass left in it: clear them before D's next update": _variant(clear=False),
    "both losses went through one backward pass: where |D| < 1 their gradients at the generated frame cancel, and G learns nothing from D": _summed,
    "a sigmoid before the hinge: scores then lie in (0, 1) and no hinge is ever satisfied": _variant(squash=torch.sigmoid),
    "G made its frames look less real: its loss is −D(x̂), with a minus": _variant(sign=-1.0),
}


def step(answer: Callable) -> None:
    """Exercise 3: ``answer(generator, critic, optimiser_g, optimiser_d, y, x)`` takes one whole step."""
    toy, right = _Toy(), _Toy().after(reference_step)
    before = copy.deepcopy([*toy.generator.parameters()]), copy.deepcopy([*toy.critic.parameters()])
    try:
        after = toy.after(answer)
    except RuntimeError as error:
        wrong_if("second time" in str(error), "a graph was walked backwards a second time: did you detach the fake in D's loss?")
        wrong_if("inplace" in str(error), "D changed between its pass and its backward pass: after D's update, score the fake anew for G's loss")
        raise
    for message, mistake in MISTAKES.items():
        wrong_if(_near(after, _Toy().after(mistake)), message)
    wrong_if(_near(after[:2], before[0]), "the generator did not move: does its optimiser step, and does its loss reach it?")
    wrong_if(_near(after[2:], before[1]), "the discriminator did not move: does its optimiser step?")
    wrong_if(toy.visits > 2, "D's loss sent a gradient into G: did you detach the fake?")
    wrong_if(not _near(after, right), "the networks end elsewhere: two updates of D by the hinge on the detached fake, then one of G by −D(x̂), with gradients cleared in between")
    passed("two updates of D on the detached fake, then one of G against the D that came out")


def _near(a: list[Tensor], b: list[Tensor]) -> bool:
    return all(torch.allclose(p, q, rtol=1e-9, atol=1e-12) for p, q in zip(a, b, strict=True))
