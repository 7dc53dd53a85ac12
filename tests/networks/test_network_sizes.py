"""Every preset: shapes, parameters, where attention sits, how the networks start, how large they are."""

import copy
import dataclasses
from contextlib import contextmanager
from functools import cache

import pytest
import torch
import torch.nn.functional as F
from torch import nn

from tests.networks.helpers import ALL, MINI, NETWORKS, pictures
from tlk.networks import ClipTable, Discriminator, Embedder, Generator, ResidualBlock, SelfAttention, blocks, describe, generator
from tlk.presets import preset

each_preset = pytest.mark.parametrize("name", ALL)


@cache
def real(name: str) -> tuple[Embedder, Generator, Discriminator]:
    """Only to be read: tests share them."""
    torch.manual_seed(0)
    return tuple(network(name).eval() for network in NETWORKS)


@cache
def on_meta(name: str) -> tuple[Embedder, Generator, Discriminator]:
    return tuple(copy.deepcopy(network).to("meta") for network in real(name))


@pytest.fixture
def forget():
    """Networks built in this test are its own."""
    for cached in (real, on_meta):
        cached.cache_clear()
    yield
    for cached in (real, on_meta):
        cached.cache_clear()


def images(name: str, count: int = 2) -> torch.Tensor:
    return torch.empty(count, 3, preset(name).size, preset(name).size, device="meta")


@each_preset
def test_shapes(name):
    p, x = preset(name), images(name)
    e, g, d = on_meta(name)
    sources = x[:, None].expand(-1, p.k, -1, -1, -1)
    embedding = e.embed(sources, sources)
    assert embedding.shape == (2, p.embedding)
    psi = g.project(embedding)
    assert psi.shape == (2, g.adain_size)
    assert g(x, psi).shape == x.shape
    scores, features = d(x, x, ClipTable(3, p.embedding).to("meta")(torch.zeros(2, dtype=torch.long, device="meta")))
    assert scores.shape == (2,)
    sides = [p.size >> n for n in range(1, len(p.embedder) + 1)]
    assert [tuple(f.shape) for f in features] == [(2, c, s, s) for c, s in zip((*p.embedder, p.embedding), (*sides, 4))]


def test_paper_has_the_papers_parameters():
    numbers = describe("paper")
    for network, millions in (("E", 15), ("G", 38), ("V", 20)):
        assert numbers[network] == pytest.approx(millions, rel=0.03)
    assert numbers["AdaIN values"] == 13056
    assert numbers["GFLOP frame"] == pytest.approx(94, rel=0.03)
    assert numbers["GFLOP frame, fused"] < 0.75 * numbers["GFLOP frame"]
    assert not [m for n in on_meta("paper") for m in n.modules() if isinstance(m, nn.BatchNorm2d)]


def test_describe_counts_what_is_there():
    numbers, p = describe(MINI), MINI
    d = Discriminator(p)
    assert numbers["V"] == round((sum(q.numel() for q in d.parameters()) - p.embedding - 1) / 1e6, 2)
    # by hand: the arithmetic of the last convolution, 3 × 3 from the first width to RGB, is 2 · 9 · c · 3 · size²
    g = Generator(p).to("meta")
    macs = frame_macs(g)
    assert numbers["GFLOP frame"] == pytest.approx(2e-9 * macs, abs=0.005)
    assert numbers["GFLOP step"] > 3 * p.batch * p.k * 0.001
    assert ResidualBlock.fused and Generator(p).up[0].fused


def frame_macs(g: Generator) -> int:
    """Multiply-adds of the textbook's generator from the shapes of its convolutions, attention's products included."""
    total = 0

    def count(module, inputs, output):
        nonlocal total
        if isinstance(module, nn.Conv2d):
            total += module.in_channels * module.out_channels * module.kernel_size[0] ** 2 * output.shape[-1] ** 2
        else:
            n, c = output.shape[-1] ** 2, module.theta.out_channels + module.g.out_channels
            total += n * (n // 4) * c

    for m in g.modules():
        if isinstance(m, nn.Conv2d | SelfAttention):
            m.register_forward_hook(count)
        if isinstance(m, ResidualBlock):
            m.fused = False
    p = g.preset
    g(torch.empty(1, 3, p.size, p.size, device="meta"), torch.empty(1, g.adain_size, device="meta"))
    return total


@contextmanager
def recorded_sides(network: nn.Module):
    sides: list[int] = []
    hooks = [
        m.register_forward_hook(lambda m, i, out: sides.append(out.shape[-1])) for m in network.modules() if isinstance(m, SelfAttention)
    ]
    yield sides
    for hook in hooks:
        hook.remove()


def attention_sides(name: str) -> list[list[int]]:
    found, x = [], images(name)
    e, g, d = on_meta(name)
    calls = ((e, (x, x)), (g, (x, torch.empty(2, g.adain_size, device="meta"))), (d, (x, x, torch.empty(2, e.preset.embedding, device="meta"))))
    for network, inputs in calls:
        with recorded_sides(network) as sides:
            network(*inputs)
        found.append(sides)
    return found


@each_preset
def test_attention_sits_at_an_eighth_and_on_the_way_up_at_a_quarter(name):
    size = preset(name).size
    assert attention_sides(name) == [[size // 8], [size // 8, size // 4], [size // 8]]


def test_attention_elsewhere_is_noticed(monkeypatch, forget):
    monkeypatch.setattr(blocks, "ATTENTION_BLOCK", 1)
    assert attention_sides("tiny") == [[16], [16, 16], [16]]


def without_gradient(*modules: nn.Module) -> list[str]:
    named = [(f"{type(m).__name__}.{n}", p) for m in modules for n, p in m.named_parameters()]
    return [n for n, p in named if p.grad is None or not p.grad.to_dense().any()]


def learn_once(e: Embedder, g: Generator, d: Discriminator, w: ClipTable) -> None:
    frames, lines = pictures(MINI, 2)
    psi = g.project(e.embed(frames[:, None], lines[:, None]))
    scores, _ = d(g(lines, psi), lines, w(torch.tensor([0, 1])))
    scores.square().sum().backward()


def test_gradient_reaches_every_parameter():
    e, g, d, w = Embedder(MINI), Generator(MINI), Discriminator(MINI), ClipTable(2, MINI.embedding)
    for m in (e, g, d):
        for attention in (a for a in m.modules() if isinstance(a, SelfAttention)):
            nn.init.constant_(attention.gamma, 0.5)
    learn_once(e, g, d, w)
    assert without_gradient(e, g, d, w) == []


def test_a_parameter_that_is_not_reached_is_noticed():
    """At the start γ = 0 keeps gradients from the inside of attention, and from nothing else."""
    parts = Embedder(MINI), Generator(MINI), Discriminator(MINI), ClipTable(2, MINI.embedding)
    learn_once(*parts)
    names = without_gradient(*parts)
    assert names and all("attention" in n and "gamma" not in n for n in names)


def test_the_same_seed_gives_the_same_networks():
    def weights(seed: int) -> torch.Tensor:
        torch.manual_seed(seed)
        return torch.cat([t.flatten() for n in NETWORKS for t in n(MINI).state_dict().values()])

    assert torch.equal(weights(3), weights(3))
    assert not torch.equal(weights(3), weights(4))


def test_a_generator_too_shallow_for_attention_is_refused():
    with pytest.raises(ValueError, match="three or more blocks"):
        Generator(dataclasses.replace(MINI, generator=(8, 16)))


def start(name: str) -> dict[str, float]:
    """How strongly people differ when nothing is learned yet, and whether anything explodes or vanishes."""
    e, g, d = real(name)
    frames, lines = pictures(e.preset, 3)
    with torch.no_grad():
        embedding = e(frames, lines[:1].expand(3, -1, -1, -1))
        psi = g.project(embedding)
        shown = g(lines[:1].expand(2, -1, -1, -1), psi[:2])
        v, features = d.vector(frames[:1], lines[:1])
    unit = F.normalize(embedding, dim=1)
    return {
        "likeness": (unit @ unit.T)[0, 1:].max().item(),  # cosine between people
        "people": psi.std(0).mean().item(),  # spread of AdaIN values between people
        "scale": max(psi[:, layer.scales].abs().max().item() for layer in g.adain_layers()),
        "weakest": min(f.square().mean().sqrt().item() for f in features),
        "strongest": max(f.square().mean().sqrt().item() for f in features),
        "contrast": shown.std().item(),
        "saturated": ((shown < 0.01) | (shown > 0.99)).float().mean().item(),
        "vector": v.norm().item(),
    }


def sane(s: dict[str, float]) -> bool:
    values = s["likeness"] < 0.99 and 0.03 < s["people"] < 1 and s["scale"] < 5
    features = s["weakest"] > 0.05 and s["strongest"] < 3 and 3 < s["vector"] < 300
    return values and features and s["contrast"] > 0.05 and s["saturated"] < 0.02


@each_preset
def test_networks_start_in_a_sane_range(name):
    """Spectral norm shrinks what passes, sum pooling grows with area: neither may win, at any preset."""
    found = start(name)
    assert sane(found), found


def test_torchs_own_start_is_not_sane(monkeypatch, forget):
    """The faulty variant, nn.Conv2d's usual weights and biases: everyone's embedding is nearly the same vector."""
    for module in (blocks, generator):
        monkeypatch.setattr(module, "spectral", blocks.spectral_norm)
    assert not sane(start("small"))
