"""The GAN of points: the same numbers for one seed, and what its terms are for."""

import pytest
import torch

from tlk.learning.toy import MODES, SPREAD, ToyGAN, centres, draw_points, toy_quality


def after(steps: int, **weights) -> ToyGAN:
    run = ToyGAN(seed=1)
    if "content" in weights:
        run.weights.content = {"points": weights.pop("content")}
    vars(run.weights).update(weights)
    for _ in run.steps(steps):
        pass
    return run


def test_one_seed_gives_one_run():
    a, b = after(4), after(4)
    assert a.history == b.history and len(a.history) == 4
    assert a.history != [r for r in ToyGAN(seed=2).steps(4)]


def test_points_hang_off_their_numbers_alone():
    assert torch.equal(draw_points(9, 3, 5)[0], draw_points(9, 3, 5)[0])
    assert not torch.equal(draw_points(9, 3, 5)[1], draw_points(9, 5, 3)[1])


def test_every_true_point_is_on_a_cluster():
    told, real = draw_points(2000, 0, 0)
    assert toy_quality(real, real) == {"on a cluster": pytest.approx(0.99, abs=0.01), "clusters reached": 1.0, "distance to the truth": 0.0}
    assert toy_quality(told, real)["on a cluster"] < 0.3
    assert toy_quality(centres()[:2].repeat(50, 1), real[:100])["clusters reached"] == 2 / MODES
    assert centres().norm(dim=-1).min() > 10 * SPREAD


@pytest.mark.parametrize("left_alone, steps", [("critic", {"discriminator_steps": 0}), ("generator", {"generator_steps": 0})])
def test_one_side_may_be_trained_alone(left_alone, steps):
    run = ToyGAN(seed=0)
    before = {name: [p.detach().clone() for p in getattr(run, name).parameters()] for name in ("critic", "generator")}
    vars(run.weights).update(steps)
    run.one_step()
    for name, old in before.items():
        moved = any(not torch.equal(p, q) for p, q in zip(getattr(run, name).parameters(), old))
        assert moved == (name != left_alone)


def test_content_alone_blurs_and_d_brings_the_points_back_to_the_clusters():
    """Not after a fixed number of steps of luck: the margin is three times what either varies between seeds."""
    told, real = draw_points(1000, 99, 7)
    share = []
    for run in (after(400, content=1.0, adversarial=0.0, feature_matching=0.0, discriminator_steps=0), after(400)):
        with torch.no_grad():
            share.append(toy_quality(run.generator.module.eval()(told), real)["on a cluster"])
    assert share[1] > share[0] + 0.15
