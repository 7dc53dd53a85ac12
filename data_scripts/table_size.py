"""How large W gets: memory, checkpoint and time of a step with many clips, measured on this machine.

    python -m data_scripts.table_size 145000 1000000

W has a row of 512 numbers for each clip, and its optimiser as many again with a count of steps. Both are made, a step of
8 rows is taken, and both are written as a checkpoint has them. The rest of a checkpoint is the same for any
number of clips and is reckoned, not written: E, G with P and D of the preset, their optimisers' moments, the average.
"""

from __future__ import annotations

import argparse
import resource
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import torch

from tlk.files import write_tensors
from tlk.learning import RowAdam
from tlk.learning.checkpoints import module_tensors, optimiser_tensors
from tlk.learning.meta import Critic, EmbedAndGenerate
from tlk.networks import ClipTable
from tlk.presets import Preset, preset


def rest(p: Preset) -> float:
    """Bytes of a checkpoint without W: weights, two moments of each parameter, and the average of E and G where one is kept."""
    with torch.device("meta"):
        networks, critic = EmbedAndGenerate(p), Critic(p, 1).discriminator
    weights = [sum(t.numel() for t in m.state_dict().values()) for m in (networks, critic)]
    moments = 2 * sum(t.numel() for m in (networks, critic) for t in m.parameters())
    return 4 * (sum(weights) + moments + (weights[0] if p.ema is not None else 0))


def measure(rows: int, p: Preset, folder: Path) -> dict[str, float]:
    """GB of memory and file, seconds of a step and of writing, for W with ``rows`` rows."""
    table = ClipTable(rows, p.embedding)
    optimiser = RowAdam(table.parameters(), lr=p.lr_table, betas=p.betas, eps=p.eps)
    torch.manual_seed(0)
    steps = [clocked(lambda: step(table, optimiser, rows, p.batch)) for _ in range(6)]  # the first makes the optimiser's state
    tensors = module_tensors("table", table) | optimiser_tensors("optimiser_w", optimiser)
    held = sum(t.numel() * t.element_size() for t in tensors.values())
    with tempfile.TemporaryDirectory(dir=folder) as temporary:
        path = Path(temporary) / "w.safetensors"
        writing = clocked(lambda: write_tensors(path, tensors))
        size = path.stat().st_size
    return {"memory": held / 1e9, "file": size / 1e9, "step": sorted(steps[1:])[2], "writing": writing}


def step(table: ClipTable, optimiser: RowAdam, rows: int, batch: int) -> None:
    table(torch.randint(rows, (batch,))).square().sum().backward()
    optimiser.step()
    optimiser.zero_grad()


def clocked(work: Callable[[], object]) -> float:
    start = time.perf_counter()
    work()
    return time.perf_counter() - start


def main(arguments: list[str] | None = None) -> int:
    p = argparse.ArgumentParser(prog="python -m data_scripts.table_size", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("rows", type=int, nargs="+", help="clips, each a row of W")
    p.add_argument("--preset", default="paper")
    p.add_argument("--folder", type=Path, default=Path(tempfile.gettempdir()), help="where the file is written, and removed again (default: the system's)")
    options = p.parse_args(arguments)
    if min(options.rows) < 1:
        print("give at least one row", file=sys.stderr)
        return 2
    chosen = preset(options.preset)
    constant = rest(chosen) / 1e9
    print(f"the rest of a checkpoint at preset {chosen.name}: {constant:.2f} GB (reckoned)")
    for rows in options.rows:
        found = measure(rows, chosen, options.folder)
        print(
            f"{rows:,} rows: W with its optimiser {found['memory']:.2f} GB of memory and {found['file']:.2f} GB on disk, a whole checkpoint {constant + found['file']:.2f} GB; "
            f"a step of {chosen.batch} rows {1e3 * found['step']:.2f} ms; written in {found['writing']:.1f} s", flush=True,
        )  # fmt: skip
    print(f"peak memory of this process {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6:.1f} GB")
    return 0


if __name__ == "__main__":
    sys.exit(main())
