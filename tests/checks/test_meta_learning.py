"""The checks of notebook 06: right answers pass, and each likely mistake raises its own message."""

import pytest
from einops import rearrange

from tlk.checks import Wrong, meta_learning as checks
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


def no_refusal(frames, k, random):
    return draw(frames, k, random) if frames > k else (range(k), 0)


def test_right_answers_pass(capsys):
    checks.episode(draw)
    checks.embed(embed)
    checks.step(checks.reference_step)
    checks.step(step_cleared_at_the_end)
    assert capsys.readouterr().out.count("✓") == 4


@pytest.mark.parametrize(
    "answer, message",
    [
        (leaks, "is among the sources"),
        (repeats, "repeat a frame"),
        (never_last, "were never the target"),
        (fixed_target, "the target was the same frame"),
        (only_the_target_moves, "source frames were the same|target was the same"),
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


def embed(embedder, frames, drawn):
    each = embedder(frames.flatten(0, 1), drawn.flatten(0, 1))
    return each.unflatten(0, frames.shape[:2]).mean(1)


def mixed(embedder, frames, drawn):
    each = embedder(frames.flatten(0, 1), drawn.flatten(0, 1))
    return rearrange(each, "(k b) n -> b k n", b=len(frames)).mean(1)


def per_frame(embedder, frames, drawn):
    return embedder(frames.flatten(0, 1), drawn.flatten(0, 1)).unflatten(0, frames.shape[:2])


@pytest.mark.parametrize(
    "answer, message",
    [
        (per_frame, "one embedding per frame"),
        (lambda e, f, d: e(f.mean(1), d.mean(1)), "embedding of the mean frame"),
        (lambda e, f, d: per_frame(e, f, d).sum(1), "sums over the K frames"),
        (lambda e, f, d: per_frame(e, f, d).amax(1), "largest value"),
        (mixed, "frames of different clips were mixed"),
        (lambda e, f, d: per_frame(e, f, d)[:, 0], "first source frame"),
        (lambda e, f, d: embed(e, f, f), "other landmark images"),
        (lambda e, f, d: e(f, d), "fold the axis"),
        (lambda e, f, d: embed(e, f, d).mean(0), "shape is"),
        (lambda e, f, d: embed(e, f, d) + 1, "not the mean of E"),
        (lambda e, f, d: None, "returns nothing"),
    ],
)
def test_wrong_embeddings(answer, message):
    with pytest.raises(Wrong, match=message):
        checks.embed(answer)


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
