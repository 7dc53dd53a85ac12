"""The table that ``make bench`` prints: seconds for one frame or step, beside the others of its group and the machine's own rate."""

from __future__ import annotations

import os
import platform

import torch

HEADER = ("what", "time", "for one", "a second", "x slowest", "GFLOP/s", "of peak", "to reach", "")


def lines(groups: list[tuple[str, list[dict]]], peak: float | None) -> list[str]:
    """A block of rows for each group, columns aligned. ``peak``: GFLOP/s of a float32 matrix product here."""
    blocks = [(group or "other", [row(bench, slowest(benches), peak) for bench in benches]) for group, benches in groups]
    cells = [HEADER, *(r for _, rows in blocks for r in rows)]
    widths = [max(len(r[i]) for r in cells) for i in range(len(HEADER))]
    out = [aligned(HEADER, widths)]
    for group, rows in blocks:
        out += ["", group, *(aligned(r, widths) for r in rows)]
    return out


def each(bench: dict) -> float:
    """Median seconds for one frame, step or whatever ``note`` said a call does several of."""
    return bench["median"] / bench["extra_info"].get("items", 1)


def slowest(benches: list[dict]) -> float:
    return max(map(each, benches))


def row(bench: dict, group_slowest: float, peak: float | None) -> tuple[str, ...]:
    info, seconds = bench["extra_info"], each(bench)
    rate = info["gflop"] / seconds if "gflop" in info else None
    return (
        "  " + info.get("what", bench["name"].removeprefix("test_")), time(seconds), info.get("unit", "call"), number(1 / seconds),
        number(group_slowest / seconds), number(rate) if rate else "", f"{rate / peak:.0%}" if rate and peak else "",
        f"< {time(info['reach'])}" if "reach" in info else "", verdict(seconds, info),
    )


def verdict(seconds: float, info: dict) -> str:
    return "" if "reach" not in info else "reached" if seconds < info["reach"] else "MISSED"


def number(value: float) -> str:
    return f"{value:,.0f}" if value >= 100 else f"{value:.3g}"


def time(seconds: float) -> str:
    for unit, scale in (("s", 1), ("ms", 1e-3), ("us", 1e-6)):
        if seconds >= scale:
            return f"{seconds / scale:.3g} {unit}"
    return f"{seconds * 1e9:.3g} ns"


def aligned(cells: tuple[str, ...], widths: list[int]) -> str:
    return "  ".join([cells[0].ljust(widths[0]), *(c.rjust(w) for c, w in zip(cells[1:], widths[1:]))]).rstrip()


def machine() -> str:
    gpu = torch.cuda.get_device_name() if torch.cuda.is_available() else "no GPU"
    return f"{os.cpu_count()} cores ({platform.machine()}), {torch.get_num_threads()} threads, torch {torch.__version__}, {gpu}"
