"""Hinge, feature matching and match: numbers worked out by hand, gradients, and the traps of method.md."""

import pytest
import torch
from torch import tensor

from tlk.losses import feature_matching, hinge_discriminator, hinge_generator, match


def test_hinges_by_hand():
    real, fake = tensor([2.0, 0.5, -1.0]), tensor([-2.0, 0.0, 0.5])
    # real: max(0, 1 - D) = 0, 0.5, 2; fake: max(0, 1 + D) = 0, 1, 1.5
    assert hinge_discriminator(real, fake).item() == pytest.approx(2.5 / 3 + 2.5 / 3)
    assert hinge_generator(fake).item() == pytest.approx(1.5 / 3)


def test_feature_matching_by_hand():
    fake = [torch.zeros(1, 1, 2, 2), torch.ones(1, 2, 1, 1)]
    real = [tensor([[[[1.0, -1.0], [2.0, 0.0]]]]), tensor([[[[4.0]], [[1.0]]]])]
    # mean of 1 1 2 0, plus mean of 3 0
    assert feature_matching(fake, real).item() == pytest.approx(1.0 + 1.5)


def test_match_by_hand():
    assert match(tensor([[1.0, 2.0], [0.0, -1.0]]), tensor([[0.0, 2.0], [3.0, 1.0]])).item() == pytest.approx((1 + 0 + 3 + 2) / 4)


def test_a_layer_counts_the_same_at_every_size():
    small, large = ([torch.full((2, 3, side, side), 0.5)] for side in (4, 64))
    zeros = [[torch.zeros_like(f[0])] for f in (small, large)]
    assert feature_matching(small, zeros[0]).item() == pytest.approx(feature_matching(large, zeros[1]).item()) == pytest.approx(0.5)
    wide = [torch.full((1, n), 0.25) for n in (2, 512)]
    assert match(wide[0], 0 * wide[0]).item() == pytest.approx(match(wide[1], 0 * wide[1]).item())


def test_gradients_equal_finite_differences():
    g = torch.Generator().manual_seed(0)
    a, b = (torch.randn(3, 5, generator=g, dtype=torch.float64).requires_grad_() for _ in range(2))
    check = torch.autograd.gradcheck
    assert check(lambda x, y: hinge_discriminator(x[:, 0], y[:, 0]), (a, b))
    assert check(lambda x: hinge_generator(x[:, 0]), (a,))
    assert check(match, (a, b))
    assert check(lambda x: feature_matching([x[:, :2], x[:, 2:]], [b[:, :2], b[:, 2:]]), (a,))


def test_only_generated_features_get_a_gradient():
    fake, real = torch.randn(1, 2, 3, 3, requires_grad=True), torch.randn(1, 2, 3, 3, requires_grad=True)
    feature_matching([fake], [real]).backward()
    assert fake.grad.abs().sum() > 0 and real.grad is None
    (fake - real).abs().mean().backward()  # the faulty variant
    assert real.grad is not None


def test_match_pulls_the_embedding_to_the_column():
    embedding, column = torch.zeros(2, 4, requires_grad=True), torch.randn(2, 4)
    match(embedding, column).backward()
    assert torch.equal(embedding.grad.sign(), -column.sign())


def rests_when_it_tells_apart_well(loss) -> bool:
    """A discriminator that is sure by a wide margin has nothing more to learn from these frames."""
    real, fake = tensor([5.0], requires_grad=True), tensor([-5.0], requires_grad=True)
    value = loss(real, fake)
    gradients = torch.autograd.grad(value, (real, fake))
    return value.item() == 0 and all(g.item() == 0 for g in gradients)


def test_trap_sigmoid_before_the_hinge():
    assert rests_when_it_tells_apart_well(hinge_discriminator)
    assert not rests_when_it_tells_apart_well(lambda real, fake: hinge_discriminator(real.sigmoid(), fake.sigmoid()))


def test_trap_one_backward_for_both_cancels_what_the_generator_learns_from_the_discriminator():
    torch.manual_seed(0)
    generator, discriminator = torch.nn.Linear(4, 4), torch.nn.Linear(4, 1)
    z, real = 0.1 * torch.randn(8, 4), 0.1 * torch.randn(8, 4)

    def generator_gradient(together: bool) -> torch.Tensor:
        generator.zero_grad()
        fake = discriminator(generator(z))[:, 0]
        assert fake.abs().max() < 1
        loss = hinge_generator(fake)
        if together:
            loss = loss + hinge_discriminator(discriminator(real)[:, 0], fake)
        loss.backward()
        return generator.weight.grad.clone()

    assert generator_gradient(together=False).abs().max() > 1e-3
    assert generator_gradient(together=True).abs().max() < 1e-8


def test_different_numbers_of_blocks_are_refused():
    with pytest.raises(ValueError, match="same blocks"):
        feature_matching([torch.zeros(1, 1, 1, 1)], [])
