"""Compile with numba, also while a test run wraps every function in shape checks."""

from __future__ import annotations

import inspect

import numba


def compiled(function):
    """``numba.njit`` with an on-disk cache, applied to the plain function below any wrappers."""
    return numba.njit(cache=True, fastmath={"contract", "arcp", "afn", "nsz"}, error_model="numpy")(inspect.unwrap(function))
