"""Pose by POSIT against the truth and against OpenCV; gaze against drawn eyes and rendered ones; one person making another's face."""

import cv2
import numpy as np
import pytest
import torch

from tests.evaluation.conftest import Beside
from tlk.data import Clip, heads
from tlk.data.heads.geometry import rotation
from tlk.data.heads.render import frame_square
from tlk.data.heads.scene import Scene
from tlk.evaluation.gaze import gaze_offset, line
from tlk.evaluation.judges import Judges
from tlk.evaluation.known import cross_of, mismatch, references, with_gaze_error
from tlk.evaluation.pose import DISTANCE, STEADY, angles, estimate_rotation, pose_error, steady_points
from tlk.evaluation.records import Record
from tlk.evaluation.run import measure
from tlk.evaluation.subjects import Subject
from tlk.evaluation.systems import Truth

POSES = np.array([[0, 0, 0], [30, 0, 0], [-25, 10, 5], [10, -15, -12], [-40, 5, 0], [5, 20, 15]], np.float32)


@pytest.fixture(scope="module")
def person():
    return heads.Person(2_000_003)


@pytest.fixture(scope="module")
def points(person):
    """Exact landmarks of POSES at 64 px, a face at rest; nothing is drawn."""
    scenes = [Scene(person, pose, np.zeros(52, np.float32), np.zeros(2, np.float32), 5) for pose in POSES]
    found, square, _ = frame_square(scenes)
    return square.points(found[..., :2].contiguous(), 64)


def between(a, b):
    return np.degrees(np.arccos(np.clip((np.trace(a @ b.T) - 1) / 2, -1, 1)))


def test_exact_points_give_the_exact_pose(person, points):
    error = pose_error(points, torch.from_numpy(POSES), steady_points(person), 64)
    assert error.max() < 4 and error.mean() < 2
    assert angles(torch.from_numpy(np.stack([rotation(*map(float, p)) for p in POSES]))).numpy() == pytest.approx(POSES, abs=1e-4)
    upside_down = points * torch.tensor([1.0, -1.0]) + torch.tensor([0.0, 63.0])  # the faulty variant: y not turned
    assert pose_error(upside_down, torch.from_numpy(POSES), steady_points(person), 64).mean() > 20


def test_opencv_finds_the_same_rotations(person, points):
    model, ours = steady_points(person), estimate_rotation(points, steady_points(person), 64)
    noisy = points + 0.3 * torch.randn(points.shape, generator=torch.Generator().manual_seed(0))
    for where in (points, noisy):
        ours = estimate_rotation(where, model, 64)
        for frame, turn in zip(where, ours):
            seen = frame[list(STEADY)].double().numpy()
            scale = np.ptp(seen[:, 1]) / np.ptp(model[:, 1].numpy())
            camera = np.array([[scale * DISTANCE, 0, 31.5], [0, scale * DISTANCE, 31.5], [0, 0, 1]])
            flip = np.diag([1.0, -1.0, -1.0])  # OpenCV: y down, z away
            start, _ = cv2.Rodrigues(np.zeros((3, 3)) + np.eye(3))
            middle = model.numpy() - model.numpy().mean(0)
            _, turned, _ = cv2.solvePnP(middle @ flip, seen, camera, None, start, np.array([[0.0], [0.0], [DISTANCE]]), True, cv2.SOLVEPNP_ITERATIVE)
            theirs = flip @ cv2.Rodrigues(turned)[0] @ flip
            assert between(theirs, turn.numpy()) < (2.5 if where is points else 6)


def test_what_fools_pose(person, points):
    """Whose face it is hardly counts; a mirrored frame is wrong by twice its yaw; a missing point is no number."""
    truth, model = torch.from_numpy(POSES), steady_points(person)
    mirrored = torch.stack([63 - points[..., 0], points[..., 1]], -1)
    order = [*range(16, -1, -1), *range(26, 16, -1), 27, 28, 29, 30, 35, 34, 33, 32, 31, 45, 44, 43, 42, 47, 46, 39, 38, 37, 36, 41, 40]
    order += [54, 53, 52, 51, 50, 49, 48, 59, 58, 57, 56, 55, 64, 63, 62, 61, 60, 67, 66, 65]
    assert pose_error(mirrored[:, order], truth, model, 64)[1] == pytest.approx(60, abs=8)
    assert pose_error(points, truth, steady_points(), 64).mean() < 15
    points = points.clone()
    points[2, 30] = torch.nan
    assert pose_error(points, truth, model, 64).isnan().tolist() == [False, False, True, False, False, False]


def eyes(offset, size=64):
    """Two white eyes with dark discs ``offset`` widths right of the middle, and their landmarks."""
    picture, points = torch.full((3, size, size), 0.8), torch.zeros(68, 2)
    y, x = torch.meshgrid(torch.arange(size), torch.arange(size), indexing="ij")
    for (left, right), middle in zip(((36, 39), (42, 45)), (18, 46)):
        points[left], points[right] = torch.tensor([middle - 9.0, 30.0]), torch.tensor([middle + 9.0, 30.0])
        picture[:, (x - middle - 18 * offset) ** 2 + (y - 30) ** 2 < 9] = 0.1
    return picture[None], points[None]


def test_gaze_of_drawn_eyes():
    offsets = [-0.15, 0.0, 0.15]
    found = torch.cat([gaze_offset(*eyes(o)) for o in offsets])
    assert found.tolist() == pytest.approx(offsets, abs=0.03)
    picture, points = eyes(0.15)
    assert gaze_offset(picture * torch.tensor([0.8, 1, 1]).view(3, 1, 1), points).item() == pytest.approx(found[2].item(), abs=0.01)
    mirrored = torch.stack([63 - points[..., 0], points[..., 1]], -1)[:, [*range(36), 45, 37, 38, 42, 40, 41, 39, 43, 44, 36, *range(46, 68)]]
    assert gaze_offset(picture.flip(-1), mirrored).item() == pytest.approx(-found[2].item(), abs=0.02)
    assert gaze_offset(picture, points * torch.nan).isnan().all()


def test_line_is_least_squares():
    x, y = torch.randn(20, generator=torch.Generator().manual_seed(0)), torch.randn(20, generator=torch.Generator().manual_seed(1))
    assert line(torch.cat([x, torch.tensor([torch.nan])]), torch.cat([y, torch.ones(1)])) == pytest.approx(np.polyfit(x.double(), y.double(), 1), abs=1e-6)
    assert line(torch.full((4,), torch.nan), torch.ones(4)) == (0.0, 0.0)


def test_rendered_eyes_are_followed(person):
    gaze = np.array([[-25, 0], [-12, 0], [0, 0], [12, 0], [25, 0]], np.float32)
    clip = heads.render(person, heads.Motion.of(np.zeros((5, 3)), np.zeros((5, 52)), gaze), 128)
    found = gaze_offset(clip.images, clip.landmarks)
    assert (found.diff() > 0).all() and found[-1] - found[0] > 0.1


def record(person, system, offsets, gaze=None):
    return Record("rendered", person, system, 0, {"gaze_offset": offsets} | ({"gaze": gaze} if gaze else {}), 0, 0, {})


def test_gaze_is_read_with_other_peoples_line():
    """degrees = 100 · offset for b and c, 50 · offset for a: a's own line must not be used for a."""
    people = [record("a", "true frames", [0.1, 0.2, 0.3], [5, 10, 15]), record("b", "true frames", [0.1, 0.2, 0.3], [10, 20, 30]), record("c", "true frames", [0.0, 0.1, 0.2], [0, 10, 20])]
    read = with_gaze_error([*people, record("a", "copy", [0.0, None, 0.1])])
    assert read[0].frames["gaze_error"] == pytest.approx([5, 10, 15])
    assert read[3].frames["gaze_error"][0] == pytest.approx(5) and read[3].frames["gaze_error"][1] is None
    assert references(people)["looking_ahead"] == pytest.approx(np.abs(np.array([5, 10, 15, 10, 20, 30, 0, 10, 20]) - 120 / 9).mean())
    assert with_gaze_error(people[:1]) == people[:1]


@pytest.fixture(scope="module")
def subject(person):
    clip = heads.render(person, heads.Motion(3, 3, fps=2), 32)
    return Subject("rendered", "person", clip[:2], clip[1:], person.seed)


def test_the_true_answer_to_anothers_motion(subject):
    judges = Judges(Beside())
    cross = cross_of(subject, judges)
    assert torch.equal(cross.driver.truth["pose"], cross.truth.truth["pose"]) and torch.equal(cross.driver.truth["expression"], cross.truth.truth["expression"])
    assert (cross.truth.name, cross.driver.name) == (f"person-{subject.seed}", f"person-{subject.seed + 1}")
    assert 0.01 < mismatch(cross).mean() < 0.4
    seen = judges.see(subject.holdout.images, subject.holdout.landmarks)
    perfect, stranger = measure(subject, Truth(), 0, judges, seen, cross), measure(subject, Driver(), 1, judges, seen, cross)
    assert max(perfect.frames["cross_perceptual"]) < 1e-6 and len(perfect.frames["mismatch"]) == 8 and "gaze" in perfect.frames
    assert min(stranger.frames["cross_perceptual"]) > 0.3 and np.mean(stranger.frames["cross_csim"]) < np.mean(perfect.frames["cross_csim"])
    assert {"cross", "driver"} <= set(perfect.tensors) and "cross" in stranger.tensors


class Driver:
    """The driver's own frames: the right motion by the wrong person."""

    name, settings, note = "driver", {}, ""

    def fit(self, source: Clip):
        return lambda driver: driver.images


def test_real_people_have_no_such_truth(judges, subject):
    clip = Clip(subject.holdout.frames, subject.holdout.landmarks)
    real = Subject("real", "me", clip, clip)
    assert cross_of(real, judges) is None
    found = measure(real, Truth(), 0, judges, judges.see(clip.images, clip.landmarks))
    assert not {"pose_error", "gaze_offset", "cross_csim", "gaze"} & set(found.frames)
