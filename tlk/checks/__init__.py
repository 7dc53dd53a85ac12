"""The exercises' checks: one module a notebook, one function an exercise, messages that name the likely mistake.

Lies outside the floors: it may use any of them, and nothing but notebooks uses it.
"""

from __future__ import annotations

import torch

__all__ = ["Wrong", "passed", "same", "wrong_if"]


class Wrong(AssertionError):
    """An answer is wrong, and the message says what is the likely mistake."""


def wrong_if(condition: object, message: str) -> None:
    """Raise Wrong(message) when the condition holds."""
    if bool(condition):
        raise Wrong(message)


def same(yours: object, right: torch.Tensor, message: str, rtol: float = 1e-4, atol: float = 1e-5) -> None:
    """Raise Wrong unless ``yours`` is a tensor of the right shape (said so when it is not) and nearly the right values."""
    wrong_if(yours is None, "your function returns nothing: is there a return at its end?")
    wrong_if(not isinstance(yours, torch.Tensor), f"your function returns a {type(yours).__name__}; a torch tensor is asked for")
    wrong_if(yours.shape != right.shape, f"the shape is {tuple(yours.shape)}, not {tuple(right.shape)}: {message}")
    wrong_if(not torch.allclose(yours.detach().to(right), right, rtol=rtol, atol=atol), message)


def passed(sentence: str) -> None:
    """Print the line that an exercise is right."""
    print(f"✓ {sentence}")
