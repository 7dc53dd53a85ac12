"""What the preparing programs share: a plan, shards made by any number of processes or machines, a manifest.

The work is cut into shards of a fixed list of sources, and a shard's bytes depend on its sources and the settings
alone. So the result is the same for one process, for sixteen, and for the tasks of a Slurm array, which need no
daemon and no connection between them: task i of n takes every n-th shard (``--part i/n``), and the last to finish,
or ``--part merge``, puts the manifest together. A killed run goes on with the shards that are missing.
"""

from __future__ import annotations

import argparse
import csv
import json
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ProcessPoolExecutor
from dataclasses import asdict
from pathlib import Path
from typing import Any

import torch
from tqdm import tqdm

from tlk.data import Clip, save_clips
from tlk.data.shards import COLUMNS, MANIFEST, stored_clips
from tlk.files import write_whole

from .sources import Settings, Source, read_source

PLAN = "plan.json"


def add_options(p: argparse.ArgumentParser, out_required: bool = True) -> None:
    p.add_argument("--out", type=Path, required=out_required, metavar="FOLDER", help="where the set goes; run the same command again to go on")
    p.add_argument("--size", type=int, default=256, help="side of the frames, pixels (default: 256)")
    p.add_argument("--fps", type=float, help="keep about this many frames a second (default: all)")
    p.add_argument("--max-frames", type=int, help="of a clip")
    p.add_argument("--min-frames", type=int, default=9, help="with a face, or the clip is dropped (default: 9, the paper's K + 1)")
    p.add_argument("--min-eyes", type=float, default=20, help="smallest distance of the outer eye corners, source pixels (default: 20)")
    p.add_argument("--detector", default="auto", help="of landmarks: auto, dlib or face-alignment (on a GPU when there is one)")
    p.add_argument("--image", choices=("png", "jpg"), default="png", help="png is exact, jpg a fifth of the size")
    p.add_argument("--shard", type=int, default=32, help="sources in a shard, the unit of work (default: 32)")
    p.add_argument("--limit", type=int, help="take only the first N sources of each split")
    p.add_argument("--workers", type=int, default=1, help="processes on this machine (default: 1)")
    p.add_argument("--part", default="1/1", help="i/n: of n machines or array tasks, this is number i; or merge: only write the manifest")


def settings_of(options: argparse.Namespace) -> Settings:
    return Settings(options.size, options.fps, options.max_frames, options.min_frames, options.min_eyes, _named(options.detector), options.image, options.shard)


def _named(detector: str) -> str:
    """``auto`` is settled once, so that all machines take the same one."""
    from tlk.landmarks import open_detector

    return open_detector(detector).name


def prepare(sources: list[Source], settings: Settings, out: Path, workers: int = 1, part: str = "1/1") -> list[dict[str, Any]] | None:
    """Make the shards of this part; returns the manifest's rows once every part's shards are there, else None.

    Raises ValueError when ``out`` holds a set of other settings.
    """
    sources = _plan(sources, settings, out)
    shards = _shards(sources, settings)
    mine = shards if part == "merge" else shards[slice(*_part(part))]
    missing = [] if part == "merge" else [s for s in mine if not _rows_of(out, s[0]).exists()]
    if missing:
        print(estimate(missing, settings, out, workers))
        _run(missing, settings, out, workers)
    if absent := [name for name, _ in shards if not _rows_of(out, name).exists()]:
        print(f"{len(absent)} of {len(shards)} shards belong to other parts and are not there yet; the last part to finish writes {MANIFEST}")
        return None
    return _merge(shards, out)


def _part(text: str) -> tuple[int, None, int]:
    number, _, count = text.partition("/")
    if not (number.isdecimal() and count.isdecimal() and 1 <= int(number) <= int(count)):
        raise ValueError(f"--part takes i/n with i from 1 to n, or merge; not {text!r}")
    return int(number) - 1, None, int(count)


def _plan(sources: list[Source], settings: Settings, out: Path) -> list[Source]:
    """The sources as they were listed at the first run: a set's rows must not move when files are added to the tree."""
    path = out / PLAN
    if not path.exists():
        if twice := [name for name, n in Counter(s.name for s in sources).items() if n > 1]:
            raise ValueError(f"{len(twice)} clips would have the name of another, {twice[0]} for one: the same person and video are in two places")
        text = json.dumps({"settings": asdict(settings), "sources": [asdict(s) for s in sources]}, indent=1, ensure_ascii=False)
        with write_whole(path) as temporary:
            temporary.write_text(text + "\n", encoding="utf-8")
    try:
        plan = json.loads(path.read_text(encoding="utf-8"))
        kept, before = [Source(**{**s, "box": s["box"] and tuple(s["box"])}) for s in plan["sources"]], Settings(**plan["settings"])
    except (ValueError, KeyError, TypeError) as error:
        raise ValueError(f"{path} is damaged ({error}); delete it, with the shards beside it, and begin again") from error
    if before != settings:
        changed = [k for k, v in asdict(before).items() if v != getattr(settings, k)]
        raise ValueError(f"{out} was begun with other settings ({', '.join(f'{k} = {getattr(before, k)}' for k in changed)}); give the same, or another --out")
    if new := len({s.name for s in sources} - {s.name for s in kept}):
        print(f"note: {new} sources are new since {path} was written and are left out: the rows of W are numbered by it", file=sys.stderr)
    return kept


def _shards(sources: list[Source], settings: Settings) -> list[tuple[str, list[Source]]]:
    """(name of the shard, its sources): split by split, in the order of the plan."""
    shards = []
    for split in dict.fromkeys(s.split for s in sources):
        of = [s for s in sources if s.split == split]
        shards += [(f"{split}-{n // settings.shard:06d}", of[n : n + settings.shard]) for n in range(0, len(of), settings.shard)]
    return shards


def _rows_of(out: Path, shard: str) -> Path:
    """A shard's rows; written last, so the shard is whole when they are there."""
    return out / "rows" / f"{shard}.json"


def estimate(shards: list[tuple[str, list[Source]]], settings: Settings, out: Path, workers: int) -> str:
    """Time and disk of the work to come, from two sources that are prepared for it and thrown away."""
    sources = [s for _, of in shards for s in of]
    sample = [sources[0], sources[len(sources) // 2]][: len(sources)]
    start, total = time.perf_counter(), 0
    for source in sample:
        clip, _ = read_source(source, settings)
        if clip is not None:
            with write_whole(out / "sample.tar") as temporary:
                save_clips([clip], temporary, settings.image)
                total += temporary.stat().st_size
            (out / "sample.tar").unlink()
    each = (time.perf_counter() - start) / len(sample)
    return (
        f"{len(sources)} sources in {len(shards)} shards: about {_duration(each * len(sources) / workers)} with {workers} process{'es' * (workers > 1)} "
        f"and {total / len(sample) * len(sources) / 1e9:.2g} GB in {out} (from {len(sample)} of them; landmarks by {settings.detector})"
    )


def _duration(seconds: float) -> str:
    return f"{seconds:.0f} s" if seconds < 100 else f"{seconds / 60:.0f} min" if seconds < 6000 else f"{seconds / 3600:.1f} h"


def _run(shards: list[tuple[str, list[Source]]], settings: Settings, out: Path, workers: int) -> None:
    jobs = [(name, sources, settings, out) for name, sources in shards]
    with tqdm(total=sum(len(s) for _, s in shards), unit="source", desc="preparing") as bar:
        for rows in _mapped(jobs, workers):
            bar.update(len(rows))
            for row in rows:
                if row["dropped"]:
                    bar.write(f"left out: {row['dropped']}", file=sys.stderr)


def _mapped(jobs: list[tuple], workers: int) -> Iterator[list[dict]]:
    if workers <= 1:
        yield from map(make_shard, jobs)
        return
    import multiprocessing

    with ProcessPoolExecutor(workers, mp_context=multiprocessing.get_context("spawn")) as pool:
        yield from pool.map(make_shard, jobs)


def make_shard(job: tuple[str, list[Source], Settings, Path]) -> list[dict[str, Any]]:
    """Prepare one shard's sources, write it and its rows; a source that fails is a row that says why."""
    name, sources, settings, out = job
    torch.set_num_threads(1)  # many processes, one core each; the same sums whatever their number
    rows: list[dict[str, Any]] = []
    save_clips(_clips(sources, settings, rows), out / f"{name}.tar", settings.image)
    kept = iter(stored_clips(out / f"{name}.tar"))  # this also writes the index beside it
    for row in rows:
        if not row["dropped"]:
            row |= {"shard": f"{name}.tar", "sha256": next(kept).sha256()}
    with write_whole(_rows_of(out, name)) as temporary:
        temporary.write_text(json.dumps(rows, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    return rows


def _clips(sources: list[Source], settings: Settings, rows: list[dict]) -> Iterator[Clip]:
    for source in sources:
        clip, row = read_source(source, settings)
        rows.append(row)
        if clip is not None:
            yield clip


def _merge(shards: list[tuple[str, list[Source]]], out: Path) -> list[dict[str, Any]]:
    rows, counts = [], {}
    for name, _ in shards:
        for row in json.loads(_rows_of(out, name).read_text(encoding="utf-8")):
            if not row["dropped"]:
                row["row"] = counts[row["split"]] = counts.get(row["split"], -1) + 1
            rows.append(row)
    with write_whole(out / MANIFEST) as temporary, open(temporary, "w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, COLUMNS)
        writer.writeheader()
        writer.writerows(rows)
    return rows


def summary(rows: Iterable[dict[str, Any]], out: Path) -> str:
    """What is in the set, for the end of a run."""
    rows = list(rows)
    lines = []
    for split in dict.fromkeys(row["split"] for row in rows):
        kept = [r for r in rows if r["split"] == split and not r["dropped"]]
        people, frames = len({r["person"] for r in kept}), sum(int(r["frames"]) for r in kept)
        lines.append(f"{split}: {len(kept)} clips of {people} people, {frames} frames; {sum(r['split'] == split for r in rows) - len(kept)} left out (column dropped says why)")
    size = sum(f.stat().st_size for f in out.glob("*.tar"))
    return "\n".join([*lines, f"{size / 1e6:.1f} MB in {out}, numbered in {out / MANIFEST}"])


def finish(list_sources: Callable[[], list[Source]], options: argparse.Namespace) -> int:
    """Prepare and print the summary. Exit status: 0; 1 when no source was fit; 2, with a sentence, when nothing could be done."""
    try:
        sources = limited(list_sources(), options.limit)
        rows = prepare(sources, settings_of(options), options.out, options.workers, options.part)
    except (ValueError, OSError) as error:
        print(error, file=sys.stderr)
        return 2
    if rows is None:
        return 0
    print(summary(rows, options.out))
    return 0 if any(not row["dropped"] for row in rows) else 1


def limited(sources: list[Source], limit: int | None) -> list[Source]:
    """The first ``limit`` sources of each split."""
    return [s for split in dict.fromkeys(s.split for s in sources) for s in [s for s in sources if s.split == split][:limit]]
