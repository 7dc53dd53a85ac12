"""The 68 points and the other truths against independent computations."""

import dataclasses

import numpy as np
import pytest
import torch

from tlk.data.heads import Motion, Person, render
from tlk.data.heads.asset import load_asset
from tlk.data.heads.geometry import rotation
from tlk.data.heads.render import BASE, frame_square
from tlk.data.heads.scene import Scene
from tlk.data.heads.styles import STYLES
from tlk.data.heads.truth import places
from tlk.landmarks.crop import crop_square

MIRROR = [*range(16, -1, -1), *range(26, 16, -1), 27, 28, 29, 30, 35, 34, 33, 32, 31, 45, 44, 43, 42, 47, 46, 39, 38, 37, 36, 41, 40,
          54, 53, 52, 51, 50, 49, 48, 59, 58, 57, 56, 55, 64, 63, 62, 61, 60, 67, 66, 65]


def shaven(seed: int, **changes) -> Person:
    """The person without anything that hides the contour of the face."""
    person = Person(seed)
    plain = {"style": STYLES["bald"], "style_name": "bald", "beard": "none", "glasses": "none", "hat": "none"} | changes
    object.__setattr__(person, "looks", dataclasses.replace(person.looks, **plain))
    return person


def symmetric(seed: int) -> Person:
    """A person whose two halves are the template's: no local shapes, no asymmetry."""
    person = shaven(seed)
    person.__dict__["neutral"] = load_asset().template.copy()
    return person


def scene(person: Person, motion: Motion) -> Scene:
    return Scene(person, motion.pose[0], motion.expression[0], motion.gaze[0])


def test_inner_points_are_projected_mesh_points():
    """Second opinion: a pinhole camera in float64, written out here."""
    person, motion = Person(11), Motion(4, 3, fps=2)
    clip = render(person, motion, 96)
    for i in range(3):
        one = scene(person, motion[[i]])
        index, weight = places()["inner"], places()["inner_weights"]
        points = (one.points[index].astype(float) * weight[..., None]).sum(1) - [0, 7.05, 0.5]
        depth = person.looks.distance - points[:, 2]
        flat = np.stack([points[:, 0] / depth, -points[:, 1] / depth], 1)
        ours = clip.landmarks[i, 17:].numpy().astype(float)
        scale = np.linalg.norm(ours[0] - ours[40]) / np.linalg.norm(flat[0] - flat[40])
        np.testing.assert_allclose(ours - ours.mean(0), (flat - flat.mean(0)) * scale, atol=0.05)


def test_the_frame_is_the_crop_of_its_own_landmarks():
    clip = render(Person(1), Motion(1, 4, fps=2), 80)
    square = crop_square(clip.landmarks)
    assert abs(square.left + 0.5) < 0.01 and abs(square.top + 0.5) < 0.01 and abs(square.side - 80) < 0.02


def contour_distance(mask: np.ndarray, point: np.ndarray) -> float:
    """Pixels to the nearest place where the mask begins or ends."""
    edge = np.zeros_like(mask)
    edge[:, 1:] |= mask[:, 1:] != mask[:, :-1]
    edge[1:] |= mask[1:] != mask[:-1]
    y, x = np.nonzero(edge)
    return float(np.hypot(x - 0.5 - point[0], y - point[1]).min())


@pytest.mark.parametrize(("yaw", "far"), [(32.0, range(11, 15)), (-32.0, range(2, 6))])
def test_far_jaw_points_lie_on_the_silhouette(yaw, far):
    """The trap: jaw points fixed on the mesh wander inside the face as it turns; ours stay on its edge."""
    person, fixed = shaven(3, neckline=(3.0, 0.0)), []
    clip = render(person, Motion.still(yaw=yaw), 192)
    mask, points = clip.truth["mask"][0].numpy(), clip.landmarks[0].numpy()
    ours = [contour_distance(mask, points[i]) for i in far]
    assert max(ours) < 4.0 and np.median(ours) < 2.0
    front, one = scene(person, Motion.still()), scene(person, Motion.still(yaw=yaw))
    _, square, focal = frame_square([one])
    line = places()["jaw"].reshape(17, -1)
    for i in far:
        candidates = np.unique(line[i])
        outermost = candidates[np.abs(front.points[candidates, 0]).argmax()]
        screen = one.on_screen(focal, (BASE / 2, BASE / 2))[outermost, :2]
        fixed.append(contour_distance(mask, square.points(torch.tensor(screen)[None], 192)[0].numpy()))
    assert np.median(fixed) > 2 * np.median(ours)


def test_mirrored_pose_mirrors_the_landmarks():
    person = symmetric(0)
    left = render(person, Motion.still(20, 8, -6, gaze=(10.0, 3.0), mouthSmileLeft=0.5), 128)
    right = render(person, Motion.still(-20, 8, 6, gaze=(-10.0, 3.0), mouthSmileRight=0.5), 128)
    flipped = right.landmarks[0][MIRROR].clone()
    flipped[:, 0] = 127 - flipped[:, 0]
    assert (left.landmarks[0] - flipped).abs().max() < 1.0
    pupils = right.truth["pupils"][0].flip(0).clone()
    pupils[:, 0] = 127 - pupils[:, 0]
    assert (left.truth["pupils"][0] - pupils).abs().max() < 1.0


def test_two_sizes_show_the_same_picture():
    person, motion = Person(8), Motion.still(12, -4, 3, jawOpen=0.3)
    large, small = render(person, motion, 192), render(person, motion, 64)
    shrunk = large.resize(64)
    assert (small.landmarks - shrunk.landmarks).abs().max() < 0.05
    assert (small.truth["pupils"] - shrunk.truth["pupils"]).abs().max() < 0.05
    assert (small.frames.float() - shrunk.frames.float()).abs().mean() < 10
    assert (small.truth["mask"] != shrunk.truth["mask"]).float().mean() < 0.03


def test_occlusion():
    bare = render(shaven(3), Motion.still(), 128).truth["occluded"][0]
    assert bare[17:].sum() <= 2 and bare[4:13].sum() <= 2
    turned = render(shaven(3), Motion.still(yaw=45), 128).truth["occluded"][0]
    assert turned[42:48].sum() > bare[42:48].sum() or turned[22:27].sum() > bare[22:27].sum()
    bearded = render(shaven(3, beard="full beard"), Motion.still(), 128).truth["occluded"][0]
    assert bearded[48:60].sum() >= bare[48:60].sum() + 2


def test_pose_gaze_and_pupils_follow_the_motion():
    straight, aside = (render(shaven(7), Motion.still(gaze=(g, 0.0)), 128) for g in (0.0, 25.0))
    assert (aside.truth["pupils"] - straight.truth["pupils"])[0, :, 0].min() > 1  # to the person's left: right in the picture
    nose = lambda clip: (clip.landmarks[0, 30] - clip.landmarks[0, [36, 45]].mean(0))[0].item()
    assert nose(render(shaven(7), Motion.still(yaw=25), 128)) > nose(straight) + 5
    roll = render(shaven(7), Motion.still(roll=15), 128).landmarks[0]
    slope = torch.atan2(*(roll[45] - roll[36]).flip(0)).rad2deg().item()
    assert abs(slope - 15) < 3
    np.testing.assert_allclose(rotation(30, 20, 10) @ rotation(30, 20, 10).T, np.eye(3), atol=1e-9)


def test_mouth_opens_and_eyes_close():
    shut, wide = (render(shaven(5), Motion.still(jawOpen=j), 128).landmarks[0] for j in (0.0, 0.6))
    gap = lambda p: (p[66] - p[62])[1].item()
    assert gap(wide) > gap(shut) + 6
    lids = lambda blink: render(shaven(5), Motion.still(eyeBlinkLeft=blink), 128).landmarks[0]
    height = lambda p: (p[[46, 47]] - p[[44, 43]])[:, 1].mean().item()
    assert height(lids(1.0)) < 0.4 * height(lids(0.0))
