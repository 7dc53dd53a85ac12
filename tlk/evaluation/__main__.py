"""``python -m tlk.evaluation``: every system on unseen people, as markdown and JSON; goes on where it stopped."""

from __future__ import annotations

import argparse
import json
import os
import sys
from pathlib import Path
from typing import Any

import torch

from tlk.data import heads
from tlk.files import write_whole
from tlk.learning import Model, load
from tlk.learning.provenance import revision
from tlk.learning.train import save_picture

from .compared import budgets, left_out
from .grid import grid
from .judges import Judges
from .records import Record
from .retrieval import retrieval
from .run import evaluate
from .subjects import Subject, real, rendered
from .systems import fingerprint, standard_systems
from .table import markdown, shared, summarise

CLIPS = "TLK_REAL_CLIPS"  #: environment variable: videos of real people, a folder or several joined by the path separator


def main(arguments: list[str] | None = None) -> int:
    options = parser().parse_args(arguments)
    try:
        text = run(options)
    except (ValueError, OSError) as error:
        print(f"python -m tlk.evaluation: {error}", file=sys.stderr)
        return 2
    print(text)
    return 0


def parser() -> argparse.ArgumentParser:
    p = argparse.ArgumentParser(prog="python -m tlk.evaluation", description="The table: every system on unseen people; resumable.", allow_abbrev=False)
    p.add_argument("--model", default="heads-64", help="shipped weights, or a .safetensors file (default: heads-64)")
    p.add_argument("--people", type=int, default=50, help="rendered people of the test split; 0 for none (default: 50)")
    p.add_argument("--fit-people", type=int, metavar="N", help="the first N of them are drawn by FT and Pix2pixHD too, which learn from each person (default: 16 on a CPU, else all)")
    p.add_argument("--clips", nargs="*", metavar="PATH", help=f"videos of real people, or folders of them (default: those in {CLIPS}, if it is set)")
    p.add_argument("--frames", type=int, default=32, help="hold-out frames of each person (default: 32)")
    p.add_argument("--sources", type=int, nargs="+", default=[1, 8, 32], metavar="T", help="numbers of source frames (default: 1 8 32)")
    p.add_argument("--epochs", type=int, default=40, help="of fine-tuning; 0 leaves FT out (default: 40)")
    p.add_argument("--seed", type=int, default=0, help="of fine-tuning's order of frames (default: 0)")
    p.add_argument("--detector", default="dlib", help="of landmarks, in real clips and in results (default: dlib)")
    p.add_argument("--inception", metavar="FILE", help="pytorch-fid's pt_inception-2015-12-05-6726825d.pth, for FID (default: no FID)")
    p.add_argument("--arcface", metavar="FILE", help="backbone.pth of insightface's arcface_torch, for the paper's CSIM (default: none)")
    p.add_argument("--device", default="cpu", help="cpu or cuda (default: cpu)")
    p.add_argument("--out", type=Path, default=Path("runs/evaluation"), help="folder of records, table and pictures (default: runs/evaluation)")
    return p


def run(options: argparse.Namespace) -> str:
    """Returns the markdown, which is in ``OUT/table.md`` too, beside ``table.json`` and a picture for each group."""
    fit = options.fit_people if options.fit_people is not None else 16 if options.device == "cpu" else options.people
    if min(options.people, options.epochs, fit - 1, options.frames - 1, min(options.sources) - 1) < 0:
        raise ValueError("--people and --epochs must be at least 0, --fit-people, --frames and --sources at least 1")
    model, judges = load(options.model, options.device), Judges(options.detector, options.device, options.inception, options.arcface)
    size, sources = model.preset.size, sorted(set(options.sources))
    subjects = rendered(options.people, options.frames, size, max(sources)) + real(real_paths(options), options.frames, size, options.detector)
    if not subjects:
        raise ValueError("nobody to evaluate on: --people is 0 and no clips are named")
    made = [s for s in subjects if s.group == "rendered"]
    fitted = made[:fit] + [s for s in subjects if s.group != "rendered"]
    records = evaluate(fitted, standard_systems(model, options.epochs, options.seed), sources, judges, options.out / "records")
    if made[fit:]:
        records += evaluate(made[fit:], standard_systems(model, 0, options.seed), sources, judges, options.out / "records")
    about = describe(options, model, judges, subjects)
    if len(made) > 1:
        about["retrieval"] = retrieval(model, made)
    return write(options.out, summarise(records), about, subjects, records, sources)


def real_paths(options: argparse.Namespace) -> list[str]:
    if options.clips is not None:
        return options.clips
    return [path for path in os.environ.get(CLIPS, "").split(os.pathsep) if path]


def describe(options: argparse.Namespace, model: Model, judges: Judges, subjects: list[Subject]) -> dict[str, Any]:
    """What is needed to get the numbers again."""
    trained = {k: model.header.get(k) for k in ("revision", "seed", "steps", "clips", "data", "device")}
    content, both = [name for name, _ in model.preset.content], set(judges.names.values())
    fair = f"also a judge: {', '.join(both.intersection(content))}" if both.intersection(content) else "no judge among them"
    clips = [f"{s.name} ({len(s.source)} source, {len(s.holdout)} hold-out frames, data {s.digest})" for s in subjects if s.group == "real"]
    fewer = f" --fit-people {fit}" if (fit := getattr(options, "fit_people", None)) is not None else ""
    return {
        "command": f"python -m tlk.evaluation --model {options.model} --people {options.people}{fewer} --frames {options.frames} --sources "
        f"{' '.join(map(str, options.sources))} --epochs {options.epochs} --seed {options.seed} --detector {options.detector} --device {options.device}"
        + "".join(f" --{name} {file}" for name in ("inception", "arcface") if (file := getattr(options, name))) + " --clips ..." * bool(clips),
        "real clips": ", ".join(clips) or "none",
        "model": f"{options.model}, weights {fingerprint(model)}, preset {model.preset.name} at {model.preset.size} px; meta-learned: {trained}",
        "trained on": f"{', '.join(content)} in the content loss; {fair}", "judged by": ", ".join(f"{metric}: {name}" for metric, name in judges.names.items()),
        "code": f"revision {revision()}, torch {torch.__version__}", "device": str(judges.device),
        "systems left out": left_out(model, options.epochs) or "none", "systems of other papers, trained with": budgets(model, options.epochs) or "none takes part",
        "rendered people": f"renderer version {heads.renderer_version(model.preset.size)}, seeds {heads.people('test', max(options.people, 1))[0]} and up", "not measured": absent(judges),
    }  # fmt: skip


def absent(judges: Judges) -> str:
    """What the paper measured with and is not here, and what would bring it."""
    wanted = {"fid": "FID (name Inception's file with --inception)", "csim_arcface": "CSIM with ArcFace (name its file with --arcface)"}
    return "; ".join(what for metric, what in wanted.items() if metric not in judges.names) or "nothing is left out"


def write(out: Path, summary: dict[str, Any], about: dict[str, Any], subjects: list[Subject], records: list[Record], sources: list[int]) -> str:
    text, shown = markdown(summary, about), 8 if 8 in sources else sources[-1]
    with write_whole(out / "table.md") as temporary:
        temporary.write_text(text)
    with write_whole(out / "table.json") as temporary:
        temporary.write_text(json.dumps({"about": about, "tables": summary}, indent=1) + "\n")
    for group in dict.fromkeys(r.group for r in records):
        drawn = shared([r for r in records if r.group == group])
        people = [s for s in subjects if s.group == group and s.name in drawn][:12]
        for cross in (False, True) if group == "rendered" and all("cross" in r.tensors for r in records if r.group == group) else (False,):
            picture, columns = grid(people, [r for r in records if r.group == group], shown, cross)
            path = out / f"{'cross' if cross else 'grid'}-{group}.png"
            save_picture(path, picture)
            print(f"{path}: {', '.join(columns)}; T = {shown}", file=sys.stderr)
    return text


if __name__ == "__main__":
    sys.exit(main())
