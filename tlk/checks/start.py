"""Checks of 00_start_here: which source frames to take, what a copy would reach, and fitting a driver's track."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor

from tlk.checks import passed, same, wrong_if


def track(frames: int, seed: int) -> Tensor:
    """(frames, 68, 2): a made face that turns, nods and comes nearer, in pixels of a 64-pixel frame."""
    random = torch.Generator().manual_seed(seed)
    shape = torch.randn(68, 2, generator=random) * 10
    time = torch.linspace(0, 6.28, frames)
    place = torch.stack([6 * time.sin(), 3 * (2 * time).cos()], -1)
    return 32 + place[:, None] + shape * (1 + 0.2 * time.sin())[:, None, None] + 0.5 * torch.randn(frames, 68, 2, generator=random)


def farthest(points: Tensor, k: int) -> list[int]:
    """Indices of k frames: the first one, then each time the frame whose nearest chosen one is farthest away."""
    distance = torch.cdist(points.flatten(1), points.flatten(1))
    chosen = [0]
    while len(chosen) < k:
        chosen.append(int(distance[:, chosen].min(1).values.argmax()))
    return chosen


def choose(yours: Callable) -> None:
    """``choose(points (f, 68, 2), k) → k indices`` by farthest-point sampling from frame 0."""
    points = track(30, seed=1)
    found = yours(points.clone(), 6)
    wrong_if(found is None, "your function returns nothing: is there a return at its end?")
    found = [int(i) for i in found]
    right = farthest(points, 6)
    wrong_if(len(found) != 6, f"{len(found)} frames for k = 6: count the first one, too")
    wrong_if(len(set(found)) < 6, f"a frame is chosen twice, {found}: its distance to itself is 0, so it cannot be the farthest from all chosen ones")
    wrong_if(found[0] != 0, "begin with frame 0, so that everybody gets the same answer")
    wrong_if(found == chained(points, 6), "each frame is far from the one chosen last only: compare with all chosen so far, and take the nearest of them")
    wrong_if(found == summed(points, 6), "the sum of the distances goes for the outermost frames, even when one like them is chosen: take the smallest distance instead")
    wrong_if(found == torch.linspace(0, 29, 6).long().tolist(), "evenly spaced in time is what the notebook did: choose by the points, not by the clock")
    wrong_if(found != right, f"{found} instead of {right}: add the frame whose distance to its nearest chosen frame is largest, again and again")
    passed(f"choose: frames {found}")


def chained(points: Tensor, k: int) -> list[int]:
    """A likely mistake: far from the last one chosen."""
    distance, chosen = torch.cdist(points.flatten(1), points.flatten(1)), [0]
    while len(chosen) < k:
        left = distance[:, chosen[-1]].clone()
        left[chosen] = -1
        chosen.append(int(left.argmax()))
    return chosen


def summed(points: Tensor, k: int) -> list[int]:
    """A likely mistake: far from all in the sum."""
    distance, chosen = torch.cdist(points.flatten(1), points.flatten(1)), [0]
    while len(chosen) < k:
        left = distance[:, chosen].sum(1)
        left[chosen] = -1
        chosen.append(int(left.argmax()))
    return chosen


def nearest(yours: Callable) -> None:
    """``nearest(points (f, 68, 2), source_points (k, 68, 2), source_images (k, 3, h, w)) → (f, 3, h, w)``."""
    points, source = track(20, seed=2), track(20, seed=2)[[3, 8, 11, 17]]
    images = torch.rand(4, 3, 5, 6, generator=torch.Generator().manual_seed(3))
    index = torch.cdist(points.flatten(1), source.flatten(1)).argmin(1)
    found = yours(points, source, images)
    wrong_if(isinstance(found, Tensor) and found.dtype == torch.int64, "these are the numbers of the source frames; the frames themselves are asked for")
    wrong_if(isinstance(found, Tensor) and found.shape == images.shape, f"one frame for each of the {len(points)} driving frames is asked for, not for each source frame: argmin over the other axis")
    same(found, images[index], "not the nearest: the smallest distance over all 68 points at once (flatten them), argmin and not argmax")
    passed("nearest: the copy that every method has to beat")


def fit(yours: Callable) -> None:
    """``fit(driver (f, 68, 2), source (k, 68, 2)) → (f, 68, 2)``: the driver's track with the source's mean place and size."""
    driver, source = track(40, seed=4) * torch.tensor([1.4, 1.4]) + 20, track(8, seed=5)
    given = driver.clone()
    found = yours(driver, source)
    wrong_if(not torch.equal(driver, given), "your function changed the points it was given: work on a copy")
    scale = size(source) / size(driver)
    right = (driver - driver.mean((0, 1))) * scale + source.mean((0, 1))
    wrong_if(isinstance(found, Tensor) and found.shape == right.shape and still(found), "the head no longer moves: you fitted every frame by itself. One shift and one scale for the whole track")
    spread = lambda track: (track - track.mean((0, 1))).square().sum(-1).mean().sqrt()
    whole = (driver - driver.mean((0, 1))) * spread(source) / spread(driver) + source.mean((0, 1))
    if isinstance(found, Tensor) and found.shape == whole.shape:
        wrong_if(torch.allclose(found, whole, atol=1e-3), "the size was taken about the mean of the whole track, and so holds the head's movements, too: take each frame's points about that frame's own mean")
    message = "not the source's place and size"
    if isinstance(found, Tensor) and found.shape == right.shape:
        shifted = (found.mean((0, 1)) - source.mean((0, 1))).norm() > 0.05
        message = "the mean over all points and frames is not the source's: scale about the driver's mean, then add the source's mean" if shifted else f"the place is right, the size is {float(size(found) / size(source)):.2f} of the source's: divide the two sizes, source over driver"
    same(found, right, message, rtol=1e-3, atol=1e-2)
    passed("fit: the driver's movements, in the source's place and size")


def size(points: Tensor) -> Tensor:
    """Mean over the frames of the root mean square distance of the points from their frame's mean point."""
    return (points - points.mean(1, keepdim=True)).square().sum(-1).mean(1).sqrt().mean()


def still(points: Tensor) -> bool:
    """Whether every frame has the same mean point."""
    return bool(points.mean(1).std(0).max() < 1e-3)
