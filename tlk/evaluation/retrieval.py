"""Do embeddings tell people apart? Nearest neighbours among people whom meta-learning never saw."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor

from tlk.learning import Model

from .statistics import bootstrap
from .subjects import Subject


def retrieval(model: Model, subjects: Sequence[Subject]) -> dict[str, Any]:
    """Each hold-out frame alone asks for its nearest neighbour among the source frames of all people (another motion).

    Returns shares of right answers in [0, 1] with intervals over people: ``embedding`` by the cosine of single
    frames' embeddings, ``pixels`` by the least L1 between frames, ``chance``. Rendered people keep their
    background and clothes, so pixels alone do well: an embedding has shown something only where it does better.
    Raises ValueError with fewer than two people.
    """
    if len(subjects) < 2:
        raise ValueError(f"retrieval compares people; {len(subjects)} is too few")
    size, people = model.preset.size, torch.arange(len(subjects))
    asked, answers = ([getattr(s, part).resize(size) for s in subjects] for part in ("holdout", "source"))
    owner = [torch.repeat_interleave(people, torch.tensor([len(c) for c in clips])) for clips in (asked, answers)]
    embedded = [F.normalize(torch.cat([_each(model, c) for c in clips]), dim=1) for clips in (asked, answers)]
    flat = [torch.cat([c.images.flatten(1) for c in clips]) for clips in (asked, answers)]
    return {
        "people": len(subjects), "chance": len(answers[0]) / len(owner[1]),
        "embedding": bootstrap(right(1 - embedded[0] @ embedded[1].T, *owner))._asdict(),
        "pixels": bootstrap(right(torch.cdist(flat[0], flat[1], p=1), *owner))._asdict(),
    }  # fmt: skip


def right(distance: Float[Tensor, "q g"], asked: Tensor, owner: Tensor) -> list[float]:
    """For each person, the share of their frames whose nearest neighbour is theirs. ``asked`` (q,), ``owner`` (g,): people's numbers."""
    hit = owner[distance.argmin(1)] == asked
    return [hit[asked == person].double().mean().item() for person in asked.unique()]


@torch.no_grad()
def _each(model: Model, clip) -> Float[Tensor, "f n"]:
    """Every frame's own embedding; ``Model.embed`` is their mean."""
    pairs = zip(clip.images.split(16), clip.landmark_images.split(16), strict=True)
    return torch.cat([model.embedder(f.to(model.device), d.to(model.device)).float().cpu() for f, d in pairs])
