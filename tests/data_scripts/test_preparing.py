"""Prepared sets: the same for any number of processes, going on after a kill, numbered once, bad sources listed."""

import dataclasses
import json
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
import torch

import tlk
from data_scripts import check, photos, preparing, video, voxceleb1, voxceleb2
from data_scripts.sources import Settings, Source, read_source
from tlk.data import Episodes, heads, load_clips
from tlk.data.shards import open_set, read_manifest, stored_clips

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def tree(tmp_path_factory):
    """VoxCeleb2's layout: three train speakers, one of them with a second utterance and a broken one, and a test speaker."""
    root = tmp_path_factory.mktemp("vox")
    files = [(0, 1, "dev/mp4/id1/vidA/00001"), (0, 2, "dev/mp4/id1/vidA/00002"), (1, 3, "dev/mp4/id2/vidB/00001"), (2, 4, "dev/mp4/id3/vidC/00001"), (5, 5, "test/mp4/id9/vidD/00001")]
    for person, motion, name in files:
        clip = heads.render(heads.Person(person), heads.Motion(motion, 10, fps=12.5), 160)
        tlk.write_video(root / f"{name}.mp4", clip.frames, 25)
    (root / "dev/mp4/id2/vidB/00002.mp4").write_bytes(b"not a video")
    return root


def run(tree, out, *more):
    return voxceleb2.main([str(tree), "--out", str(out), "--shard", "2", "--size", "64", "--detector", "dlib", *map(str, more)])


@pytest.fixture(scope="module")
def made(tree, tmp_path_factory):
    out = tmp_path_factory.mktemp("set") / "one"
    assert run(tree, out) == 0
    return out


def contents(folder):
    return {p.relative_to(folder).as_posix(): p.read_bytes() for p in sorted(folder.rglob("*")) if p.is_file()}


def test_a_tree_becomes_numbered_clips_and_a_list_of_what_was_left_out(made):
    rows = read_manifest(made)
    assert [(r["name"], r["split"], r["person"], r["row"]) for r in rows if not r["dropped"]] == [
        ("id1-vidA-00001", "train", "id1", "0"), ("id1-vidA-00002", "train", "id1", "1"), ("id2-vidB-00001", "train", "id2", "2"),
        ("id3-vidC-00001", "train", "id3", "3"), ("id9-vidD-00001", "test", "id9", "0"),
    ]
    (dropped,) = (r for r in rows if r["dropped"])
    assert dropped["name"] == "id2-vidB-00002" and "00002.mp4 is neither a video nor an image" in dropped["dropped"] and dropped["row"] == ""
    assert all(float(r["faces"]) == 1 and 25 < float(r["eyes"]) < 80 and float(r["tremble"]) < 0.2 for r in rows if not r["dropped"])


def test_two_processes_and_two_array_tasks_make_the_same_bytes(tree, made, tmp_path, capsys):
    assert run(tree, tmp_path / "two", "--workers", 2) == 0
    assert contents(tmp_path / "two") == contents(made)
    assert run(tree, tmp_path / "parts", "--part", "2/2") == 0
    assert "belong to other parts" in capsys.readouterr().out and not (tmp_path / "parts" / "manifest.csv").exists()
    assert run(tree, tmp_path / "parts", "--part", "1/2") == 0
    assert contents(tmp_path / "parts") == contents(made)


def test_a_killed_run_goes_on_to_the_same_bytes(tree, made, tmp_path):
    out = tmp_path / "killed"
    command = [sys.executable, "-m", "data_scripts.voxceleb2", tree, "--out", out, "--shard", "2", "--size", "64", "--detector", "dlib"]
    process = subprocess.Popen(list(map(str, command)), cwd=ROOT, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True)
    while not list(out.glob("rows/*.json")):
        assert process.poll() is None
        time.sleep(0.02)
    os.killpg(process.pid, signal.SIGKILL)
    process.wait()
    assert len(list(out.glob("rows/*.json"))) < 4
    assert run(tree, out) == 0
    assert {k: v for k, v in contents(out).items() if not Path(k).name.startswith(".")} == contents(made)


def test_new_files_do_not_move_rows_and_other_settings_are_refused(tree, made, tmp_path, capsys):
    more, out = tmp_path / "more", tmp_path / "set"
    shutil.copytree(tree, more)
    shutil.copytree(made, out)
    shutil.copytree(more / "dev/mp4/id1", more / "dev/mp4/id0")
    plan = json.loads((out / "plan.json").read_text())
    (out / "plan.json").write_text(json.dumps(plan).replace(str(tree), str(more)))
    (out / "manifest.csv").unlink()
    assert run(more, out) == 0
    assert "2 sources are new" in capsys.readouterr().err
    assert [r["name"] for r in read_manifest(out)] == [r["name"] for r in read_manifest(made)]
    assert run(more, out, "--min-frames", 5) == 2
    assert "begun with other settings (min_frames = 9)" in capsys.readouterr().err


def test_per_video_and_limit(tree):
    assert [s.name for s in voxceleb2.sources(tree, per_video=1)] == ["id1-vidA-00001", "id2-vidB-00001", "id3-vidC-00001", "id9-vidD-00001"]
    assert [s.name for s in preparing.limited(voxceleb2.sources(tree), 1)] == ["id1-vidA-00001", "id9-vidD-00001"]
    with pytest.raises(ValueError, match="does not hold dev/mp4"):
        voxceleb2.sources(tree / "dev")


def test_stored_clips_are_what_load_clips_reads(made):
    whole = list(load_clips(made / "train-000000.tar"))
    for stored, clip in zip(stored_clips(made / "train-000000.tar"), whole, strict=True):
        for index in (slice(None), [3, 0, 3], 2, torch.tensor([5, 1])):
            some, same = stored[index], clip[index]
            assert torch.equal(some.frames, same.frames) and torch.equal(some.landmarks, same.landmarks)
        assert len(stored) == len(clip) and stored.size == clip.size
        assert torch.equal(stored.resize(32)[[1]].frames, clip.resize(32)[[1]].frames)


def test_episodes_from_shards_are_those_from_memory(made):
    stored = open_set(made)
    memory = [clip[:] for clip in stored]
    a, b = (Episodes(clips, 2, 3, seed=1).batch(7) for clips in (stored, memory))
    for field in dataclasses.fields(a):
        assert torch.equal(getattr(a, field.name), getattr(b, field.name))


def test_a_stale_or_missing_index_is_made_again(made, tmp_path):
    shutil.copy(made / "train-000000.tar", tmp_path)
    index = tmp_path / "train-000000.index.npz"
    first = stored_clips(tmp_path / "train-000000.tar")
    index.write_bytes(index.read_bytes()[:50])
    assert stored_clips(tmp_path / "train-000000.tar") == first
    shutil.copy(made / "test-000000.index.npz", index)  # of another shard
    assert stored_clips(tmp_path / "train-000000.tar") == first


def test_damage_is_named(made, tmp_path):
    out = tmp_path / "set"
    shutil.copytree(made, out)
    shard = out / "train-000000.tar"
    data = bytearray(shard.read_bytes())
    stored = stored_clips(shard)[1]
    data[stored.frames[2][1] + 400] ^= 255
    shard.write_bytes(bytes(data))
    assert any("clip id1-vidA-00002" in fault for fault in check.check(out))
    shard.write_bytes(bytes(data[: len(data) // 2]))
    assert any("train-000000.tar" in fault for fault in check.check(out))
    shard.unlink()
    assert any("cannot be read" in fault for fault in check.check(out))
    (out / "manifest.csv").write_text("name,split\na\n")
    with pytest.raises(ValueError, match="does not have the columns"):
        check.check(out)


def test_check_finds_nothing_in_a_good_set_and_draws_it(made, tmp_path, capsys):
    assert check.main([str(made), "--sheet", str(tmp_path / "sheet.png")]) == 0
    assert "nothing wrong" in capsys.readouterr().out and (tmp_path / "sheet.png").stat().st_size > 1000


def test_check_finds_people_and_pictures_in_both_splits(tree, tmp_path, capsys):
    other = tmp_path / "tree"
    shutil.copytree(tree, other)
    shutil.copytree(tree / "dev/mp4/id1", other / "test/mp4/id1")
    assert run(other, tmp_path / "set") == 2 and "would have the name of another, id1-vidA-00001" in capsys.readouterr().err
    (other / "test/mp4/id1/vidA").rename(other / "test/mp4/id1/vidX")
    assert run(other, tmp_path / "set") == 0
    faults = check.check(tmp_path / "set")
    assert any("id1 is in test and train" in f for f in faults) and any("look alike but are in different splits" in f for f in faults)


def test_unfit_sources_say_why(tree, tmp_path):
    path = str(tree / "dev/mp4/id1/vidA/00001.mp4")
    settings = Settings(size=64, detector="dlib")
    assert "a face in 10 frames, fewer than 11" in read_source(Source("a", "train", "p", path), dataclasses.replace(settings, min_frames=11))[1]["dropped"]
    assert "pixels apart, fewer than 500" in read_source(Source("a", "train", "p", path), dataclasses.replace(settings, min_eyes=500))[1]["dropped"]
    clip, row = read_source(Source("a", "train", "p", path, start=0.2, end=0.32), dataclasses.replace(settings, min_frames=1))
    assert len(clip) == 3 and row["frames"] == 3
    assert "outside the frame" in read_source(Source("a", "train", "p", path, box=(2000.0, 0.0, 2100.0, 100.0)), settings)[1]["dropped"]


def test_voxceleb1_lists_and_frames(tree, tmp_path, capsys):
    videos, lists = tmp_path / "videos", tmp_path / "txt"
    videos.mkdir()
    shutil.copy(tree / "dev/mp4/id1/vidA/00001.mp4", videos / "vidA.mp4")
    for speaker, name in (("id10001", "vidA"), ("id10270", "gone")):
        (lists / speaker / name).mkdir(parents=True)
        lines = ["Identity  : \tid10001", "Reference : \tvidA", "Offset    : \t-3", "", "FRAME \tX \tY \tW \tH ", ""]
        lines += [f"{n:06d} \t{40 + n} \t40 \t80 \t80" for n in range(2, 8)]
        (lists / speaker / name / "00001.txt").write_text("\n".join(lines))
    (source,) = voxceleb1.from_lists(lists, videos)
    assert (source.start, source.end, source.split) == (2 / 25, 8 / 25, "train") and source.box == (42 - 64, 40 - 64, 127 + 64, 120 + 64)
    assert "1 videos of the lists are not in" in capsys.readouterr().err
    assert len(read_source(source, Settings(size=64, detector="dlib", min_frames=1))[0]) == 6
    assert [voxceleb1.split_of(s) for s in ("id10269", "id10270", "id10309", "id10310", "Eartha_Kitt", "Adam_Driver")] == ["train", "test", "test", "train", "test", "train"]
    clip = heads.render(heads.Person(1), heads.Motion(1, 2, fps=1), 160)
    folder = tmp_path / "faces" / "Ewan_X" / "1.6" / "v1"
    clip.save(tmp_path / "clip")
    shutil.copytree(tmp_path / "clip", folder)
    assert voxceleb1.from_frames(tmp_path / "faces")[0].name == "Ewan_X-v1"


def test_one_clip_of_a_video_and_of_photos(tree, tmp_path, capsys):
    path = str(tree / "dev/mp4/id1/vidA/00001.mp4")
    assert video.main([path, "--clip", str(tmp_path / "me"), "--size", "64", "--detector", "dlib"]) == 0
    assert len(tlk.Clip.load(tmp_path / "me")) == 10
    assert video.main([path, "--out", str(tmp_path / "set"), "--seconds", "0.2", "--min-frames", "2", "--size", "64", "--detector", "dlib"]) == 0
    assert [len(c) for c in open_set(tmp_path / "set")] == [5, 5]
    photo = tmp_path / "photo.png"
    from PIL import Image

    Image.fromarray(heads.render(heads.Person(3), heads.Motion.still(), 200).frames[0].permute(1, 2, 0).numpy()).save(photo)
    assert photos.main([str(photo), "--clip", str(tmp_path / "one"), "--size", "64", "--detector", "dlib"]) == 0
    assert len(tlk.Clip.load(tmp_path / "one")) == 1
    assert video.main([path]) == 2 and video.main([path, "--clip", str(tmp_path / "one")]) == 2
    assert "exists already" in capsys.readouterr().err
