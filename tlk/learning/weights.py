"""The loss weights: one small mutable object that a stepper reads once a step, so that a slider may move it."""

from __future__ import annotations

import copy
from dataclasses import dataclass, field

from torch import Tensor

from tlk.presets import Preset


@dataclass
class LossWeights:
    """Factors of the generator's terms. Change any of them between two steps; the next step uses it.

    The terms are named as in reports: ``content/<backbone>``, ``adversarial``, ``feature_matching``, ``match``.
    """

    content: dict[str, float] = field(default_factory=dict)  #: backbone name → weight
    adversarial: float = 1.0
    feature_matching: float = 10.0
    match: float = 80.0
    discriminator_steps: int = 2  #: updates of D in a step; 0 trains E and G alone
    generator_steps: int = 1  #: 1, or 0 to train D alone

    @classmethod
    def of(cls, preset: Preset) -> LossWeights:
        return cls(
            content=dict(preset.content),
            adversarial=preset.adversarial,
            feature_matching=preset.feature_matching,
            match=preset.match,
            discriminator_steps=preset.discriminator_steps,
        )

    def snapshot(self) -> LossWeights:
        """A copy that no slider moves: what one whole step uses."""
        return copy.deepcopy(self)

    def __getitem__(self, term: str) -> float:
        """Weight of a term by its name in reports. Raises KeyError on an unknown term."""
        kind, _, backbone = term.partition("/")
        if kind == "content":
            return self.content[backbone]
        if kind not in ("adversarial", "feature_matching", "match"):
            raise KeyError(term)
        return getattr(self, kind)

    def total(self, terms: dict[str, Tensor]) -> Tensor:
        """L = Σ weight · term over the generator's terms (paper, eq. 2)."""
        return sum(self[name] * term for name, term in terms.items())
