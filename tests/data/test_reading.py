"""read_clip: a real photo, a video made of it, folders, and files that are none of these."""

from __future__ import annotations

import os
import struct
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from tests.data.clips import noise_clip
from tests.data.readers import Everywhere, needs_dlib, save
from tests.data.real import astronaut, face_part, video
from tlk.data import Clip, read_clip
from tlk.data.media import open_media, read_image
from tlk.landmarks import crop_image, detect, paste_back


@needs_dlib
def test_a_photo(tmp_path):
    path = save(astronaut(), tmp_path / "a photo.png")
    clip = read_clip(path, size=128, detector="dlib")
    assert clip.frames.shape == (1, 3, 128, 128) and clip.name == "a photo" and "dlib" in clip.source and str(path) in clip.source
    assert clip.truth == {} and clip.landmarks.min() > 5 and clip.landmarks.max() < 123
    found = detect(astronaut()[None], "dlib").points
    torch.testing.assert_close(clip.square.points(found, 128), clip.landmarks)
    assert torch.equal(clip.frames[0], crop_image(astronaut(), clip.square, 128))
    assert (paste_back(astronaut(), clip.frames[0], clip.square).float() - astronaut()).abs().mean() < 2


@needs_dlib
def test_a_video_keeps_the_motion_of_the_head(tmp_path):
    clip = read_clip(video(tmp_path / "me.mp4"), 128, "dlib", progress=False)
    assert len(clip) == 6 and clip.fps == 12.5 and clip.square is not None
    moved = (clip.landmarks[0] - clip.landmarks[5]).mean(0) * clip.square.side / 128
    assert (moved - torch.tensor([20.0, 0.0])).abs().max() < 2  # five steps of four pixels
    centred = torch.stack([clip.landmarks[i] - clip.landmarks[i].mean(0) for i in (0, 5)])  # a crop for each frame
    assert (centred[0] - centred[1]).abs().mean() < 1.5  # would have taken that motion away


def test_options_of_a_video(tmp_path):
    path = video(tmp_path / "v.mp4", frames=12, step=1, fps=24.0)
    first = lambda **options: read_clip(path, 32, Everywhere(), progress=False, **options)  # noqa: E731
    everything = first()
    assert len(everything) == 12 and everything.fps == 24
    for options, kept, fps in (
        ({"max_frames": 5}, [0, 1, 2, 3, 4], 24), ({"stride": 3}, [0, 3, 6, 9], 8), ({"fps": 8}, [0, 3, 6, 9], 8),
        ({"fps": 60}, list(range(12)), 24), ({"stride": 2, "max_frames": 2}, [0, 2], 12),
    ):
        clip = first(**options)
        assert clip.fps == fps and torch.equal(clip.frames, everything.frames[kept])


def test_frames_without_a_face_are_left_out_and_listed(tmp_path):
    frames = torch.stack([face_part(), torch.zeros_like(face_part()), face_part(4), torch.zeros_like(face_part())])
    from tlk.show import write_video

    path = write_video(tmp_path / "v.mp4", frames)
    with pytest.warns(UserWarning, match="v.mp4: no face in 2 of 4 frames, which are left out: 1, 3"):
        clip = read_clip(path, 32, Everywhere(), progress=False)
    assert len(clip) == 2 and "left out: 1, 3" in clip.source


def test_a_folder_in_natural_order(tmp_path):
    for number in (10, 2, 1):
        save((face_part().float() * (1 - number / 20)).to(torch.uint8), tmp_path / f"f{number}.png")
    (tmp_path / "notes.txt").write_text("not an image")
    (tmp_path / ".f0.png").write_text("hidden")
    clip = read_clip(tmp_path, 32, Everywhere(), progress=False)
    assert len(clip) == 3 and clip.square is not None
    brightness = clip.images.mean((1, 2, 3))
    assert brightness[0] > brightness[1] > brightness[2]


def test_photos_of_different_sizes_have_a_square_each(tmp_path):
    save(face_part(), tmp_path / "a.png")
    save(astronaut()[:, :400, :400], tmp_path / "b.jpg")
    clip = read_clip(tmp_path, 64, Everywhere(), progress=False)
    assert clip.square is None
    torch.testing.assert_close(clip.landmarks[0], clip.landmarks[1], atol=0.01, rtol=0)


def test_a_saved_clip_is_read_back(tmp_path):
    clip = noise_clip(4, 32)
    for name in ("c", "c.tar"):
        path = clip.save(tmp_path / name)
        assert torch.equal(read_clip(path, 32).frames, clip.frames)
        assert read_clip(path, 16, max_frames=2).frames.shape == (2, 3, 16, 16)


@pytest.mark.parametrize("turn", range(1, 9))
def test_exif_orientation(tmp_path, turn):
    """Whatever EXIF says, the picture comes upright, as Pillow's own definition has it."""
    upright = face_part()[:, :60, :90]
    undo = {1: [], 2: [0], 3: [3], 4: [1], 5: [5], 6: [2], 7: [6], 8: [4]}[turn]  # numbers of Image.Transpose
    stored = Image.fromarray(upright.permute(1, 2, 0).numpy())
    for method in undo:
        stored = stored.transpose(Image.Transpose(method))
    exif = Image.Exif()
    exif[0x0112] = turn
    stored.save(tmp_path / "p.png", exif=exif)
    assert torch.equal(read_image(tmp_path / "p.png"), upright)


def test_modes_of_images(tmp_path):
    grey = face_part()[0]
    array = grey.numpy()
    Image.fromarray(array).save(tmp_path / "grey.png")
    Image.fromarray(array.astype(np.uint16) * 257).save(tmp_path / "deep.png")
    Image.fromarray(array).convert("RGB").quantize(256).save(tmp_path / "palette.png")
    Image.fromarray(array).convert("CMYK").save(tmp_path / "ink.tif")
    for name in ("grey.png", "deep.png", "palette.png", "ink.tif"):
        pixels = read_image(tmp_path / name)
        assert pixels.shape == (3, *grey.shape) and (pixels.float() - grey).abs().max() <= 3, name
    alpha = np.dstack([array] * 3 + [np.where(np.arange(array.shape[1]) < 50, 0, 255)[None].repeat(len(array), 0)]).astype(np.uint8)
    Image.fromarray(alpha).save(tmp_path / "alpha.png")
    pixels = read_image(tmp_path / "alpha.png")
    assert (pixels[:, :, :50] == 255).all() and torch.equal(pixels[0, :, 50:], grey[:, 50:])


def turned(path: Path) -> Path:
    """The same video, with the matrix of a phone held upright (a quarter turn clockwise to be seen)."""
    data = bytearray(path.read_bytes())
    at = data.index(b"tkhd") + 4 + 40  # version and flags, times, layer and volume stand before
    data[at : at + 36] = struct.pack(">9i", 0, 1 << 16, 0, -(1 << 16), 0, 0, 0, 0, 1 << 30)
    out = path.with_name("turned.mp4")
    out.write_bytes(data)
    return out


def test_a_phone_held_upright(tmp_path):
    path = video(tmp_path / "v.mp4", 2)
    lying, upright = (next(iter(open_media(p).frames())) for p in (path, turned(path)))
    assert upright.shape == (3, 240, 200) and torch.equal(upright, torch.rot90(lying, -1, (1, 2)))


@needs_dlib
def test_large_frames_are_searched_small(tmp_path):
    large = torch.nn.functional.interpolate(astronaut()[None].float(), scale_factor=4, mode="bilinear")[0].round().to(torch.uint8)
    clip = read_clip(save(large, tmp_path / "large.jpg"), 64, "dlib")
    small = read_clip(save(astronaut(), tmp_path / "small.png"), 64, "dlib")
    assert (clip.landmarks - small.landmarks).norm(dim=-1).mean() < 1.5


@needs_dlib
@pytest.mark.skipif("TLK_REAL_CLIPS" not in os.environ, reason="TLK_REAL_CLIPS names no folder of videos")
def test_real_videos():
    for path in sorted(Path(os.environ["TLK_REAL_CLIPS"]).glob("*.mp4")):
        clip = read_clip(path, 128, "dlib", max_frames=20, progress=False)
        assert len(clip) == 20 and clip.landmarks.min() > -10 and clip.landmarks.max() < 138


def test_a_clip_from_the_five_lines_is_a_clip(tmp_path):
    assert isinstance(read_clip(save(face_part(), tmp_path / "a.png"), 32, Everywhere()), Clip)
