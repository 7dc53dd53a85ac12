"""Frames read and decoded from shards at 256 px, as a step of the preset ``paper`` draws them (K + 1 frames of a clip)."""

import pytest
import torch

from tests.torture.materials import picture
from tests.landmarks.faces import face
from tlk.data import Ahead, Clip, Episodes, save_clips
from tlk.data.shards import stored_clips

SIZE, K, BATCH = 256, 8, 8


def clip(seed: int, frames: int = 24) -> Clip:
    images = torch.stack([torch.from_numpy(picture(SIZE, SIZE, 100 * seed + n)).permute(2, 0, 1) for n in range(frames)])
    return Clip(images, face(SIZE)[None].repeat(frames, 1, 1).float(), name=f"c{seed}")


@pytest.fixture(scope="module", params=["png", "jpg"])
def shard(request, tmp_path_factory):
    path = tmp_path_factory.mktemp("loader") / f"{request.param}.tar"
    return request.param, save_clips([clip(n) for n in range(BATCH)], path, request.param)


@pytest.mark.parametrize("workers", [0, 2])
def test_frames_from_shards(benchmark, note, shard, workers):
    kind, path = shard
    episodes = Episodes(stored_clips(path), K, BATCH, seed=0)
    if workers:
        episodes = Ahead(episodes, workers)
    step = iter(range(10**6))
    note(group="a frame of an episode from a shard, 256 px", what=f"{kind}, {workers or 'no'} processes ahead", unit="frame", items=BATCH * (K + 1))
    benchmark.pedantic(lambda: episodes.batch(next(step)), rounds=20, warmup_rounds=8 if workers else 2)
    if workers:
        episodes.close()
