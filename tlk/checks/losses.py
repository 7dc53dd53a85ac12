"""Checks for 05_losses: the hinge, both sides of the game, feature matching, the match term."""

from __future__ import annotations

from collections.abc import Callable

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from tlk.checks import passed, same, wrong_if


def _random(*shape: int, seed: int = 0) -> Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed))


def hinge(answer: Callable) -> None:
    """``answer(real (b,), fake (b,))`` → L_DSC, a scalar."""
    real, fake = 1 + 1.5 * _random(6, seed=4), 1.5 * _random(6, seed=2)  # some of both beyond their line, some not; the mean real one is
    found = answer(real.clone(), fake.clone())
    right = F.relu(1 - real).mean() + F.relu(1 + fake).mean()
    wrong = {
        "there is a sigmoid before the hinge: scores then lie in (0, 1), no hinge is ever satisfied, and D is pushed for ever. The hinge takes scores as they are": F.relu(1 - real.sigmoid()).mean() + F.relu(1 + fake.sigmoid()).mean(),
        "real and fake are swapped: real scores should rise above 1, fake ones fall below −1": F.relu(1 + real).mean() + F.relu(1 - fake).mean(),
        "the hinge is missing: without max(0, …) D gains for ever by making scores larger": (1 - real).mean() + (1 + fake).mean(),
        "this is a sum over the batch; tlk's losses are means, so that weights do not depend on the batch": F.relu(1 - real).sum() + F.relu(1 + fake).sum(),
        "the mean is taken before the hinge: a frame far beyond its line would pay for others that are not there yet; hinge each score, then take the mean": F.relu(1 - real.mean()) + F.relu(1 + fake.mean()),
        "real and fake share one mean: add the two means, do not average them": right / 2,
        "the margin is missing: a score of 0.1 is not enough to be satisfied with, 1 is": F.relu(-real).mean() + F.relu(fake).mean(),
        "only the real half is there": F.relu(1 - real).mean(),
        "only the generated half is there": F.relu(1 + fake).mean(),
        "only the real half, and its mean is taken before the hinge: hinge each score, then take the mean": F.relu(1 - real.mean()),
    }
    _name(found, wrong)
    same(found, right, "L_DSC is max(0, 1 − D(x)) + max(0, 1 + D(x̂)), each averaged over the batch")
    passed("hinge: satisfied at 1 and −1, and not before")


def both_sides(answer: Callable) -> None:
    """``answer(discriminator, real (b, n), generated (b, n))`` → (loss of D, score's part of G's loss)."""
    torch.manual_seed(0)
    D, G = nn.Linear(3, 1), nn.Linear(2, 3)
    real, generated = _random(8, 3), G(_random(8, 2, seed=1))
    pair = answer(lambda x: D(x)[:, 0], real, generated)
    wrong_if(not isinstance(pair, tuple | list) or len(pair) != 2, "return two losses, D's and G's; never their sum")
    loss_d, loss_g = pair
    wrong_if(not all(isinstance(loss, Tensor) and loss.shape == () for loss in pair), "each loss is one number: take means over the batch")
    scores = D(generated)[:, 0]
    wrong_if(_equal(loss_g, scores.mean()), "wrong sign for the generator: it wants D's scores to rise, so its loss is their mean with a minus")
    wrong_if(_equal(loss_g, F.relu(1 - scores).mean()), "the generator has no hinge in this paper: its loss is −D(x̂), also where D is already convinced")
    wrong_if(_equal(loss_d, loss_g), "both losses are the same: D and G want opposite things")
    same(loss_g, -scores.mean(), "the score's part of G's loss is −mean D(x̂)")
    same(loss_d, F.relu(1 - D(real)[:, 0]).mean() + F.relu(1 + scores).mean(), "D's loss is the hinge loss of exercise 1")
    wrong_if(not loss_g.requires_grad or _moves(loss_g, G.weight) is None, "no gradient of G's loss reaches G: detach the frame in D's loss only")
    wrong_if(_moves(loss_d, G.weight) is not None, "D's loss reaches the generator: did you detach the fake?")
    wrong_if(_moves(loss_d, D.weight) is None, "no gradient of D's loss reaches D")
    _both_teach(loss_d, D, F.relu(1 - D(real)[:, 0]).mean(), F.relu(1 + D(generated.detach())[:, 0]).mean())
    passed("D's loss trains D alone; G's loss reaches G through D")


def _both_teach(loss: Tensor, D: nn.Linear, of_real: Tensor, of_generated: Tensor) -> None:
    """A loss of the right value may still lack a half of its gradient: compare it with those of the two halves."""
    found, real, generated = (torch.autograd.grad(x, D.weight, retain_graph=True)[0] for x in (loss, of_real, of_generated))
    wrong_if(_equal(found, real), "D learns nothing from the generated frames: detach the frame, not its score (and no no_grad around D)")
    wrong_if(_equal(found, generated), "D learns nothing from the real frames: their scores must keep their gradient")
    same(found, real + generated, "D's loss has the right value, but its gradient at D is not the hinge loss's: is anything detached besides the generated frame?")


def feature_matching(answer: Callable) -> None:
    """``answer(fake, real)``: lists of activations (b, c, h, w), one a block → L_FM, a scalar."""
    shapes = [(2, 3, 8, 8), (2, 6, 4, 4)]
    fake = [_random(*s).requires_grad_() for s in shapes]
    real = [_random(*s, seed=1).requires_grad_() for s in shapes]
    found = answer([f * 1.0 for f in fake], [r * 1.0 for r in real])
    parts = [(f - r).detach() for f, r in zip(fake, real)]
    right = sum(p.abs().mean() for p in parts)
    wrong = {
        "each layer is summed over its elements; take the mean, or a large layer drowns the others and the weight of 10 means something else at every image size": sum(p.abs().sum() for p in parts),
        "layers are averaged; the formula adds them up": right / len(parts),
        "this is the squared difference; the paper's is L1": sum(p.square().mean() for p in parts),
        "only the last layer is there: go through all of them": parts[-1].abs().mean(),
        "only the first layer is there: go through all of them": parts[0].abs().mean(),
        "all elements share one mean, so that the largest layer counts most; take a mean for each layer": torch.cat([p.flatten() for p in parts]).abs().mean(),
        "the absolute value is missing: differences of both signs cancel": sum(p.mean() for p in parts),
    }
    _name(found, wrong)
    same(found, right, "L_FM is, summed over layers, the mean absolute difference")
    wrong_if(not found.requires_grad or _moves(found, fake[0]) is None, "no gradient reaches the generated side: detach the real one, not this one")
    wrong_if(_moves(found, real[0]) is not None, "the real activations get a gradient: they are the target, detach them")
    passed("feature matching: a mean for each layer, a sum over layers, the target detached")


def match(answer: Callable) -> None:
    """``answer(embedding (b, n), column (b, n))`` → L_MCH as meta-learning uses it, a scalar."""
    embedding, column = _random(2, 5).requires_grad_(), _random(2, 5, seed=1).requires_grad_()
    found = answer(embedding * 1.0, column * 1.0)
    difference = (embedding - column).detach()
    right = difference.abs().mean()
    wrong = {
        "this is a sum over n, as the paper writes it; tlk's weights are calibrated for the mean": difference.abs().sum(-1).mean(),
        "this is a sum over the whole batch; take the mean": difference.abs().sum(),
        "this is the squared difference; the paper's is L1": difference.square().mean(),
        "the absolute value is missing: differences of both signs cancel": difference.mean(),
        "wrong sign: this pushes ê away from W_i": -right,
        "this is a cosine distance, which leaves the length of ê free; w' = w0 + ê needs the length, too": (1 - F.cosine_similarity(embedding, column)).mean().detach(),
    }
    _name(found, wrong)
    same(found, right, "L_MCH is the mean of |ê − W_i|")
    wrong_if(not found.requires_grad or _moves(found, embedding) is None, "no gradient reaches ê: detach W_i, not ê")
    wrong_if(_moves(found, column) is not None, "W_i gets a gradient from the match term: in the paper W belongs to D and learns from L_DSC only; detach it")
    passed("match: ê moves to W_i, and W_i stays where D put it")


def _name(found: object, wrong: dict[str, Tensor]) -> None:
    """Raise the sentence of the wrong answer that ``found`` equals, if there is one."""
    for sentence, value in wrong.items():
        wrong_if(_equal(found, value), sentence)


def _moves(loss: Tensor, what: Tensor) -> Tensor | None:
    """The loss's gradient at ``what``; None when there is none or it is zero everywhere."""
    if not loss.requires_grad:
        return None
    (gradient,) = torch.autograd.grad(loss, what, retain_graph=True, allow_unused=True)
    return None if gradient is None or not gradient.any() else gradient


def _equal(a: object, b: Tensor) -> bool:
    return isinstance(a, Tensor) and a.shape == b.shape and torch.allclose(a.detach(), b.detach(), rtol=1e-4, atol=1e-5)
