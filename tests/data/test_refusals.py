"""What read_clip cannot read: one clear sentence each, that names the file and says what to do."""

from __future__ import annotations

import warnings
from pathlib import Path

import av
import numpy as np
import pytest
import torch

from tests.data.readers import Everywhere, needs_dlib, save
from tests.data.real import astronaut, face_part, video
from tlk.data import read_clip
from tlk.landmarks import Face, NoFace


def one_sentence(error: pytest.ExceptionInfo, name: str) -> None:
    text = str(error.value)
    assert name in text and "\n" not in text and len(text) < 400


@pytest.mark.parametrize("name", ["text.txt", "text.mp4", "text.png", "text", "empty.mp4"])
def test_a_text_file(tmp_path, name):
    path = tmp_path / name
    path.write_text("" if name.startswith("empty") else "This is no video.\n" * 50)
    with pytest.raises(ValueError, match="is neither|holds no|is not a whole image") as error:
        read_clip(path)
    one_sentence(error, name)


@pytest.mark.parametrize("list_file", ["#EXTM3U\n#EXT-X-TARGETDURATION:9\n#EXTINF:9,\nv.mp4\n", "ffconcat version 1.0\nfile v.mp4\n"])
def test_a_list_does_not_lead_to_other_files(tmp_path, list_file):
    video(tmp_path / "v.mp4", 3)
    (tmp_path / "list.mp4").write_text(list_file)
    with pytest.raises(ValueError, match="list.mp4"):
        read_clip(tmp_path / "list.mp4", 32, Everywhere())


def without_index(path: Path) -> Path:
    """The file as a camera leaves it whose battery ran out: the index, which is written last, is missing."""
    with av.open(str(path)) as source, av.open(str(path.with_name("plain.mp4")), "w") as out:
        stream = out.add_stream_from_template(source.streams.video[0])
        for packet in source.demux(video=0):
            if packet.dts is not None:
                packet.stream = stream
                out.mux(packet)
    data = path.with_name("plain.mp4").read_bytes()
    assert data.index(b"moov") > data.index(b"mdat")
    cut = path.with_name("cut.mp4")
    cut.write_bytes(data[: data.index(b"moov") - 4])
    return cut


def test_a_truncated_video_without_its_index(tmp_path):
    with pytest.raises(ValueError, match="damaged or cut short") as error:
        read_clip(without_index(video(tmp_path / "v.mp4")), 32, Everywhere())
    one_sentence(error, "cut.mp4")


@pytest.mark.parametrize("share", [0.88, 0.95])
def test_a_truncated_video_with_its_index_gives_what_is_there(tmp_path, share):
    data = video(tmp_path / "v.mp4", 30, 2).read_bytes()
    start = data.index(b"mdat")
    (tmp_path / "cut.mp4").write_bytes(data[: start + int((len(data) - start) * share)])
    with pytest.warns(UserWarning, match=r"cut.mp4 is cut short or damaged: \d+ of 30 frames") as said:
        clip = read_clip(tmp_path / "cut.mp4", 32, Everywhere(), progress=False)
    assert 0 < len(clip) < 30 and len([w for w in said if "cut short" in str(w.message)]) == 1


def test_a_video_of_which_no_frame_is_left(tmp_path):
    data = video(tmp_path / "v.mp4", 30).read_bytes()
    (tmp_path / "cut.mp4").write_bytes(data[: data.index(b"mdat") + 40])
    with pytest.raises(ValueError, match="cut short") as error:
        read_clip(tmp_path / "cut.mp4", 32, Everywhere(), progress=False)
    one_sentence(error, "cut.mp4")


def test_whole_videos_are_read_without_a_warning(tmp_path):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert len(read_clip(video(tmp_path / "v.mp4"), 32, Everywhere(), progress=False)) == 6


def test_a_sound_file(tmp_path):
    from tests.show.test_video import tone

    tone(tmp_path / "a.wav", 0.2)
    with pytest.raises(ValueError, match="a.wav holds no video"):
        read_clip(tmp_path / "a.wav")


def test_an_empty_folder(tmp_path):
    with pytest.raises(ValueError, match="holds no image") as error:
        read_clip(tmp_path)
    one_sentence(error, tmp_path.name)


def test_a_path_that_is_not_there(tmp_path):
    with pytest.raises(ValueError, match="does not exist") as error:
        read_clip(tmp_path / "me.mp4")
    one_sentence(error, "me.mp4")


@needs_dlib
def test_a_photo_without_a_face(tmp_path):
    path = save(astronaut()[:, 300:, :200], tmp_path / "suit.png")
    with pytest.raises(NoFace, match="dlib found no face in it") as error:
        read_clip(path, detector="dlib")
    one_sentence(error, "suit.png")


def test_a_video_without_a_face(tmp_path):
    from tlk.show import write_video

    path = write_video(tmp_path / "night.mp4", torch.zeros(3, 3, 64, 64))
    with pytest.raises(NoFace, match="found no face in any of its 3 frames") as error:
        read_clip(path, 32, Everywhere(), progress=False)
    one_sentence(error, "night.mp4")


def test_a_one_pixel_image(tmp_path):
    path = save(torch.zeros(3, 1, 1, dtype=torch.uint8), tmp_path / "dot.png")
    with pytest.raises(ValueError, match="1 x 1 pixels, too small") as error:
        read_clip(path)
    one_sentence(error, "dot.png")


def test_half_a_photo(tmp_path):
    path = save(face_part(), tmp_path / "half.jpg")
    path.write_bytes(path.read_bytes()[:3000])
    for where in (path, tmp_path):
        with pytest.raises(ValueError, match="is not a whole image") as error:
            read_clip(where)
        one_sentence(error, "half.jpg")


def test_landmarks_that_are_not_numbers(tmp_path):
    class Nan(Everywhere):
        def find(self, images, near=None):
            return [Face(np.full((68, 2), np.nan, np.float32)) for _ in images]

    with pytest.raises(NoFace, match="v.mp4"):
        read_clip(video(tmp_path / "v.mp4", 2), 32, Nan(), progress=False)


def test_options_that_make_no_sense(tmp_path):
    path = save(face_part(), tmp_path / "a.png")
    for options in ({"stride": 0}, {"max_frames": 0}, {"fps": 0.0}, {"size": 0}):
        with pytest.raises(ValueError, match="a.png"):
            read_clip(path, **options)
    with pytest.raises(ValueError, match="unknown detector"):
        read_clip(path, detector="mtcnn")
