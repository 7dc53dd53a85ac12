"""Going on from weights that are there (``heads-64``, say) with other clips: a fresh run that starts where another ended."""

from __future__ import annotations

import torch

from .meta import MetaLearning
from .model import Model


@torch.no_grad()
def start_from(run: MetaLearning, model: Model) -> MetaLearning:
    """Give a run that has taken no step the networks E, G with P, V, w0 and b of ``model``; returns the run.

    A model holds averages and no optimisers, so these begin anew. W has a row for each of the run's own clips, which
    the model cannot know: row i starts at clip i's ê over its first K frames, where L_MCH would pull it. (At random,
    as W starts in a fresh run, L_MCH would pull E away from what it has learnt.) This reads K frames of every clip.
    Raises ValueError when the run has taken steps, or the model is of another preset's sizes.
    """
    if run.step:
        raise ValueError(f"the run has taken {run.step} steps already; start_from is for a new one")
    networks, critic = run.networks.module, run.critic.module
    pairs = [(networks.embedder, model.embedder), (networks.generator, model.generator), (critic.discriminator, model.discriminator)]
    for own, theirs in pairs:
        _require_alike(own, theirs, model)
        own.load_state_dict(theirs.state_dict())
    if run.average is not None:
        run.average.module.load_state_dict(networks.state_dict())
    for row, clip in enumerate(run.episodes.clips):
        critic.table.weight[row] = model.embed(clip[list(range(run.preset.k))]).to(critic.table.weight)
    run.data += f"{'; ' * bool(run.data)}started from weights of {model.header.get('steps', '?')} steps on {model.header.get('data') or 'unnamed data'}"
    return run


def _require_alike(own: torch.nn.Module, theirs: torch.nn.Module, model: Model) -> None:
    shapes = [{name: tuple(t.shape) for name, t in m.state_dict().items()} for m in (own, theirs)]
    if shapes[0] != shapes[1]:
        raise ValueError(f"the model is of preset {model.preset.name!r} ({model.preset.size} px) and its networks differ from this run's; use the same preset")
