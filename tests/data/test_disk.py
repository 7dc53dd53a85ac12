"""The one format: round trips, reading it without tlk, and files that are not to be trusted."""

from __future__ import annotations

import io
import json
import os
import pickle
import tarfile

import numpy as np
import pytest
import torch
from PIL import Image

from tests.data.clips import noise_clip
from tlk.data import Clip, load_clip, load_clips, save_clip, save_clips
from tlk.landmarks import Square


def full_clip(name: str = "né one.two/three", frames: int = 4) -> Clip:
    truth = {"pose": torch.randn(frames, 3, dtype=torch.float64), "mask": torch.rand(frames, 16, 16) > 0.5, "person": {"seed": 3, "split": "train"}, "light": [1, 2.5]}
    return noise_clip(frames, 16, name=name, fps=29.97, source="made here", truth=truth, square=Square(-3.5, 10.0, 77.25))


def same(a: Clip, b: Clip) -> bool:
    tensors = [k for k, v in a.truth.items() if isinstance(v, torch.Tensor)]
    plain = {k: v for k, v in a.truth.items() if k not in tensors}
    return (
        torch.equal(a.frames, b.frames) and torch.equal(a.landmarks, b.landmarks) and (a.fps, a.name, a.source, a.square) == (b.fps, b.name, b.source, b.square)
        and a.truth.keys() == b.truth.keys() and all(torch.equal(a.truth[k], b.truth[k]) and a.truth[k].dtype == b.truth[k].dtype for k in tensors)
        and all(b.truth[k] == plain[k] for k in plain)
    )


@pytest.mark.parametrize("name", ["a", "a.tar"])
def test_round_trip(tmp_path, name):
    clip = full_clip()
    assert clip.save(tmp_path / "new" / name) == tmp_path / "new" / name
    assert same(clip, Clip.load(tmp_path / "new" / name))
    assert os.listdir(tmp_path / "new") == [name]


def test_more_than_ten_frames_keep_their_order(tmp_path):
    clip = noise_clip(12, 8)
    assert same(clip, load_clip(save_clip(clip, tmp_path / "c")))


def test_a_shard_of_clips_and_a_folder_of_both(tmp_path):
    clips = [full_clip(n) for n in ("one", "two", "one")]
    save_clips(clips, tmp_path / "b.tar")
    assert all(same(a, b) for a, b in zip(clips, load_clips(tmp_path / "b.tar"), strict=True))
    save_clip(clips[1], tmp_path / "a")
    assert [c.name for c in load_clips(tmp_path)] == ["two", "one", "two", "one"]
    with pytest.raises(ValueError, match="several clips"):
        load_clip(tmp_path / "b.tar")


def test_readable_without_tlk(tmp_path):
    clip = full_clip()
    save_clip(clip, tmp_path / "c")
    assert json.loads((tmp_path / "c/meta.json").read_text())["fps"] == 29.97
    assert np.array_equal(np.load(tmp_path / "c/landmarks.npy"), clip.landmarks.numpy())
    assert np.array_equal(np.array(Image.open(tmp_path / "c/00002.png")), clip.frames[2].permute(1, 2, 0).numpy())
    save_clip(clip, tmp_path / "c.tar")
    with tarfile.open(tmp_path / "c.tar") as shard:
        keys = {name.partition(".")[0] for name in shard.getnames()}  # WebDataset: up to the first dot
        assert len(keys) == 1 and all(m.isfile() for m in shard)


def test_jpeg_frames_of_other_makers_are_read(tmp_path):
    save_clip(noise_clip(3, 16), tmp_path / "c")
    for png in (tmp_path / "c").glob("*.png"):
        Image.open(png).save(png.with_suffix(".jpg"), quality=95)
        png.unlink()
    assert len(load_clip(tmp_path / "c")) == 3


def test_an_error_while_saving_leaves_nothing(tmp_path):
    with pytest.raises(ValueError, match="clip noise: truth cannot be saved"):
        save_clip(noise_clip(truth={"x": object()}), tmp_path / "c")
    with pytest.raises(ValueError, match="use a name of letters"):
        save_clips([noise_clip(), noise_clip(truth={"../x": torch.ones(1)})], tmp_path / "c.tar")
    assert os.listdir(tmp_path) == []


def test_no_folder_is_overwritten(tmp_path):
    save_clip(noise_clip(), tmp_path / "c")
    with pytest.raises(ValueError, match="exists already"):
        save_clip(noise_clip(), tmp_path / "c")


def put(tar: tarfile.TarFile, name: str, data: bytes) -> None:
    info = tarfile.TarInfo(name)
    info.size = len(data)
    tar.addfile(info, io.BytesIO(data))


@pytest.mark.parametrize("name", ["../outside.meta.json", "{root}/outside.meta.json", "a/../../outside.npy"])
def test_members_that_point_outside_are_refused(tmp_path, name):
    """The shard lies one folder down, so that whatever got out of it would be seen."""
    (tmp_path / "set").mkdir()
    with tarfile.open(tmp_path / "set" / "s.tar", "w") as tar:
        put(tar, name.format(root=tmp_path), b"{}")
    with pytest.raises(ValueError, match="points outside"):
        list(load_clips(tmp_path / "set" / "s.tar"))
    assert sorted(p.name for p in tmp_path.rglob("*")) == ["s.tar", "set"]


def test_links_in_a_shard_are_not_followed(tmp_path):
    save_clip(noise_clip(), tmp_path / "s.tar")
    with tarfile.open(tmp_path / "s.tar", "a") as tar:
        link = tarfile.TarInfo("000000-noise.truth.secret.npy")
        link.type, link.linkname = tarfile.SYMTYPE, "/etc/passwd"
        tar.addfile(link)
    assert load_clip(tmp_path / "s.tar").truth == {}


class Bomb:
    def __reduce__(self):
        return os.mkdir, ("bomb",)


@pytest.mark.parametrize("as_object_array", [True, False])
def test_pickles_are_never_run(tmp_path, monkeypatch, as_object_array):
    monkeypatch.chdir(tmp_path)
    save_clip(noise_clip(), tmp_path / "c")
    if as_object_array:
        np.save(tmp_path / "c/landmarks.npy", np.array([Bomb()], dtype=object), allow_pickle=True)
    else:
        (tmp_path / "c/landmarks.npy").write_bytes(pickle.dumps(Bomb()))
    with pytest.raises(ValueError, match="landmarks.npy is not a plain .npy"):
        load_clip(tmp_path / "c")
    assert not (tmp_path / "bomb").exists()


def spoil(folder, how: str) -> None:
    meta = json.loads((folder / "meta.json").read_text())
    if how in ("meta.json", "landmarks.npy"):
        (folder / how).unlink()
    elif how == "no frames":
        for png in folder.glob("*.png"):
            png.unlink()
    elif how == "half a frame":
        (folder / "00001.png").write_bytes((folder / "00001.png").read_bytes()[:200])
    elif how == "a frame too few":
        (folder / "00001.png").unlink()
    elif how == "another size":
        Image.new("RGB", (9, 9)).save(folder / "00001.png")
    elif how == "no point":
        np.save(folder / "landmarks.npy", np.full((5, 68, 2), np.nan, np.float32))
    elif how == "text":
        (folder / "meta.json").write_text("hello")
    elif how == "truth":
        (folder / "meta.json").write_text(json.dumps({**meta, "truth": 3}))
    elif how == "version":
        (folder / "meta.json").write_text(json.dumps({**meta, "version": 99}))


@pytest.mark.parametrize(
    ("how", "says"),
    [
        ("meta.json", "meta.json is missing"), ("landmarks.npy", "landmarks.npy is missing"), ("no frames", "no frames"),
        ("half a frame", "00001.png is not a whole image"), ("a frame too few", "landmarks must be float"), ("another size", "differ in size"),
        ("no point", "no landmark of frame 0, 1"), ("text", "not JSON"), ("truth", "object for truth"), ("version", "version 99"),
    ],
)
def test_a_broken_clip_is_named(tmp_path, how, says):
    folder = save_clip(noise_clip(), tmp_path / "broken")
    spoil(folder, how)
    with pytest.raises(ValueError, match=says) as error:
        load_clip(folder)
    assert "broken" in str(error.value)


def test_missing_points_survive(tmp_path):
    clip = noise_clip()
    clip.landmarks[2, 10] = float("nan")
    assert load_clip(save_clip(clip, tmp_path / "c")).landmarks[2, 10].isnan().all()


def test_paths_that_hold_no_clip(tmp_path):
    (tmp_path / "a.tar").write_text("not a tar")
    save_clip(noise_clip(), tmp_path / "b.tar")
    (tmp_path / "b.tar").write_bytes((tmp_path / "b.tar").read_bytes()[:2500])
    for name, says in (("a.tar", "not a whole tar"), ("b.tar", "not a whole tar"), ("none", "does not exist")):
        with pytest.raises(ValueError, match=says) as error:
            load_clip(tmp_path / name)
        assert name in str(error.value)
