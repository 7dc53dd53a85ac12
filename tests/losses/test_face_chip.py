"""Face chips against dlib's own, on points that need no detector."""

import numpy as np
import pytest
import torch

from tlk.losses import load_backbone
from tlk.losses.backbones.face_chip import PLACES, POINTS, face_chips


@pytest.fixture(scope="module")
def image():
    from skimage.data import astronaut

    return np.ascontiguousarray(astronaut())


def landmarks(turn: float, side: float, x: float, y: float) -> torch.Tensor:
    """68 whole-pixel landmarks of an upright mean face of ``side`` pixels, turned by ``turn`` and moved."""
    rotation = torch.tensor([[np.cos(turn), -np.sin(turn)], [np.sin(turn), np.cos(turn)]], dtype=torch.float32)
    points = torch.full((68, 2), torch.nan)
    points[list(POINTS)] = ((torch.tensor(PLACES) - 0.5) * side) @ rotation.T + torch.tensor([x, y])
    points[list(POINTS)] += torch.randn(len(POINTS), 2, generator=torch.Generator().manual_seed(0)) * side / 50
    return points.round()


def dlib_chip(image: np.ndarray, points: torch.Tensor) -> torch.Tensor:
    import dlib

    parts = [dlib.point(int(x), int(y)) for x, y in points.nan_to_num(0).tolist()]
    shape = dlib.full_object_detection(dlib.rectangle(0, 0, 100, 100), parts)
    chip = dlib.get_face_chip(image, shape, size=150, padding=0.25)
    return torch.from_numpy(chip).permute(2, 0, 1).float() / 255


FACES = [(0.0, 100, 225, 110), (0.5, 80, 230, 120), (-0.3, 150, 220, 130), (0.2, 190, 240, 200)]


@pytest.mark.parametrize("face", FACES)
def test_chips_are_dlibs(image, face):
    points = landmarks(*face)
    images = torch.from_numpy(image).permute(2, 0, 1)[None].float() / 255
    ours, theirs = face_chips(images, points[None])[0], dlib_chip(image, points)
    shifted = face_chips(images, points[None] + torch.tensor([1.0, 0.0]))[0]
    assert (ours - theirs).abs().mean() < 4 / 255
    assert (ours - theirs).abs().mean() < 0.7 * (shifted - theirs).abs().mean()
    assert distance(ours, theirs) < 0.05


def test_a_face_far_larger_than_the_chip(image):
    """Here dlib halves the image first, which moves it by about half a pixel."""
    points = landmarks(0.2, 300, 240, 240)
    images = torch.from_numpy(image).permute(2, 0, 1)[None].float() / 255
    assert distance(face_chips(images, points[None])[0], dlib_chip(image, points)) < 0.1


def distance(a: torch.Tensor, b: torch.Tensor) -> float:
    """Between embeddings; 0.6 is the border between two people."""
    a, b = load_backbone("dlib-resnet")(torch.stack([a, b]))[-1]
    return torch.dist(a, b).item()


def test_gradients_reach_landmarks_and_image(image):
    images = (torch.from_numpy(image).permute(2, 0, 1)[None].float() / 255).requires_grad_()
    points = landmarks(0, 100, 225, 110)[None].requires_grad_()
    face_chips(images, points).square().mean().backward()
    assert images.grad.abs().sum() > 0 and points.grad[:, list(POINTS)].abs().sum() > 0


def test_values_stay_images_and_a_batch_is_each_alone(image):
    images = torch.from_numpy(image).permute(2, 0, 1)[None].float().expand(2, -1, -1, -1) / 255
    points = torch.stack([landmarks(0, 100, 225, 110), landmarks(0.4, 90, 40, 40)])
    both = face_chips(images, points)
    assert both.min() >= 0 and both.max() <= 1 + 1e-6 and both.shape == (2, 3, 150, 150)
    assert torch.allclose(both[1:], face_chips(images[1:], points[1:]), atol=1e-5)


def test_a_missing_eye_is_named():
    with pytest.raises(ValueError, match="landmarks of eyes, nose and mouth"):
        face_chips(torch.rand(1, 3, 64, 64), torch.full((1, 68, 2), torch.nan))
