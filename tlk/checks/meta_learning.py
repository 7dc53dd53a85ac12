"""Checks of notebook 06's exercises: episodes, the moving average of the weights, the two phases of a step."""

from __future__ import annotations

import copy
from collections import Counter
from collections.abc import Callable

import numpy as np
import torch
from torch import Tensor, nn

from tlk.losses import hinge_discriminator, hinge_generator

from . import Wrong, passed, wrong_if


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
        _sources_are_drawn(drawn, frames, k)
    _refuses(draw, random)
    passed("K different source frames, and a target that is not among them")


def _sources_are_drawn(drawn: list[tuple[list[int], int]], frames: int, k: int) -> None:
    """Sources that follow from the target (the first k that are left, the k beside it) change from draw to draw, and yet are not drawn."""
    never = sorted(set(range(frames)) - {i for source, _ in drawn for i in source})
    wrong_if(never, f"of {frames} frames, {never} were never a source in 120 draws: draw the sources at random, not always the first {k}")
    common = Counter(target for _, target in drawn).most_common(1)[0][0]
    sets = {frozenset(source) for source, target in drawn if target == common}
    wrong_if(frames > k + 1 and len(sets) == 1, f"whenever the target was frame {common}, the sources were the same: draw them at random too")


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


class _Module(nn.Module):
    """Two parameters, and two buffers: one of numbers like spectral norm's vectors, one that counts."""

    def __init__(self, seed: int) -> None:
        super().__init__()
        g = torch.Generator().manual_seed(seed)
        self.weight, self.bias = (nn.Parameter(torch.randn(n, generator=g)) for n in (6, 2))
        self.register_buffer("vector", torch.randn(3, generator=g))
        self.register_buffer("count", torch.tensor(10 * seed + 1))

    def trained(self, seed: int) -> _Module:
        """The same module after a step."""
        with torch.no_grad():
            for tensor, other in zip(self.state_dict().values(), _Module(seed).state_dict().values()):
                tensor.copy_(other)
        return self


def _averages(decay: float, weight_of_new: float, buffers: str = "copied") -> list[dict[str, Tensor]]:
    """What the average is after each of two steps; ``buffers``: copied, averaged or kept."""
    now, after = {k: v.clone() for k, v in _Module(0).state_dict().items()}, []
    for seed in (1, 2):
        new = _Module(seed).state_dict()
        for name, value in [*now.items()]:
            if name in ("weight", "bias") or buffers == "averaged":
                now[name] = ((1 - weight_of_new) * value + weight_of_new * new[name]).to(value.dtype)
            elif buffers == "copied":
                now[name] = new[name].clone()
        after.append(dict(now))
    return after


def average(answer: Callable) -> None:
    """Exercise 2: ``answer(average, model, decay)`` moves the average's parameters in place and copies the buffers."""
    decay, mean, model, found = 0.75, _Module(0), _Module(0), []
    for seed in (1, 2):
        model.trained(seed)
        try:
            answer(mean, model, decay)
        except RuntimeError as error:
            wrong_if("leaf Variable" in str(error) or "requires grad" in str(error), "PyTorch refuses to write into a parameter while gradients are recorded: do it under torch.no_grad()")
            raise
        wrong_if(not _same_state(model.state_dict(), _Module(seed).state_dict()), "the model itself was changed: only the average may move")
        found.append({k: v.clone() for k, v in mean.state_dict().items()})
        wrong_if(_shares(mean, model), "the average shares memory with the model, and so will follow its next step at once: copy values, not tensors")
    _name_average(found, decay)
    wrong_if(not all(p.is_leaf and p.requires_grad for p in mean.parameters()), "the average's parameters are no parameters any more: write into them (copy_, lerp_)")
    passed("the average follows the model, its buffers are the model's")


def _name_average(found: list[dict[str, Tensor]], decay: float) -> None:
    start, right = _Module(0).state_dict(), _averages(decay, 1 - decay)
    parameters = lambda states: [{k: s[k] for k in ("weight", "bias")} for s in states]
    both = lambda a, b: all(map(_same_state, a, b))
    wrong_if(both(found, [start, start]), "the average did not change: write into its tensors (copy_, lerp_) instead of giving a name to new ones")
    wrong_if(both(parameters(found), parameters([start, start])), "only the buffers changed: the average's parameters stand still")
    wrong_if(both(parameters(found), parameters(_averages(decay, decay))), "decay and 1 − decay are swapped: with a decay near 1 the average should move slowly")
    wrong_if(both(parameters(found), parameters(_averages(decay, 1.0))), "this copies the model: where is the average's own past?")
    wrong_if(not both(parameters(found), parameters(right)), "a parameter of the average should be decay · old + (1 − decay) · the model's")
    wrong_if(both(found, _averages(decay, 1 - decay, "kept")), "the buffers were forgotten: spectral norm's vectors would stay those of the untrained network, and divide by a wrong number")
    wrong_if(both(found, _averages(decay, 1 - decay, "averaged")), "the buffers were averaged, too: a mean of spectral norm's unit vectors is no unit vector; copy them")
    wrong_if(not both(found, right), "the buffers should be copies of the model's")


def _same_state(a: dict[str, Tensor], b: dict[str, Tensor]) -> bool:
    return all(torch.allclose(a[k].double(), b[k].double(), atol=1e-6) for k in b)


def _shares(a: nn.Module, b: nn.Module) -> bool:
    return any(p.data_ptr() == q.data_ptr() for p, q in zip(a.state_dict().values(), b.state_dict().values()))


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
