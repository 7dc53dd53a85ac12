"""The shipped weights of compared systems, where they are there: small, with a history, and neither collapsed nor deaf."""

import pytest
import torch

from tlk.data import heads
from tlk.evaluation.compared import SYSTEMS, Compared
from tlk.learning import load
from tlk.learning.model import SHIPPED

FILES = {name: SHIPPED / f"{name}-64.safetensors" for name in SYSTEMS}
shipped = pytest.mark.parametrize("name", [pytest.param(n, marks=pytest.mark.skipif(not f.is_file(), reason=f"{f.name} is not shipped")) for n, f in FILES.items()])


@pytest.fixture(scope="module")
def unseen():
    """(source, driver): two motions of one test person."""
    person = heads.people("test", 3)[2]
    return [heads.render(heads.Person(person), heads.Motion(950 + m, 4, fps=2.5), 64) for m in (0, 1)]


@shipped
def test_size_and_history(name):
    assert FILES[name].stat().st_size <= 6e6
    header, ours = SYSTEMS[name].trained.load(f"{name}-64").header, load("heads-64").header
    assert {"preset", "steps", "seed", "device", "data", "revision"} <= header.keys() and header["steps"] > 1000
    assert header["preset"]["batch"] == ours["preset"]["batch"]


@shipped
def test_the_page_says_what_each_was_trained_with(name):
    """Their budgets differ from ours: a table that does not say so would flatter ours."""
    trained, page = SYSTEMS[name].trained, (SHIPPED / "heads-64-evaluation.md").read_text()
    header, ours = trained.load(f"{name}-64").header, load("heads-64").header
    assert f"{trained.title}: {header['steps']} steps, {header['clips']} people" in page and ours["data"] in page
    assert f"'clips': {ours['clips']}" in page


@shipped
def test_it_draws_and_follows(name, unseen):
    source, driver = unseen
    drawn = Compared(SYSTEMS[name].trained.load(f"{name}-64"), epochs=2).fit(source)(driver)
    assert 0.4 < drawn.std((-2, -1)).mean() / driver.images.std((-2, -1)).mean() < 1.6
    error = lambda order: (drawn - driver.images[order]).abs().mean().item()
    assert error([0, 1, 2, 3]) < error([2, 3, 0, 1])
    assert torch.isfinite(drawn).all()
