"""Checks for 08_evaluation: landmark error, a difference with its interval, Wilson's interval, the Fréchet distance."""

from __future__ import annotations

import math
from collections.abc import Callable

import torch
from torch import Tensor

from tlk.checks import Wrong, passed, same, wrong_if
from tlk.evaluation.answers import wilson as right_wilson
from tlk.evaluation.metrics import frechet as right_frechet
from tlk.evaluation.metrics import landmark_error as right_landmark_error


def _random(*shape: int, seed: int = 0) -> Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed))


def _near(a: object, b: Tensor | float) -> bool:
    a, b = torch.as_tensor(a, dtype=torch.float64), torch.as_tensor(b, dtype=torch.float64)
    return a.shape == b.shape and torch.allclose(a, b, rtol=1e-4, atol=1e-6)


def _name(found: object, wrong: dict[str, Tensor | float]) -> None:
    for message, value in wrong.items():
        wrong_if(_near(found.detach() if isinstance(found, Tensor) else found, value), message)


def landmark_error(answer: Callable) -> None:
    """``answer(found (f, 68, 2), driving (f, 68, 2))`` → (f,)."""
    driving, scale = 20 * _random(4, 68, 2), torch.tensor([1.0, 2.0, 4.0, 0.5])[:, None, None]
    driving = driving * scale
    found = driving + 3 * _random(4, 68, 2, seed=1)
    result = answer(found.clone(), driving.clone())
    wrong_if(result is None, "your function returns nothing: is there a return at its end?")
    apart, far = (found - driving), (driving[:, 36] - driving[:, 45]).norm(dim=-1)
    wrong = {
        "this is in pixels: divide by the distance of the outer eye corners, 36 and 45, or a face twice as large is twice as wrong": apart.norm(dim=-1).mean(1),
        "the eye corners are those of the found points: a system that draws a face too large would be forgiven. Take the driving points": apart.norm(dim=-1).mean(1) / (found[:, 36] - found[:, 45]).norm(dim=-1),
        "this is the mean over x and y: take the length of each point's difference first": apart.abs().mean((1, 2)) / far,
        "the squares are not undone: the distance is the root of dx² + dy²": apart.square().sum(-1).mean(1) / far,
        "one number for all frames: the mean is over the 68 points only": (apart.norm(dim=-1).mean(1) / far).mean(),
        "these are the inner corners of the eyes; 36 and 45 are the outer ones": apart.norm(dim=-1).mean(1) / (driving[:, 39] - driving[:, 42]).norm(dim=-1),
        "this is the sum over the points, not their mean": apart.norm(dim=-1).sum(1) / far,
        "all frames are divided by one distance: each frame has eyes of its own": apart.norm(dim=-1).mean(1) / far.mean(),
        "these are points 35 and 44: the 68 points are counted from 0, so that 36 is points[:, 36]": apart.norm(dim=-1).mean(1) / (driving[:, 35] - driving[:, 44]).norm(dim=-1),
        "this is the length of all differences of a frame together: take each point's length (dim=-1), then their mean": apart.norm(dim=(1, 2)) / far,
    }
    _name(result, wrong)
    same(result, right_landmark_error(found, driving), "mean distance of the 68 points over the distance of driving points 36 and 45, for each frame")
    missing = found.clone()
    missing[2, 5] = math.nan
    told = answer(missing, driving.clone())
    wrong_if(not torch.isfinite(told[[0, 1, 3]]).all() or not told[2].isnan(), "where a point is missing the frame has no number (nan), and the others keep theirs: neither fill in zeros nor take the mean of the points that are left (nanmean)")
    passed("landmark error: no matter the size of the face")


def paired(answer: Callable) -> None:
    """``answer(a (p,), b (p,), draws, generator)`` → (mean of a − b, low, high)."""
    people = 12
    level, a_less_b = 5 * _random(people).double(), 0.3 + 0.1 * _random(people, seed=1).double()
    found = answer(level + a_less_b, level, 8000, torch.Generator().manual_seed(0))
    wrong_if(not isinstance(found, tuple | list) or len(found) != 3, "return three numbers: the mean difference, and the low and high end of its interval")
    mean, low, high = (float(v) for v in found)
    wrong_if(abs(mean + a_less_b.mean().item()) < 1e-6, "wrong sign: a less b")
    wrong_if(abs(mean - a_less_b.mean().item()) > 1e-6, "the first number is the mean over people of a − b")
    wrong_if(abs(high - low) < 1e-9, "the interval has no width, as if every draw held the same people: draw with replacement, torch.randint and not torch.randperm")
    wrong_if(not low < mean < high, "the mean must lie inside the interval: are low and high in order?")
    half, sd = (high - low) / 2, a_less_b.std(correction=0).item()
    alone = 1.96 * (2 * level.var().item() / people) ** 0.5
    wrong_if(half > 0.5 * alone, "the interval is as wide as if a and b were of different people: draw the people once, and take both their numbers")
    wrong_if(half > sd, "this is the spread of people, not of their mean: draw as many people as there are, take the mean, and do that many times")
    wrong_if(half < 1.96 * sd / people**0.5 * 0.6, "the interval is too narrow: draw with replacement, or every draw holds the same people; and take the 2.5 % and 97.5 % points of the means")
    wrong_if(half < 1.96 * sd / people**0.5 * 0.915, "this is narrower than 95 %, about the 90 % interval: 2.5 % are cut off at each end, so take the quantiles 0.025 and 0.975")
    wrong_if(half > 1.96 * sd / people**0.5 * 1.35, "the interval is too wide for 95 %: take the 2.5 % and 97.5 % points of the means")
    passed("a difference person by person, with its interval")


def wilson(answer: Callable) -> None:
    """``answer(right, count)`` → (low, high) at 95 %."""
    for right, count in ((7, 20), (0, 20), (20, 20), (81, 263)):
        found = answer(right, count)
        wrong_if(not isinstance(found, tuple | list) or len(found) != 2, "return two numbers, the low and the high end")
        low, high = (float(v) for v in found)
        share = right / count
        plain = 1.96 * (share * (1 - share) / count) ** 0.5
        wrong_if(abs(high - low - 2 * plain) < 1e-4, "this is p̂ ± z √(p̂ (1 − p̂)/n): it has no width at 0 and 1, and leaves [0, 1]. Wilson asks which p would not be refused")
        true = right_wilson(right, count)[1:]
        wrong_if(low > high, "low and high are swapped")
        narrow = right_wilson(right, count, z=1.644854)[1:]
        wrong_if(abs(low - narrow[0]) + abs(high - narrow[1]) < 2e-4, "this is the 90 % interval: z is 1.96 for 95 %")
        wrong_if(abs(low - true[0]) > 2e-4 or abs(high - true[1]) > 2e-4, f"{right} right of {count}: [{low:.4f}, {high:.4f}], not [{true[0]:.4f}, {true[1]:.4f}]; is everything divided by 1 + z²/n?")
    passed("Wilson's interval: inside [0, 1], with a width at both ends")


def frechet(answer: Callable) -> None:
    """``answer(a (m, n), b (k, n))`` → the distance, a number."""
    a, b = (_random(40, 5, seed=s).double() @ _random(5, 5, seed=s + 2).double() + s for s in (0, 1))
    found = answer(a.clone(), b.clone())
    wrong_if(found is None, "your function returns nothing: is there a return at its end?")
    one, two = a.T.cov(), b.T.cov()
    shift = (a.mean(0) - b.mean(0)).square().sum()
    root = lambda m: (lambda v, u: (u * v.clamp_min(0).sqrt()) @ u.T)(*torch.linalg.eigh(m))
    cross = torch.linalg.eigvals(one @ two).real.clamp_min(0).sqrt().sum()
    wrong = {
        "the means are compared by their distance; the formula has its square": shift.sqrt() + (one + two).trace() - 2 * cross,
        "the means are missing": (one + two).trace() - 2 * cross,
        "only the means are compared: two sets with one mean and different spreads are not alike": shift,
        "the 2 before the root of the product is missing": shift + (one + two).trace() - cross,
        "this is tr of the product itself: its square root is missing": shift + (one + two).trace() - 2 * (one @ two).trace(),
        "the root is taken of each element; a matrix's square root S has S S = the matrix": shift + (one + two).trace() - 2 * (one @ two).clamp_min(0).sqrt().trace(),
        "√Σa and √Σb are multiplied: the trace of that is not the trace of √(Σa Σb), unless the two commute": shift + (one + two).trace() - 2 * (root(one) @ root(two)).trace(),
        "the covariance is that of the images, not of the features: torch.cov wants variables as rows, so give it a.T": _of_images(a, b),
        "eigvalsh takes for granted that a matrix is symmetric, and Σa Σb is not: use eigvals, and take the real part": shift + (one + two).trace() - 2 * torch.linalg.eigvalsh(one @ two).clamp_min(0).sqrt().sum(),
        "this is the root of the distance asked for: the formula has d², as FID does": right_frechet(a, b) ** 0.5,
        "the covariances divide by n; the unbiased ones, as FID has them, by n − 1": shift + (39 / 40) * ((one + two).trace() - 2 * cross),
    }
    imaginary = found.is_complex() if isinstance(found, Tensor) else isinstance(found, complex)
    wrong_if(imaginary, "the result is complex: eigvals gives complex numbers, and rounding makes some of them so; take .real before the root")
    _name(found, wrong)
    value = float(found)
    wrong_if(math.isnan(value), "the result is not a number: tiny negative eigenvalues come from rounding; set them to zero before the root")
    wrong_if(abs(value - right_frechet(a, b)) > 1e-4 * value, f"{value:.4f}, not {right_frechet(a, b):.4f}: ‖μa − μb‖² + tr Σa + tr Σb − 2 tr √(Σa Σb)")
    _fewer_images_than_features(answer)
    passed("Fréchet distance, also with fewer images than features")


def _of_images(a: Tensor, b: Tensor) -> Tensor:
    one, two = a.cov(), b.cov()
    return (a.mean(0) - b.mean(0)).square().sum() + (one + two).trace() - 2 * torch.linalg.eigvals(one @ two).real.clamp_min(0).sqrt().sum()


def _fewer_images_than_features(answer: Callable) -> None:
    """4 images, 40 features: most eigenvalues are 0 but for rounding, to either side."""
    a, b = _random(4, 40, seed=6).double(), _random(4, 40, seed=7).double()
    try:
        few = float(answer(a.clone(), b.clone()))
    except RuntimeError as error:
        raise Wrong("with fewer images than features it breaks: is an inverse or a Cholesky root taken? Clamp the eigenvalues at zero instead") from error
    wrong_if(math.isnan(few), "with fewer images than features the result is not a number: rounding makes some eigenvalues a little negative; set them to zero before the root")
    wrong_if(not abs(few - right_frechet(a, b)) < 1e-3, "with fewer images than features it breaks: is an inverse or a Cholesky root taken? Clamp the eigenvalues at zero instead")
