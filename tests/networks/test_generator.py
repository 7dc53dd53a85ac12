"""The generator: slices of ψ̂, colour, projection."""

import copy
from unittest.mock import patch

import pytest
import torch
import torch.nn.functional as F

from tests.networks.helpers import MINI, pictures, shake
from tlk.networks import AdaIN, Generator


@pytest.fixture
def generator():
    torch.manual_seed(0)
    return Generator(MINI).eval()


def reads(generator: Generator) -> list[set[int]]:
    """Which values of ψ̂ each AdaIN layer reads, found by gradients of its own output, not by its slices."""
    _, lines = pictures(MINI, 1)
    found = []
    for layer in generator.adain_layers():
        psi = torch.randn(1, generator.adain_size, requires_grad=True)
        x = torch.randn(1, layer.scales.stop - layer.scales.start, 4, 4)
        layer(x, psi).square().sum().backward()
        found.append(set(psi.grad.nonzero()[:, 1].tolist()))
    return found


def bookkeeping(generator: Generator) -> bool:
    """Each layer reads its own 2 c values; together they are all of ψ̂, none twice."""
    sets = reads(generator)
    own = [len(s) == 2 * (m.scales.stop - m.scales.start) for s, m in zip(sets, generator.adain_layers())]
    return all(own) and sum(map(len, sets)) == generator.adain_size and set().union(*sets) == set(range(generator.adain_size))


def test_each_adain_layer_reads_its_own_slice(generator):
    assert bookkeeping(generator)


def test_the_wrong_slice_is_noticed(generator):
    faulty = copy.deepcopy(generator)  # every layer reads the first values
    for layer in faulty.adain_layers():
        width = layer.scales.stop - layer.scales.start
        layer.scales, layer.shifts = slice(0, width), slice(width, 2 * width)
    assert not bookkeeping(faulty)
    faulty = copy.deepcopy(generator)  # one layer's shifts overlap its scales
    layer = faulty.adain_layers()[2]
    layer.shifts = layer.scales
    assert not bookkeeping(faulty)


def test_every_adain_value_reaches_the_picture(generator):
    """No layer is built and then left out of the forward pass."""
    shake(generator).eval()
    psi = torch.randn(2, generator.adain_size, requires_grad=True)
    generator(pictures(MINI, 2)[1], psi).square().sum().backward()
    assert (psi.grad != 0).any(0).float().mean() > 0.95  # a ReLU may be shut over a whole 4 × 4 channel


def mean_colours(generator: Generator, normalised_rgb: bool = False) -> torch.Tensor:
    """Mean of the picture before the sigmoid for eight ψ̂ and one landmark image: (8, 3)."""
    lines = pictures(MINI, 1)[1].expand(8, -1, -1, -1)
    psi = torch.randn(8, generator.adain_size, generator=torch.Generator().manual_seed(0))
    sigmoid = torch.Tensor.sigmoid
    faulty = (lambda x: sigmoid(F.instance_norm(x))) if normalised_rgb else sigmoid
    with torch.no_grad(), patch.object(torch.Tensor, "sigmoid", faulty):
        return generator(lines, psi).logit().mean((2, 3))


def test_colour_depends_on_the_person(generator):
    """An instance norm on the RGB output would give every person the same mean colour."""
    assert mean_colours(generator).std(0).min() > 0.05
    assert mean_colours(generator, normalised_rgb=True).std(0).max() < 1e-3


def test_projection_starts_at_scale_one_and_shift_zero(generator):
    psi = generator.project(torch.zeros(1, MINI.embedding))
    for layer in generator.adain_layers():
        assert (psi[:, layer.scales] == 1).all() and (psi[:, layer.shifts] == 0).all()


def test_projection_can_be_dropped(generator):
    lines = pictures(MINI, 2)[1]
    psi = generator.project(torch.rand(1, MINI.embedding)).detach()
    before = generator(lines, psi)
    generator.projection = None
    assert torch.equal(generator(lines, psi), before)
    assert not any(name.startswith("projection") for name in generator.state_dict())
    with pytest.raises(ValueError, match="belongs to one person"):
        generator.project(torch.rand(1, MINI.embedding))
    again = Generator(MINI).eval()
    again.projection = None
    again.load_state_dict(generator.state_dict())
    assert torch.equal(again(lines, psi), before)


def test_one_row_of_adain_values_serves_a_batch(generator):
    lines, psi = pictures(MINI, 3)[1], torch.randn(1, generator.adain_size)
    assert torch.allclose(generator(lines, psi), generator(lines, psi.expand(3, -1)), atol=1e-6)
    assert torch.allclose(generator(lines, psi)[1:2], generator(lines[1:2], psi), atol=1e-5)  # and images do not mix


def test_wrong_number_of_adain_values_is_refused(generator):
    with pytest.raises(ValueError, match=f"takes {generator.adain_size} AdaIN values, not 3"):
        generator(pictures(MINI, 1)[1], torch.zeros(1, 3))


def test_picture_is_in_range(generator):
    picture = generator(pictures(MINI, 2)[1], 50 * torch.randn(2, generator.adain_size))
    assert 0 <= picture.min() and picture.max() <= 1


def test_adain_is_in_the_bottleneck_and_on_the_way_up_only(generator):
    where = {name.split(".")[0] for name, m in generator.named_modules() if isinstance(m, AdaIN)}
    assert where == {"bottleneck", "up", "norm"}
