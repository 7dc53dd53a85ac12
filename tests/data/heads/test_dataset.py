"""The cache: the same again from disk, grows, and survives being killed."""

import os
import signal
import subprocess
import sys
import time

import pytest
import torch

from tlk.data.heads import Motion, Person, dataset, render
from tlk.data.heads.dataset import CHUNK, SPACING, cache_folder, motion_seed

SHAPE = {"frames": 2, "size": 32, "progress": False}


@pytest.fixture(autouse=True)
def own_cache(tmp_path, monkeypatch):
    monkeypatch.setenv("TLK_CACHE", str(tmp_path))


def test_what_is_read_is_what_was_rendered():
    first, again = dataset("test", people=3, **SHAPE), dataset("test", people=3, **SHAPE)
    assert len(first) == 3 and [c.name for c in first] == ["person-2000000-0", "person-2000001-0", "person-2000002-0"]
    fresh = render(Person(2_000_001), Motion(motion_seed(2_000_001, 0), 2, fps=1 / SPACING), 32)
    for clip in (first[1], again[1]):
        assert torch.equal(clip.frames, fresh.frames) and torch.equal(clip.landmarks, fresh.landmarks)
        assert torch.equal(clip.truth["mask"], fresh.truth["mask"]) and clip.truth["mask"].dtype == torch.bool
        assert clip.fps == fresh.fps


def test_more_people_later_renders_only_the_new(capsys):
    dataset("train", people=CHUNK, **SHAPE)
    before = {p: p.stat().st_mtime_ns for p in cache_folder().rglob("*.safetensors")}
    capsys.readouterr()
    assert len(dataset("train", people=CHUNK + 1, **SHAPE)) == CHUNK + 1
    assert "MB" in capsys.readouterr().err
    after = {p: p.stat().st_mtime_ns for p in cache_folder().rglob("*.safetensors")}
    assert len(after) == 2 and all(after[p] == t for p, t in before.items())


def test_a_cache_is_of_one_version(tmp_path):
    """Pictures above 72 pixels changed with version 6, and are not read from what version 5 kept; smaller ones are."""
    for size in (32, 80):
        dataset("train", people=1, frames=1, size=size, progress=False)
    assert {p.name for p in cache_folder().iterdir()} == {"v5-32px-1f-1c", "v6-80px-1f-1c"}
    with pytest.raises(ValueError, match="renderer version 5 are not in .*this is version 6"):
        dataset("train", people=1, frames=1, size=80, version=5, progress=False)


def test_several_clips_of_a_person_differ():
    clips = dataset("train", people=1, clips_per_person=2, **SHAPE)
    assert [c.name for c in clips] == ["person-0-0", "person-0-1"]
    assert not torch.equal(clips[0].frames, clips[1].frames)


def test_survives_kill_9(tmp_path):
    """Kill a filling process in the middle; what is there is whole, and the next call completes it."""
    code = "from tlk.data.heads import dataset; dataset('validation', people=400, frames=2, size=32, progress=False)"
    process = subprocess.Popen([sys.executable, "-c", code], env={**os.environ, "TLK_CACHE": str(tmp_path)}, stdout=subprocess.DEVNULL)
    end = time.time() + 120
    while time.time() < end and not list(tmp_path.rglob("[0-9]*.safetensors")):
        time.sleep(0.05)
    process.send_signal(signal.SIGKILL)
    process.wait()
    done = list(tmp_path.rglob("[0-9]*.safetensors"))
    assert done, "the process wrote nothing in two minutes"
    clips = dataset("validation", people=CHUNK + 2, **SHAPE)
    assert len(clips) == CHUNK + 2 and all(c.frames.float().std() > 5 for c in clips)


@pytest.mark.parametrize(("arguments", "words"), [({"split": "dev"}, "unknown split"), ({"split": "train", "people": 0}, "people asked for"), ({"split": "train", "people": 1, "frames": 0}, "at least 1"), ({"split": "train", "people": 1, "version": 1}, "leave version out")])
def test_bad_requests(arguments, words):
    with pytest.raises(ValueError, match=words):
        dataset(**({"size": 32} | arguments))
