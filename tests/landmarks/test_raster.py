"""``rasterise`` beside OpenCV, plain formulae and finite differences."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import cv2
import numpy as np
import pytest
import torch
import tlk
from tests.landmarks.faces import face, faces

from tlk.landmarks import GROUPS, line_width_of, rasterise


def opencv(points: torch.Tensor, size: int, width: float, finer: int = 17) -> torch.Tensor:
    """cv2.polylines at ``finer`` times the size, averaged down.

    OpenCV's lines are wider than asked: an even thickness t gives t + 1 pixels (t = 2 with LINE_AA: 3.4).
    Hence the finer canvas and the one taken off.
    """
    canvas = np.zeros((size * finer, size * finer, 3), np.uint8)
    for group in GROUPS:
        fine = (points[group.indices].numpy() + 0.5) * finer - 0.5
        cv2.polylines(canvas, [np.round(fine * 256).astype(np.int32)], group.closed, group.colour, round(width * finer - 1), cv2.LINE_8, shift=8)
    small = cv2.resize(canvas, (size, size), interpolation=cv2.INTER_AREA)
    return torch.from_numpy(small).permute(2, 0, 1) / 255


def dense(points: torch.Tensor, size: int, width: float) -> torch.Tensor:
    """The docstring's formula for every pixel and segment, in float64."""
    y, x = torch.meshgrid(torch.arange(size), torch.arange(size), indexing="ij")
    pixels = torch.stack([x, y], -1).double()
    image = torch.zeros(3, size, size, dtype=torch.float64)
    for group in GROUPS:
        coverage = torch.zeros(size, size, dtype=torch.float64)
        for i, j in group.segments:
            a, b = points[i].double(), points[j].double()
            t = (((pixels - a) @ (b - a)) / ((b - a) @ (b - a)).clamp_min(1e-12)).clamp(0, 1)
            d = (pixels - a - t[..., None] * (b - a)).norm(dim=-1)
            coverage = torch.maximum(coverage, (width / 2 + 0.5 - d).clamp(0, 1))
        image = (1 - coverage) * image + coverage * torch.tensor(group.colour)[:, None, None] / 255
    return image


@pytest.mark.parametrize("size", [48, 64, 256])
def test_agrees_with_opencv(size):
    points = faces(1, size)[0]
    ours, theirs = rasterise(points[None], size)[0], opencv(points, size, line_width_of(size))

    def difference(image):
        return (image - theirs).abs().sum() / theirs.sum()

    assert difference(ours) < 0.08  # a share of the ink; what is left is the shape of the soft edge
    width = line_width_of(size)
    for wrong in (rasterise(points[None] + 0.25, size)[0], rasterise(points[None], size, width * 1.25)[0]):
        assert difference(wrong) > 0.16


@pytest.mark.parametrize(("size", "width"), [(64, 1.0), (64, 2.7), (33, 1.0)])
def test_equals_the_formula_at_every_pixel(size, width):
    for points in faces(3, size, seed=1):
        torch.testing.assert_close(rasterise(points[None], size, width)[0].double(), dense(points, size, width), atol=1e-4, rtol=0)


def test_points_outside_the_image_are_cut_and_cost_nothing():
    wild = face(64).clone()
    wild[::5] = wild[::5] * 1000 - 30000
    wild[1] = torch.tensor([1e7, -1e7])
    near = wild.clamp(-3000, 3000)
    torch.testing.assert_close(rasterise(near[None], 64)[0].double(), dense(near, 64, 1.0), atol=2e-2, rtol=0)
    assert torch.isfinite(rasterise(wild[None], 64)).all()
    assert rasterise(face(64)[None] + 1000, 64).sum() == 0


def test_missing_points_leave_out_their_segments_only():
    points = face(256)
    missing = points.clone()
    missing[3] = float("nan")
    missing[40, 0] = float("inf")
    image = rasterise(missing[None], 256)[0]
    assert torch.isfinite(image).all()
    gone = torch.stack([(points[a] + points[b]) / 2 for a, b in ((2, 3), (3, 4), (39, 40), (40, 41))])
    kept = torch.stack([(points[a] + points[b]) / 2 for a, b in ((1, 2), (4, 5), (38, 39), (36, 41), (50, 51))])
    ink = image.amax(0)
    assert all(ink[round(y), round(x)] < 0.05 for x, y in gone.tolist())
    assert all(ink[round(y), round(x)] > 0.25 for x, y in kept.tolist())
    assert rasterise(torch.full((2, 68, 2), float("nan")), 16).sum() == 0


def test_a_batch_is_its_items():
    points = faces(5, 64)
    points[2, 10] = float("nan")
    assert torch.equal(rasterise(points, 64), torch.cat([rasterise(p[None], 64) for p in points]))
    assert rasterise(points[:0], 64).shape == (0, 3, 64, 64)


@pytest.mark.parametrize("width", [1.0, 2.0])
def test_gradient_equals_finite_differences(width):
    points = faces(1, 32, seed=3).double()
    weight = torch.randn(3, 32, 32, dtype=torch.float64, generator=torch.Generator().manual_seed(0))

    def drawn(p):
        return (rasterise(p, 32, width)[0] * weight).sum()

    moving = points.clone().requires_grad_()
    drawn(moving).backward()
    directions = torch.randn(6, 1, 68, 2, dtype=torch.float64, generator=torch.Generator().manual_seed(1))
    for direction in directions:
        numeric = (drawn(points + 1e-6 * direction) - drawn(points - 1e-6 * direction)) / 2e-6
        torch.testing.assert_close((moving.grad * direction).sum(), numeric, rtol=1e-3, atol=1e-3)


def test_gradient_is_finite_where_points_are_missing_or_coincide():
    points = face(32)[None].clone()
    points[0, 5], points[0, 20] = float("nan"), points[0, 21]
    points[0, 30] = points[0, 30].round()
    points.requires_grad_()
    rasterise(points, 32).sum().backward()
    assert torch.isfinite(points.grad).all() and points.grad.abs().sum() > 0


def test_later_groups_lie_over_earlier_ones():
    points = torch.full((68, 2), float("nan"))
    points[0], points[1] = torch.tensor([0.0, 8.0]), torch.tensor([16.0, 8.0])  # jaw, white
    points[36], points[37] = torch.tensor([8.0, 0.0]), torch.tensor([8.0, 16.0])  # right eye, magenta
    image = rasterise(points[None], 17, 1.0)[0]
    assert image[:, 8, 8].tolist() == pytest.approx([1, 0, 1], abs=1e-5)
    assert image[:, 8, 2].tolist() == pytest.approx([1, 1, 1], abs=1e-5)


def test_pupils_are_dots_and_68_points_draw_none():
    points = torch.cat([face(256), face(256)[36:42].mean(0, True), face(256)[42:48].mean(0, True)])
    extra = rasterise(points[None], 256)[0] - rasterise(points[None, :68], 256)[0]
    x, y = points[68].round().long().tolist()
    assert rasterise(points[None], 256)[0][:, y, x].tolist() == [1, 1, 1]
    spread = (extra.abs().sum(0) > 0).nonzero()
    assert 10 < len(spread) < 80


def test_line_width_follows_the_size_and_never_falls_under_a_pixel():
    assert [line_width_of(s) for s in (16, 64, 128, 256, 512)] == [1, 1, 1, 2, 4]


@pytest.mark.parametrize("count", [67, 69, 5])
def test_other_numbers_of_points_are_refused(count):
    with pytest.raises(ValueError, match="68 points"):
        rasterise(torch.zeros(1, count, 2), 32)


def imports(code: str) -> set[str]:
    """Modules that a fresh interpreter holds after ``code``."""
    result = subprocess.run([sys.executable, "-c", f"{code}\nimport sys; print(*sys.modules)"], capture_output=True, text=True, check=True)
    return set(result.stdout.split())


def test_no_plotting_library_in_the_training_loop():
    """The trap: landmarks drawn with matplotlib. What trains does not import it, nor OpenCV or a detector.

    The loop's own floor is read, not run: its engine brings packages that import matplotlib for themselves.
    """
    ours = "import torch, tlk.data, tlk.networks, tlk.losses as _; from tlk.landmarks import rasterise; rasterise(torch.rand(2, 68, 2) * 64, 64)"
    unwanted = {"matplotlib", "cv2", "skimage", "face_alignment", "dlib"}
    assert not imports(ours) & unwanted
    assert imports("import matplotlib") & unwanted
    loop = "".join(path.read_text() for path in Path(tlk.__file__).parent.joinpath("learning").glob("*.py"))
    assert "rasterise(" in loop and not any(f"import {name}" in loop or f"from {name}" in loop for name in unwanted)
