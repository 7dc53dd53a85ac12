"""What all checks share."""

import pytest
import torch

from tlk.checks import Wrong, passed, same, wrong_if

RIGHT = torch.tensor([1.0, 2.0])


@pytest.mark.parametrize(
    "answer, sentence",
    [(None, "returns nothing"), ([1.0, 2.0], "returns a list"), (RIGHT[None], r"shape is \(1, 2\), not \(2,\): the mistake"), (RIGHT + 0.1, "^the mistake$"), (RIGHT * torch.nan, "^the mistake$")],
)
def test_a_wrong_answer_is_told(answer, sentence):
    with pytest.raises(Wrong, match=sentence):
        same(answer, RIGHT, "the mistake")


def test_a_right_answer_passes(capsys):
    same(RIGHT.double().requires_grad_(), RIGHT, "the mistake")
    wrong_if(torch.tensor(False), "no")
    passed("adain: right")
    assert capsys.readouterr().out == "✓ adain: right\n"


def test_wrong_is_an_assertion_error():
    with pytest.raises(AssertionError, match="because"):
        wrong_if(True, "because")
