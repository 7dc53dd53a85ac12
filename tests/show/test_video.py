"""write_video: read back with PyAV."""

from __future__ import annotations

import os
from fractions import Fraction

import av
import numpy as np
import pytest
import torch

from tlk.show import write_video


def moving(frames: int = 12, height: int = 48, width: int = 64) -> torch.Tensor:
    """A soft grey ramp that wanders, with frame number in its brightness."""
    x = torch.linspace(0, 1, width) * 0.3 + torch.arange(frames)[:, None] * 0.05
    return x[:, None, None, :].expand(frames, 3, height, width).clone()


def read(path) -> tuple[np.ndarray, av.container.InputContainer]:
    container = av.open(str(path))
    return np.stack([frame.to_ndarray(format="rgb24") for frame in container.decode(video=0)]), container


@pytest.mark.parametrize("fps", [25, 29.97002997002997, 12.5, 60])
def test_codec_rate_frames_and_metadata(tmp_path, fps):
    path = write_video(tmp_path / "made" / "a.mp4", moving(), fps)
    pictures, container = read(path)
    stream = container.streams.video[0]
    assert (stream.codec_context.name, stream.codec_context.pix_fmt) == ("h264", "yuv420p")
    assert stream.average_rate == Fraction(fps).limit_denominator(1001) and len(pictures) == stream.frames == 12
    assert "ynthetic" in container.metadata["comment"] and "ynthetic" in container.metadata["title"]
    assert np.abs(pictures[:, :, :, 0] / 255 - moving()[:, 0].numpy()).max() < 0.03


def test_the_index_stands_at_the_front(tmp_path):
    data = write_video(tmp_path / "a.mp4", moving()).read_bytes()
    assert 0 < data.index(b"moov") < data.index(b"mdat")


def test_uint8_equals_float_and_float_is_clamped(tmp_path):
    frames = moving() * 2 - 0.3
    one, _ = read(write_video(tmp_path / "a.mp4", frames))
    two, _ = read(write_video(tmp_path / "b.mp4", (frames.clamp(0, 1) * 255).round().to(torch.uint8)))
    assert np.array_equal(one, two)


@pytest.mark.parametrize("size", [(48, 64), (720, 1280)])
def test_colours_survive(tmp_path, size):
    """Small and large pictures: players guess other standards for them unless told."""
    colours = torch.tensor([[224, 172, 140], [200, 30, 30], [30, 160, 60], [20, 40, 200]], dtype=torch.uint8)
    frames = colours[:, :, None, None].expand(-1, 3, *size)
    pictures, container = read(write_video(tmp_path / "a.mp4", frames))
    assert np.abs(pictures.astype(int) - colours[:, None, None].numpy().astype(int)).max() <= 4
    assert container.streams.video[0].codec_context.colorspace == 1


def test_odd_sizes_are_made_even(tmp_path):
    pictures, _ = read(write_video(tmp_path / "a.mp4", moving(3, 33, 51)))
    assert pictures.shape == (3, 34, 52, 3)
    assert np.abs(pictures[:, :33, :51, 0] / 255 - moving(3, 33, 51)[:, 0].numpy()).max() < 0.03


@pytest.mark.parametrize(
    ("frames", "says"),
    [
        (torch.zeros(0, 3, 8, 8), "no frame to write"), (torch.zeros(3, 8, 8), "must be"), (torch.zeros(2, 1, 8, 8), "must be"),
        (torch.zeros(2, 3, 8, 8, dtype=torch.int64), "uint8"), (torch.full((2, 3, 8, 8), float("nan")), "NaN"),
    ],
)
def test_frames_that_cannot_be_written(tmp_path, frames, says):
    with pytest.raises(ValueError, match=says) as error:
        write_video(tmp_path / "a.mp4", frames)
    assert "a.mp4" in str(error.value) and os.listdir(tmp_path) == []


def test_names_and_rates_that_cannot_be_written(tmp_path):
    with pytest.raises(ValueError, match="a.avi: a video's name ends"):
        write_video(tmp_path / "a.avi", moving())
    with pytest.raises(ValueError, match="fps must be"):
        write_video(tmp_path / "a.mp4", moving(), 0.0)


def test_an_error_on_the_way_keeps_the_old_file(tmp_path, monkeypatch):
    path = write_video(tmp_path / "a.mp4", moving())
    before = path.read_bytes()

    def broken(frames):
        yield from ()
        raise RuntimeError("half way")

    monkeypatch.setattr("tlk.show.video._pictures", broken)
    with pytest.raises(RuntimeError, match="half way"):
        write_video(path, moving())
    assert path.read_bytes() == before and os.listdir(tmp_path) == ["a.mp4"]


def tone(path, seconds: float) -> None:
    with av.open(str(path), "w") as out:
        stream = out.add_stream("pcm_s16le", rate=16000, layout="mono")
        wave = (np.sin(np.arange(int(16000 * seconds)) * 2 * np.pi * 440 / 16000) * 20000).astype(np.int16)
        frame = av.AudioFrame.from_ndarray(wave[None], format="s16", layout="mono")
        frame.sample_rate = 16000
        out.mux(stream.encode(frame))
        out.mux(stream.encode(None))


def test_sound_of_the_driver(tmp_path):
    tone(tmp_path / "tone.wav", 3.0)
    path = write_video(tmp_path / "a.mp4", moving(25), 25.0, audio_from=tmp_path / "tone.wav")
    with av.open(str(path)) as container:
        sound = np.concatenate([frame.to_ndarray()[0] for frame in container.decode(audio=0)])
        rate = container.streams.audio[0].rate
    assert 0.9 < len(sound) / rate < 1.2
    spectrum = np.abs(np.fft.rfft(sound))
    assert abs(spectrum.argmax() * rate / len(sound) - 440) < 5
    pictures, _ = read(path)
    assert len(pictures) == 25
    silent = write_video(tmp_path / "b.mp4", moving(), audio_from=write_video(tmp_path / "c.mp4", moving()))
    assert not av.open(str(silent)).streams.audio
    with pytest.raises(ValueError, match="no sound can be read"):
        write_video(tmp_path / "d.mp4", moving(), audio_from=tmp_path / "none.wav")
