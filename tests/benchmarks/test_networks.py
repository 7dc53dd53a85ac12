"""Frames a second of each preset's generator, and what the pieces of a meta-learning step at ``tiny`` take.

Arithmetic is what is really computed (``GFLOP frame, fused``): with the step-by-step count of the paper's
figure the share of the machine's matrix rate would come out half as high again.
"""

import pytest
import torch

from tlk.networks import Discriminator, Embedder, Generator, describe
from tlk.presets import preset

FRAMES = {"tiny": 16, "small": 4, "paper": 1}  #: of a call; at ``paper`` one frame takes long enough


@pytest.mark.parametrize("name", FRAMES)
def test_generator_frame(benchmark, note, name):
    torch.manual_seed(0)
    p, count, generator = preset(name), FRAMES[name], Generator(name).eval()
    drawn, psi = torch.rand(count, 3, p.size, p.size), torch.ones(1, generator.adain_size)
    note(group="generator, one frame", what=f"{name}, {p.size} px", unit="frame", items=count, gflop=describe(p)["GFLOP frame, fused"])
    with torch.inference_mode():
        benchmark.pedantic(generator, (drawn, psi), rounds=3 if name == "paper" else 15, warmup_rounds=1)


def pieces(name: str) -> dict:
    """The passes of a meta-learning step, forward and backward; see ``describe``."""
    torch.manual_seed(0)
    p = preset(name)
    e, g, d = Embedder(p), Generator(p), Discriminator(p)
    sources, both = torch.rand(p.batch * p.k, 3, p.size, p.size), torch.rand(2 * p.batch, 3, p.size, p.size)
    column = torch.rand(2 * p.batch, p.embedding)
    return {
        f"E, {p.batch * p.k} frames": lambda: e(sources, sources).sum().backward(),
        f"G and P, {p.batch} frames": lambda: g(both[: p.batch], g.project(column[: p.batch])).square().sum().backward(),
        f"D, {p.batch} real and {p.batch} generated": lambda: d(both, both, column)[0].sum().backward(),
    }


@pytest.mark.parametrize("piece", range(3), ids=("embedder", "generator", "discriminator"))
def test_forward_and_backward(benchmark, note, piece):
    what, call = list(pieces("tiny").items())[piece]
    note(group="tiny: forward and backward of a step's passes", what=what, unit="pass", items=1)
    benchmark.pedantic(call, rounds=15, warmup_rounds=2)
