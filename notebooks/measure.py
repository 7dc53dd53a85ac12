"""Peak memory of the kernels that a runner starts."""

from __future__ import annotations

import threading

import psutil


class PeakMemory:
    """Context manager; ``gigabytes`` is the largest sum of resident memory of all child processes seen meanwhile.

    Sampled every ``period`` seconds, so a shorter spike is missed.
    """

    def __init__(self, period: float = 0.2) -> None:
        self.period, self.gigabytes = period, 0.0
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._watch, daemon=True)

    def __enter__(self) -> PeakMemory:
        self._thread.start()
        return self

    def __exit__(self, *_) -> None:
        self._stop.set()
        self._thread.join()

    def _watch(self) -> None:
        while not self._stop.is_set():
            self.gigabytes = max(self.gigabytes, sum(map(resident, psutil.Process().children(recursive=True))) / 1e9)
            self._stop.wait(self.period)


def resident(process: psutil.Process) -> int:
    try:
        return process.memory_info().rss
    except psutil.Error:  # it ended between the listing and the reading
        return 0
