"""The crop: pixels and points move together, borders are continued, and results can be pasted back."""

from __future__ import annotations

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from PIL import Image

from tests.landmarks.faces import face, faces
from tlk.landmarks import Square, crop_image, crop_square, paste_back


def disc(x: float, y: float, radius: float, height: int, width: int) -> torch.Tensor:
    """White disc on black with soft edge."""
    rows, columns = torch.meshgrid(torch.arange(height), torch.arange(width), indexing="ij")
    d = ((columns - x) ** 2 + (rows - y) ** 2).sqrt()
    return ((radius + 0.5 - d).clamp(0, 1) * 255).round().to(torch.uint8).expand(3, -1, -1)


def centre(image: torch.Tensor) -> torch.Tensor:
    weight = image[0].double() / image[0].double().sum()
    rows, columns = (torch.arange(n, dtype=torch.float64) for n in image.shape[1:])
    return torch.stack([(weight.sum(0) * columns).sum(), (weight.sum(1) * rows).sum()])


@pytest.mark.parametrize("square", [Square(20.3, 10.7, 60.0), Square(-9.5, -20.2, 130.4), Square(30.25, 15.0, 25.5)])
@pytest.mark.parametrize("size", [32, 64, 200])
def test_points_stay_on_their_pixels(square, size):
    x, y = 42.4, 29.6
    out = crop_image(disc(x, y, 6, 90, 120), square, size)
    point = square.points(torch.tensor([[x, y]], dtype=torch.float64), size)[0]
    torch.testing.assert_close(centre(out), point, atol=0.05, rtol=0)
    assert (centre(out) - (point + 0.5)).abs().max() > 0.3  # half a pixel off would be seen
    torch.testing.assert_close(square.points_back(point[None], size), torch.tensor([[x, y]], dtype=torch.float64))


def test_agrees_with_torch_where_the_square_lies_on_whole_pixels():
    image = torch.randint(0, 256, (3, 80, 90), dtype=torch.uint8, generator=torch.Generator().manual_seed(0))
    ours = crop_image(image, Square(9.5, 19.5, 60.0), 24).float()
    theirs = F.interpolate(image[None, :, 20:80, 10:70].float(), (24, 24), mode="bicubic", antialias=True, align_corners=False)[0]
    inner = (slice(None), slice(2, -2), slice(2, -2))  # torch cannot see beyond its crop
    assert (ours[inner] - theirs[inner].clamp(0, 255)).abs().max() <= 1.5


def test_reducing_is_antialiased():
    """A one-pixel chequerboard becomes grey; picking every n-th pixel would keep black and white."""
    board = ((torch.arange(128)[:, None] + torch.arange(128)) % 2 * 255).to(torch.uint8).expand(3, -1, -1)
    assert (crop_image(board, Square(-0.5, -0.5, 128.0), 32).float() - 127.5).abs().max() < 3


def test_borders_are_continued_and_never_black():
    image = torch.full((3, 40, 50), 77, dtype=torch.uint8)
    assert crop_image(image, Square(-30.2, 10.3, 90.0), 64).unique().tolist() == [77]
    assert crop_image(image, Square(200.0, 10.3, 30.0), 16).unique().tolist() == [77]


def test_the_square_holds_every_point_of_the_clip_and_ignores_missing_ones():
    points = faces(6, 200)
    points[2] += 30
    points[3, 5] = float("nan")
    square = crop_square(points)
    inside = square.points(points, 100)
    finite = inside[inside.isfinite()]
    assert finite.min() > 5 and finite.max() < 95
    assert crop_square(points[:, :, :]) == square  # one for the whole clip: motion stays
    assert inside[0, 30, 0] + 10 < inside[2, 30, 0]
    with pytest.raises(ValueError, match="every point is missing"):
        crop_square(torch.full((1, 68, 2), float("nan")))


@pytest.mark.parametrize("size", [40, 64, 256])
def test_paste_back_inverts_crop(size):
    y, x = torch.meshgrid(torch.linspace(0, 3, 90), torch.linspace(0, 4, 120), indexing="ij")
    image = torch.stack([(torch.sin(a * x + b * y) * 100 + 128) for a, b in ((1, 2), (2, 1), (1, -1))]).to(torch.uint8)
    square = Square(30.3, -12.6, 75.4)
    back = paste_back(image, crop_image(image, square, size), square)
    assert (back.float() - image.float()).abs().max() <= 4
    red = paste_back(image, torch.tensor([1.0, 0, 0])[:, None, None].expand(3, 8, 8), square)
    changed = (red != image).any(0).nonzero()
    assert changed.min(0).values.tolist() == [0, 30] and changed.max(0).values.tolist() == [63, 106]
    assert torch.equal(red[:, :60, 35:100], torch.tensor([255, 0, 0], dtype=torch.uint8)[:, None, None].expand(3, 60, 65))


def test_feather_fades_and_a_square_outside_changes_nothing():
    image = torch.zeros(3, 60, 60, dtype=torch.uint8)
    out = paste_back(image, torch.ones(3, 8, 8), Square(9.5, 9.5, 40.0), feather=0.25)[0].float()
    row = out[30, 10:50]
    assert row[0] < 30 and row[20] == 255 and (row[1:10] > row[:9]).all() and torch.equal(row, row.flip(0))
    assert torch.equal(paste_back(image, torch.ones(3, 8, 8), Square(100.0, 0.0, 20.0)), image)


def test_crop_is_the_same_for_a_larger_photo_around_it():
    """The trap: padded frames in training, unpadded in use. Here the same face crops alike from both."""
    photo = torch.randint(0, 256, (3, 120, 120), generator=torch.Generator().manual_seed(0), dtype=torch.uint8)
    wide = torch.zeros(3, 200, 220, dtype=torch.uint8)
    wide[:, 30:150, 50:170] = photo
    points, moved = face(60)[None] + 30, face(60)[None] + torch.tensor([80.0, 60.0])

    def ours(image, where):
        square = crop_square(where)
        return crop_image(image, square, 48), square.points(where, 48)

    def padded(image, where):  # as VoxCeleb2's 224 are brought to 256: zeros around the frame
        longer = max(image.shape[1:])
        square = F.pad(image, (0, longer - image.shape[2], 0, longer - image.shape[1]))
        return F.interpolate(square[None].float(), (48, 48), mode="area")[0], where * 48 / longer

    def alike(way):
        (a, p), (b, q) = way(photo, points), way(wide, moved)
        # One grey level: at another place the square's edges round differently in float32, and with them the resampling.
        return (a.float() - b.float()).abs().max() <= 1 and torch.allclose(p, q, atol=1e-3)

    assert alike(ours) and not alike(padded)
