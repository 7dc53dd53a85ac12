"""Blocks against plain float64 formulae; each formula is also made wrong once, and then no longer agrees."""

import dataclasses

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from torch import nn

from tests.networks.helpers import attention_formula, block_formula, normalised, settle, shake
from tlk.networks import AdaIN, Embedder, InstanceNorm, ResidualBlock, SelfAttention, blocks
from tlk.presets import preset


def gap(ours: torch.Tensor, formula: np.ndarray) -> float:
    return float(np.abs(ours.detach().numpy() - formula).max())


def image(*shape: int, seed: int = 0) -> torch.Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def test_adain_is_its_formula():
    x, psi = 3 * image(2, 5, 4, 6) + 1, image(2, 23, seed=1)
    scale, shift = psi[:, 7:12].numpy()[..., None, None], psi[:, 12:17].numpy()[..., None, None]
    ours = AdaIN(5, start=7)(x, psi)
    assert gap(ours, scale * normalised(x.numpy()) + shift) < 1e-12
    wrong = {
        "1 + scale": (1 + scale) * normalised(x.numpy()) + shift,
        "swapped": shift * normalised(x.numpy()) + scale,
        "unbiased variance": scale * normalised(x.numpy()) * (23 / 24) ** 0.5 + shift,
        "batch statistics": scale * (x.numpy() - x.numpy().mean((0, 2, 3), keepdims=True)) / x.numpy().std((0, 2, 3), keepdims=True) + shift,
    }
    assert all(gap(ours, w) > 1e-2 for w in wrong.values())


def test_adain_of_a_flat_channel_is_its_shift():
    out = AdaIN(1, 0)(torch.full((1, 1, 4, 4), 7.0), torch.tensor([[3.0, 0.5]]))
    assert torch.allclose(out, torch.tensor(0.5), atol=1e-3)


def test_adain_gradients_agree_with_finite_differences():
    x, psi = image(2, 2, 3, 3).requires_grad_(), image(2, 5, seed=1).requires_grad_()
    assert torch.autograd.gradcheck(AdaIN(2, start=1), (x, psi))


@pytest.mark.parametrize(
    "layer, same",
    [(lambda: InstanceNorm(3), True), (lambda: nn.InstanceNorm2d(3, affine=True, track_running_stats=True), False)],
)
def test_instance_norm_is_the_same_in_evaluation(layer, same):
    """The faulty variant keeps running averages, and so draws another picture in evaluation."""
    layer, x = layer(), image(2, 3, 4, 4).float() + 2
    assert torch.allclose(layer.train()(x), layer.eval()(x), atol=1e-6) == same


BLOCKS = {
    "down": lambda: ResidualBlock(3, 5, "down"),
    "first": lambda: ResidualBlock(3, 5, "down", first=True),
    "first with norm": lambda: ResidualBlock(3, 5, "down", InstanceNorm, first=True),
    "down with norm": lambda: ResidualBlock(3, 5, "down", InstanceNorm),
    "same": lambda: ResidualBlock(3, 3),
    "wider": lambda: ResidualBlock(3, 5),
    "up with AdaIN": lambda: ResidualBlock(3, 5, "up", lambda c: AdaIN(c, start=2 * c)),
}


@pytest.mark.parametrize("fused", [True, False])
@pytest.mark.parametrize("name", BLOCKS)
def test_residual_block_is_its_formula(name, fused):
    block = shake(BLOCKS[name]().double()).eval()
    block.fused = fused
    x, psi = image(2, 3, 6, 8), image(2, 20, seed=1) if "AdaIN" in name else None
    assert gap(block(x, psi), block_formula(block, x, psi)) < 1e-10


@pytest.mark.parametrize(
    "name, fault",
    [
        ("first", "leading ReLU on the first block"),
        ("down", "ReLU in place"),
        ("down", "pooling before the second convolution"),
        ("same", "ReLU in place"),
        ("up with AdaIN", "no second norm"),
    ],
)
def test_a_faulty_block_is_told_apart(name, fault):
    block = shake(BLOCKS[name]().double()).eval()
    x, psi = image(2, 3, 6, 8), image(2, 20, seed=1) if "AdaIN" in name else None
    assert gap(block(x, psi), block_formula(block, x, psi, fault)) > 1e-3


@pytest.mark.parametrize("resample", ["down", "up"])
def test_fused_blocks_have_the_gradients_of_written_out_ones(resample):
    block, x = ResidualBlock(3, 5, resample).double().eval(), image(2, 3, 6, 8)
    gradients = []
    for block.fused in (True, False):
        block.zero_grad()
        block(x).square().sum().backward()
        gradients.append(torch.cat([p.grad.flatten() for p in block.parameters()]))
    assert torch.allclose(*gradients, atol=1e-10)
    assert gradients[0].norm() > 1


def test_widening_also_serves_training_when_first_used_in_inference_mode():
    blocks._spread.cache_clear()
    kernel = torch.randn(2, 2, 3, 3, requires_grad=True)
    with torch.inference_mode():
        blocks.widened(kernel)
    blocks.widened(kernel).sum().backward()
    assert torch.allclose(kernel.grad, torch.tensor(4.0))


def test_the_leading_relu_leaves_its_input_alone(monkeypatch):
    """An in-place ReLU would change the skip path, and the features that feature matching compares."""

    def untouched() -> bool:
        block, x = ResidualBlock(4, 4), image(1, 4, 4, 4).float()
        kept = x.clone()
        block(x)
        return torch.equal(x, kept)

    assert untouched()
    monkeypatch.setattr(blocks, "activate", lambda norm, x, adain: F.relu_(x))
    assert not untouched()


def switched_on(channels: int) -> SelfAttention:
    layer = SelfAttention(channels).double()
    nn.init.constant_(layer.gamma, 0.7)
    settle(layer)
    return layer.eval()


def test_attention_is_its_formula():
    layer, x = switched_on(16), 3 * image(2, 16, 4, 6)
    assert gap(layer(x), attention_formula(layer, x)) < 1e-12
    for fault in ("softmax over queries", "scaled by the root of the width"):
        assert gap(layer(x), attention_formula(layer, x, fault)) > 1e-3


def test_attention_starts_as_identity():
    x = image(1, 16, 4, 4).float()
    assert torch.equal(SelfAttention(16)(x), x)


def test_pooling_sums_and_then_cuts_off():
    x = torch.tensor([[[[1.0, -3.0]], [[2.0, -1.0]]]])
    assert blocks.sum_pool(x).tolist() == [[0.0, 1.0]]
    assert blocks.sum_pool(x, relu_first=True).tolist() == [[1.0, 2.0]]


@pytest.mark.parametrize("name, first", [("paper", False), ("tiny", True), ("small", True)])
def test_the_embedders_order_of_relu_and_pooling_is_its_presets(name, first):
    """Trap: ReLU after the pooling left a third of ê dead in a short run; the paper's order stays the paper's."""
    assert preset(name).relu_first is first
    small = dataclasses.replace(preset("tiny"), relu_first=first)
    embedder, frames = Embedder(small).eval(), torch.rand(2, 3, 64, 64)
    with torch.no_grad():
        features = embedder.down(blocks.frame_with_landmarks(frames, frames))[-1]
        torch.testing.assert_close(embedder(frames, frames), features.relu().sum((2, 3)) if first else features.sum((2, 3)).relu())


def test_frames_are_centred_and_the_canvas_stays_dark():
    six = blocks.frame_with_landmarks(torch.tensor([0.0, 0.5, 1.0]).view(1, 3, 1, 1), torch.tensor([0.0, 0.5, 1.0]).view(1, 3, 1, 1))
    assert six.flatten().tolist() == [-1, 0, 1, 0, 0.5, 1]
