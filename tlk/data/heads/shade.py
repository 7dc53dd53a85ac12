"""Per-sample shading, compiled: skin, eyes, teeth, cloth and hair under a key with shadow, a fill, a rim and a sky."""

from __future__ import annotations

import numpy as np

from tlk.data.heads.compiled import compiled, inlined
from tlk.data.heads.matter import lit_share, strand_light, surface


@inlined
def chart_place(chart, x, y, z, region):
    """Texel coordinates of a canonical position. ``region``: top, bottom and axis of the chart."""
    height, width = chart.shape[0], chart.shape[1]
    u = (0.5 + np.arctan2(x, z - region[2]) / (2 * np.pi)) * width
    return u, min(max((region[0] - y) / (region[0] - region[1]) * height, 2.0), height - 3.001)


@inlined
def wrapped(i, width):
    """A column of the chart, which goes once round the head. Not ``%``, which costs more than the rest of a look-up."""
    return i + width if i < 0 else (i - width if i >= width else i)


@inlined
def chart_value(chart, u, v, c):
    """One channel of the chart, bilinear, without a seam."""
    width = chart.shape[1]
    i, j = int(np.floor(u)), int(v)
    fu, fv = u - i, v - j
    i0, i1 = wrapped(i, width), wrapped(i + 1, width)
    return (chart[j, i0, c] * (1 - fu) + chart[j, i1, c] * fu) * (1 - fv) + (chart[j + 1, i0, c] * (1 - fu) + chart[j + 1, i1, c] * fu) * fv


@inlined
def eye_colour(px, py, pz, eye, colours, out):
    """Albedo of the eyeball by the angle from its axis. ``eye`` (4, 3): centre, then world → eye rows.

    ``colours`` (4, 3): sclera, outer iris, inner iris, (iris radius, pupil radius, 0) as sines.
    Returns 1 on the iris and pupil, which are wet and dark, else 0.
    """
    dx, dy, dz = px - eye[0, 0], py - eye[0, 1], pz - eye[0, 2]
    lx = eye[1, 0] * dx + eye[1, 1] * dy + eye[1, 2] * dz
    ly = eye[2, 0] * dx + eye[2, 1] * dy + eye[2, 2] * dz
    lz = eye[3, 0] * dx + eye[3, 1] * dy + eye[3, 2] * dz
    length = max(np.sqrt(lx * lx + ly * ly + lz * lz), 1e-6)
    radius = np.sqrt(lx * lx + ly * ly) / length
    if lz < 0:
        radius = 1.0
    iris, pupil = colours[3, 0], colours[3, 1]
    if radius < pupil:
        out[0] = out[1] = out[2] = 0.008
        return 1.0
    if radius < iris:
        f = (radius - pupil) / (iris - pupil)
        turn = np.arctan2(ly, lx)
        fibre = 0.85 + 0.2 * np.sin(turn * 23 + 4 * np.sin(turn * 5)) * (1 - f)
        dark = 1.0 - 0.75 * max(0.0, (f - 0.75) / 0.25)
        for c in range(3):
            out[c] = (colours[2, c] * (1 - f) + colours[1, c] * f) * fibre * dark
        return 1.0
    pink = max(0.0, (abs(lx) / length - 0.55)) * 1.2
    out[0], out[1], out[2] = colours[0, 0], colours[0, 1] * (1 - 0.5 * pink), colours[0, 2] * (1 - 0.6 * pink)
    edge = min((radius - iris) * 18, 1.0)
    for c in range(3):
        out[c] *= 0.45 + 0.55 * edge
    return 0.0


@inlined
def skin(colour, q, n, v, ao, lit, chart, region, frame, light, gloss):
    """Painted skin with fine relief; the inside of the mouth is dark red. ``q``: canonical x, y, z and depth inside the mouth."""
    if q[3] > 0.5:
        surface(colour, light, n[0], n[1], n[2], v[0], v[1], v[2], 0.2, 0.04, 0.036, ao * ao * 0.4, lit * 0.35, 0.42, gloss, 30.0)
        return
    i, j = chart_place(chart, q[0], q[1], q[2], region)
    here = chart_value(chart, i, j, 3)
    du = (chart_value(chart, i + 1.5, j, 3) - here) / 0.0125
    dv = (chart_value(chart, i, j - 1.5, 3) - here) / 0.0129
    x, y, z = n[0] - du * frame[0, 0] - dv * frame[1, 0], n[1] - du * frame[0, 1] - dv * frame[1, 1], n[2] - du * frame[0, 2] - dv * frame[1, 2]
    long = max(np.sqrt(x * x + y * y + z * z), 1e-6)
    r, g, b = chart_value(chart, i, j, 0), chart_value(chart, i, j, 1), chart_value(chart, i, j, 2)
    surface(colour, light, x / long, y / long, z / long, v[0], v[1], v[2], r, g, b, ao, lit, 0.42, gloss, 34.0)


@inlined
def eyeball(colour, p, n, v, ao, lit, eye, colours, light):
    """White, iris and pupil, darker under the upper lid, with a small sharp highlight."""
    texel = np.empty(3, np.float32)
    wet = eye_colour(p[0], p[1], p[2], eye, colours, texel)
    shadow = min(1.0, 0.15 + 1.05 * ao)
    surface(colour, light, n[0], n[1], n[2], v[0], v[1], v[2], texel[0], texel[1], texel[2], shadow, (0.35 + 0.65 * lit) * shadow, 0.25, 0.1, 60.0)
    hx, hy, hz = light[0, 0] * 0.6 + v[0], light[0, 1] * 0.6 + v[1], light[0, 2] * 0.6 + v[2]
    cosine = (n[0] * hx + n[1] * hy + n[2] * hz) / np.sqrt(hx * hx + hy * hy + hz * hz)
    shine = max(cosine, 0.0) ** 220 * (0.35 + 0.65 * wet) * (0.3 + 0.7 * lit)
    for c in range(3):
        colour[c] += shine * light[1, c] * 0.55


@inlined
def fabric(colour, q, n, v, ao, lit, cloth, light, margin):
    """Plain or striped cloth with folds and a seam along the neck. ``margin``: distance below the neckline, dm."""
    stripe = 0.5 + 0.5 * np.sin(cloth[2, 0] * q[1] + cloth[2, 1] * q[0])
    stripe = min(max((stripe - 0.5) * 8 + 0.5, 0.0), 1.0) * cloth[2, 2]
    fold = 0.16 * np.sin(3.1 * q[0] + 5.3 * q[1] + 2.0 * np.sin(2.3 * q[1] + 1.9 * q[0])) + 0.06 * np.sin(11 * q[0] - 9 * q[1])
    x, y, z = n[0] + fold, n[1] + 0.4 * fold, n[2]
    long = np.sqrt(x * x + y * y + z * z)
    dim = 1.0 if margin > 0.06 else 0.72
    r, g, b = cloth[0, 0] + stripe * (cloth[1, 0] - cloth[0, 0]), cloth[0, 1] + stripe * (cloth[1, 1] - cloth[0, 1]), cloth[0, 2] + stripe * (cloth[1, 2] - cloth[0, 2])
    surface(colour, light, x / long, y / long, z / long, v[0], v[1], v[2], r * dim, g * dim, b * dim, ao * dim, lit, 0.15, 0.02, 12.0)


@inlined
def gather(triangles, t, v, w, world, normal, canonical, inside, p, n, q):
    """Interpolated position ``p``, unit normal ``n``, canonical position and depth in the mouth ``q``."""
    i, j, k = triangles[t, 0], triangles[t, 1], triangles[t, 2]
    u = 1 - v - w
    for c in range(3):
        p[c] = u * world[i, c] + v * world[j, c] + w * world[k, c]
        n[c] = u * normal[i, c] + v * normal[j, c] + w * normal[k, c]
        q[c] = u * canonical[i, c] + v * canonical[j, c] + w * canonical[k, c]
    q[3] = u * inside[i] + v * inside[j] + w * inside[k]
    long = max(np.sqrt(n[0] * n[0] + n[1] * n[1] + n[2] * n[2]), 1e-6)
    for c in range(3):
        n[c] /= long


@compiled
def shade(who, b1, b2, triangles, part, world, normal, canonical, occlusion, inside, keep, chart, light, eyes, iris, cloth, shadow, matrix, camera, frame, region, out):
    """Colours of all samples that a triangle covers, into ``out`` (h, w, 4); the fourth channel is coverage.

    ``frame`` (2, 3): the head's right and up directions, along which relief tilts the normal.
    """
    colour, p, n, v, q = np.zeros(3, np.float32), np.zeros(3, np.float32), np.zeros(3, np.float32), np.zeros(3, np.float32), np.zeros(4, np.float32)
    for y in range(who.shape[0]):
        for x in range(who.shape[1]):
            t = who[y, x]
            if t < 0 or t >= len(triangles):
                continue
            f, g = b1[y, x], b2[y, x]
            gather(triangles, t, f, g, world, normal, canonical, inside, p, n, q)
            i, j, k = triangles[t, 0], triangles[t, 1], triangles[t, 2]
            ao = (1 - f - g) * occlusion[i] + f * occlusion[j] + g * occlusion[k]
            far = 0.0
            for c in range(3):
                v[c] = camera[c] - p[c]
                far += v[c] * v[c]
            far = np.sqrt(far)
            for c in range(3):
                v[c] /= far
            lit = lit_share(shadow, matrix, p[0] + 0.02 * n[0], p[1] + 0.02 * n[1], p[2] + 0.02 * n[2])
            kind = part[t]
            if kind == 0:
                skin(colour, q, n, v, ao, lit, chart, region, frame, light, cloth[3, 0])
            elif kind <= 2:
                eyeball(colour, p, n, v, ao, lit, eyes[kind - 1], iris, light)
            elif kind == 3:
                surface(colour, light, n[0], n[1], n[2], v[0], v[1], v[2], 0.82, 0.76, 0.66, 0.5 + 0.4 * ao, 0.35 + 0.55 * lit, 0.3, 0.15, 50.0)  # the baked occlusion is that of a shut mouth
            elif kind == 4:
                surface(colour, light, n[0], n[1], n[2], v[0], v[1], v[2], 0.36, 0.1, 0.09, 0.2 + 0.4 * ao, lit * 0.6, 0.3, 0.15, 40.0)
            else:
                fabric(colour, q, n, v, ao, lit, cloth, light, (1 - f - g) * keep[i] + f * keep[j] + g * keep[k])
            for c in range(3):
                out[y, x, c] = colour[c]
            out[y, x, 3] = 1.0


@compiled
def shade_strands(who, b1, first, points, colours, ao, light, shadow, matrix, camera, gloss, out):
    """Colours of all samples that hair covers. ``points`` (n, 3) world, ``colours`` (n, 3) and ``ao`` (n,) at each."""
    colour = np.zeros(3, np.float32)
    height, width = who.shape
    for y in range(height):
        for x in range(width):
            k = who[y, x] - first
            if k < 0:
                continue
            f = b1[y, x]
            tx, ty, tz = points[k + 1, 0] - points[k, 0], points[k + 1, 1] - points[k, 1], points[k + 1, 2] - points[k, 2]
            length = max(np.sqrt(tx * tx + ty * ty + tz * tz), 1e-6)
            px, py, pz = points[k, 0] + f * tx, points[k, 1] + f * ty, points[k, 2] + f * tz
            vx, vy, vz = camera[0] - px, camera[1] - py, camera[2] - pz
            far = np.sqrt(vx * vx + vy * vy + vz * vz)
            lit = lit_share(shadow, matrix, px + 0.05 * light[0, 0], py + 0.05 * light[0, 1], pz + 0.05 * light[0, 2])
            a = ao[k] + f * (ao[k + 1] - ao[k])
            strand_light(colour, light, tx / length, ty / length, tz / length, vx / far, vy / far, vz / far, colours[k, 0], colours[k, 1], colours[k, 2], a, lit, gloss)
            for c in range(3):
                out[y, x, c] = colour[c]
            out[y, x, 3] = 1.0


@compiled
def resolve(samples, background, factor, exposure):
    """Average factor × factor samples over the background, then tone and sRGB. Returns uint8 (h, w, 3) and coverage (h, w)."""
    height, width = samples.shape[0] // factor, samples.shape[1] // factor
    image, cover = np.empty((height, width, 3), np.uint8), np.empty((height, width), np.float32)
    share = 1.0 / (factor * factor)
    for y in range(height):
        for x in range(width):
            alpha = 0.0
            r = g = b = 0.0
            for j in range(factor):
                for i in range(factor):
                    s = samples[y * factor + j, x * factor + i]
                    alpha += s[3]
                    r += min(s[0], 3.0) if s[3] > 0 else 0.0
                    g += min(s[1], 3.0) if s[3] > 0 else 0.0
                    b += min(s[2], 3.0) if s[3] > 0 else 0.0
            alpha *= share
            cover[y, x] = alpha
            for c in range(3):
                value = (r if c == 0 else (g if c == 1 else b)) * share
                value = exposure * value + (1 - alpha) * background[y, x, c]
                value = value * (1 + value * 0.11) / (1 + value * 0.55)
                value = 12.92 * value if value <= 0.0031308 else 1.055 * value ** (1 / 2.4) - 0.055
                image[y, x, c] = int(min(max(value, 0.0), 1.0) * 255 + 0.5)
    return image, cover
