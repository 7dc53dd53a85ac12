"""How large a preset is: parameters, arithmetic, weights on disk. Passes are counted on the meta device, without computing."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.utils.flop_counter import FlopCounterMode

from tlk.networks.blocks import ResidualBlock
from tlk.networks.discriminator import Discriminator
from tlk.networks.embedder import Embedder
from tlk.networks.generator import Generator
from tlk.presets import Preset, preset as find_preset


def describe(preset: str | Preset) -> dict[str, str | int | float]:
    """A preset in numbers, for people to read.

    ``E``, ``G``, ``V``: parameters in millions; G with its projection P, V without w0, b and W.
    ``GFLOP frame``: one generator frame, a multiply-add counted as two, with resampling written out step
    by step as in the paper's figure; ``GFLOP frame, fused``: what this code computes for the same frame
    (``ResidualBlock.fused``).
    ``GFLOP step``: what this code computes in a meta-learning step, forward and backward: E on batch × K
    frames and G on ``batch`` frames once; every update of D on real and generated frames; for the update of
    E and G, V on both, backward through the generated ones only. Convolutions and matrix products are
    counted; content backbones, spectral norm, element-wise work and optimisers are not.
    ``MB float16`` and ``MB float32``: weights of E, G and V (10^6 bytes).
    """
    p = find_preset(preset)
    with torch.random.fork_rng(devices=[]):  # built on the CPU: spectral norm sets itself up faster there than on meta
        networks = _Networks(*(network(p).to("meta").eval() for network in (Embedder, Generator, Discriminator)))
    with torch.device("meta"):
        with written_out(networks.generator):
            plain = _gflop(networks.frame)
        fused, step = _gflop(networks.frame), _gflop(networks.step)
    d = networks.discriminator
    counts = [_count(networks.embedder), _count(networks.generator), _count(d.down) + _count(d.last)]
    numbers = dict(zip(("E", "G", "V"), (round(n / 1e6, 2) for n in counts)))
    numbers |= {"AdaIN values": networks.generator.adain_size}
    numbers |= {"GFLOP frame": round(plain, 2), "GFLOP frame, fused": round(fused, 2), "GFLOP step": round(step, 1)}
    return {"preset": p.name, "size": p.size, **numbers, "MB float16": round(sum(counts) * 2e-6, 1), "MB float32": round(sum(counts) * 4e-6, 1)}


@contextmanager
def written_out(network: nn.Module) -> Iterator[None]:
    """Inside, the residual blocks of ``network`` resample step by step (``ResidualBlock.fused`` is False)."""
    blocks = [m for m in network.modules() if isinstance(m, ResidualBlock)]
    for block in blocks:
        block.fused = False
    try:
        yield
    finally:
        for block in blocks:
            del block.fused  # back to the class's


@dataclass
class _Networks:
    embedder: Embedder
    generator: Generator
    discriminator: Discriminator

    def frame(self) -> None:
        with torch.no_grad():
            self.generator(_images(self.generator.preset, 1), torch.empty(1, self.generator.adain_size))

    def step(self) -> None:
        """The passes of one meta-learning step; losses stand in as sums, whose gradients reach the same layers."""
        p = self.embedder.preset
        images, sources = _images(p, p.batch), _images(p, p.batch * p.k)
        column = torch.empty(p.batch, p.embedding)
        embedding = self.embedder(sources, sources)[: p.batch]
        fake = self.generator(images, self.generator.project(embedding))
        for _ in range(p.discriminator_steps):
            both, columns = _images(p, 2 * p.batch), torch.empty(2 * p.batch, p.embedding)
            self.discriminator(both, both, columns)[0].sum().backward()
        self.discriminator.requires_grad_(False)
        score, features = self.discriminator(fake, images, column)
        with torch.no_grad():
            self.discriminator(images, images, column)
        (score.sum() + sum(f.sum() for f in features)).backward()


def _images(preset: Preset, count: int) -> Tensor:
    return torch.empty(count, 3, preset.size, preset.size)


def _gflop(run) -> float:
    with FlopCounterMode(display=False) as counter:
        run()
    return counter.get_total_flops() / 1e9


def _count(network: nn.Module) -> int:
    return sum(p.numel() for p in network.parameters())
