"""X2Face: sampling against a loop, averaging of sources, and that it learns by moving pixels alone."""

import dataclasses
import math

import pytest
import torch

from tests.learning.conftest import MINI, disc_person
from tlk.evaluation.x2face import EmbeddingNetwork, X2FaceNetworks, X2FacePretraining, fetch

PEOPLE = [disc_person(seed) for seed in range(5)]


@pytest.fixture
def networks():
    torch.manual_seed(0)
    networks = X2FaceNetworks(MINI)
    for conv in (networks.embedding.last, networks.driving.last):
        torch.nn.init.normal_(conv.weight, std=1)  # fields and confidences that differ from their start
    return networks.eval()


def test_a_field_of_zeros_copies():
    x = torch.rand(2, 3, 8, 8)
    torch.testing.assert_close(fetch(x, torch.zeros(2, 2, 8, 8)), x)


def by_loops(image, field):
    """Bilinear sampling of one image (3, h, w) in float64, with the edge repeated."""
    _, h, w = image.shape
    out = torch.zeros_like(image)
    for r in range(h):
        for c in range(w):
            x = min(max(c + field[0, r, c].item() * (w - 1) / 2, 0), w - 1)
            y = min(max(r + field[1, r, c].item() * (h - 1) / 2, 0), h - 1)
            left, top = min(math.floor(x), w - 2), min(math.floor(y), h - 2)
            a, b = x - left, y - top
            upper = (1 - a) * image[:, top, left] + a * image[:, top, left + 1]
            lower = (1 - a) * image[:, top + 1, left] + a * image[:, top + 1, left + 1]
            out[:, r, c] = (1 - b) * upper + b * lower
    return out


def test_fetch_by_loops():
    g = torch.Generator().manual_seed(0)
    image, field = torch.rand(1, 3, 6, 7, generator=g).double(), torch.randn(1, 2, 6, 7, generator=g).double()
    ours = fetch(image, field)[0]
    torch.testing.assert_close(ours, by_loops(image[0], field[0]))
    assert not torch.allclose(ours, by_loops(image[0], field[0].flip(0)), atol=1e-2)  # x and y exchanged


def test_training_starts_from_the_source_frame():
    frame = PEOPLE[0].images[:1]
    pixels, weight = EmbeddingNetwork(MINI)(frame)
    assert (pixels - frame).abs().mean() < 0.02 and (weight - 1.1).abs().max() < 0.1


def test_sources_are_averaged_by_their_confidence(networks):
    frames = torch.stack([PEOPLE[0].images[:3], PEOPLE[1].images[:3]])
    face = networks.embedding.embed(frames)
    pixels, weight = networks.embedding(frames[1])
    wanted = sum(w * p for w, p in zip(weight.double(), pixels.double())) / weight.double().sum(0)
    torch.testing.assert_close(face[1].double(), wanted, atol=1e-5, rtol=1e-4)
    assert (face[1].double() - pixels.double().mean(0)).abs().max() > 1e-3  # a plain mean is another face
    torch.testing.assert_close(networks.embedding.embed(frames[:, [2, 0, 1]]), face)
    torch.testing.assert_close(networks.embedding.embed(frames[:, :1])[0], networks.embedding(frames[0, :1])[0][0])


def test_every_colour_comes_from_the_source(networks):
    source = PEOPLE[2].images[None, :2]
    drawn = networks(source, PEOPLE[3].landmark_images[:1])
    for channel in range(3):
        assert source[:, :, channel].min() - 1e-6 <= drawn[:, channel].min() and drawn[:, channel].max() <= source[:, :, channel].max() + 1e-6


def test_the_driver_is_heard_and_the_source_too(networks):
    source, drawn = PEOPLE[2].images[None, :2], PEOPLE[3].landmark_images
    assert not torch.allclose(networks(source, drawn[:1]), networks(source, drawn[1:2]), atol=1e-3)
    field = networks.driving(drawn[:1])
    assert field.shape == (1, 2, 32, 32) and field.abs().max() <= 1


def test_its_loss_trains_both_networks():
    run = X2FacePretraining(MINI, PEOPLE, seed=3)
    for conv in (run.networks.module.embedding.last, run.networks.module.driving.last):
        torch.nn.init.normal_(conv.weight, std=0.1)
    scene, source = run.scene()
    (run.networks(source, scene.drawn) - scene.real).abs().mean().backward()
    assert [n for n, p in run.networks.module.named_parameters() if p.grad is None] == []
    assert all(part.weight.grad.abs().sum() > 0 for part in (run.networks.module.embedding.down[0].conv, run.networks.module.driving.down[0].conv))


def test_one_source_two_and_so_on():
    run, counts = X2FacePretraining(MINI, PEOPLE, seed=3), []
    run.networks.module.embedding.register_forward_hook(lambda m, i, o: counts.append(len(i[0]) // MINI.batch))
    list(run.steps(4))
    assert MINI.k == 2 and counts == [1, 2, 1, 2]


def test_reports_have_no_scores():
    run = X2FacePretraining(MINI, PEOPLE, seed=3)
    report = run.one_step()
    assert set(report.terms) == {"l1", *(f"content/{name}" for name, _ in MINI.content)} and set(run.history[0]) == {"step", *report.terms}
    assert run.weights["l1"] == run.weights.l1 > 0


def test_it_learns_one_clip_by_moving_its_pixels():
    run = X2FacePretraining(dataclasses.replace(MINI, lr_generator=3e-3), PEOPLE[:1], seed=3)
    reports = list(run.steps(80))
    errors = [r.terms["l1"] for r in reports]
    assert sum(errors[-5:]) < 0.5 * sum(errors[:5])
    assert sum(r.terms["content/efficientnet-lite0"] for r in reports[-5:]) < sum(r.terms["content/efficientnet-lite0"] for r in reports[:5])
