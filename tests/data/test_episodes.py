"""Episodes: the target is never a source, and a step's episodes depend on nothing but its number."""

from __future__ import annotations

import dataclasses

import pytest
import torch

from tests.data.clips import noise_clip
from tlk.data import EpisodeBatch, Episodes


def clips(count: int, frames: int = 9):
    return [noise_clip(frames, 8, name=f"c{i}", seed=i) for i in range(count)]


def equal(a: EpisodeBatch, b: EpisodeBatch) -> bool:
    return all(torch.equal(getattr(a, f.name), getattr(b, f.name)) for f in dataclasses.fields(a))


def leaks(batch: EpisodeBatch) -> bool:
    """Frames carry their number in the first pixel."""
    source, target = batch.source[:, :, 0, 0, 0], batch.target[:, 0, 0, 0]
    return bool((source == target[:, None]).any())


def test_target_is_never_among_the_sources():
    episodes = Episodes(clips(3), k=8, batch=6, seed=0)
    for step in range(50):
        batch = episodes.batch(step)
        assert not leaks(batch)
        assert all(len(set(row)) == 8 for row in batch.source[:, :, 0, 0, 0].tolist())

    class Leaky(Episodes):  # as several re-implementations have it: target drawn on its own
        def batch(self, step, stream=0):
            batch = super().batch(step, stream)
            pick = torch.randint(0, 9, (len(batch),), generator=torch.Generator().manual_seed(step))
            frames = torch.stack([self.clips[i].frames[p] for i, p in zip(batch.index, pick, strict=True)])
            return dataclasses.replace(batch, target=frames)

    assert any(leaks(Leaky(clips(3), k=8, batch=6, seed=0).batch(step)) for step in range(50))


def test_everything_comes_from_the_clip_that_the_index_names():
    data = clips(5)
    batch = Episodes(data, k=3, batch=4, seed=1).batch(7)
    for i, row in enumerate(batch.index.tolist()):
        at = batch.target[i, 0, 0, 0].item()
        assert torch.equal(batch.target[i], data[row].frames[at]) and torch.equal(batch.target_landmarks[i], data[row].landmarks[at])
        from_ = batch.source[i, :, 0, 0, 0].long()
        assert torch.equal(batch.source[i], data[row].frames[from_]) and torch.equal(batch.source_landmarks[i], data[row].landmarks[from_])


def test_pure_function_of_seed_step_and_stream():
    one, two = Episodes(clips(5), 3, 4, seed=1), Episodes(clips(5), 3, 4, seed=1)
    for step in range(10):
        two.batch(step + 3)  # what was drawn before plays no part
    torch.manual_seed(123)
    assert equal(one.batch(7), two.batch(7)) and equal(one.batch(7, 1), two.batch(7, 1))
    others = [one.batch(8), one.batch(7, 1), Episodes(clips(5), 3, 4, seed=2).batch(7)]
    assert not any(equal(one.batch(7), other) for other in others)


@pytest.mark.parametrize(("count", "batch"), [(7, 7), (9, 4), (3, 8), (1, 4)])
def test_clips_of_a_batch_differ_when_there_are_enough(count, batch):
    episodes = Episodes(clips(count), 2, batch, seed=0)
    seen = torch.zeros(count)
    for step in range(30):
        rows = torch.bincount(episodes.batch(step).index, minlength=count)
        assert rows.max() <= -(-batch // count) and rows.max() - rows.min() <= 1
        seen += rows
    assert seen.min() > 0


def test_what_cannot_give_episodes():
    short = noise_clip(3, 8, name="blink")
    with pytest.raises(ValueError, match="clip blink has 3 frames.*needs 4"):
        Episodes([*clips(2), short], k=3, batch=1, seed=0)
    with pytest.raises(ValueError, match="at least one clip"):
        Episodes([], k=3, batch=1, seed=0)
    with pytest.raises(ValueError, match="clip big has 16 px"):
        Episodes([*clips(1), noise_clip(9, 16, name="big")], k=3, batch=1, seed=0)
    with pytest.raises(ValueError, match="k >= 1"):
        Episodes(clips(1), k=0, batch=1, seed=0)


def test_to_moves_every_field():
    batch = Episodes(clips(2), 2, 2, seed=0).batch(0).to("meta")
    assert all(getattr(batch, f.name).device.type == "meta" for f in dataclasses.fields(batch))
