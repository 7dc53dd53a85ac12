"""The checks of notebook 08: right answers pass, each likely mistake is named."""

import pytest
import torch

from tlk import evaluation
from tlk.checks import Wrong
from tlk.checks import evaluation as checks
from tlk.evaluation import metrics
from tlk.evaluation.answers import wilson


def paired(a, b, draws, generator, cut=0.025):
    d = a - b
    means = d[torch.randint(len(d), (draws, len(d)), generator=generator)].mean(1)
    return d.mean(), means.quantile(cut), means.quantile(1 - cut)


def without_replacement(a, b, draws, generator):
    means = torch.stack([(a - b)[torch.randperm(len(a), generator=generator)].mean() for _ in range(draws)])
    return (a - b).mean(), means.quantile(0.025), means.quantile(0.975)


def unpaired(a, b, draws, generator):
    pick = lambda x: x[torch.randint(len(x), (draws, len(x)), generator=generator)].mean(1)
    means = pick(a) - pick(b)
    return (a - b).mean(), means.quantile(0.025), means.quantile(0.975)


def spread(a, b, draws, generator):
    return (a - b).mean(), (a - b).quantile(0.025), (a - b).quantile(0.975)


def by_eigenvalues(a, b, spoil=lambda x: x, power=1.0, roots=lambda m: torch.linalg.eigvals(m).real.clamp_min(0).sqrt(), cov=lambda x: x.T.cov()):
    one, two = cov(a), cov(b)
    cross = roots(one @ two).sum()
    return (a.mean(0) - b.mean(0)).square().sum() ** power + one.trace() + two.trace() - 2 * spoil(cross)


RIGHT = [
    (checks.landmark_error, metrics.landmark_error), (checks.paired, paired), (checks.wilson, lambda r, n: wilson(r, n)[1:]),
    (checks.frechet, evaluation.frechet), (checks.frechet, by_eigenvalues),
]  # fmt: skip


@pytest.mark.parametrize("check, answer", RIGHT)
def test_right_answers_pass(check, answer, capsys):
    check(answer)
    assert capsys.readouterr().out.startswith("✓")


@pytest.mark.parametrize("check", dict.fromkeys(c for c, _ in RIGHT))
def test_nothing_returned_is_told(check):
    with pytest.raises(Wrong):
        check(lambda *a: None)


def by_cholesky(a, b):
    half = torch.linalg.cholesky(a.T.cov())
    return by_eigenvalues(a, b, roots=lambda m: torch.linalg.eigvalsh(half.T @ b.T.cov() @ half).sqrt())


def error(found, driving, of=None, reduce=lambda d: d.norm(dim=-1).mean(1), corners=(36, 45)):
    eyes = driving if of is None else of(found)
    return reduce(found - driving) / (eyes[:, corners[0]] - eyes[:, corners[1]]).norm(dim=-1)


def plain(r, n):
    half = 1.96 * (r / n * (1 - r / n) / n) ** 0.5
    return r / n - half, r / n + half


@pytest.mark.parametrize(
    "check, answer, words",
    [
        (checks.landmark_error, lambda f, d: (f - d).norm(dim=-1).mean(1), "in pixels"),
        (checks.landmark_error, lambda f, d: error(f, d, of=lambda x: x), "found points"),
        (checks.landmark_error, lambda f, d: error(f, d, reduce=lambda x: x.abs().mean((1, 2))), "mean over x and y"),
        (checks.landmark_error, lambda f, d: error(f, d, reduce=lambda x: x.square().sum(-1).mean(1)), "squares"),
        (checks.landmark_error, lambda f, d: error(f, d).mean(), "one number for all"),
        (checks.landmark_error, lambda f, d: error(f, d, corners=(39, 42)), "inner corners"),
        (checks.landmark_error, lambda f, d: error(f, d, reduce=lambda x: x.norm(dim=-1).sum(1)), "sum over the points"),
        (checks.landmark_error, lambda f, d: error(f.nan_to_num(), d), "missing"),
        (checks.landmark_error, lambda f, d: error(f, d, reduce=lambda x: x.norm(dim=-1).nanmean(1)), "points that are left"),
        (checks.landmark_error, lambda f, d: (f - d).norm(dim=-1).mean(1) / (d[:, 36] - d[:, 45]).norm(dim=-1).mean(), "eyes of its own"),
        (checks.landmark_error, lambda f, d: error(f, d, corners=(35, 44)), "counted from 0"),
        (checks.landmark_error, lambda f, d: error(f, d, reduce=lambda x: x.norm(dim=(1, 2))), "all differences of a frame together"),
        (checks.paired, unpaired, "different people"),
        (checks.paired, lambda a, b, n, g: paired(b, a, n, g), "wrong sign"),
        (checks.paired, spread, "spread of people"),
        (checks.paired, lambda a, b, n, g: ((a - b).mean(), (a - b).mean() - 1e-3, (a - b).mean() + 1e-3), "too narrow"),
        (checks.paired, lambda a, b, n, g: (paired(a, b, n, g)[0], *paired(a, b, n, g)[:0:-1]), "in order"),
        (checks.paired, lambda a, b, n, g: (a - b).mean(), "three numbers"),
        (checks.paired, without_replacement, "has no width"),
        (checks.paired, lambda a, b, n, g: paired(a, b, n, g, 0.05), "about the 90 % interval"),
        (checks.wilson, plain, "no width at 0 and 1"),
        (checks.wilson, lambda r, n: wilson(r, n)[:0:-1], "swapped"),
        (checks.wilson, lambda r, n: wilson(r, n, z=1.644854)[1:], "90 %"),
        (checks.wilson, lambda r, n: wilson(r, n), "two numbers"),
        (checks.wilson, lambda r, n: tuple(v * 1.1 for v in wilson(r, n)[1:]), "divided by"),
        (checks.frechet, lambda a, b: by_eigenvalues(a, b, power=0.5), "has its square"),
        (checks.frechet, lambda a, b: (a.mean(0) - b.mean(0)).square().sum(), "only the means"),
        (checks.frechet, lambda a, b: by_eigenvalues(a, b) - (a.mean(0) - b.mean(0)).square().sum(), "means are missing"),
        (checks.frechet, lambda a, b: by_eigenvalues(a, b, spoil=lambda c: c / 2), "the 2 before"),
        (checks.frechet, lambda a, b: by_eigenvalues(a, b) * torch.nan, "not a number"),
        (checks.frechet, lambda a, b: by_eigenvalues(a, b, roots=lambda m: torch.linalg.eigvals(m).real.sqrt()), "fewer images than features the result is not a number"),
        (checks.frechet, lambda a, b: by_eigenvalues(a, b, roots=lambda m: torch.linalg.eigvals(m).sqrt()), "complex"),
        (checks.frechet, by_cholesky, "Cholesky"),
        (checks.frechet, lambda a, b: by_eigenvalues(a, b, cov=torch.cov), "variables as rows"),
        (checks.frechet, lambda a, b: by_eigenvalues(a, b, roots=lambda m: torch.linalg.eigvalsh(m).clamp_min(0).sqrt()), "symmetric"),
        (checks.frechet, lambda a, b: by_eigenvalues(a, b) ** 0.5, "root of the distance"),
        (checks.frechet, lambda a, b: by_eigenvalues(a, b, spoil=lambda c: (a.T.cov() @ b.T.cov()).trace()), "square root is missing"),
        (checks.frechet, lambda a, b: by_eigenvalues(a, b, spoil=lambda c: (a.T.cov() @ b.T.cov()).clamp_min(0).sqrt().trace()), "each element"),
    ],
)
def test_each_mistake_is_named(check, answer, words):
    with pytest.raises(Wrong, match=words):
        check(answer)
