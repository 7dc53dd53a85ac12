"""Good files to damage: a video, photos, clips, a shard, a prepared set, a model and a checkpoint; all tiny."""

from __future__ import annotations

import csv
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import torch
from PIL import Image

from tests.landmarks.faces import face
from tests.learning.conftest import MINI, disc_person
from tlk.data import Clip, save_clips
from tlk.data.shards import COLUMNS, MANIFEST, stored_clips
from tlk.landmarks import Face
from tlk.learning import MetaLearning

PEOPLE = [disc_person(seed) for seed in range(4)]


class Middle:
    """Finds a face in the middle of every image that is not nearly black: quick, and fork-safe."""

    name, batch = "middle", 4

    def find(self, images, near=None):
        return [Face(face(min(im.shape[:2])).numpy()) if im.max() > 40 else None for im in images]


def picture(width: int, height: int, seed: int = 0) -> np.ndarray:
    """uint8 (h, w, 3): a slope with some noise, which compresses to something that is not trivial."""
    random = np.random.default_rng(seed)
    y, x = np.mgrid[:height, :width]
    slope = np.stack([x * 255 // max(width, 1), y * 255 // max(height, 1), (x + y) % 256], -1)
    return (slope * 0.8 + random.integers(0, 50, (height, width, 3))).astype(np.uint8)


def write_movie(path: Path, frames: int = 12, width: int = 64, height: int = 64, codec: str = "libx264", pixels: str = "yuv420p", sound: bool = False) -> Path:
    with av.open(str(path), "w") as out:
        stream = out.add_stream(codec, rate=25)
        stream.width, stream.height, stream.pix_fmt = width, height, pixels
        voice = out.add_stream("aac", rate=16000) if sound else None
        for n in range(frames):
            out.mux(stream.encode(av.VideoFrame.from_ndarray(picture(width, height, n), format="rgb24")))
        out.mux(stream.encode())
        if voice is not None:
            write_sound(out, voice)
    return path


def write_sound(out: av.container.OutputContainer, stream: av.AudioStream, seconds: float = 0.5) -> None:
    tone = np.sin(np.arange(int(16000 * seconds)) * 0.1).astype(np.float32)[None]
    for start in range(0, tone.shape[1], 1024):
        frame = av.AudioFrame.from_ndarray(tone[:, start : start + 1024], format="fltp", layout="mono")
        frame.sample_rate, frame.pts, frame.time_base = 16000, start, Fraction(1, 16000)
        out.mux(stream.encode(frame))
    out.mux(stream.encode())


def clip(frames: int = 4, seed: int = 0, name: str = "clip", size: int = 32) -> Clip:
    images = torch.stack([torch.from_numpy(picture(size, size, seed + n)).permute(2, 0, 1) for n in range(frames)])
    return Clip(images, face(size)[None].repeat(frames, 1, 1).float(), name=name)


def prepared_set(folder: Path, clips: int = 3) -> Path:
    """A set of one shard, as the preparing programs leave it."""
    folder.mkdir()
    shard = save_clips([clip(4, n, f"c{n}") for n in range(clips)], folder / "train-000000.tar")
    rows = [
        {name: "" for name in COLUMNS} | {"name": f"c{n}", "split": "train", "person": f"p{n}", "row": n, "shard": shard.name, "frames": 4, "sha256": c.sha256()}
        for n, c in enumerate(stored_clips(shard))
    ]
    with open(folder / MANIFEST, "w", newline="") as file:
        writer = csv.DictWriter(file, COLUMNS)
        writer.writeheader()
        writer.writerows(rows)
    return folder


def make(folder: Path) -> Path:
    """All of them, under fixed names."""
    folder.mkdir(parents=True, exist_ok=True)
    write_movie(folder / "video.mp4", sound=True)
    write_movie(folder / "video.webm", codec="libvpx-vp9")
    Image.fromarray(picture(96, 80)).save(folder / "photo.png")
    Image.fromarray(picture(96, 80)).save(folder / "photo.jpg")
    clip().save(folder / "clip")
    save_clips([clip(3, n, f"c{n}") for n in range(3)], folder / "shard.tar")
    prepared_set(folder / "set")
    run = MetaLearning(MINI, PEOPLE, seed=1)
    run.one_step()
    run.save(folder / "checkpoint.safetensors")
    run.model().save(folder / "model.safetensors")
    return folder
