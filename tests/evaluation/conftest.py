"""Disc people with two clips each, an untrained model of milliseconds, and judges whose detector costs nothing."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from tests.learning.conftest import MINI, disc_person
from tlk.evaluation import Subject
from tlk.evaluation.judges import Judges
from tlk.landmarks.detect import Face
from tlk.learning import MetaLearning, Model


class Beside:
    """A detector whose points lie a known way to the right of where it is told to look; it fails on dark images."""

    name, batch = "beside", 1

    def find(self, images: list[np.ndarray], near: np.ndarray | None = None) -> list[Face | None]:
        return [Face((near + [3, 0]).astype(np.float32)) if image.mean() > 1 else None for image in images]


def disc_subject(seed: int, group: str = "rendered") -> Subject:
    clip = disc_person(seed, frames=7)
    return Subject(group, f"disc-{seed}", clip[:5], clip[5:])


@pytest.fixture(scope="session")
def judges() -> Judges:
    return Judges(Beside())


@pytest.fixture
def subjects() -> list[Subject]:
    return [disc_subject(seed) for seed in range(3)]


@pytest.fixture(scope="session")
def model() -> Model:
    return MetaLearning(MINI, [disc_person(seed) for seed in range(3)], seed=1).model()


def noise(*shape: int, seed: int = 0) -> torch.Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed))
