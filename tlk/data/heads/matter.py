"""How light meets matter, compiled: shadow, skin-like surfaces and hair. Linear RGB; ``light`` is ``Light.array()``."""

from __future__ import annotations

import numpy as np

from tlk.data.heads.compiled import inlined


@inlined
def lit_share(shadow, matrix, x, y, z):
    """Share of the key light that reaches a point: 2 × 2 samples of the shadow map, 0 … 1."""
    size = shadow.shape[0]
    u = matrix[0, 0] * x + matrix[0, 1] * y + matrix[0, 2] * z + matrix[0, 3]
    v = matrix[1, 0] * x + matrix[1, 1] * y + matrix[1, 2] * z + matrix[1, 3]
    d = matrix[2, 0] * x + matrix[2, 1] * y + matrix[2, 2] * z + matrix[2, 3]
    i, j = int(np.floor(u - 0.5)), int(np.floor(v - 0.5))
    if i < 1 or j < 1 or i >= size - 2 or j >= size - 2:
        return 1.0
    fu, fv = u - 0.5 - i, v - 0.5 - j
    total = 0.0
    for b in range(3):
        wv = (1 - fv) if b == 0 else (fv if b == 2 else 1.0)
        for a in range(3):
            wu = (1 - fu) if a == 0 else (fu if a == 2 else 1.0)
            blocked = min(max((shadow[j + b, i + a] - d) * 14.0 - 0.5, 0.0), 1.0)
            total += wu * wv * (1.0 - blocked)
    return total / 4.0


@inlined
def surface(out, light, nx, ny, nz, vx, vy, vz, r, g, b, ao, lit, wrap, gloss, shine):
    """Diffuse light with a soft, reddish edge (``wrap`` for red; less for green and blue) and two highlights."""
    ndl = nx * light[0, 0] + ny * light[0, 1] + nz * light[0, 2]
    ndf = max(nx * light[2, 0] + ny * light[2, 1] + nz * light[2, 2], 0.0)
    up = 0.5 + 0.5 * ny
    ndv = max(nx * vx + ny * vy + nz * vz, 0.0)
    edge = (1.0 - ndv) * (1.0 - ndv) * (1.0 - ndv)
    hx, hy, hz = light[0, 0] + vx, light[0, 1] + vy, light[0, 2] + vz
    ndh = max((nx * hx + ny * hy + nz * hz) / max(np.sqrt(hx * hx + hy * hy + hz * hz), 1e-6), 0.0)
    wide_lobe = ndh * ndh * ndh * ndh * ndh
    wide_lobe *= wide_lobe
    high = gloss * (0.35 * wide_lobe + 0.65 * (ndh**shine if ndh > 0.55 else 0.0)) * (0.35 + 0.65 * edge) * lit * (1.0 if ndl > 0 else 0.0)
    for c in range(3):
        w = wrap * (1.0 if c == 0 else (0.45 if c == 1 else 0.3))
        soft = max((ndl + w) / (1.0 + w), 0.0)
        shadow = lit + (1 - lit) * 0.25 * w
        albedo = r if c == 0 else (g if c == 1 else b)
        ambient = (light[6, c] + (light[5, c] - light[6, c]) * up) * (ao + 0.4 * albedo * ao * (1.0 - ao))
        bounce = light[3, c] * ndf * (0.4 + 0.6 * ao)
        out[c] = albedo * (light[1, c] * soft * shadow * (0.35 + 0.65 * ao) + ambient + bounce) + high * light[1, c] * ao
        out[c] += light[4, c] * edge * (0.08 + 0.6 * albedo) * ao * max(ny * 0.5 + 0.6, 0.0) * 0.6


@inlined
def strand_light(out, light, tx, ty, tz, vx, vy, vz, r, g, b, ao, lit, gloss):
    """Kajiya and Kay's hair: diffuse by the sine to the light, two shifted highlights (SIGGRAPH 1989)."""
    tl = tx * light[0, 0] + ty * light[0, 1] + tz * light[0, 2]
    tv = tx * vx + ty * vy + tz * vz
    sl, sv = np.sqrt(max(1 - tl * tl, 0.0)), np.sqrt(max(1 - tv * tv, 0.0))
    high = max(sl * sv - tl * tv, 0.0)
    first, second = high**60 if high > 0.8 else 0.0, max(sl * sv - (tl + 0.12) * tv, 0.0) ** 14
    for c in range(3):
        albedo = r if c == 0 else (g if c == 1 else b)
        ambient = 0.55 * light[5, c] + 0.35 * light[6, c] + 0.5 * light[3, c]
        key = light[1, c] * (0.15 + 0.85 * lit)
        out[c] = ao * (albedo * (ambient + 0.75 * key * sl) + key * lit * gloss * (0.05 * first + (0.04 + 0.9 * albedo) * 0.5 * second))
