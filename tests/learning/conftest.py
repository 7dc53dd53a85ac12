"""Small people made of discs: enough to train on for a few steps, and a preset that takes milliseconds."""

import dataclasses

import pytest
import torch

from tlk.data import Clip
from tlk.learning import MetaLearning
from tlk.presets import preset

MINI = dataclasses.replace(
    preset("tiny"), name="mini", size=32, embedder=(8, 16, 32), generator=(8, 16, 32), bottleneck_blocks=1,
    embedding=32, k=2, batch=3, finetune_batch=4, finetune_epoch_steps=1,
)


def disc_person(seed: int, frames: int = 6, size: int = 32) -> Clip:
    """A coloured disc that moves, with 68 points on its rim."""
    g = torch.Generator().manual_seed(seed)
    colour, back = torch.rand(2, 3, generator=g)
    centres = size * (0.35 + 0.3 * torch.rand(frames, 2, generator=g))
    angle = torch.linspace(0, 6.28, 68)
    rim = torch.stack([angle.cos(), angle.sin()], -1) * size * 0.25
    y, x = torch.meshgrid(torch.arange(size), torch.arange(size), indexing="ij")
    inside = ((x - centres[:, 0, None, None]) ** 2 + (y - centres[:, 1, None, None]) ** 2) < (size * 0.25) ** 2
    image = torch.where(inside[:, None], colour[:, None, None], back[:, None, None])
    return Clip((image * 255).byte(), centres[:, None] + rim, name=f"disc-{seed}")


@pytest.fixture(scope="session")
def people() -> list[Clip]:
    return [disc_person(seed) for seed in range(5)]


@pytest.fixture(scope="session")
def trained(people) -> MetaLearning:
    """A run of a few steps that tests may read but not train further."""
    run = MetaLearning(MINI, people, seed=1)
    for _ in run.steps(4):
        pass
    return run


@pytest.fixture
def model(trained):
    return trained.model()
