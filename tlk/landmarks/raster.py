"""Landmarks → the coloured line drawing that the networks read, as tensors, on any device.

Every line is a capsule (a segment with round ends). Only pixels that a line can touch are visited: for each
column that a flat segment crosses (row, for a steep one) a handful of pixels around it. A face covers about
2 % of its image, so this is some hundred times less work than a distance for every pixel and segment.
"""

from __future__ import annotations

import math
from functools import cache
from typing import NamedTuple

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from tlk.landmarks.points import GROUPS, POINTS, PUPIL_COLOUR, PUPILS


class _Strokes(NamedTuple):
    """Segments of one batch that have both ends, one per row."""

    image: Tensor  # (s,) which image of the batch
    layer: Tensor  # (s,) which group, in drawing order
    start: Tensor  # (s, 2)
    end: Tensor  # (s, 2)
    radius: Tensor  # (s,) half the line width, pixels


def line_width_of(size: int) -> float:
    """2 px at 256 px, in proportion at other sizes, never under one pixel.

    These are true pixels. OpenCV's ``thickness=2`` comes out 2.9 px wide (3.4 with LINE_AA): pass
    ``line_width`` to ``rasterise`` to imitate it.
    """
    return max(1.0, 2.0 * size / 256)


def rasterise(points: Float[Tensor, "b p 2"], size: int, line_width: float | None = None) -> Float[Tensor, "b 3 {size} {size}"]:
    """Draw landmarks as the networks see them (groups, colours and order: ``points.GROUPS``).

    points: (b, 68, 2), or (b, 70, 2) with two pupil centres, which become dots of twice the line's width;
    (x, y) in pixels of the drawn image, centres at integers. A segment with a point that is not finite is
    left out, and so is what lies outside the image.
    line_width: pixels; ``line_width_of(size)`` unless given.
    Returns (b, 3, size, size) in [0, 1] on the points' device, background 0. Coverage of a pixel whose centre
    is ``d`` from the line is ``clamp(width / 2 + 1/2 - d, 0, 1)``; inside a group the largest coverage counts,
    and each group is blended over the earlier ones: ``image ← (1 - coverage) image + coverage colour``.
    Differentiable in the points almost everywhere. Raises ValueError on another number of points.
    """
    if points.shape[1] not in (POINTS, POINTS + len(PUPILS)):
        raise ValueError(f"rasterise takes 68 points, or 70 with the pupils, not {points.shape[1]}")
    if size < 1:
        raise ValueError(f"rasterise draws images of at least one pixel, not {size}")
    width = line_width_of(size) if line_width is None else line_width
    work = points.float() if points.dtype in (torch.float16, torch.bfloat16) else points
    pixel, layer, coverage = _coverage(_strokes(work, width), size)
    colours = torch.tensor(_layers(points.shape[1])[2], device=work.device, dtype=work.dtype)
    return _composite(pixel, layer, coverage, colours, len(work), size).to(points.dtype)


@cache
def _layers(count: int) -> tuple[list[tuple[int, int]], list[int], list[tuple[float, ...]]]:
    """Segments, the layer of each, and the colour of each layer in [0, 1]. A dot is a segment of no length."""
    groups = [(group.segments, group.colour) for group in GROUPS]
    if count > POINTS:
        groups.append(([(p, p) for p in PUPILS], PUPIL_COLOUR))
    pairs = [pair for segments, _ in groups for pair in segments]
    layers = [i for i, (segments, _) in enumerate(groups) for _ in segments]
    return pairs, layers, [tuple(c / 255 for c in colour) for _, colour in groups]


def _strokes(points: Tensor, width: float) -> _Strokes:
    pairs, layers, _ = _layers(points.shape[1])
    ends = torch.tensor(pairs, device=points.device)
    layer = torch.tensor(layers, device=points.device)
    segments = points[:, ends]  # (b, segment, end, xy)
    image, segment = torch.isfinite(segments).flatten(2).all(-1).nonzero(as_tuple=True)
    kept = segments[image, segment]
    dots = layer[segment] >= len(GROUPS)
    radius = torch.where(dots, width, width / 2).to(points.dtype)
    return _Strokes(image, layer[segment], kept[:, 0], kept[:, 1], radius)


def _coverage(strokes: _Strokes, size: int) -> tuple[Tensor, Tensor, Tensor]:
    """→ (n,) pixel number in the batch, layer, and coverage in (0, 1], for each pixel a stroke touches."""
    with torch.no_grad():
        stroke, x, y = _near(strokes, size)
    start, along = strokes.start, strokes.end - strokes.start
    inverse = 1 / (along * along).sum(-1).clamp_min(1e-12)
    # index_select of whole columns: several times faster on a CPU than indexing rows of pairs.
    ax, ay, ux, uy, scale, reach = (v.index_select(0, stroke) for v in (*start.unbind(-1), *along.unbind(-1), inverse, strokes.radius + 0.5))
    dx, dy = x - ax, y - ay
    t = ((dx * ux + dy * uy) * scale).clamp(0, 1)
    square = (dx - t * ux) ** 2 + (dy - t * uy) ** 2
    coverage = (reach - square.clamp_min(1e-12).sqrt()).clamp(max=1)
    keep = (coverage > 0).nonzero().squeeze(-1)
    stroke = stroke.index_select(0, keep)
    cell = (y * size + x).index_select(0, keep).long()
    pixel = strokes.image.index_select(0, stroke) * size**2 + cell
    return pixel, strokes.layer.index_select(0, stroke), coverage.index_select(0, keep)


def _near(strokes: _Strokes, size: int) -> tuple[Tensor, Tensor, Tensor]:
    """Pixels of the canvas that can lie within ``radius + 1/2`` of a stroke: its number, x and y, each (n,).

    With the longer axis called u, a pixel nearer than R lies at most √2 R from the line measured along v.
    """
    along = strokes.end - strokes.start
    steep = along[:, 1].abs() > along[:, 0].abs()
    au, av = torch.where(steep[:, None], strokes.start.flip(-1), strokes.start).unbind(-1)
    bu, bv = torch.where(steep[:, None], strokes.end.flip(-1), strokes.end).unbind(-1)
    reach = strokes.radius + 0.5
    low, high = torch.minimum(au, bu), torch.maximum(au, bu)
    first = (low - reach).ceil().clamp(0, size)
    count = ((high + reach).floor().clamp(-1, size - 1) - first + 1).clamp_min(0).long()
    stroke = torch.repeat_interleave(torch.arange(len(count), device=count.device), count)
    offset = torch.arange(len(stroke), device=count.device) - (count.cumsum(0) - count)[stroke]
    u = first[stroke] + offset
    slope = (bv - av) / torch.where(bu == au, 1, bu - au)
    v = av[stroke] + (torch.minimum(torch.maximum(u, low[stroke]), high[stroke]) - au[stroke]) * slope[stroke]
    top = (v - math.sqrt(2) * reach[stroke]).ceil()
    rows = math.floor(2 * math.sqrt(2) * float(reach.max() if len(reach) else 0)) + 1
    v = top[:, None] + torch.arange(rows, device=v.device)
    inside = ((v >= 0) & (v < size)).flatten().nonzero().squeeze(-1)
    column = inside // rows
    u, v, steep, stroke = u[column], v.flatten()[inside], steep[stroke][column], stroke[column]
    return stroke, torch.where(steep, v, u), torch.where(steep, u, v)


def _composite(pixel: Tensor, layer: Tensor, coverage: Tensor, colours: Tensor, batch: int, size: int) -> Tensor:
    """Largest coverage per pixel and layer, then layer over layer; only touched pixels are computed."""
    device, total = pixel.device, batch * size**2
    slot = _zeros((total,), torch.int32, device)
    slot.index_fill_(0, pixel, 1)
    used = slot.nonzero().squeeze(-1)
    slot[used] = torch.arange(len(used), device=device, dtype=torch.int32)
    alpha = coverage.new_zeros(len(colours) * len(used))
    alpha = alpha.scatter_reduce_(0, layer * len(used) + slot.index_select(0, pixel), coverage, "amax").view(len(colours), 1, -1)
    ink = coverage.new_zeros(3, len(used))
    for over, colour in zip(alpha, colours, strict=True):
        ink = torch.lerp(ink, colour[:, None].expand_as(ink), over.expand_as(ink))
    image = torch.div(used, size**2, rounding_mode="floor")
    channel = torch.arange(3, device=device)[:, None] * size**2
    canvas = _zeros((batch * 3 * size**2,), coverage.dtype, device)
    canvas.index_put_((used + image * (2 * size**2) + channel,), ink)  # fresh memory: no copy
    return canvas.view(batch, 3, size, size)


def _zeros(shape: tuple[int, ...], dtype: torch.dtype, device: torch.device) -> Tensor:
    """On a CPU numpy's zeros are pages that the system hands out when they are written; torch writes them all."""
    if device.type == "cpu":
        return torch.from_numpy(np.zeros(shape, str(dtype).removeprefix("torch.")))
    return torch.zeros(shape, dtype=dtype, device=device)
