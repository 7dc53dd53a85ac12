"""A seeded sample of ``make torture``, and that it can find what it looks for."""

import time
from pathlib import Path

import pytest
import torch
from tqdm import tqdm

from . import damage, disk, inputs, kills, materials
from .damage import Case
from .uses import read
from .forked import killed, run
from .kills import JOBS, Job


@pytest.fixture(scope="module")
def good(tmp_path_factory):
    torch.set_num_threads(1)
    folder = materials.make(tmp_path_factory.mktemp("torture") / "good")
    kills.materials_for(folder)
    return folder


def test_there_are_over_three_hundred_damaged_inputs():
    names = [case.name for case in damage.cases()]
    assert len(names) == len(set(names)) > 400


def test_every_fixed_damage_and_some_by_chance_get_a_sentence_or_a_skip(good):
    counts, faults = inputs.torture(good, damage.cases(seeds=1), seed=5)
    assert faults == [] and counts["refused"] > 90 and counts["done"] > 20


def test_a_full_disk_and_a_folder_of_others(good):
    assert disk.torture(good) == (10, [])


def test_a_real_disk_that_is_full(good):
    try:
        small_disk = disk.on_a_small_disk(good)
    except OSError as error:
        pytest.skip(str(error))
    assert small_disk == (5, [])


def test_what_is_left_on_a_full_disk_is_found(good, tmp_path, monkeypatch):
    def careless(path):
        path.with_name("half.tmp").write_bytes(b"half")
        raise OSError(28, f"{path} could not be written")

    monkeypatch.setattr(disk, "writers", lambda good: {"careless": ("c.tar", careless), "writes over": ("o.tar", lambda path: path.write_bytes(bytes(10**6)))})
    try:
        count, faults = disk.on_a_small_disk(good)
    except OSError as error:
        pytest.skip(str(error))
    assert count == len(faults) == 2


@pytest.mark.parametrize("job", JOBS, ids=lambda job: job.name)
def test_what_was_killed_ends_as_if_it_had_not_been(job, good, tmp_path):
    assert kills.torture(job, good, tmp_path / "new", times=2, seed=1) == (2, [])


def test_who_is_killed_while_it_draws_a_bar_takes_no_lock_along():
    """tqdm guards its bars with a semaphore that forks share; nobody would ever give back what was held at kill -9."""

    def hold() -> None:
        tqdm.get_lock().acquire()
        time.sleep(60)

    held = tqdm.get_lock()  # made here, before the fork
    assert killed(hold, 0.3)
    for lock in getattr(held, "locks", [held]):
        assert lock.acquire(False), "a bar in this process would wait for ever"
        lock.release()


def broken(use):
    return Case("broken", damage.as_it_is("a.mp4", b"x"), use)


def leaves_a_file(path: Path) -> None:
    (path.parent / "half.tmp").write_text("half")
    raise ValueError(f"{path} is damaged; make it again")


@pytest.mark.parametrize(
    "use, fault",
    [
        (lambda path: 1 / 0, "traceback"), (lambda path: torch.ones(1).numpy().ctypes.data and __import__("os").abort(), "died"),
        (leaves_a_file, "left behind"), (lambda path: read(path.with_name("other.mp4")), "does not name"),
        (lambda path: (_ for _ in ()).throw(ValueError(f"{path}\nline two")), "not one clear sentence"),
        (lambda path: len(bytes(2_700_000_000).replace(b"\0", b"\1")), "memory grew"),
    ],
)  # fmt: skip
def test_faults_are_found(good, use, fault):
    _, faults = inputs.torture(good, [broken(use)])
    assert any(fault in f for f in faults)


def test_a_job_that_goes_on_wrongly_is_found(good, tmp_path):
    def work(good, out):
        import time

        with open(out.with_suffix(".log"), "a") as file:
            for _ in range(20):
                file.write("x")
                file.flush()
                time.sleep(0.01)

    job = Job("appends", work, lambda out: {"log": out.with_suffix(".log").read_text()})
    assert len(kills.torture(job, good, tmp_path, times=2)[1]) == 2


def test_an_outcome_says_how_much_memory_it_took():
    assert run(lambda: bytes(300_000_000).replace(b"\0", b"\1")).megabytes > 250
