"""The bootstrap's interval against the normal approximation, and for what it is over."""

import pytest
import torch

from tlk.evaluation.metrics import frechet
from tlk.evaluation.statistics import bootstrap, bootstrap_frechet


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


def crowd(seed, people=24, frames=6, features=5):
    """(generated, true) features: people differ, frames of one hardly do, and what is generated is off by a shift of its own for each."""
    g = torch.Generator().manual_seed(seed)
    truth = torch.randn(people, 1, features, generator=g) + 0.2 * torch.randn(people, frames, features, generator=g)
    return list(truth + 0.5 + 0.5 * torch.randn(people, 1, features, generator=g)), list(truth)


def test_frechets_interval_is_as_wide_as_other_people_would_move_it():
    """Against the spread over crowds that are really drawn anew; drawing frames instead of people would be far too narrow."""
    moved = torch.tensor([frechet(*map(torch.cat, crowd(s))) for s in range(150)]).std().item()
    found = [bootstrap_frechet(*crowd(s)) for s in range(8)]
    widths = torch.tensor([(f.high - f.low) / (2 * 1.96) for f in found])
    assert 0.6 < widths.mean().item() / moved < 1.6
    flat = [torch.cat(side) for side in crowd(0)]
    g = torch.Generator().manual_seed(0)
    frames = torch.tensor([frechet(*(x[i] for x in flat)) for i in (torch.randint(144, (144,), generator=g) for _ in range(100))]).std().item()
    assert frames < 0.6 * moved


def test_frechets_interval_holds_its_estimate():
    """Drawn distances lie above the one of all images, so only their spread is used."""
    a, b = crowd(3)
    found = bootstrap_frechet(a, b)
    assert found.mean == pytest.approx(frechet(torch.cat(a), torch.cat(b))) and found.low < found.mean < found.high and found.people == 24
    g = torch.Generator().manual_seed(0)
    people = [torch.randint(24, (24,), generator=g).tolist() for _ in range(60)]
    drawn = [frechet(torch.cat([a[i] for i in who]), torch.cat([b[i] for i in who])) for who in people]
    assert sum(drawn) / 60 > found.mean
    assert bootstrap_frechet(a, b, seed=1) == bootstrap_frechet(a, b, seed=1) != bootstrap_frechet(a, b, seed=2)
    assert bootstrap_frechet(a[:1], b[:1])[1:] == (None, None, 1) and bootstrap_frechet(a, b, draws=0).low is None
