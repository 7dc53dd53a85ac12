"""Per-sample shading, compiled: skin, eyes, teeth, cloth and hair under a key with shadow, a fill, a rim and a sky.

All colours are linear RGB. ``light`` is ``Light.array()``.
"""

from __future__ import annotations

import numpy as np

from tlk.data.heads.compiled import compiled


@compiled
def lit_share(shadow, matrix, x, y, z):
    """Share of the key light that reaches a point: 3 × 3 samples of the shadow map, 0 … 1."""
    size = shadow.shape[0]
    u = matrix[0, 0] * x + matrix[0, 1] * y + matrix[0, 2] * z + matrix[0, 3]
    v = matrix[1, 0] * x + matrix[1, 1] * y + matrix[1, 2] * z + matrix[1, 3]
    d = matrix[2, 0] * x + matrix[2, 1] * y + matrix[2, 2] * z + matrix[2, 3]
    i, j = int(np.floor(u)), int(np.floor(v))
    if i < 1 or j < 1 or i >= size - 2 or j >= size - 2:
        return 1.0
    fu, fv = u - i, v - j
    total = 0.0
    for b in range(-1, 3):
        wv = (1 - fv) if b == -1 else (fv if b == 2 else 1.0)
        for a in range(-1, 3):
            wu = (1 - fu) if a == -1 else (fu if a == 2 else 1.0)
            blocked = min(max((shadow[j + b, i + a] - d) * 14.0 - 0.5, 0.0), 1.0)
            total += wu * wv * (1.0 - blocked)
    return total / 9.0


@compiled
def surface(out, light, nx, ny, nz, vx, vy, vz, r, g, b, ao, lit, wrap, gloss, shine):
    """Diffuse light with a soft, reddish edge (``wrap`` for red; less for green and blue) and two highlights."""
    ndl = nx * light[0, 0] + ny * light[0, 1] + nz * light[0, 2]
    ndf = max(nx * light[2, 0] + ny * light[2, 1] + nz * light[2, 2], 0.0)
    up = 0.5 + 0.5 * ny
    ndv = max(nx * vx + ny * vy + nz * vz, 0.0)
    edge = (1.0 - ndv) ** 3
    hx, hy, hz = light[0, 0] + vx, light[0, 1] + vy, light[0, 2] + vz
    ndh = max((nx * hx + ny * hy + nz * hz) / max(np.sqrt(hx * hx + hy * hy + hz * hz), 1e-6), 0.0)
    high = gloss * (0.35 * ndh**10 + 0.65 * ndh**shine) * (0.35 + 0.65 * edge) * lit * (1.0 if ndl > 0 else 0.0)
    for c in range(3):
        w = wrap * (1.0 if c == 0 else (0.45 if c == 1 else 0.3))
        soft = max((ndl + w) / (1.0 + w), 0.0)
        shadow = lit + (1 - lit) * 0.25 * w
        albedo = r if c == 0 else (g if c == 1 else b)
        ambient = (light[6, c] + (light[5, c] - light[6, c]) * up) * ao ** (1.0 - 0.4 * albedo)
        bounce = light[3, c] * ndf * (0.4 + 0.6 * ao)
        out[c] = albedo * (light[1, c] * soft * shadow * (0.35 + 0.65 * ao) + ambient + bounce) + high * light[1, c] * ao
        out[c] += light[4, c] * edge * (0.08 + 0.6 * albedo) * ao * max(ny * 0.5 + 0.6, 0.0) * 0.6


@compiled
def sample_chart(chart, x, y, z, top, bottom, axis_z, out):
    """Bilinear look-up in the cylindrical chart at a canonical position; channels into ``out``."""
    height, width, channels = chart.shape
    u = (0.5 + np.arctan2(x, z - axis_z) / (2 * np.pi)) * width
    v = min(max((top - y) / (top - bottom) * height, 0.0), height - 1.001)
    i, j = int(np.floor(u)), int(v)
    fu, fv = u - i, v - j
    i0, i1 = i % width, (i + 1) % width
    for c in range(channels):
        upper = chart[j, i0, c] * (1 - fu) + chart[j, i1, c] * fu
        lower = chart[j + 1, i0, c] * (1 - fu) + chart[j + 1, i1, c] * fu
        out[c] = upper * (1 - fv) + lower * fv


@compiled
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


@compiled
def strand_light(out, light, tx, ty, tz, vx, vy, vz, r, g, b, ao, lit, gloss):
    """Kajiya and Kay's hair: diffuse by the sine to the light, two shifted highlights (SIGGRAPH 1989)."""
    tl = tx * light[0, 0] + ty * light[0, 1] + tz * light[0, 2]
    tv = tx * vx + ty * vy + tz * vz
    sl, sv = np.sqrt(max(1 - tl * tl, 0.0)), np.sqrt(max(1 - tv * tv, 0.0))
    high = max(sl * sv - tl * tv, 0.0)
    first, second = high**60, max(sl * sv - (tl + 0.12) * tv, 0.0) ** 14
    for c in range(3):
        albedo = r if c == 0 else (g if c == 1 else b)
        ambient = 0.55 * light[5, c] + 0.35 * light[6, c] + 0.5 * light[3, c]
        key = light[1, c] * (0.15 + 0.85 * lit)
        out[c] = ao * (albedo * (ambient + 0.75 * key * sl) + key * lit * gloss * (0.05 * first + (0.04 + 0.9 * albedo) * 0.5 * second))


@compiled
def shade(who, b1, b2, triangles, part, world, normal, canonical, ao, inside, chart, light, eyes, eye_colours, cloth, shadow, matrix, camera, frame, region, out):
    """Colours of all samples that a triangle covers, into ``out`` (h, w, 4); the fourth channel is coverage.

    ``region`` is (top, bottom, axis) of the chart; ``frame`` (2, 3): the head's right and up directions, for bumps.
    """
    colour, texel = np.zeros(3, np.float32), np.zeros(4, np.float32)
    near, far = np.zeros(4, np.float32), np.zeros(4, np.float32)
    height, width = who.shape
    for y in range(height):
        for x in range(width):
            t = who[y, x]
            if t < 0 or t >= len(triangles):
                continue
            i, j, k = triangles[t, 0], triangles[t, 1], triangles[t, 2]
            v, w = b1[y, x], b2[y, x]
            u = 1 - v - w
            px, py, pz = u * world[i, 0] + v * world[j, 0] + w * world[k, 0], u * world[i, 1] + v * world[j, 1] + w * world[k, 1], u * world[i, 2] + v * world[j, 2] + w * world[k, 2]
            nx, ny, nz = u * normal[i, 0] + v * normal[j, 0] + w * normal[k, 0], u * normal[i, 1] + v * normal[j, 1] + w * normal[k, 1], u * normal[i, 2] + v * normal[j, 2] + w * normal[k, 2]
            cx, cy, cz = u * canonical[i, 0] + v * canonical[j, 0] + w * canonical[k, 0], u * canonical[i, 1] + v * canonical[j, 1] + w * canonical[k, 1], u * canonical[i, 2] + v * canonical[j, 2] + w * canonical[k, 2]
            shade_ao = u * ao[i] + v * ao[j] + w * ao[k]
            vx, vy, vz = camera[0] - px, camera[1] - py, camera[2] - pz
            length = np.sqrt(vx * vx + vy * vy + vz * vz)
            vx, vy, vz = vx / length, vy / length, vz / length
            lit = lit_share(shadow, matrix, px + 0.02 * nx, py + 0.02 * ny, pz + 0.02 * nz)
            p = part[t]
            if p == 0:
                deep = u * inside[i] + v * inside[j] + w * inside[k]
                sample_chart(chart, cx, cy, cz, region[0], region[1], region[2], texel)
                step = 0.012
                sample_chart(chart, cx + step, cy, cz, region[0], region[1], region[2], near)
                sample_chart(chart, cx, cy + step, cz, region[0], region[1], region[2], far)
                du, dv = (near[3] - texel[3]) / step * (1 - deep), (far[3] - texel[3]) / step * (1 - deep)
                nx, ny, nz = nx - du * frame[0, 0] - dv * frame[1, 0], ny - du * frame[0, 1] - dv * frame[1, 1], nz - du * frame[0, 2] - dv * frame[1, 2]
                if deep > 0.5:
                    texel[0], texel[1], texel[2], shade_ao, lit = 0.22, 0.045, 0.04, shade_ao * shade_ao * 0.5, lit * 0.4
            length = max(np.sqrt(nx * nx + ny * ny + nz * nz), 1e-6)
            nx, ny, nz = nx / length, ny / length, nz / length
            if p == 0:
                surface(colour, light, nx, ny, nz, vx, vy, vz, texel[0], texel[1], texel[2], shade_ao, lit, 0.42, cloth[3, 0], 34.0)
            elif p == 1 or p == 2:
                wet = eye_colour(px, py, pz, eyes[p - 1], eye_colours, texel)
                shade_ao = min(1.0, 0.3 + 0.9 * shade_ao)
                surface(colour, light, nx, ny, nz, vx, vy, vz, texel[0], texel[1], texel[2], shade_ao, 0.4 + 0.6 * lit, 0.2, 0.12, 60.0)
                hx, hy, hz = light[0, 0] + vx, light[0, 1] + vy, light[0, 2] + vz
                shine = ((nx * hx + ny * hy + nz * hz) / np.sqrt(hx * hx + hy * hy + hz * hz)) ** 180 * (0.5 + wet) * lit
                for c in range(3):
                    colour[c] += min(max(shine, 0.0), 1.0) * light[1, c] * 0.6
            elif p == 3:
                surface(colour, light, nx, ny, nz, vx, vy, vz, 0.72, 0.66, 0.55, shade_ao * (0.4 + 0.6 * shade_ao), lit * 0.8, 0.3, 0.15, 50.0)
            elif p == 4:
                surface(colour, light, nx, ny, nz, vx, vy, vz, 0.42, 0.12, 0.11, shade_ao * 0.6, lit * 0.6, 0.3, 0.15, 40.0)
            elif p == 5:
                surface(colour, light, nx, ny, nz, vx, vy, vz, 0.02, 0.015, 0.012, 0.7, lit, 0.1, 0.0, 10.0)
            else:
                stripe = 0.5 + 0.5 * np.sin(cloth[2, 0] * cy + cloth[2, 1] * cx)
                stripe = min(max((stripe - 0.5) * 8 + 0.5, 0.0), 1.0) * cloth[2, 2]
                surface(colour, light, nx, ny, nz, vx, vy, vz, cloth[0, 0] + stripe * (cloth[1, 0] - cloth[0, 0]), cloth[0, 1] + stripe * (cloth[1, 1] - cloth[0, 1]), cloth[0, 2] + stripe * (cloth[1, 2] - cloth[0, 2]), shade_ao, lit, 0.15, 0.03, 12.0)
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
