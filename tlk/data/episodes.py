"""Episodes: K source frames of a clip and one more frame of it as the target."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Float, Int64, UInt8
from torch import Tensor

from tlk.data.shards import AnyClip


@dataclass(frozen=True)
class EpisodeBatch:
    """A batch of episodes. Frames are uint8, landmarks in pixels of these frames."""

    source: UInt8[Tensor, "b k 3 h w"]
    source_landmarks: Float[Tensor, "b k 68 2"]
    target: UInt8[Tensor, "b 3 h w"]
    target_landmarks: Float[Tensor, "b 68 2"]
    index: Int64[Tensor, "b"]  #: number of the clip, which is its row of W

    def to(self, device: torch.device | str) -> EpisodeBatch:
        values = {f.name: getattr(self, f.name).to(device) for f in dataclasses.fields(self)}
        return EpisodeBatch(**values)

    def __len__(self) -> int:
        return len(self.index)

    def split(self, count: int) -> list[EpisodeBatch]:
        """The batch in ``count`` parts of one size. ValueError when ``count`` does not divide it."""
        if len(self) % count:
            raise ValueError(f"{len(self)} episodes cannot be split into {count} equal parts")
        values = {f.name: getattr(self, f.name).chunk(count) for f in dataclasses.fields(self)}
        return [EpisodeBatch(**{name: parts[i] for name, parts in values.items()}) for i in range(count)]


class Episodes:
    """Draws batches of episodes. ``batch(step, stream)`` depends on nothing but (seed, step, stream).

    There is no state to save: whoever goes on at step n after a stop sees the episodes that would have come.
    The K source frames and the target are K + 1 different frames of one clip. The clips of a batch differ as
    long as there are enough of them; else each appears as often as any other, give or take one.
    """

    def __init__(self, clips: Sequence[AnyClip], k: int, batch: int, seed: int, part: tuple[int, int] = (0, 1)) -> None:
        """``part`` = (i, n): of n processes that share each batch this is number i, and gets its n-th part.

        ValueError when there is no clip, one has fewer than k + 1 frames, their sizes differ, or n does not divide the batch.
        """
        if k < 1 or batch < 1 or seed < 0:
            raise ValueError(f"episodes need k >= 1, batch >= 1 and seed >= 0, not {k}, {batch} and {seed}")
        if len(clips) == 0:
            raise ValueError("episodes need at least one clip")
        for clip in clips:
            if len(clip) < k + 1:
                raise ValueError(f"clip {clip.name} has {len(clip)} frames, but an episode of K = {k} needs {k + 1}: use a longer clip or a smaller K")
            if clip.size != clips[0].size:
                raise ValueError(f"clip {clip.name} has {clip.size} px, clip {clips[0].name} {clips[0].size} px: resize them to one size first")
        if batch % part[1]:
            raise ValueError(f"a batch of {batch} episodes cannot be shared by {part[1]} processes evenly: choose a multiple of {part[1]}")
        self.clips, self.k, self.batch_size, self.seed, self.part = clips, k, batch, seed, part

    def batch(self, step: int, stream: int = 0) -> EpisodeBatch:
        """The episodes of one step. ``stream`` numbers independent draws of one step (0 for the first, and so on)."""
        random = np.random.default_rng((self.seed, stream, step))
        index = self._clips(random)
        frames = [random.choice(len(self.clips[i]), self.k + 1, replace=False) for i in index]
        share = len(index) // self.part[1]
        mine = slice(self.part[0] * share, (self.part[0] + 1) * share)
        index = index[mine]
        picked = [self.clips[i][torch.from_numpy(f)] for i, f in zip(index.tolist(), frames[mine], strict=True)]
        images = torch.stack([clip.frames for clip in picked])
        points = torch.stack([clip.landmarks for clip in picked])
        return EpisodeBatch(images[:, 1:], points[:, 1:], images[:, 0], points[:, 0], torch.from_numpy(index))

    def _clips(self, random: np.random.Generator) -> np.ndarray:
        count = len(self.clips)
        whole = np.tile(np.arange(count), self.batch_size // count)
        rest = random.choice(count, self.batch_size % count, replace=False)
        return random.permutation(np.concatenate([whole, rest])).astype(np.int64)
