"""``X@face``: the crop against OpenCV's warp and a finite difference, and that a mouth weighs more there."""

import cv2
import numpy as np
import pytest
import torch
import torch.nn.functional as F

from tlk.data import heads
from tlk.landmarks import rasterise
from tlk.losses import Content
from tlk.losses.backbones import face_crop
from tlk.losses.backbones.on_face import MARGIN


@pytest.fixture(scope="module")
def person():
    motion = heads.Motion.still(jawOpen=0.0), heads.Motion.still(jawOpen=1.0)
    shut, wide = (heads.render(heads.Person(20_003), m, 64) for m in motion)
    return shut, wide


def square(x0, y0, x1, y1, size=64):
    """A landmark image in which that rectangle of pixels is drawn."""
    drawn = torch.zeros(1, 3, size, size)
    drawn[..., y0:y1, x0:x1] = 1
    return drawn


def test_crop_is_the_square_around_what_is_drawn():
    """Second opinion: OpenCV warps the same square, whose centre and side are worked out here by hand."""
    image = torch.rand(1, 3, 64, 64, generator=torch.Generator().manual_seed(0))
    ours = face_crop(image, square(20, 10, 40, 40))[0]
    side, centre = 30 * MARGIN, np.array([30.0, 25.0])
    scale = side / 48
    back = np.array([[scale, 0, centre[0] - side / 2 + scale / 2 - 0.5], [0, scale, centre[1] - side / 2 + scale / 2 - 0.5]])
    warped = cv2.warpAffine(image[0].permute(1, 2, 0).numpy(), back, (48, 48), flags=cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP, borderMode=cv2.BORDER_REPLICATE)
    assert ours.shape == (3, 48, 48)
    torch.testing.assert_close(ours, torch.from_numpy(warped).permute(2, 0, 1), atol=0.03, rtol=0)  # OpenCV rounds places to 1/32 of a pixel


def test_each_frame_of_a_batch_has_its_own_square():
    image = torch.rand(2, 3, 64, 64, generator=torch.Generator().manual_seed(0))
    drawn = torch.cat([square(5, 5, 30, 30), square(30, 20, 60, 60)])
    together = face_crop(image, drawn)
    torch.testing.assert_close(together, torch.cat([face_crop(image[i : i + 1], drawn[i : i + 1]) for i in range(2)]))
    assert (together[0] - face_crop(image[:1], drawn[1:])[0]).abs().max() > 0.1


def test_nothing_drawn_is_the_whole_frame():
    image = torch.rand(1, 3, 64, 64)
    torch.testing.assert_close(face_crop(image, torch.zeros(1, 3, 64, 64)), F.interpolate(image, (48, 48), mode="bilinear"))


def test_gradient_equals_finite_difference_and_stays_on_the_face():
    content = Content([("efficientnet-lite0@face", 1.0)]).double()
    g = torch.Generator().manual_seed(1)
    real, drawn = torch.rand(1, 3, 64, 64, generator=g).double(), square(20, 20, 40, 44)
    fake = (real + 0.05 * torch.randn(real.shape, generator=g).double()).requires_grad_()
    direction = torch.randn(real.shape, generator=g).double()

    def value(x):
        return content(x, real, drawn)["efficientnet-lite0@face"]

    (gradient,) = torch.autograd.grad(value(fake), fake)
    step = 1e-8
    numeric = (value(fake + step * direction) - value(fake - step * direction)) / (2 * step)
    assert numeric.item() == pytest.approx((gradient * direction).sum().item(), rel=1e-3)  # |·| has kinks
    assert gradient[..., :14].abs().max() == 0 and gradient[..., 25:40, 24:36].abs().min() > 0


def test_a_mouth_that_stays_shut_costs_more_of_it(person):
    """What it is for: of two faults that the frame's content finds alike, the shut mouth is the worse one to a look at the face."""
    shut, wide = person
    content = Content([("efficientnet-lite0", 1.0), ("efficientnet-lite0@face", 1.0)])
    real, drawn = wide.images, rasterise(wide.landmarks.float(), 64)
    border = real.clone()
    border[..., :, :8] = border[..., :, :8].flip(1)  # colours of a strip beside the face are wrong
    mouth = content(shut.images, real, drawn)
    beside = content(border, real, drawn)
    ratio = {name: (mouth[name] / beside[name].clamp_min(1e-6)).item() for name in mouth}
    assert ratio["efficientnet-lite0@face"] > 5 * ratio["efficientnet-lite0"]


def test_it_asks_for_the_landmarks():
    with pytest.raises(ValueError, match=r"content\(fake, real, landmark_images\)"):
        Content([("efficientnet-lite0@face", 1.0)])(torch.rand(1, 3, 64, 64), torch.rand(1, 3, 64, 64))


def test_what_measures_does_not_train_through_a_crop_either():
    with pytest.raises(ValueError, match="measures results"):
        Content([("efficientnet-lite1@face", 1.0)])
