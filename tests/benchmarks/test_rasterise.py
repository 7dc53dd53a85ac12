"""Drawing landmarks: ``rasterise`` beside OpenCV's polylines and beside matplotlib, which public re-implementations
call inside the training loop. 20 times faster than matplotlib is to be reached on a CPU, 64 frames in 5 ms on a GPU.
"""

from __future__ import annotations

import time

import cv2
import numpy as np
import pytest
import torch
from matplotlib import pyplot

from tests.landmarks.faces import faces
from tlk.landmarks import GROUPS, rasterise

pyplot.switch_backend("Agg")
SIZE, BATCH = 256, 64
GROUP = f"landmark images, {SIZE} px, a batch of {BATCH}"


def with_opencv(points: np.ndarray) -> np.ndarray:
    """All groups of all frames as anti-aliased polylines, corners to 1/256 pixel."""
    canvas = np.zeros((len(points), SIZE, SIZE, 3), np.uint8)
    corners = np.round(points * 256).astype(np.int32)
    for image, face in zip(canvas, corners, strict=True):
        for group in GROUPS:
            cv2.polylines(image, [face[group.first : group.last + 1]], group.closed, group.colour, 2, cv2.LINE_AA, shift=8)
    return canvas


def opencv_as_tensor(points: np.ndarray) -> torch.Tensor:
    """What the networks would need: float (b, 3, h, w) in [0, 1]."""
    return torch.from_numpy(with_opencv(points)).permute(0, 3, 1, 2).float().div(255)


def with_matplotlib(points: np.ndarray) -> np.ndarray:
    """One figure a frame, step for step as public re-implementations do it: the picture below sets the scale."""
    figure = pyplot.figure(figsize=(SIZE / 100, SIZE / 100), dpi=100)
    axes = figure.add_subplot(111)
    axes.axis("off")
    axes.imshow(np.zeros((SIZE, SIZE, 3)))
    figure.subplots_adjust(left=0, right=1, top=1, bottom=0)
    for group in GROUPS:
        ring = points[group.indices + [group.first] * group.closed]
        axes.plot(ring[:, 0], ring[:, 1], color=np.array(group.colour) / 255, lw=2)
    figure.canvas.draw()
    image = np.array(figure.canvas.buffer_rgba())[..., :3]
    pyplot.close(figure)
    return image


@pytest.fixture(scope="module")
def matplotlib_seconds() -> float:
    """Per frame, the median of nine: what ours is to beat 20 times."""
    points = faces(1, SIZE)[0].numpy()
    times = []
    for _ in range(11):
        start = time.perf_counter()
        with_matplotlib(points)
        times.append(time.perf_counter() - start)
    return float(np.median(times[2:]))


def test_the_three_draw_the_same_thing():
    """So that the comparison is one."""
    points = faces(1, SIZE)
    ours = (rasterise(points, SIZE)[0].permute(1, 2, 0).numpy() * 255).ravel()
    for other in (with_opencv(points.numpy())[0], with_matplotlib(points[0].numpy())):
        assert np.corrcoef(ours, other.ravel())[0, 1] > 0.8


@pytest.mark.parametrize("gradients", [False, True], ids=["forward", "and backward"])
def test_tensors(benchmark, note, matplotlib_seconds, gradients):
    points = faces(BATCH, SIZE).requires_grad_(gradients)
    reach = {} if gradients else {"reach": matplotlib_seconds / 20}
    note(group=GROUP, what="tlk, forward and backward" if gradients else "tlk", unit="frame", items=BATCH, **reach)
    benchmark.pedantic(lambda: rasterise(points, SIZE).sum().backward() if gradients else rasterise(points, SIZE), rounds=15, warmup_rounds=2)


def test_opencv(benchmark, note):
    points = faces(BATCH, SIZE).numpy()
    note(group=GROUP, what="OpenCV polylines", unit="frame", items=BATCH)
    benchmark.pedantic(with_opencv, (points,), rounds=15, warmup_rounds=2)


def test_opencv_as_tensor(benchmark, note):
    points = faces(BATCH, SIZE).numpy()
    note(group=GROUP, what="OpenCV polylines as float tensor", unit="frame", items=BATCH)
    benchmark.pedantic(opencv_as_tensor, (points,), rounds=15, warmup_rounds=2)


def test_matplotlib(benchmark, note):
    points = faces(1, SIZE)[0].numpy()
    note(group=GROUP, what="matplotlib", unit="frame", items=1)
    benchmark.pedantic(with_matplotlib, (points,), rounds=10, warmup_rounds=2)


def test_training_batch(benchmark, note):
    points = faces(24, 64)
    note(group="landmark images of one step of tiny (24 at 64 px)", what="tlk", unit="step", items=1, reach=0.02)
    benchmark.pedantic(rasterise, (points, 64), rounds=30, warmup_rounds=3)


@pytest.mark.skipif(not torch.cuda.is_available(), reason="no GPU")
def test_gpu(benchmark, note):
    points = faces(BATCH, SIZE).cuda()

    def draw():
        rasterise(points, SIZE)
        torch.cuda.synchronize()

    note(group=f"landmark images on a GPU, {SIZE} px", what="tlk", unit="batch of 64", items=1, reach=5e-3)
    benchmark.pedantic(draw, rounds=30, warmup_rounds=5)
