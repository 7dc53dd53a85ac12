"""A meta-learning run on disk: networks, average, optimisers, step, weights and curve."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

from tlk.data import Clip
from tlk.presets import Preset

from .checkpoints import BadCheckpoint, load_module, load_optimiser, load_tensors, module_tensors, optimiser_tensors, save_tensors, under
from .model import provenance
from .weights import LossWeights

if TYPE_CHECKING:
    from .meta import MetaLearning

KIND = "a meta-learning checkpoint"


def save_meta(run: MetaLearning, path: str | Path) -> None:
    tensors = module_tensors("networks", run.networks.module) | module_tensors("critic", run.critic.module)
    if run.average is not None:
        tensors |= module_tensors("average", run.average)
    for name in ("optimiser_g", "optimiser_d", "optimiser_w"):
        tensors |= optimiser_tensors(name, getattr(run, name).optimizer)
    header = provenance(run.preset) | {
        "kind": KIND, "seed": run.seed, "step": run.step, "batch": run.episodes.batch_size, "fresh_batches": run.fresh_batches,
        "clips": run.names, "data": run.data, "weights": asdict(run.weights), "history": run.history,
    }
    save_tensors(path, tensors, header)


def resume_meta(cls: type[MetaLearning], path: str | Path, clips: Sequence[Clip], **options) -> MetaLearning:
    """Raises BadCheckpoint when the file is damaged or its rows of W belong to other clips."""
    tensors, header = load_tensors(path, KIND)
    if [clip.name for clip in clips] != header["clips"]:
        raise BadCheckpoint(
            f"{path}: made with {len(header['clips'])} clips, {header['clips'][0]} first; resume with the same clips in the same order, since row i of W belongs to clip i"
        )
    options = {name: header[name] for name in ("batch", "fresh_batches", "data")} | options
    run = cls(Preset.from_dict(header["preset"]), clips, header["seed"], **options)
    load_module(run.networks.module, under("networks", tensors), path)
    load_module(run.critic.module, under("critic", tensors), path)
    if run.average is not None:
        load_module(run.average, under("average", tensors), path)
    for name in ("optimiser_g", "optimiser_d", "optimiser_w"):
        load_optimiser(getattr(run, name).optimizer, under(name, tensors))
    run.step, run.history = header["step"], header["history"]
    run.weights = LossWeights(**header["weights"])
    return run
