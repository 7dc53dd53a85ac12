"""Damaged inputs, made from good ones by a seed; and what must never happen when they are used."""

from __future__ import annotations

import io
import json
import os
import shutil
import tarfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image

import tlk
from tlk.data import load_clip
from tlk.data.shards import MANIFEST

from . import materials
from .materials import picture, write_movie
from .uses import load_clips_of, prepare, read, use_checkpoint, use_set, use_shard

Random = np.random.Generator


@dataclass(frozen=True)
class Case:
    """One damaged input: ``make(good, folder, random)`` leaves it in ``folder``; ``use`` reads it."""

    name: str
    make: Callable[[Path, Path, Random], Path]
    use: Callable[[Path], object]


def damaged_bytes(source: str, how: str) -> Callable[[Path, Path, Random], Path]:
    """Cut short, some bytes changed, a stretch of zeros, a stretch left out, or something put behind."""

    def make(good: Path, folder: Path, random: Random) -> Path:
        data = bytearray((good / source).read_bytes())
        at, length = int(random.integers(0, len(data))), int(random.integers(1, 2000))
        if how == "cut":
            data = data[:at]
        elif how == "flipped":
            for place in random.integers(0, len(data), int(random.integers(1, 40))):
                data[place] ^= int(random.integers(1, 256))
        elif how == "zeroed":
            data[at : at + length] = bytes(len(data[at : at + length]))
        elif how == "holed":
            del data[at : at + length]
        else:
            data += random.bytes(length)
        return written(folder / Path(source).name, bytes(data))

    return make


def written(path: Path, data: bytes) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data)
    return path


def as_it_is(name: str, data: bytes | str) -> Callable[[Path, Path, Random], Path]:
    return lambda good, folder, random: written(folder / name, data.encode() if isinstance(data, str) else data)


def renamed(source: str, name: str) -> Callable[[Path, Path, Random], Path]:
    return lambda good, folder, random: written(folder / name, (good / source).read_bytes())


def movie(name: str, **options) -> Callable[[Path, Path, Random], Path]:
    return lambda good, folder, random: write_movie(folder / name, **options)


def photo(name: str, image: Callable[[], Image.Image], **options) -> Callable[[Path, Path, Random], Path]:
    def make(good: Path, folder: Path, random: Random) -> Path:
        image().save(folder / name, **options)
        return folder / name

    return make


def turned(orientation: int) -> Callable[[Path, Path, Random], Path]:
    exif = Image.Exif()
    exif[0x0112] = orientation
    return photo(f"turned {orientation}.jpg", lambda: Image.fromarray(picture(90, 60)), exif=exif)


def in_clip(change: Callable[[Path, Random], None]) -> Callable[[Path, Path, Random], Path]:
    """A clip folder in which something was changed."""

    def make(good: Path, folder: Path, random: Random) -> Path:
        shutil.copytree(good / "clip", folder / "clip")
        change(folder / "clip", random)
        return folder / "clip"

    return make


def landmarks(change: Callable[[np.ndarray], np.ndarray]) -> Callable[[Path, Random], None]:
    return lambda clip, random: np.save(clip / "landmarks.npy", change(np.load(clip / "landmarks.npy")))


def meta(**changes) -> Callable[[Path, Random], None]:
    return lambda clip, random: (clip / "meta.json").write_text(json.dumps(json.loads((clip / "meta.json").read_text()) | changes))


def run_on_load(clip: Path, random: Random) -> None:
    """Landmarks as an array of Python objects, which numpy would unpickle."""
    np.save(clip / "landmarks.npy", np.array([{"__reduce__": os.system}, None], dtype=object), allow_pickle=True)


def tar_with(member: Callable[[tarfile.TarInfo], None]) -> Callable[[Path, Path, Random], Path]:
    """A shard with one more member, which ``member`` turns into something that must not be followed."""

    def make(good: Path, folder: Path, random: Random) -> Path:
        shutil.copy(good / "shard.tar", folder / "shard.tar")
        with tarfile.open(folder / "shard.tar", "a") as shard:
            info = tarfile.TarInfo("more.txt")
            member(info)
            info.name = info.name.replace("OUTSIDE", str(folder.parent.parent))  # where the judge would see a file
            data = b"outside"
            info.size = len(data) if info.isfile() else 0
            shard.addfile(info, io.BytesIO(data) if info.isfile() else None)
        return folder / "shard.tar"

    return make


def in_set(change: Callable[[Path, Random], None]) -> Callable[[Path, Path, Random], Path]:
    def make(good: Path, folder: Path, random: Random) -> Path:
        shutil.copytree(good / "set", folder / "set")
        change(folder / "set", random)
        return folder / "set"

    return make


def manifest(old: str, new: str) -> Callable[[Path, Random], None]:
    def change(folder: Path, random: Random) -> None:
        text = (folder / MANIFEST).read_text()
        assert old in text
        (folder / MANIFEST).write_text(text.replace(old, new))

    return change


def part_of(name: str, how: str) -> Callable[[Path, Random], None]:
    """The bytes of one file of a clip or set damaged, in place."""
    return lambda folder, random: damaged_bytes(name, how)(folder, folder, random) and None


def cases(seeds: int = 6) -> Iterator[Case]:
    """All of them; ``seeds`` of each kind that has chance in it."""
    for how in ("cut", "flipped", "zeroed", "holed", "longer"):
        for n in range(seeds):
            for source, use in (
                ("video.mp4", read), ("video.webm", prepare), ("photo.png", read), ("photo.jpg", prepare), ("shard.tar", use_shard),
                ("checkpoint.safetensors", use_checkpoint), ("model.safetensors", tlk.load),
            ):
                yield Case(f"{source} {how} {n}", damaged_bytes(source, how), use)
            yield Case(f"clip's landmarks {how} {n}", in_clip(part_of("landmarks.npy", how)), load_clip)
            yield Case(f"clip's frame {how} {n}", in_clip(part_of("00001.png", how)), load_clip)
            yield Case(f"set's shard {how} {n}", in_set(part_of("train-000000.tar", how)), use_set)
            yield Case(f"set's manifest {how} {n}", in_set(part_of(MANIFEST, how)), use_set)
            yield Case(f"set's index {how} {n}", in_set(part_of("train-000000.index.npz", how)), use_set)
    yield from (Case(name, make, use) for name, (make, use) in fixed_cases().items())


def fixed_cases() -> dict[str, tuple[Callable, Callable]]:
    """Those without chance: name → (how it is made, how it is used)."""
    return {**wrong_kinds(), **odd_pictures(), **wrong_clips(), **wrong_shards_and_sets()}


def wrong_kinds() -> dict[str, tuple[Callable, Callable]]:
    """Files that are not what their name says."""
    found = {f"empty {name}": (as_it_is(name, b""), use) for name, use in (("a.mp4", read), ("a.jpg", read), ("a.tar", use_shard), ("a.safetensors", tlk.load), ("b.safetensors", use_checkpoint))}
    found |= {f"text as {name}": (as_it_is(name, "This is text.\n" * 99), use) for name, use in (("t.mp4", read), ("t.png", read), ("t.txt", prepare), ("t.tar", use_shard), ("t.safetensors", tlk.load))}
    return found | {
        "photo as video": (renamed("photo.jpg", "p.mp4"), read), "video as photo": (renamed("video.mp4", "v.jpg"), read),
        "model as checkpoint": (renamed("model.safetensors", "m.safetensors"), use_checkpoint),
        "checkpoint as model": (renamed("checkpoint.safetensors", "c.safetensors"), tlk.load),
        "photo as shard": (renamed("photo.png", "p.tar"), use_shard),
    }


def odd_pictures() -> dict[str, tuple[Callable, Callable]]:
    """Videos and photos that are odd, or show no face."""
    black = lambda: Image.new("RGB", (80, 80))  # noqa: E731
    colour = lambda: Image.fromarray(picture(70, 70))  # noqa: E731
    found = {f"turned photo {n}": (turned(n), read) for n in range(1, 9)}
    return found | {
        "one frame": (movie("one.mp4", frames=1), read), "one frame, prepared": (movie("one.mp4", frames=1), prepare),
        "odd size": (movie("odd.mkv", width=67, height=53, codec="ffv1", pixels="bgr0"), read),
        "tiny": (movie("tiny.mp4", width=8, height=8), read), "wide": (movie("wide.mp4", frames=2, width=4096, height=16), read),
        "10,000 px": (movie("huge.mkv", frames=1, width=10000, height=64, codec="ffv1", pixels="bgr0"), read),
        "alpha": (movie("alpha.mov", codec="qtrle", pixels="argb"), read), "grey": (movie("grey.mkv", codec="ffv1", pixels="gray"), read),
        "spaces and other letters": (movie("ein schönes Vidéo 映像.mp4"), read), "no sound": (movie("mute.mp4"), read),
        "sound alone": (lambda good, folder, random: _sound(folder / "sound.mp4"), read),
        "variable frame rate": (lambda good, folder, random: _variable(folder / "variable.mkv"), read),
        "no face": (photo("night.png", black), read), "no face, prepared": (photo("night.png", black), prepare),
        "grey photo": (photo("grey.png", lambda: colour().convert("L")), read), "palette": (photo("p.png", lambda: colour().convert("P")), read),
        "alpha photo": (photo("a.png", lambda: colour().convert("RGBA")), read), "cmyk": (photo("c.jpg", lambda: colour().convert("CMYK")), read),
        "16 bit": (photo("d.png", lambda: Image.fromarray(picture(50, 50)[..., 0].astype(np.uint16) * 257)), read), "1 px": (photo("one.png", lambda: Image.new("RGB", (1, 1))), read),
        "10,000 px photo": (photo("big.png", lambda: Image.new("L", (10000, 10000), 90)), read),
        "bomb": (photo("bomb.png", lambda: Image.new("1", (30000, 30000))), read),
        "moving gif": (photo("m.gif", colour, save_all=True, append_images=[black(), colour()]), read),
        "folder as video": (lambda good, folder, random: _made(folder / "folder.mp4"), read),
        "link to itself": (lambda good, folder, random: _loop(folder / "loop.mp4"), read),
        "not there": (lambda good, folder, random: folder / "gone.mp4", read), "not there, a clip": (lambda good, folder, random: folder / "gone", load_clips_of),
    }


def wrong_clips() -> dict[str, tuple[Callable, Callable]]:
    """Clip folders whose files contradict each other or the format."""
    found = {f"clip without {name}": (in_clip(lambda clip, random, name=name: (clip / name).unlink()), load_clip) for name in ("meta.json", "landmarks.npy", "00001.png")}
    points = {
        "NaN frame": lambda p: np.where(np.arange(len(p))[:, None, None] == 1, np.nan, p), "all NaN": lambda p: p * np.nan, "infinite": lambda p: p + np.inf,
        "far outside": lambda p: p + 1e6, "of fewer frames": lambda p: p[:-1], "of 67 points": lambda p: p[:, :-1], "3-D": lambda p: np.concatenate([p, p[..., :1]], -1),
        "flat": lambda p: p.reshape(-1), "text": lambda p: np.array(["a", "b"]), "complex": lambda p: p + 1j, "none": lambda p: p[:0],
    }
    found |= {f"landmarks {name}": (in_clip(landmarks(change)), load_clip) for name, change in points.items()}
    found["landmarks that run code"] = (in_clip(run_on_load), load_clip)
    wrong = {"fps": (0, -1, "fast", None, float("nan")), "format": ("other", None), "version": (2, "one"), "truth": ([1], "x"), "square": ([1], "x", {"a": 1}), "name": (["a"], {"b": 1})}
    found |= {f"meta {key} = {value!r}": (in_clip(meta(**{key: value})), load_clip) for key, values in wrong.items() for value in values}
    found |= {f"meta is {text[:8]!r}": (in_clip(lambda clip, random, text=text: (clip / "meta.json").write_text(text)), load_clip) for text in ("", "[]", "{", "null", '"a"', "[" * 5000)}
    found["frames of two sizes"] = (in_clip(lambda clip, random: Image.fromarray(picture(16, 16)).save(clip / "00001.png")), load_clip)
    return found


def wrong_shards_and_sets() -> dict[str, tuple[Callable, Callable]]:
    """Members that lead elsewhere, manifests that do not fit."""
    members = {
        "..": lambda m: setattr(m, "name", "../../outside.txt"), "absolute": lambda m: setattr(m, "name", "OUTSIDE/outside.txt"), "link": lambda m: (setattr(m, "type", tarfile.SYMTYPE), setattr(m, "linkname", "/etc/passwd")),
        "device": lambda m: setattr(m, "type", tarfile.CHRTYPE), "fifo": lambda m: setattr(m, "type", tarfile.FIFOTYPE), "stranger": lambda m: setattr(m, "name", "000009-x.txt"),
    }
    found = {f"shard with a member {name}": (tar_with(change), use_shard) for name, change in members.items()}
    rows = {
        "shard outside": manifest("train-000000.tar", "../../../etc/passwd"), "absolute shard": manifest("train-000000.tar", "/etc/passwd"), "row numbers": manifest(",2,train", ",7,train"),
        "frames": manifest(",4,", ",5,"), "frames that are no number": manifest(",4,", ",four,"), "columns": manifest("sha256", "hash"), "no clip kept": manifest(",train,", ",,"), "hash": manifest(",train,p1", ",train,p0"),
    }
    found |= {f"manifest's {name}": (in_set(change), use_set) for name, change in rows.items()}
    found["manifest gone"] = (in_set(lambda folder, random: (folder / MANIFEST).unlink()), use_set)
    found["shard gone"] = (in_set(lambda folder, random: (folder / "train-000000.tar").unlink()), use_set)
    return found


def _made(path: Path) -> Path:
    path.mkdir()
    return path


def _loop(path: Path) -> Path:
    path.symlink_to(path)
    return path


def _sound(path: Path) -> Path:
    import av

    with av.open(str(path), "w") as out:
        materials.write_sound(out, out.add_stream("aac", rate=16000))
    return path


def _variable(path: Path) -> Path:
    """Frames at 0, 0.04, 0.5, 0.52 … seconds."""
    from fractions import Fraction

    import av

    with av.open(str(path), "w") as out:
        stream = out.add_stream("ffv1", rate=1000)
        stream.width = stream.height = 64
        stream.pix_fmt, stream.time_base = "bgr0", Fraction(1, 1000)
        for n, time in enumerate((0, 40, 500, 520, 900, 2000)):
            frame = av.VideoFrame.from_ndarray(picture(64, 64, n), format="rgb24")
            frame.pts, frame.time_base = time, Fraction(1, 1000)
            out.mux(stream.encode(frame))
        out.mux(stream.encode())
    return path
