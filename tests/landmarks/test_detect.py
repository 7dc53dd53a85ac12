"""Detectors on a real photo, and everything around them with detectors made up for the test."""

from __future__ import annotations

import importlib.util
import sys
import urllib.error

import numba
import numpy as np
import pytest
import torch
import torch.nn.functional as F

from tests.data.real import astronaut, face_part
from tests.landmarks.faces import face
from tlk.landmarks import Detector, Face, NoFace, detect, open_detector
from tlk.weights_cache import WeightsMissing

has_dlib = importlib.util.find_spec("dlib") and importlib.util.find_spec("face_recognition_models")
needs_dlib = pytest.mark.skipif(not has_dlib, reason="dlib-bin or face-recognition-models is not installed")
needs_fan = pytest.mark.skipif(not importlib.util.find_spec("face_alignment"), reason="face-alignment is not installed")


@pytest.fixture(autouse=True)
def interpreted(monkeypatch):
    """face-alignment's helpers uncompiled: compiling takes longer than the tests. Never by the environment, which the
    rendered people of other tests, and every notebook's kernel, would inherit; and not where another file of tests has
    imported them already: they are to be compiled then, and numba fails at that while it is switched off."""
    if "face_alignment" not in sys.modules:
        monkeypatch.setattr(numba.config, "DISABLE_JIT", True)


class Pretend:
    """Finds as many faces as the first pixel of an image says."""

    name = "pretend"

    def __init__(self, batch: int = 1) -> None:
        self.batch, self.sizes, self.near = batch, [], []

    def find(self, images, near=None):
        self.sizes.append(len(images))
        self.near.append(near)
        return [Face(face(64).numpy() + i, int(im[0, 0, 0]) - 1) if im[0, 0, 0] else None for i, im in enumerate(images)]


def frames(*faces_in_each: int) -> torch.Tensor:
    images = torch.zeros(len(faces_in_each), 3, 64, 64, dtype=torch.uint8)
    images[:, 0, 0, 0] = torch.tensor(faces_in_each)
    return images


def test_no_face_is_an_error_that_names_the_frame():
    with pytest.raises(NoFace, match="frame 2: pretend found no face"):
        detect(frames(1, 1, 0), Pretend())
    with pytest.raises(ValueError, match="b.png: pretend"):
        detect(frames(1, 0), Pretend(), label=["a.png", "b.png"].__getitem__)


@pytest.mark.parametrize("batch", [1, 2, 10])
def test_frames_without_a_face_are_listed(batch):
    found = detect(frames(1, 0, 1, 0, 1), Pretend(batch), skip=True)
    assert found.skipped == [1, 3] and found.detector == "pretend"
    assert found.points.isnan().all((1, 2)).tolist() == [False, True, False, True, False]


def test_several_faces_are_said():
    with pytest.warns(UserWarning, match="frame 1: 3 faces; the largest is taken"):
        assert detect(frames(1, 3, 2), Pretend()).crowded == [1, 2]


def test_batches_and_following():
    finder = Pretend(2)
    found = detect(iter(frames(1, 1, 0, 1, 1)), finder, skip=True)
    assert finder.sizes == [2, 2, 1] and len(found.points) == 5 and finder.near == [None] * 3
    finder = Pretend(2)
    detect(frames(1, 1, 1, 0, 0, 0), finder, skip=True, follow=True)
    assert np.array_equal(finder.near[1], face(64).numpy() + 1)  # the last face of the batch before
    assert np.array_equal(finder.near[2], face(64).numpy())  # of the frame before the empty one


def test_nan_from_a_detector_counts_as_no_face():
    class Nan(Pretend):
        def find(self, images, near=None):
            return [Face(np.full((68, 2), np.nan, np.float32))]

    with pytest.raises(NoFace):
        detect(frames(1), Nan())


def test_float_frames_and_wrong_shapes():
    assert detect(frames(1) / 255, Pretend()).skipped == []
    assert detect(frames(), Pretend()).points.shape == (0, 68, 2)
    with pytest.raises(ValueError, match=r"\(3, h, w\)"):
        detect(torch.zeros(2, 1, 8, 8, dtype=torch.uint8), Pretend())
    with pytest.raises(ValueError, match="unknown detector 'mtcnn'"):
        open_detector("mtcnn")
    assert isinstance(Pretend(), Detector)


def test_auto_says_which_it_took(monkeypatch, tmp_path, capsys):
    """No download is started: without weights in torch hub's folder, dlib is taken."""
    monkeypatch.setattr("torch.hub.get_dir", lambda: str(tmp_path))
    monkeypatch.setattr("tlk.landmarks.dlib_detector.Dlib", Pretend)
    open_detector.cache_clear()
    assert open_detector("auto").name == "pretend"
    assert "takes dlib" in capsys.readouterr().err
    (tmp_path / "checkpoints").mkdir()
    for file in ("2DFAN4-11f355bf06.pth.tar", "s3fd-619a316812.pth"):
        (tmp_path / "checkpoints" / file).touch()
    monkeypatch.setattr("importlib.util.find_spec", lambda name: True)
    monkeypatch.setattr("tlk.landmarks.face_alignment_detector.FaceAlignment", Pretend)
    open_detector.cache_clear()
    assert open_detector("auto").name == "pretend"
    assert "takes face-alignment" in capsys.readouterr().err
    open_detector.cache_clear()


# --- dlib -------------------------------------------------------------------------------------------------------


@needs_dlib
def test_dlib_agrees_with_dlib_itself():
    """Its own predictor on its own box answers in whole pixels; ours lies within about one of it."""
    import dlib

    from tlk.landmarks.dlib_detector import PREDICTOR
    from tlk.weights_cache import find

    image = np.ascontiguousarray(astronaut().permute(1, 2, 0).numpy())
    box = dlib.get_frontal_face_detector()(image, 0)[0]
    theirs = dlib.shape_predictor(str(find(PREDICTOR)))(image, box)
    theirs = torch.tensor([(p.x, p.y) for p in theirs.parts()], dtype=torch.float32)
    ours = detect(astronaut()[None], "dlib").points[0]
    assert (ours - theirs).norm(dim=-1).mean() < 1.5
    assert (ours.flip(0) - theirs).norm(dim=-1).mean() > 10


@needs_dlib
@pytest.mark.parametrize("size", [90, 128, 256])
def test_dlib_finds_faces_in_small_images(size):
    """At 90 px the face is 15 px wide, far under the 80 that HOG needs."""
    large = detect(astronaut()[None], "dlib").points[0]
    small = F.interpolate(astronaut()[None].float(), (size, size), mode="bilinear", antialias=True).round().to(torch.uint8)
    points = (detect(small, "dlib").points[0] + 0.5) * 512 / size - 0.5
    assert (points - large).norm(dim=-1).mean() < 4


@needs_dlib
def test_dlib_takes_the_largest_face():
    photo = astronaut().float()[:, :256, :]
    smaller = F.interpolate(photo[None], (205, 410), mode="bilinear", antialias=True)[0]
    scene = torch.full((3, 300, 900), 90.0)
    scene[:, :256, 388:] = photo
    scene[:, :205, :350] = smaller[:, :, 60:]
    with pytest.warns(UserWarning, match="frame 0: 2 faces"):
        points = detect(scene.to(torch.uint8)[None], "dlib").points[0]
    assert 388 + 150 < points[:, 0].mean() < 388 + 300


@needs_dlib
def test_dlib_follows_a_moving_face_as_well_as_it_finds_it():
    moving = torch.stack([face_part(5 * i) for i in range(5)])
    followed, found = (detect(moving, "dlib", follow=follow).points for follow in (True, False))
    assert (followed - found).norm(dim=-1).mean() < 2
    assert ((followed[0] - followed[4]).mean(0) - torch.tensor([20.0, 0.0])).abs().max() < 2
    jump = torch.stack([face_part(-60), face_part(80)])  # further than the window
    assert detect(jump, "dlib", follow=True, skip=True).skipped == []


@needs_dlib
def test_dlib_finds_nothing_in_noise_and_in_a_flat_image():
    noise = torch.randint(0, 256, (1, 3, 120, 160), dtype=torch.uint8, generator=torch.Generator().manual_seed(0))
    for image in (noise, torch.zeros(1, 3, 40, 30, dtype=torch.uint8)):
        with pytest.raises(NoFace):
            detect(image, "dlib")


@needs_dlib
def test_a_face_cut_by_the_border_is_placed_beyond_it():
    whole = detect(astronaut()[None], "dlib").points[0]
    points = detect(astronaut()[None, :, :, 190:], "dlib").points[0]
    assert points[:, 0].min() < 0 and (points + torch.tensor([190.0, 0.0]) - whole).norm(dim=-1).mean() < 6


def test_the_face_of_the_frame_before_is_preferred_to_the_largest():
    from tlk.landmarks.detect import largest

    big, small, tiny = (0.0, 0.0, 100.0, 100.0), (110.0, 0.0, 150.0, 40.0), (128.0, 18.0, 132.0, 22.0)
    near = np.array([[112.0, 3.0], [149.0, 39.0]])
    assert largest([tiny, small, big]) == big and largest([tiny, small, big], near) == small
    assert largest([big, tiny], near + 500) == big


def test_dlib_missing_is_one_sentence(monkeypatch):
    from tlk.landmarks.dlib_detector import Dlib

    monkeypatch.setitem(__import__("sys").modules, "dlib", None)
    with pytest.raises(WeightsMissing, match="pip install dlib-bin face-recognition-models"):
        Dlib()


# --- face-alignment ---------------------------------------------------------------------------------------------


class SmallFan(torch.nn.Module):
    """Images in, 68 heat maps of 64 x 64 out, as 2DFAN4 has it, in one convolution with random weights."""

    def __init__(self, stages: int) -> None:
        super().__init__()
        self.layer = torch.nn.Conv2d(3, 68, 9, stride=4, padding=4)

    def forward(self, images):
        return [torch.zeros(1), self.layer(images)]


@pytest.fixture
def small_fan(monkeypatch):
    monkeypatch.setattr(pytest.importorskip("face_alignment.api"), "FAN", SmallFan)


@pytest.fixture
def fan_file(tmp_path, small_fan):
    torch.manual_seed(0)
    torch.save(SmallFan(4).state_dict(), tmp_path / "fan.pth.tar")
    return tmp_path / "fan.pth.tar"


@needs_fan
def test_face_alignment_equals_its_own_call_frame_by_frame(fan_file):
    """Batched over frames here, one image at a time there. The HOG face detector needs no weights."""
    from tlk.landmarks.face_alignment_detector import FaceAlignment

    finder = FaceAlignment("cpu", weights=fan_file, face_detector="dlib")
    images = torch.stack([face_part(10), face_part(-15, 4)])
    ours = detect(images, finder).points
    for image, points in zip(images, ours, strict=True):
        theirs = finder._model.get_landmarks_from_image(image.permute(1, 2, 0).numpy())
        assert len(theirs) == 1 and np.ptp(theirs[0]) > 20
        torch.testing.assert_close(points, torch.from_numpy(theirs[0]).float(), atol=1e-3, rtol=0)


@needs_fan
def test_face_alignment_lists_frames_without_a_face(fan_file):
    from tlk.landmarks.face_alignment_detector import FaceAlignment

    finder = FaceAlignment("cpu", weights=fan_file, face_detector="dlib")
    empty = torch.zeros_like(face_part())
    assert detect(torch.stack([empty, face_part()]), finder, skip=True).skipped == [0]
    assert detect(empty[None], finder, skip=True).skipped == [0]


@needs_fan
def test_face_alignment_without_weights_or_network_says_what_to_do(monkeypatch, tmp_path, small_fan):
    from tlk.landmarks import face_alignment_detector as module

    def offline(*_, **__):
        raise urllib.error.URLError("no network")

    monkeypatch.setattr("torch.hub.get_dir", lambda: str(tmp_path))
    monkeypatch.setattr("torch.hub.download_url_to_file", offline)
    monkeypatch.setattr("face_alignment.utils.download_url_to_file", offline)
    monkeypatch.setattr("face_alignment.utils.get_dir", lambda: str(tmp_path))
    for face_detector in ("sfd", "dlib"):
        with pytest.raises(WeightsMissing) as error:
            module.FaceAlignment("cpu", face_detector=face_detector)
        assert "2DFAN4-11f355bf06.pth.tar" in str(error.value) and str(tmp_path / "checkpoints") in str(error.value)
        assert "no network" in str(error.value) and "\n" not in str(error.value)


@needs_fan
def test_face_alignment_with_a_file_that_is_no_weights(tmp_path, small_fan):
    from tlk.landmarks.face_alignment_detector import FaceAlignment

    (tmp_path / "page.html").write_text("<html>not found</html>")
    torch.save({"x": torch.ones(2)}, tmp_path / "other.pth")
    for name in ("page.html", "other.pth", "none.pth"):
        with pytest.raises(WeightsMissing, match=name) as error:
            FaceAlignment("cpu", weights=tmp_path / name, face_detector="dlib")
        assert "\n" not in str(error.value)


def test_missing_files(monkeypatch, tmp_path):
    from tlk.landmarks.face_alignment_detector import missing_files

    monkeypatch.setattr("torch.hub.get_dir", lambda: str(tmp_path))
    assert missing_files() == ["2DFAN4-11f355bf06.pth.tar", "s3fd-619a316812.pth"] and missing_files("dlib") == ["2DFAN4-11f355bf06.pth.tar"]
