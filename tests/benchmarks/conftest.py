"""Shared by the benchmarks: ``note`` says what a call does, ``matrix_rate`` what the machine can do, and the end is one table.

    def test_rasterise(benchmark, note):
        note(group="rasterising a frame at 256 px", unit="frame", items=64, reach=1.3e-3)
        benchmark(rasterise, points, 256)
"""

from __future__ import annotations

import time

import pytest
import torch

from tests.benchmarks import table

_PEAK: list[float] = []


@pytest.fixture
def note(benchmark):
    """``note(group, what, unit, items, gflop, reach)``, each by name and each optional.

    A call does ``items`` of ``unit`` (frame, step); one of them is ``gflop`` billion operations (a
    multiply-add counts as two) and should take less than ``reach`` seconds. The table shows it all.
    """

    def write(group: str | None = None, **info) -> None:
        if unknown := set(info) - {"what", "unit", "items", "gflop", "reach"}:
            raise TypeError(f"note does not know {', '.join(sorted(unknown))}")
        benchmark.group = group
        benchmark.extra_info.update(info)

    return write


@pytest.fixture(scope="session")
def matrix_rate() -> float:
    """GFLOP/s of a float32 product of two 2,048 x 2,048 matrices on the CPU, best of 8: the yardstick for the networks."""
    return measure_matrix_rate()


def measure_matrix_rate(n: int = 2048, repeats: int = 8) -> float:
    if not _PEAK:
        a, b = torch.randn(2, n, n)
        best = float("inf")
        for _ in range(repeats):
            start = time.perf_counter()
            a @ b
            best = min(best, time.perf_counter() - start)
        _PEAK.append(2 * n**3 / best / 1e9)
    return _PEAK[0]


def pytest_terminal_summary(terminalreporter, config):
    session = getattr(config, "_benchmarksession", None)
    groups = getattr(session, "groups", None)
    if not groups:
        return
    counted = any("gflop" in bench["extra_info"] for _, benches in groups for bench in benches)
    peak = measure_matrix_rate() if counted else None
    terminalreporter.section("benchmarks (medians)", sep="-")
    yardstick = f"; float32 matrix product {peak:,.0f} GFLOP/s" if peak else ""
    for line in [table.machine() + yardstick, "", *table.lines(groups, peak)]:
        terminalreporter.write_line(line)
