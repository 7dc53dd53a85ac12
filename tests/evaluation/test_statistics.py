"""The bootstrap's interval against the normal approximation, and for what it is over."""

import pytest
import torch

from tlk.evaluation.statistics import bootstrap


def test_it_is_the_normal_interval_for_many_people():
    x = torch.randn(400, generator=torch.Generator().manual_seed(0)).double() + 5
    mean, low, high, people = bootstrap(x.tolist())
    half = 1.96 * x.std().item() / 20
    assert people == 400 and mean == pytest.approx(x.mean().item())
    assert low == pytest.approx(mean - half, abs=0.15 * half) and high == pytest.approx(mean + half, abs=0.15 * half)


def test_it_holds_the_truth_nineteen_times_of_twenty():
    g = torch.Generator().manual_seed(1)
    inside = [low <= 0 <= high for _, low, high, _ in (bootstrap(torch.randn(40, generator=g).tolist(), draws=500) for _ in range(200))]
    assert 0.88 < sum(inside) / 200 < 0.99


def test_same_seed_same_interval():
    values = torch.rand(20, generator=torch.Generator().manual_seed(2)).tolist()
    assert bootstrap(values, seed=3) == bootstrap(values, seed=3) != bootstrap(values, seed=4)


def test_few_people():
    assert bootstrap([0.5]) == (0.5, None, None, 1)
    with pytest.raises(ValueError, match="at least one person"):
        bootstrap([])
