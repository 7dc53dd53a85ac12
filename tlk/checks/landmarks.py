"""Checks of 01_landmarks: mirroring points, reading the yaw off them, and whose points they are.

``faces.npz`` holds the exact points of 6 rendered people in the same 8 poses, and the yaw. It was made by
    motion = heads.Motion(5, frames=40, fps=5)[[2, 6, 12, 17, 22, 27, 33, 38]]
    clips = [heads.render(heads.Person(s), motion, 64) for s in heads.people("validation", 6)]
"""

from __future__ import annotations

from collections.abc import Callable
from importlib.resources import files

import numpy as np
import torch
from torch import Tensor

from tlk.checks import passed, same, wrong_if
from tlk.landmarks import EYE_CORNERS

MIRROR = [*range(16, -1, -1), *range(26, 16, -1), 27, 28, 29, 30, 35, 34, 33, 32, 31, 45, 44, 43, 42, 47, 46, 39, 38, 37, 36, 41, 40]
MIRROR += [54, 53, 52, 51, 50, 49, 48, 59, 58, 57, 56, 55, 64, 63, 62, 61, 60, 67, 66, 65]


def faces() -> tuple[Tensor, Tensor]:
    """Points (6 people, 8 poses, 68, 2) in pixels of 64-pixel frames, and the yaw in degrees (6, 8)."""
    with (files("tlk.checks") / "faces.npz").open("rb") as file, np.load(file) as kept:
        return torch.tensor(kept["points"]), torch.tensor(kept["yaw"])


def mirror(yours: Callable) -> None:
    """``mirror(points (f, 68, 2), size) → (f, 68, 2)``: the points of the frame flipped left to right."""
    given = faces()[0][0]
    points, size = given.clone(), 64
    found = yours(points, size)
    right = given[:, MIRROR].clone()
    right[..., 0] = size - 1 - right[..., 0]
    wrong_if(not torch.equal(points, given), "your function changed the points it was given: work on a copy, .clone()")
    same(found, right, told(found, given, size), atol=1e-3)
    passed("mirror: flipped and renumbered; twice mirrored is unchanged")


def told(found: object, given: Tensor, size: int) -> str:
    """The likely mistake in mirrored points."""
    if not isinstance(found, Tensor) or found.shape != given.shape:
        return "all points of all frames must come back"
    flipped = given.clone()
    flipped[..., 0] = size - 1 - flipped[..., 0]
    off_by_one = torch.tensor([1.0, 0.0])
    if torch.allclose(found, flipped, atol=1e-3):
        return "x is flipped, but the points keep their numbers: the right eye of the flipped face is where the left one was. Did you renumber?"
    if torch.allclose(found, given[:, MIRROR], atol=1e-3):
        return "the points are renumbered, but lie where they were: did you flip x?"
    if torch.allclose(found, flipped[:, MIRROR] + off_by_one, atol=1e-3):
        return "everything is one pixel too far right: pixel centres are at integers, so x becomes (size − 1) − x"
    wrong = [i for i in range(68) if not torch.allclose(found[:, i], flipped[:, MIRROR[i]], atol=1e-3)]
    return f"points {', '.join(map(str, wrong[:8]))}{' …' * (len(wrong) > 8)} are not where they should be: which point of the old face is point {wrong[0] if wrong else 0} of the new one?"


def yaw(yours: Callable) -> None:
    """``estimate_yaw(points (f, 68, 2)) → (f,)`` degrees, positive as in ``truth["pose"]``; correlation above 0.9 over people."""
    points, truth = (x.flatten(0, 1) for x in faces())
    found = yours(points)
    wrong_if(not isinstance(found, Tensor) or found.shape != truth.shape, f"one number for each face is asked for, shape {tuple(truth.shape)}")
    wrong_if(not torch.isfinite(found).all() or found.std() < 1e-6, "your estimate is the same for every face, or not a number")
    correlation = float(torch.corrcoef(torch.stack([found.float(), truth]))[0, 1])
    wrong_if(correlation < -0.9, f"correlation {correlation:.2f}: right but for the sign; where does the tip of the nose go when the yaw is positive?")
    wrong_if(correlation < 0.9, f"correlation {correlation:.2f}, 0.9 is asked for: does your measure change with the head's place in the frame? Take it relative to the face.")
    larger = yours(points * 4)
    wrong_if((larger - found).abs().max() > 0.1 * found.std(), "the same face in a frame four times as large gets another yaw: divide by a distance between points")
    error = float((found - truth).abs().mean())
    wrong_if(error > 5, f"the order is right (correlation {correlation:.2f}), but the mean error is {error:.0f} degrees: scale to degrees; one factor for everybody is enough, chosen so that the estimates spread as far as the truth (yours {float(found.std()):.0f} degrees, the truth {float(truth.std()):.0f})")
    passed(f"estimate_yaw: correlation {correlation:.3f}, mean error {error:.1f} degrees")


def normal(points: Tensor) -> Tensor:
    """Each face about its own mean point, in units of the distance of its outer eye corners."""
    centred = points - points.mean(-2, keepdim=True)
    eyes = points[..., EYE_CORNERS[0], :] - points[..., EYE_CORNERS[1], :]
    return centred / eyes.norm(dim=-1)[..., None, None]


def spread(yours: Callable) -> None:
    """``spread(points (p, f, 68, 2)) → (between people (68,), between poses (68,))``, of normalised faces."""
    points = faces()[0]
    found = yours(points)
    wrong_if(not isinstance(found, tuple | list) or len(found) != 2, "two tensors are asked for: between people, and between poses")
    faced = normal(points)
    people, poses = faced.std(0).norm(dim=-1).mean(0), faced.std(1).norm(dim=-1).mean(0)
    wrong_if(all(isinstance(x, Tensor) and x.shape == people.shape for x in found) and torch.allclose(found[0], poses, rtol=1e-2), "the two are swapped: the first axis is people, the second poses")
    message = "not the right spread: is every face, not the whole batch, centred on its own mean and divided by its own distance of the eyes before the standard deviation is taken?"
    same(found[0], people, f"between people: {message}", rtol=1e-2)
    same(found[1], poses, f"between poses: {message}", rtol=1e-2)
    passed(f"spread: between people {people.mean():.3f}, between poses {poses.mean():.3f} of the distance of the eyes")
