"""The checks of notebook 05: right answers pass, each likely mistake is named."""

import pytest
import torch
import torch.nn.functional as F

from tlk import losses
from tlk.checks import Wrong
from tlk.checks import losses as checks


def sides(D, real, generated, hold=lambda x: x.detach()):
    return losses.hinge_discriminator(D(real), D(hold(generated))), losses.hinge_generator(D(generated))


def one_side(D, real, generated, score_real, score_generated):
    """Right values; which scores teach D is the caller's mistake."""
    return losses.hinge_discriminator(score_real, score_generated), losses.hinge_generator(D(generated))


def half(scores):
    """The scores, half of their gradient lost."""
    return (scores + scores.detach()) / 2


def match(embedding, column):
    return losses.match(embedding, column.detach())


def sides_without_tlk(D, real, generated):
    """Real frames detached too, which changes nothing; one pass of D over both."""
    scores = D(torch.cat([real.detach(), generated.detach()]))
    on_real, on_generated = scores.chunk(2)
    return (1 - on_real).clamp(min=0).mean() + (1 + on_generated).clamp(min=0).mean(), -D(generated).mean()


RIGHT = [(checks.hinge, losses.hinge_discriminator), (checks.both_sides, sides), (checks.both_sides, sides_without_tlk), (checks.feature_matching, losses.feature_matching), (checks.match, match)]


@pytest.mark.parametrize("check, answer", RIGHT)
def test_right_answers_pass(check, answer, capsys):
    check(answer)
    assert capsys.readouterr().out.startswith("✓")


@pytest.mark.parametrize("check", [check for check, _ in RIGHT])
def test_nothing_returned_is_told(check):
    with pytest.raises(Wrong):
        check(lambda *a: None)


def layers(reduce, over=sum):
    return lambda fake, real: over([reduce(f - r.detach()) for f, r in zip(fake, real)])


@pytest.mark.parametrize(
    "check, answer, words",
    [
        (checks.hinge, lambda r, f: losses.hinge_discriminator(r.sigmoid(), f.sigmoid()), "sigmoid"),
        (checks.hinge, lambda r, f: losses.hinge_discriminator(f, r), "swapped"),
        (checks.hinge, lambda r, f: (1 - r).mean() + (1 + f).mean(), "hinge is missing"),
        (checks.hinge, lambda r, f: F.relu(1 - r).sum() + F.relu(1 + f).sum(), "sum over the batch"),
        (checks.hinge, lambda r, f: torch.cat([F.relu(1 - r), F.relu(1 + f)]).mean(), "share one mean"),
        (checks.hinge, lambda r, f: F.relu(-r).mean() + F.relu(f).mean(), "margin"),
        (checks.hinge, lambda r, f: F.relu(1 - r.mean()) + F.relu(1 + f.mean()), "mean is taken before the hinge"),
        (checks.hinge, lambda r, f: F.relu(1 - r.mean()), "only the real half, and its mean is taken before the hinge"),
        (checks.hinge, lambda r, f: F.relu(1 - r).mean(), "only the real half is"),
        (checks.hinge, lambda r, f: F.relu(1 + f).mean(), "only the generated half is"),
        (checks.hinge, lambda r, f: F.relu(1 - r) + F.relu(1 + f), "shape"),
        (checks.both_sides, lambda D, r, g: sum(sides(D, r, g)), "never their sum"),
        (checks.both_sides, lambda D, r, g: sides(D, r, g, hold=lambda x: x), "did you detach the fake"),
        (checks.both_sides, lambda D, r, g: sides(D, r, g.detach()), "detach the frame in D's loss only"),
        (checks.both_sides, lambda D, r, g: (sides(D, r, g)[0], D(g).mean()), "wrong sign"),
        (checks.both_sides, lambda D, r, g: (sides(D, r, g)[0], F.relu(1 - D(g)).mean()), "no hinge"),
        (checks.both_sides, lambda D, r, g: (sides(D, r, g)[0], -D(g)), "one number"),
        (checks.both_sides, lambda D, r, g: (-D(g).mean(), -D(g).mean()), "same"),
        (checks.both_sides, lambda D, r, g: (losses.hinge_discriminator(D(g.detach()), D(r)), -D(g).mean()), "exercise 1"),
        (checks.both_sides, lambda D, r, g: (sides(D, r, g)[0].detach(), -D(g).mean()), "reaches D"),
        (checks.both_sides, lambda D, r, g: one_side(D, r, g, D(r), D(g).detach()), "from the generated frames: detach the frame, not its score"),
        (checks.both_sides, lambda D, r, g: one_side(D, r, g, D(r), torch.no_grad()(D)(g)), "from the generated frames: .* no no_grad"),
        (checks.both_sides, lambda D, r, g: one_side(D, r, g, D(r).detach(), D(g.detach())), "learns nothing from the real frames"),
        (checks.both_sides, lambda D, r, g: one_side(D, r, g, half(D(r)), D(g.detach())), "not the hinge loss's"),
        (checks.feature_matching, layers(lambda d: d.abs().sum()), "take the mean"),
        (checks.feature_matching, layers(lambda d: d.abs().mean(), over=lambda x: sum(x) / len(x)), "adds them up"),
        (checks.feature_matching, layers(lambda d: d.square().mean()), "squared"),
        (checks.feature_matching, layers(lambda d: d.abs().mean(), over=lambda x: x[-1]), "only the last layer"),
        (checks.feature_matching, layers(lambda d: d.abs().mean(), over=lambda x: x[0]), "only the first layer"),
        (checks.feature_matching, layers(lambda d: d.flatten(), over=lambda x: torch.cat(x).abs().mean()), "share one mean"),
        (checks.feature_matching, layers(lambda d: d.mean()), "absolute value"),
        (checks.feature_matching, lambda f, r: sum(F.l1_loss(a, b) for a, b in zip(f, r)), "they are the target"),
        (checks.feature_matching, lambda f, r: sum(F.l1_loss(a.detach(), b) for a, b in zip(f, r)), "not this one"),
        (checks.match, lambda e, w: (e - w.detach()).abs().sum(-1).mean(), "sum over n"),
        (checks.match, lambda e, w: (e - w.detach()).abs().sum(), "whole batch"),
        (checks.match, lambda e, w: (e - w.detach()).square().mean(), "squared"),
        (checks.match, lambda e, w: (e - w.detach()).mean(), "absolute value"),
        (checks.match, lambda e, w: -match(e, w), "wrong sign"),
        (checks.match, lambda e, w: (1 - F.cosine_similarity(e, w.detach())).mean(), "cosine"),
        (checks.match, lambda e, w: losses.match(e, w), "learns from L_DSC only"),
        (checks.match, lambda e, w: losses.match(e.detach(), w), "not ê"),
    ],
)
def test_each_likely_mistake_is_named(check, answer, words):
    with pytest.raises(Wrong, match=words):
        check(answer)
