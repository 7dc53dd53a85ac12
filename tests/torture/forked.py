"""Work done in a forked process: it can be killed, its memory is known, and whatever it breaks is gone with it."""

from __future__ import annotations

import faulthandler
import json
import os
import resource
import select
import signal
import sys
import threading
import time
import traceback
import warnings
from collections.abc import Callable
from dataclasses import dataclass

from tqdm import tqdm


@dataclass(frozen=True)
class Outcome:
    """kind: ``done``, ``refused`` (a ValueError or OSError, its text in ``text``), ``traceback`` or ``died``."""

    kind: str
    text: str
    megabytes: float  #: by which the process's peak memory grew
    seconds: float


def run(work: Callable[[], object], seconds: float = 60, before: Callable[[], None] = lambda: None) -> Outcome:
    """Do ``work`` in a fork of this process, after ``before`` (which may take rights away there)."""
    reading, writing = os.pipe()
    start, child = time.monotonic(), os.fork()
    if child == 0:
        os.close(reading)
        _work(work, before, writing)
    os.close(writing)
    ready, _, _ = select.select([reading], [], [], seconds)
    if not ready:
        os.kill(child, signal.SIGKILL)
    data = b"".join(iter(lambda: os.read(reading, 65536), b"")) if ready else b""
    os.close(reading)
    _, status = os.waitpid(child, 0)
    took = time.monotonic() - start
    if not data:
        return Outcome("died", f"no answer within {seconds} s" if not ready else f"signal {os.WTERMSIG(status)}", 0.0, took)
    return Outcome(**json.loads(data), seconds=took)


def _work(work: Callable[[], object], before: Callable[[], None], writing: int) -> None:
    """In the child; never returns."""
    tqdm.set_lock(threading.RLock())  # see `killed`
    null = os.open(os.devnull, os.O_WRONLY)
    os.dup2(null, 1)
    os.dup2(null, 2)
    faulthandler.disable()  # a fault that is looked for here is not one to print
    first = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    try:
        before()
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            work()
        answer = {"kind": "done", "text": ""}
    except (ValueError, OSError) as error:
        answer = {"kind": "refused", "text": str(error)}
    except BaseException:
        answer = {"kind": "traceback", "text": traceback.format_exc()[-1500:]}
    answer["megabytes"] = (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - first) / 1024
    os.write(writing, json.dumps(answer).encode())
    sys.stdout = sys.stderr = None
    os._exit(0)


def killed(work: Callable[[], object], after: float) -> bool:
    """Do ``work`` in a fork and kill -9 it after so many seconds; whether it was still at work then."""
    child = os.fork()
    if child == 0:
        tqdm.set_lock(threading.RLock())  # tqdm's own is one semaphore for all forks: who dies with it would leave this process waiting for ever
        null = os.open(os.devnull, os.O_WRONLY)
        os.dup2(null, 1)
        os.dup2(null, 2)
        try:
            work()
        finally:
            os._exit(0)
    end = time.monotonic() + after
    while time.monotonic() < end:
        if os.waitpid(child, os.WNOHANG)[0]:
            return False
        time.sleep(0.002)
    os.kill(child, signal.SIGKILL)
    os.waitpid(child, 0)
    return True
