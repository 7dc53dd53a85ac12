"""``X@face`` and ``X@mouth``: the crop against OpenCV's warp and a finite difference, and that a mouth weighs more there."""

import cv2
import numpy as np
import pytest
import torch
import torch.nn.functional as F

from tlk.data import heads
from tlk.landmarks import rasterise
from tlk.losses import Content
from tlk.losses.backbones import close_up
from tlk.losses.backbones.close_up import PARTS, drawn


@pytest.fixture(scope="module")
def wide():
    """Someone with the mouth wide open."""
    return heads.render(heads.Person(20_003), heads.Motion.still(jawOpen=1.0), 64)


def square(x0, y0, x1, y1, size=64):
    """A landmark image in which that rectangle of pixels is drawn."""
    image = torch.zeros(1, 3, size, size)
    image[..., y0:y1, x0:x1] = 1
    return image


def test_crop_is_the_square_around_what_is_drawn():
    """Second opinion: OpenCV warps the same square, whose centre and side are worked out here by hand."""
    image = torch.rand(1, 3, 64, 64, generator=torch.Generator().manual_seed(0))
    ours = close_up(image, square(20, 10, 40, 40))[0]
    side, centre = 30 * PARTS["face"][0], np.array([30.0, 25.0])
    scale = side / 48
    back = np.array([[scale, 0, centre[0] - side / 2 + scale / 2 - 0.5], [0, scale, centre[1] - side / 2 + scale / 2 - 0.5]])
    warped = cv2.warpAffine(image[0].permute(1, 2, 0).numpy(), back, (48, 48), flags=cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP, borderMode=cv2.BORDER_REPLICATE)
    assert ours.shape == (3, 48, 48)
    torch.testing.assert_close(ours, torch.from_numpy(warped).permute(2, 0, 1), atol=0.03, rtol=0)  # OpenCV rounds places to 1/32 of a pixel


def test_each_frame_of_a_batch_has_its_own_square():
    image = torch.rand(2, 3, 64, 64, generator=torch.Generator().manual_seed(0))
    squares = torch.cat([square(5, 5, 30, 30), square(30, 20, 60, 60)])
    together = close_up(image, squares)
    torch.testing.assert_close(together, torch.cat([close_up(image[i : i + 1], squares[i : i + 1]) for i in range(2)]))
    assert (together[0] - close_up(image[:1], squares[1:])[0]).abs().max() > 0.1


def test_nothing_drawn_is_the_whole_frame():
    image = torch.rand(1, 3, 64, 64)
    torch.testing.assert_close(close_up(image, torch.zeros(1, 3, 64, 64)), F.interpolate(image, (48, 48), mode="bilinear"))


def test_gradient_equals_finite_difference_and_stays_on_the_face():
    content = Content([("efficientnet-lite0@face", 1.0)]).double()
    g = torch.Generator().manual_seed(1)
    real, where = torch.rand(1, 3, 64, 64, generator=g).double(), square(20, 20, 40, 44)
    fake = (real + 0.05 * torch.randn(real.shape, generator=g).double()).requires_grad_()
    direction = torch.randn(real.shape, generator=g).double()

    def value(x):
        return content(x, real, where)["efficientnet-lite0@face"]

    (gradient,) = torch.autograd.grad(value(fake), fake)
    step = 1e-8
    numeric = (value(fake + step * direction) - value(fake - step * direction)) / (2 * step)
    assert numeric.item() == pytest.approx((gradient * direction).sum().item(), rel=1e-3)  # |·| has kinks
    assert gradient[..., :14].abs().max() == 0 and gradient[..., 25:40, 24:36].abs().min() > 0


def test_a_painted_mouth_costs_more_of_it(wide):
    """What it is for: a mouth without its opening is next to nothing in the mean over the frame."""
    content = Content([(f"efficientnet-lite0{part}", 1.0) for part in ("", "@face", "@mouth")])
    real, points = wide.images, rasterise(wide.landmarks.float(), 64)
    (x0, y0), (x1, y1) = (wide.landmarks[0, 60:68].float().amin(0).long(), wide.landmarks[0, 60:68].float().amax(0).long() + 1)
    painted, beside = real.clone(), real.clone()
    painted[..., y0:y1, x0:x1] = real[..., y0 - 2, x0, None, None]  # the opening in the colour of the lip
    beside[..., :, :8] = beside[..., :, :8].flip(1)  # colours of a strip beside the face are wrong
    frame, face, mouth = content(painted, real, points).values()
    assert face > 1.5 * frame and mouth > 1.5 * face
    frame, face, mouth = content(beside, real, points).values()
    assert frame > 0 and face == mouth == 0


def test_it_asks_for_the_landmarks():
    with pytest.raises(ValueError, match=r"content\(fake, real, landmark_images\)"):
        Content([("efficientnet-lite0@face", 1.0)])(torch.rand(1, 3, 64, 64), torch.rand(1, 3, 64, 64))


def test_what_measures_does_not_train_through_a_crop_either():
    with pytest.raises(ValueError, match="measures results"):
        Content([("efficientnet-lite1@face", 1.0)])


def test_the_mouth_is_found_by_its_colour(wide):
    """The crop of the mouth is the square around points 48 to 67 as drawn, whatever else is in the picture."""
    landmarks = wide.landmarks[:1].float()
    everything = rasterise(landmarks, 64)
    lips = drawn(everything, PARTS["mouth"][1])[0].nonzero().float().flip(-1)
    wanted = landmarks[0, 48:68]
    assert (lips.amin(0) - wanted.amin(0)).abs().max() < 2 and (lips.amax(0) - wanted.amax(0)).abs().max() < 2
    assert drawn(everything)[0].sum() > 3 * len(lips)
    image = torch.rand(1, 3, 64, 64, generator=torch.Generator().manual_seed(0))
    assert not torch.equal(close_up(image, everything, "mouth"), close_up(image, everything, "face"))


def test_unknown_part():
    with pytest.raises(ValueError, match="no close-up of 'ear'; choose one of face, mouth"):
        Content([("efficientnet-lite0@ear", 1.0)])
