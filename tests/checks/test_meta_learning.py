"""The checks of notebook 06: right answers pass, and each likely mistake raises its own message."""

import pytest
import torch

from tlk.checks import Wrong
from tlk.checks import meta_learning as checks
from tlk.learning.stepper import average_of
from tlk.losses import hinge_discriminator, hinge_generator


def draw(frames, k, random):
    if frames < k + 1:
        raise ValueError(f"{frames} frames are too few for K = {k}")
    picked = random.choice(frames, k + 1, replace=False)
    return picked[1:], picked[0]


def leaks(frames, k, random):
    return random.choice(frames, k, replace=False), random.integers(frames)


def repeats(frames, k, random):
    target = int(random.integers(frames))
    return random.choice([i for i in range(frames) if i != target], k), target


def never_last(frames, k, random):
    return draw(frames - (frames > k + 1), k, random)


def fixed_target(frames, k, random):
    return random.choice(range(1, frames), k, replace=False), 0


def only_the_target_moves(frames, k, random):
    return range(k), int(random.integers(k, frames)) if frames > k else 0


def first_that_are_left(frames, k, random):
    target = int(draw(frames, k, random)[1])
    return [i for i in range(frames) if i != target][:k], target


def first_or_last(frames, k, random):
    source, target = first_that_are_left(frames, k, random)
    return source[:-1] + [frames - 1 - (target == frames - 1)], target


def beside_the_target(frames, k, random):
    target = int(draw(frames, k, random)[1])
    return [(target + 1 + i) % frames for i in range(k)], target


def sources_first(frames, k, random):
    """Another right one: sources first, the target among the rest, sources sorted."""
    if frames <= k:
        raise ValueError("too short")
    source = sorted(random.choice(frames, k, replace=False).tolist())
    return source, int(random.choice([i for i in range(frames) if i not in source]))


def no_refusal(frames, k, random):
    return draw(frames, k, random) if frames > k else (range(k), 0)


def test_right_answers_pass(capsys):
    checks.episode(draw)
    checks.episode(sources_first)
    checks.average(average)
    checks.average(average_by_state)
    checks.step(checks.reference_step)
    checks.step(step_cleared_at_the_end)
    assert capsys.readouterr().out.count("✓") == 6


@pytest.mark.parametrize(
    "answer, message",
    [
        (leaks, "is among the sources"),
        (repeats, "repeat a frame"),
        (never_last, "were never the target"),
        (fixed_target, "the target was the same frame"),
        (only_the_target_moves, "source frames were the same|target was the same"),
        (first_that_are_left, "never a source in 120 draws: .* not always the first 3"),
        (first_or_last, "never a source"),
        (beside_the_target, "whenever the target was frame"),
        (no_refusal, "raise a ValueError"),
        (lambda f, k, r: (r.permutation(f)[:k], f), "outside 0 to 3"),
        (lambda f, k, r: (r.permutation(f)[: k - 1], 0), "on top of the K"),
        (lambda f, k, r: r.permutation(f)[: k + 1], "return two things"),
        (lambda f, k, r: None, "return two things"),
    ],
)
def test_wrong_episodes(answer, message):
    with pytest.raises(Wrong, match=message):
        checks.episode(answer)


def average(mean, model, decay, weight=None, buffers=lambda old, new, decay: old.copy_(new)):
    with torch.no_grad():
        for a, b in zip(mean.parameters(), model.parameters()):
            a.lerp_(b, 1 - decay if weight is None else weight)
        for a, b in zip(mean.buffers(), model.buffers()):
            buffers(a, b, decay)


def average_by_state(mean, model, decay):
    kept = dict(mean.named_parameters())
    new = {k: decay * kept[k].detach() + (1 - decay) * v if k in kept else v for k, v in model.state_dict().items()}
    mean.load_state_dict(new)


def recorded(mean, model, decay):
    for a, b in zip(mean.parameters(), model.parameters()):
        a.mul_(decay).add_(b, alpha=1 - decay)


def renamed(mean, model, decay):
    for a, b in zip(mean.parameters(), model.parameters()):
        a = decay * a + (1 - decay) * b


def aliased(mean, model, decay):
    average(mean, model, decay, buffers=lambda *a: None)
    mean.vector, mean.count = model.vector, model.count


def everything(mean, model, decay):
    for a, b in zip(mean.state_dict().values(), model.state_dict().values()):
        a.copy_(decay * a + (1 - decay) * b)


def into_the_model(mean, model, decay):
    average(model, mean, decay)


@pytest.mark.parametrize(
    "answer, message",
    [
        (recorded, "under torch.no_grad"),
        (renamed, "did not change"),
        (lambda a, m, d: None, "did not change"),
        (lambda a, m, d: average(a, m, d, weight=0.0), "only the buffers changed"),
        (lambda a, m, d: average(a, m, d, weight=d), "are swapped"),
        (lambda a, m, d: average(a, m, d, weight=1.0), "where is the average's own past"),
        (lambda a, m, d: average(a, m, d, weight=0.1), "a parameter of the average should be"),
        (lambda a, m, d: average(a, m, d, buffers=lambda *b: None), "buffers were forgotten"),
        (everything, "buffers were averaged"),
        (lambda a, m, d: average(a, m, d, buffers=lambda old, new, d: old.zero_()), "should be copies"),
        (aliased, "shares memory"),
        (into_the_model, "the model itself was changed"),
    ],
)
def test_wrong_averages(answer, message):
    with pytest.raises(Wrong, match=message):
        checks.average(answer)


def test_the_right_average_is_tlks():
    """Two updates, as ``average_of`` makes them after its first, which copies."""
    model, mean = checks._Module(0), checks._Module(0)
    theirs = average_of(model, 0.75)
    theirs.update_parameters(model)
    for seed in (1, 2):
        average(mean, model.trained(seed), 0.75)
        theirs.update_parameters(model)
    assert all(torch.allclose(a, b) for a, b in zip(mean.parameters(), theirs.module.parameters()))
    assert all(torch.equal(a, b) for a, b in zip(mean.buffers(), theirs.module.buffers()))


def step_cleared_at_the_end(generator, critic, optimiser_g, optimiser_d, y, x):
    fake = generator(y)
    for _ in range(2):
        hinge_discriminator(critic(x), critic(fake.detach())).backward()
        optimiser_d.step()
        optimiser_d.zero_grad()
    hinge_generator(critic(fake)).backward()
    optimiser_g.step()
    optimiser_g.zero_grad()
    optimiser_d.zero_grad()


def attached(generator, critic, optimiser_g, optimiser_d, y, x, keep=False):
    fake = generator(y)
    for _ in range(2):
        optimiser_d.zero_grad()
        hinge_discriminator(critic(x), critic(fake)).backward(retain_graph=keep)
        optimiser_d.step()
    optimiser_g.zero_grad()
    hinge_generator(critic(fake)).backward()
    optimiser_g.step()


def scored_too_early(generator, critic, optimiser_g, optimiser_d, y, x):
    fake = generator(y)
    loss_g = hinge_generator(critic(fake))
    for _ in range(2):
        optimiser_d.zero_grad()
        hinge_discriminator(critic(x), critic(fake.detach())).backward()
        optimiser_d.step()
    optimiser_g.zero_grad()
    loss_g.backward()
    optimiser_g.step()


def only_d(generator, critic, optimiser_g, optimiser_d, y, x):
    hinge_discriminator(critic(x), critic(generator(y).detach())).backward()
    optimiser_d.step()


@pytest.mark.parametrize(
    "answer, message",
    [
        (attached, "did you detach the fake"),
        (lambda *a: attached(*a, keep=True), "sent a gradient into G"),
        (scored_too_early, "score the fake anew"),
        (only_d, "generator did not move"),
        (lambda *a: None, "generator did not move"),
        *[(mistake, message[:40]) for message, mistake in checks.MISTAKES.items()],
        (lambda *a: checks.reference_step(*a, updates=3), "the networks end elsewhere"),
    ],
)
def test_wrong_steps(answer, message):
    with pytest.raises(Wrong, match=message):
        checks.step(answer)


def test_the_toys_critic_lies_where_the_hinge_is_linear():
    """Else "both losses in one pass" would not cancel, and the check's mistakes would not differ."""
    toy = checks._Toy()
    y, x = toy.pairs[0]
    assert toy.critic(x).abs().max() < 1 and toy.critic(toy.generator(y)).abs().max() < 1
    ends = [checks._Toy().after(m) for m in [checks.reference_step, *checks.MISTAKES.values()]]
    assert all(not checks._near(a, b) for i, a in enumerate(ends) for b in ends[:i])
