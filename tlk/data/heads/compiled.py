"""Compile with numba, also while a test run wraps every function in shape checks."""

from __future__ import annotations

import inspect

import numba

FLAGS = {"cache": True, "fastmath": {"contract", "arcp", "afn", "nsz"}, "error_model": "numpy"}


def compiled(function):
    """``numba.njit`` with an on-disk cache, applied to the plain function below any wrappers."""
    return numba.njit(**FLAGS)(inspect.unwrap(function))


def inlined(function):
    """As ``compiled``, for what is called for every sample or triangle: its body is put in the place of each call.

    Handing over a dozen arrays, each of seven numbers and more, costs more than most of these functions compute:
    with calls, shading takes 1.7 times as long. The numbers are the same to the last bit.

    Triangles need it for another reason: called, they were rounded differently in the process that compiles than in those
    that read the compiled code from disk, and a texel on an edge went to one or the other neighbour.
    """
    return numba.njit(forceinline=True, **FLAGS)(inspect.unwrap(function))
