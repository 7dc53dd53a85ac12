"""Embedder, discriminator and W."""

import torch
from torch import nn

from tests.networks.helpers import MINI, pictures, shake
from tlk.networks import ClipTable, Discriminator, Embedder


def test_score_is_its_formula():
    d = shake(Discriminator(MINI)).eval()
    frames, lines = pictures(MINI, 3)
    column = torch.randn(3, MINI.embedding)
    scores, features = d(frames, lines, column)
    v, _ = d.vector(frames, lines)
    v, column, w0 = (t.detach().double().numpy() for t in (v, column, d.w0))
    by_hand = [v[i] @ (column[i] + w0) + d.bias.item() for i in range(3)]
    assert torch.allclose(scores.double(), torch.tensor(by_hand), atol=1e-4)
    assert min(scores).item() < -1 and max(abs(s) for s in by_hand) > 1  # not squashed
    assert [f.shape[-1] for f in features] == [16, 8, 4, 4]
    assert torch.equal(d.vector(frames, lines)[0], features[-1].sum((2, 3)).relu())


def test_features_keep_what_the_blocks_gave():
    d = shake(Discriminator(MINI)).eval()
    seen = []
    for block in (*d.down.blocks, d.last):
        block.register_forward_hook(lambda m, i, out: seen.append(out.clone()))
    d.down.attention.register_forward_hook(lambda m, i, out: seen.__setitem__(-1, out.clone()))
    _, features = d.vector(*pictures(MINI, 2))
    assert all(torch.equal(a, b) for a, b in zip(seen, features, strict=True))
    assert all((f < 0).any() for f in features)


def moved(table: nn.Module, index: torch.Tensor) -> set[int]:
    """Rows that a gradient of this batch holds."""
    table(index).square().sum().backward()
    grad = table.weight.grad
    return set(grad.coalesce().indices()[0].tolist()) if grad.is_sparse else set(range(len(grad)))


def test_gradient_of_the_table_holds_the_rows_of_the_batch_only():
    index = torch.tensor([3, 11, 3])
    assert moved(ClipTable(50, 8), index) == {3, 11}
    assert moved(nn.Embedding(50, 8), index) != {3, 11}  # the faulty variant: dense, all 50 rows


def test_repeated_rows_add_their_gradients():
    table = ClipTable(5, 2)
    (table(torch.tensor([1, 1, 4])) * torch.tensor([[1.0], [2.0], [5.0]])).sum().backward()
    assert table.weight.grad.to_dense()[:, 0].tolist() == [0, 3, 0, 0, 5]


def test_nothing_is_applied_to_the_table():
    def survives(table: nn.Module) -> bool:
        with torch.no_grad():
            table.weight.copy_(torch.linspace(-9, 9, 12).view(3, 4))
        again = type(table)(3, 4)
        again.load_state_dict(table.state_dict())
        return torch.equal(again(torch.arange(3)), torch.linspace(-9, 9, 12).view(3, 4))

    class Activated(ClipTable):
        def forward(self, index):
            return super().forward(index).relu()

    assert survives(ClipTable(3, 4))
    assert not survives(Activated(3, 4))


def test_table_starts_with_rows_of_length_one():
    assert torch.allclose(ClipTable(100, 512).weight.norm(dim=1), torch.tensor(1.0), atol=0.2)


def test_embedding_is_the_mean_over_source_frames():
    e = Embedder(MINI).eval()
    frames, lines = (t.unflatten(0, (2, 3)) for t in pictures(MINI, 6))
    singly = torch.stack([e(frames[:, k], lines[:, k]) for k in range(3)])
    assert torch.allclose(e.embed(frames, lines), singly.mean(0), atol=1e-5)
    assert not torch.allclose(e.embed(frames, lines), singly.sum(0), atol=1e-2)
    assert not torch.allclose(singly.mean(0)[0], singly.mean(0)[1], atol=1e-2)  # clips are not mixed
    assert torch.allclose(e.embed(frames.flip(1), lines.flip(1)), e.embed(frames, lines), atol=1e-5)


def test_embedding_sees_frame_and_landmarks():
    e = Embedder(MINI).eval()
    frames, lines = pictures(MINI, 2)
    assert not torch.allclose(e(frames, lines), e(frames.flip(0), lines), atol=1e-2)
    assert not torch.allclose(e(frames, lines), e(frames, lines.flip(0)), atol=1e-2)
    assert (e(frames, lines) >= 0).all()


def test_first_block_sees_what_is_darker_than_grey():
    """A ReLU before the first convolution would cut off all that is below 0 after centring."""
    for network in (Embedder(MINI).down, Discriminator(MINI).down):
        dark = -torch.rand(1, 6, 32, 32)
        assert network.blocks[0].norm1 is None
        assert not torch.allclose(network(dark)[-1], network(2 * dark)[-1], atol=1e-3)
        network.blocks[0].first = False  # the faulty variant
        out = network.blocks[0].conv1(dark.relu())
        assert torch.equal(out, network.blocks[0].conv1((2 * dark).relu()))
