"""``make torture``: every damaged input, 30 kills of each long job, a full disk; prints the counts.

    python -m tests.torture [--seed 0] [--seeds 6] [--kills 30] [--every 1]
"""

from __future__ import annotations

import argparse
import itertools
import sys
import tempfile
import time
from pathlib import Path

import torch

from . import damage, disk, inputs, kills, materials


def main(arguments: list[str] | None = None) -> int:
    p = argparse.ArgumentParser(prog="python -m tests.torture", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("--seed", type=int, default=0)
    p.add_argument("--seeds", type=int, default=6, help="of each kind of chance damage (default: 6)")
    p.add_argument("--kills", type=int, default=30, help="of each long job (default: 30)")
    p.add_argument("--every", type=int, default=1, help="take every n-th damaged input (default: 1)")
    options = p.parse_args(arguments)
    faults = torture(options.seed, options.seeds, options.kills, options.every)
    print("\n".join(faults) or "no fault")
    return int(bool(faults))


def torture(seed: int, seeds: int, times: int, every: int) -> list[str]:
    """All of it; returns the faults and prints how much was done."""
    torch.set_num_threads(1)  # forks must find no thread at work
    with tempfile.TemporaryDirectory() as folder:
        good = materials.make(Path(folder) / "good")
        kills.materials_for(good)
        start = time.monotonic()
        counts, faults = inputs.torture(good, itertools.islice(damage.cases(seeds), seed % every, None, every), seed)
        print(f"{counts.total()} damaged inputs: " + ", ".join(f"{n} {kind}" for kind, n in counts.most_common()) + f" ({time.monotonic() - start:.0f} s)", flush=True)
        tried, more = disk.torture(good)
        print(f"{tried} writes to a full disk or into somebody else's folder", flush=True)
        faults += more
        try:
            tried, more = disk.on_a_small_disk(good)
            print(f"{tried} writes to a disk of 24 kB", flush=True)
            faults += more
        except OSError as error:
            print(f"no writes to a small disk: {error}", flush=True)
        for job in kills.JOBS if times else ():
            start = time.monotonic()
            done, more = kills.torture(job, good, Path(folder) / job.name, times, seed)
            print(f"{job.name}: {done} kills ({time.monotonic() - start:.0f} s)", flush=True)
            faults += more
    return faults


if __name__ == "__main__":
    sys.exit(main())
