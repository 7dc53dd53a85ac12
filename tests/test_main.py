"""The command line: the five lines in order, one sentence and exit code 2 for bad input."""

import subprocess
import sys
from types import SimpleNamespace

import pytest
import torch

import tlk
import tlk.__main__ as command
from tlk.presets import Preset


@pytest.fixture
def fake(monkeypatch):
    """Stand-ins for the five lines that note what they are asked."""
    asked = []
    clip = lambda name, f: tlk.Clip(torch.zeros(f, 3, 8, 8, dtype=torch.uint8), torch.zeros(f, 68, 2), fps=12.5, name=name)
    def read(path, detector, max_frames=None):
        asked.append(("read", path, detector))
        return clip(path, min(5, max_frames or 5) if path == "you.mp4" else 20)

    def write(path, frames, fps, audio_from):
        asked.append(("write", path.name, tuple(frames.shape), fps, audio_from))

    head = SimpleNamespace(drive=lambda driver: torch.full((len(driver), 3, 8, 8), 0.5))
    model = SimpleNamespace(personalise=lambda source, epochs: asked.append(("personalise", len(source), epochs)) or head)
    monkeypatch.setattr(tlk, "read_clip", read)
    monkeypatch.setattr(tlk, "load", lambda name, device: asked.append(("load", name, device)) or model)
    monkeypatch.setattr(tlk, "write_video", write)
    return asked


def drive(*more):
    return command.main(["drive", "--source", "me.mp4", "--driver", "you.mp4", "--out", "out.mp4", *more])


def test_drive_is_the_five_lines_at_the_drivers_rate(fake, capsys):
    assert drive() == 0
    assert fake == [
        ("load", "heads-64", "cpu"), ("read", "me.mp4", "auto"), ("read", "you.mp4", "auto"),
        ("personalise", 8, 40), ("write", "out.mp4", (5, 3, 8, 8), 12.5, None),
    ]
    assert "8 of 20 frames" in capsys.readouterr().out


def test_options_reach_their_place(fake):
    assert drive("--epochs", "0", "--frames", "3", "--model", "mine.safetensors", "--detector", "dlib", "--max-frames", "2", "--sound") == 0
    assert ("personalise", 3, 0) in fake and ("load", "mine.safetensors", "cpu") in fake and ("read", "me.mp4", "dlib") in fake
    assert fake[-1] == ("write", "out.mp4", (2, 3, 8, 8), 12.5, "you.mp4")


@pytest.mark.parametrize("error", [ValueError("me.mp4: no face in frame 3"), FileNotFoundError(2, "No such file", "me.mp4")])
def test_bad_input_is_one_sentence(fake, monkeypatch, capsys, error):
    def fail(*_, **__):
        raise error

    monkeypatch.setattr(tlk, "read_clip", fail)
    assert drive() == 2
    out = capsys.readouterr()
    assert out.err.startswith("tlk drive: ") and "me.mp4" in out.err and out.err.count("\n") == 1 and "Traceback" not in out.err


def test_a_fault_of_ours_is_not_hidden(fake, monkeypatch):
    monkeypatch.setattr(tlk, "read_clip", lambda *_, **__: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        drive()


def test_a_wrong_ending_is_said_before_anything_is_read(fake, capsys):
    assert command.main(["drive", "--source", "a", "--driver", "b", "--out", "out.gif"]) == 2
    assert fake == [] and "must end in .mp4" in capsys.readouterr().err


@pytest.mark.parametrize("more", [["--epochs", "-1"], ["--frames", "0"], ["--frames", "many"], ["--fames", "3"]])
def test_a_mistaken_option_ends_with_2(fake, more, capsys):
    with pytest.raises(SystemExit) as end:
        drive(*more)
    assert end.value.code == 2 and fake == []


@pytest.mark.parametrize("length, wanted, indices", [(20, 3, [0, 10, 19]), (2, 8, [0, 1]), (5, 1, [0]), (1, 1, [0]), (9, 9, list(range(9)))])
def test_source_frames_are_spread_evenly(length, wanted, indices):
    assert command.spread(length, wanted) == indices


def test_describe_is_a_table(monkeypatch, capsys):
    monkeypatch.setattr(tlk, "describe", lambda name: {"G (M)": 37.912 if name == "paper" else 1.5})
    assert command.main(["describe"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].split() == ["tiny", "small", "paper"] and lines[1].split() == ["G", "(M)", "1.5", "1.5", "37.9"]


def untrained(path):
    """A model of random weights, as a file."""
    from tlk.learning import Model
    from tlk.networks import Discriminator, Embedder, Generator

    preset = Preset("mini", 32, (8, 16, 32), (8, 16, 32), 1, 32, 2, 2, (("efficientnet-lite0", 1.0),))
    Model(preset, Embedder(preset), Generator(preset), Discriminator(preset), {}).save(path)


def test_a_real_photo_and_a_real_video_from_end_to_end(tmp_path, capsys):
    """With random weights: every part is real but the quality."""
    import av
    from skimage.data import astronaut

    photo = torch.from_numpy(astronaut()).permute(2, 0, 1)
    frames = torch.stack([photo.roll((2 * i, 3 * i), (1, 2)) for i in range(5)])
    tlk.write_video(tmp_path / "you.mp4", frames, fps=12.5)
    untrained(tmp_path / "mini.safetensors")
    arguments = ["--driver", str(tmp_path / "you.mp4"), "--model", str(tmp_path / "mini.safetensors"), "--epochs", "0", "--detector", "dlib"]
    assert command.main(["drive", "--source", str(tmp_path / "you.mp4"), "--frames", "2", "--out", str(tmp_path / "out.mp4"), *arguments]) == 0
    with av.open(str(tmp_path / "out.mp4")) as video:
        assert float(video.streams.video[0].average_rate) == 12.5 and len(list(video.decode(video=0))) == 5
        assert "synthetic" in video.metadata["comment"].lower()
    assert "2 of 5 frames" in capsys.readouterr().out
    (tmp_path / "text.mp4").write_text("no video")
    assert command.main(["drive", "--source", str(tmp_path / "text.mp4"), "--out", str(tmp_path / "b.mp4"), *arguments]) == 2
    error = capsys.readouterr().err
    assert "text.mp4" in error and error.count("\n") == 1 and not (tmp_path / "b.mp4").exists()


def test_it_runs_as_a_program():
    run = subprocess.run([sys.executable, "-m", "tlk", "drive", "--help"], capture_output=True, text=True)
    assert run.returncode == 0 and "--driver" in run.stdout
    missing = [sys.executable, "-m", "tlk", "drive", "--source", "no.jpg", "--driver", "no.mp4", "--out", "a.mp4", "--model", "none"]
    run = subprocess.run(missing, capture_output=True, text=True)
    assert run.returncode == 2 and "Traceback" not in run.stderr and "none" in run.stderr
