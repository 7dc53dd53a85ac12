"""Episodes read and decoded ahead of the step that needs them, by other processes."""

from __future__ import annotations

from collections.abc import Iterator

from torch.utils.data import DataLoader, Dataset

from tlk.data.episodes import EpisodeBatch, Episodes


class Ahead:
    """``Episodes`` whose next batches are made by ``workers`` processes while the networks compute.

    The same batches: a batch is a function of its step. It looks ahead in steps of one, stream 0; whatever else is
    asked for is made on the spot. ``close`` (or the end of the program) stops the processes.
    """

    def __init__(self, episodes: Episodes, workers: int, depth: int = 4) -> None:
        """ValueError when ``workers`` or ``depth`` is below 1."""
        if workers < 1 or depth < 1:
            raise ValueError(f"workers and depth must be at least 1, not {workers} and {depth}")
        self.episodes, self.workers, self.depth = episodes, workers, depth
        self._next, self._batches = -1, None

    def __getattr__(self, name: str):
        """clips, k, batch_size, seed, part"""
        return getattr(self.episodes, name)

    def batch(self, step: int, stream: int = 0) -> EpisodeBatch:
        """As ``Episodes.batch``."""
        if stream != 0:
            return self.episodes.batch(step, stream)
        if self._batches is None or step != self._next:
            self._batches = self._from(step)
        self._next = step + 1
        return next(self._batches)

    def _from(self, step: int) -> Iterator[EpisodeBatch]:
        # batch_size=None: an item is a batch already; episodes hold no torch random state, so no seeds for workers.
        loader = DataLoader(_Steps(self.episodes), batch_size=None, sampler=range(step, step + 10**9), num_workers=self.workers, prefetch_factor=self.depth)
        return iter(loader)

    def close(self) -> None:
        """Stop the processes; a later ``batch`` starts new ones."""
        self._batches, self._next = None, -1


class _Steps(Dataset):
    def __init__(self, episodes: Episodes) -> None:
        self.episodes = episodes

    def __getitem__(self, step: int) -> EpisodeBatch:
        return self.episodes.batch(step)
