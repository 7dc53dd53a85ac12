"""Spectral norm is on every convolution and linear layer, does its work, and is on nothing else."""

import pytest
import torch
from torch import nn
from torch.nn.utils.parametrize import is_parametrized, remove_parametrizations

from tests.networks.helpers import MINI, NETWORKS, convolutions, pictures, shake
from tlk.networks import AdaIN, ClipTable, Discriminator, Generator, InstanceNorm

each_network = pytest.mark.parametrize("network", NETWORKS)


def bare(network: nn.Module) -> list[str]:
    """Convolutions and linear layers whose weight is used as it is."""
    return [name for name, layer in convolutions(network).items() if not is_parametrized(layer, "weight")]


def sigmas(network: nn.Module) -> torch.Tensor:
    """Largest singular values by LAPACK, of each weight as (outputs, everything else)."""
    with torch.no_grad():
        return torch.stack([torch.linalg.svdvals(layer.weight.flatten(1))[0] for layer in convolutions(network).values()])


def run(network: nn.Module) -> None:
    frames, lines = pictures(MINI, 2)
    with torch.no_grad():
        if isinstance(network, Generator):
            network(lines, network.project(torch.ones(2, MINI.embedding)))
        elif isinstance(network, Discriminator):
            network(frames, lines, torch.zeros(2, MINI.embedding))
        else:
            network(frames, lines)


def vectors(network: nn.Module) -> torch.Tensor:
    return torch.cat([b.flatten() for b in network.buffers()])


@each_network
def test_on_every_convolution_and_linear_layer(network):
    network = network(MINI)
    assert bare(network) == []
    name, layer = next(reversed(convolutions(network).items()))
    remove_parametrizations(layer, "weight")
    assert bare(network) == [name]


def test_not_on_what_is_no_layer():
    for module in (Discriminator(MINI), ClipTable(3, 8), AdaIN(4, 0), InstanceNorm(4)):
        assert not is_parametrized(module)
    assert {n for n, _ in Discriminator(MINI).named_parameters(recurse=False)} == {"w0", "bias"}
    assert [n for n, _ in ClipTable(3, 8).named_parameters()] == ["weight"]


@each_network
def test_holds_the_largest_singular_value_at_one(network):
    network = shake(network(MINI))
    assert (sigmas(network) - 1).abs().max() < 0.02
    for layer in convolutions(network).values():
        remove_parametrizations(layer, "weight", leave_parametrized=False)  # the faulty variant: none
    assert (sigmas(network) - 1).abs().min() > 0.02


@each_network
def test_evaluation_does_not_move_its_vectors(network):
    network = network(MINI)
    with torch.no_grad():
        for p in network.parameters():
            p.copy_(torch.randn_like(p))
    before = vectors(network)
    network.eval()
    run(network)
    assert torch.equal(before, vectors(network))
    network.train()  # the faulty variant: left in training mode
    run(network)
    assert not torch.equal(before, vectors(network))


@each_network
def test_starts_orthogonal_so_that_nothing_is_lost(network):
    network = network(MINI)
    for layer in convolutions(network).values():
        values = torch.linalg.svdvals(layer.weight.detach().flatten(1))
        assert torch.allclose(values, torch.ones_like(values), atol=1e-4)
