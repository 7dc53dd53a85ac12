"""Clip: slicing, resizing, and what it refuses."""

from __future__ import annotations

import pytest
import torch

from tests.data.clips import noise_clip
from tlk.data import Clip


def numbers(clip: Clip) -> list[int]:
    return clip.frames[:, 0, 0, 0].tolist()


@pytest.mark.parametrize(
    ("index", "expected"),
    [(slice(1, 3), [1, 2]), ([3, 0], [3, 0]), (2, [2]), (-1, [4]), (slice(None, None, 2), [0, 2, 4]), (torch.tensor([1, 1]), [1, 1]), ([], [])],
)
def test_index(index, expected):
    clip = noise_clip(truth={"pose": torch.arange(5.0)[:, None], "person": {"seed": 3}})
    part = clip[index]
    assert numbers(part) == expected and part.truth["pose"].flatten().tolist() == expected
    assert torch.equal(part.landmarks, clip.landmarks[torch.tensor(expected, dtype=torch.long)])
    assert part.truth["person"] == {"seed": 3} and (part.name, part.fps) == (clip.name, clip.fps)


@pytest.mark.parametrize("index", [5, -6, [0, 7]])
def test_a_frame_that_is_not_there(index):
    with pytest.raises(IndexError, match="clip noise has 5 frames"):
        noise_clip()[index]


def test_frames_and_landmarks_must_fit():
    with pytest.raises(ValueError, match="clip bad: frames must be uint8"):
        Clip(torch.zeros(2, 3, 8, 9, dtype=torch.uint8), torch.zeros(2, 68, 2), name="bad")
    with pytest.raises(ValueError, match="clip bad: landmarks must be"):
        Clip(torch.zeros(2, 3, 8, 8, dtype=torch.uint8), torch.zeros(3, 68, 2), name="bad")


def test_resize_moves_points_with_the_picture():
    """A bright disc and a point at its centre stay together at every size."""
    y, x = torch.meshgrid(torch.arange(64.0), torch.arange(64.0), indexing="ij")
    disc = (((x - 20.5) ** 2 + (y - 37.5) ** 2) < 36) * 255
    clip = Clip(disc.to(torch.uint8).expand(1, 3, 64, 64).clone(), torch.tensor([20.5, 37.5]).expand(1, 68, 2))
    for size in (32, 24, 128):
        small = clip.resize(size)
        weight = small.images[0, 0] / small.images[0, 0].sum()
        grid = torch.arange(size, dtype=torch.float32)
        centre = torch.stack([(weight.sum(0) * grid).sum(), (weight.sum(1) * grid).sum()])
        torch.testing.assert_close(centre, small.landmarks[0, 0], atol=0.02, rtol=0)
        wrong = clip.landmarks[0, 0] * size / 64  # without the half pixel
        assert (centre - wrong).abs().max() > 0.1


def test_resize_moves_pupils_and_keeps_poses():
    clip = noise_clip(truth={"pupils": torch.full((5, 2, 2), 7.5), "pose": torch.ones(5, 3), "mask": torch.ones(5, 16, 16, dtype=torch.bool)})
    small = clip.resize(8)
    assert small.truth["pupils"].unique().tolist() == [3.5] and torch.equal(small.truth["pose"], clip.truth["pose"])
    assert small.truth["mask"].shape == (5, 8, 8) and small.truth["mask"].all() and small.size == 8


def test_images_and_landmark_images():
    clip = noise_clip(size=32)
    assert clip.images.dtype == torch.float32 and clip.images.max() <= 1
    assert clip.landmark_images.shape == clip.images.shape and clip.landmark_images.amax() > 0.5
