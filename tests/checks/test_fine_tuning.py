"""The checks of notebook 07: right answers pass, and each likely mistake raises its own message."""

import pytest
import torch
from torch import nn

from tlk.checks import Wrong, fine_tuning as checks


def start(e, g, d, frames, drawn):
    with torch.no_grad():
        mean = e(frames, drawn).mean(0)
        return nn.Parameter(g.project(mean[None])), nn.Parameter(d.w0 + mean)


def started(change):
    """A right answer but for ``change(psi, column, e, d, frames, drawn)``."""

    def answer(e, g, d, frames, drawn):
        psi, column = start(e, g, d, frames, drawn)
        return change(psi, column, e, d, frames, drawn)

    return answer


def mean_of(e, frames, drawn):
    return e(frames, drawn).mean(0).detach()


def attached(e, g, d, frames, drawn):
    mean = e(frames, drawn).mean(0)
    return g.project(mean[None]), d.w0 + mean


def per_frame(e, g, d, frames, drawn):
    with torch.no_grad():
        each = e(frames, drawn)
        return nn.Parameter(g.project(each)), nn.Parameter(d.w0 + each.mean(0))


def spectral(e, g, d, frames, drawn):
    psi, column = start(e, g, d, frames, drawn)
    row = nn.Linear(len(column), 1, bias=False)
    row.weight.data.copy_(column.data[None])
    row = nn.utils.parametrizations.spectral_norm(row, n_power_iterations=20)
    return psi, nn.Parameter(row.weight[0].detach())


def in_place(e, g, d, frames, drawn):
    d.w0.data += mean_of(e, frames, drawn)
    return start(e, g, d, frames, drawn)[0], d.w0


def test_right_answers_pass(capsys):
    checks.start(start)
    checks.optimisers(optimisers())
    checks.batches(batches)
    assert capsys.readouterr().out.count("✓") == 3


@pytest.mark.parametrize(
    "answer, message",
    [
        (per_frame, "one ψ' for each frame"),
        (started(lambda psi, w, e, d, f, y: (psi, nn.Parameter(mean_of(e, f, y)))), "w' is ê alone"),
        (started(lambda psi, w, e, d, f, y: (psi, nn.Parameter(d.w0.detach().clone()))), "w' is w0 alone"),
        (spectral, "w' has length 1"),
        (started(lambda psi, w, e, d, f, y: (psi, nn.Parameter(d.w0.detach() + e(f, y)[0].detach()))), "first frame only"),
        (started(lambda psi, w, e, d, f, y: (psi, nn.Parameter(d.w0.detach() + e(f, y).sum(0).detach()))), "sum of the embeddings"),
        (started(lambda psi, w, e, d, f, y: (psi + 1, w)), "ψ' starts at P ê"),
        (attached, "still hangs on the graph"),
        (started(lambda psi, w, e, d, f, y: (psi.data, w.data)), "plain tensor"),
        (started(lambda psi, w, e, d, f, y: (psi, nn.Parameter(w.data, requires_grad=False))), "does not ask for a gradient"),
        (in_place, "w0 was changed"),
        (lambda *a: start(*a)[::-1], "w' first"),
        (lambda e, g, d, f, y: start(e, g, d, f.mean(0, keepdim=True), y.mean(0, keepdim=True)), "the frames were averaged"),
        (lambda *a: None, "return two things"),
    ],
)
def test_wrong_starts(answer, message):
    with pytest.raises(Wrong, match=message):
        checks.start(answer)


def forgets_the_landmark_images(e, g, d, frames, drawn):
    return start(e, g, d, frames, e(frames))


def test_an_error_inside_an_answer_is_not_taken_for_a_wrong_return():
    with pytest.raises(TypeError, match="landmark_images"):
        checks.start(forgets_the_landmark_images)
    with pytest.raises(AttributeError, match="projections"):
        checks.optimisers(lambda e, g, d, psi, w: g.projections)


def optimisers(first=lambda e, g, d, psi, w: [], second=lambda e, g, d, psi, w: [], without=()):
    """A right answer with more parameters in the first or second optimiser, or some left out."""

    def answer(e, g, d, psi, column):
        ours = {"psi": [psi], "psi_and_g": [*g.rgb.parameters()], "column": [column], "v": [*d.down.parameters(), d.bias]}
        kept = {name: [] if name in without else parameters for name, parameters in ours.items()}
        more = first(e, g, d, psi, column), second(e, g, d, psi, column)
        return (
            torch.optim.Adam([*kept["psi_and_g"], *kept["psi"], *more[0]], lr=1e-3),
            torch.optim.Adam([*kept["v"], *kept["column"], *more[1]], lr=1e-3),
        )

    return answer


@pytest.mark.parametrize(
    "answer, message",
    [
        (optimisers(first=lambda e, g, d, psi, w: e.parameters()), "E is stepped"),
        (optimisers(first=lambda e, g, d, psi, w: g.projection.parameters()), "P is stepped"),
        (optimisers(second=lambda e, g, d, psi, w: [psi]), "ψ' belongs to the generator's side"),
        (optimisers(first=lambda e, g, d, psi, w: [w]), "ψ' belongs to the generator's side"),
        (optimisers(without=["psi"]), "ψ' is not trained"),
        (optimisers(without=["column"]), "w' is not trained"),
        (optimisers(first=lambda e, g, d, psi, w: d.down.parameters()), "weights of both sides"),
        (optimisers(second=lambda e, g, d, psi, w: [d.w0]), "w0 is stepped"),
        (optimisers(without=["psi_and_g"]), "ψ of G are not trained"),
        (optimisers(without=["v"]), "θ and b of D are not trained"),
        (lambda *a: None, "return two optimisers"),
    ],
)
def test_wrong_optimisers(answer, message):
    with pytest.raises(Wrong, match=message):
        checks.optimisers(answer)


def batches(frames, epochs, generator):
    return [part.tolist() for _ in range(epochs) for part in torch.randperm(frames, generator=generator).split(8)]


def across_epochs(frames, epochs, generator):
    stream = [i for _ in range(epochs) for i in torch.randperm(frames, generator=generator).tolist()]
    return [stream[i : i + 8] for i in range(0, len(stream), 8)]


@pytest.mark.parametrize(
    "answer, message",
    [
        (lambda f, n, g: [[i % f for i in range(8)]] * n if f == 1 else batches(f, n, g), "one photo was put eight times"),
        (lambda f, n, g: [torch.randperm(f, generator=g).tolist() for _ in range(n)], "at most 8"),
        (lambda f, n, g: batches(f, 1, g), "one epoch is not all"),
        (lambda f, n, g: [[i] for _ in range(n) for i in torch.randperm(f, generator=g).tolist()], "batches of one frame"),
        (lambda f, n, g: [b for b in batches(f, n, g) if len(b) == min(f, 8)], "last, smaller batch was dropped"),
        (lambda f, n, g: [torch.randint(f, (len(b),), generator=g).tolist() for b in batches(f, n, g)], "exactly once"),
        (lambda f, n, g: [list(range(i, min(i + 8, f))) for _ in range(n) for i in range(0, f, 8)], "every epoch has the same order"),
        (lambda f, n, g: [p.tolist() for _ in range(n) for p in torch.randperm(f, generator=g).split(4)], "not \\[5\\]"),
        (across_epochs, "run on from one epoch into the next"),
        (lambda f, n, g: [batches(f, 1, g) for _ in range(n)], "one flat list"),
        (lambda f, n, g: None, "returns nothing"),
        (lambda f, n, g: batches(f, n, None), "generators of one seed give different orders"),
        (lambda f, n, g: batches(f, n, torch.Generator().manual_seed(7)), "generators of different seeds give one order"),
    ],
)
def test_wrong_batches(answer, message):
    with pytest.raises(Wrong, match=message):
        checks.batches(answer)
