"""Measure the rendered people against a face detector, a landmark predictor and a face descriptor that know nothing of them.

    python -m data_scripts.measure_heads speed              frames a second on one core
    python -m data_scripts.measure_heads truth              dlib's detector and its 68 points against ours
    python -m data_scripts.measure_heads identity           dlib's descriptor: same person or not
    python -m data_scripts.measure_heads shimmer            how much hair and skin flicker from frame to frame

dlib's weights come from the installed face-recognition-models package; its 68-point model was trained on 300-W,
whose terms are non-commercial.
"""

from __future__ import annotations

import argparse
import importlib.util
import sys
import time
from pathlib import Path

import numpy as np
import torch
from tqdm import tqdm

from tlk.data.heads import Motion, Person, people, render


def weights(name: str) -> str:
    """Path of one of dlib's models. Raises SystemExit where the package is missing."""
    spec = importlib.util.find_spec("face_recognition_models")
    if spec is None:
        raise SystemExit("face-recognition-models is not installed: pip install face-recognition-models dlib-bin")
    return str(Path(spec.submodule_search_locations[0]) / "models" / name)


def speed(count: int) -> None:
    """Frames a second, by processor time of one thread, averaged over people of all styles."""
    torch.set_num_threads(1)
    print("size   frames/s (processor time)   frames/s (clock)   set-up of a person, ms")
    for size in (64, 128, 256):
        render(Person(0), Motion(0, 2), size)
        cpu = clock = setup = 0.0
        for seed in people("test", count):
            person, motion = Person(seed), Motion(seed, 12, fps=5)
            start = time.process_time()
            render(person, motion[:1], size)
            setup += time.process_time() - start
            start, wall = time.process_time(), time.perf_counter()
            render(person, motion, size)
            cpu, clock = cpu + time.process_time() - start, clock + time.perf_counter() - wall
        print(f"{size:4d}   {12 * count / cpu:12.1f} {12 * count / clock:24.1f} {1000 * setup / count:22.0f}", flush=True)


def truth(count: int) -> None:
    """Detection rate and the distance of dlib's points from ours over the distance of the outer eye corners (36-45)."""
    import dlib

    detect, predict = dlib.get_frontal_face_detector(), dlib.shape_predictor(weights("shape_predictor_68_face_landmarks.dat"))
    random, found, frames, errors, offsets = np.random.default_rng(0), 0, 0, [], []
    for seed in tqdm(people("test", count)):
        for _ in range(2):
            yaw, pitch, roll = random.uniform([-30, -15, -15], [30, 15, 15])
            clip = render(Person(seed), Motion.still(yaw, pitch, roll), 256)
            picture, points = clip.frames[0].permute(1, 2, 0).numpy().copy(), clip.landmarks[0].numpy()
            boxes = detect(picture, 1)
            frames, found = frames + 1, found + bool(len(boxes))
            if len(boxes):
                box = max(boxes, key=lambda b: b.area())
                guess = np.array([(p.x, p.y) for p in predict(picture, box).parts()], float)
                scale = np.linalg.norm(points[36] - points[45])
                errors.append(np.linalg.norm(guess - points, axis=1) / scale), offsets.append((guess - points) / scale)
    errors, offsets = np.array(errors), np.array(offsets)
    print(f"dlib's detector finds {100 * found / frames:.1f} % of {frames} frames (yaw ±30°, pitch and roll ±15°)")
    print(f"median distance of its points from the truth: {100 * np.median(errors):.2f} % of the inter-ocular distance")
    for name, group in {"jaw": slice(0, 17), "brows": slice(17, 27), "nose": slice(27, 36), "eyes": slice(36, 48), "lips": slice(48, 68)}.items():
        right, down = 100 * np.median(offsets[:, group], (0, 1))
        print(f"  {name:6s} {100 * np.median(errors[:, group]):5.2f} %   offset: {right:+.1f} % to the right, {down:+.1f} % down")


def descriptors(seeds: list[int], frames: int, size: int = 150) -> np.ndarray:
    """(people, frames, 128) dlib's descriptors, faces aligned by our own landmarks."""
    import dlib

    net, out = dlib.face_recognition_model_v1(weights("dlib_face_recognition_resnet_model_v1.dat")), []
    for seed in tqdm(seeds):
        motion = Motion.still() if frames == 1 else Motion(seed, frames, fps=2.5)
        clip = render(Person(seed), motion, size)
        for picture, points in zip(clip.frames.permute(0, 2, 3, 1).numpy(), clip.landmarks.numpy(), strict=True):
            shape = dlib.full_object_detection(dlib.rectangle(0, 0, size, size), [dlib.point(*map(int, np.round(p))) for p in points])
            out.append(np.array(net.compute_face_descriptor(picture.copy(), shape)))
    return np.array(out).reshape(len(seeds), frames, 128)


def identity(count: int) -> None:
    """Area under the curve for 200 people × 8 frames; how many pairs of 1,000 people are closer than 0.6."""
    several = descriptors(people("test", max(2, count // 5)), 8)
    n, f = several.shape[:2]
    flat = several.reshape(n * f, 128)
    distance = np.sqrt(np.maximum((flat**2).sum(1)[:, None] + (flat**2).sum(1)[None] - 2 * flat @ flat.T, 0))
    who = np.repeat(np.arange(n), f)
    upper = np.triu(np.ones_like(distance, bool), 1)
    same, other = np.sort(distance[upper & (who[:, None] == who)]), np.sort(distance[upper & (who[:, None] != who)])
    area = 1 - np.searchsorted(other, same).mean() / len(other)
    print(f"{n} people × {f} frames: area under the curve {area:.4f}; distances: same {np.median(same):.3f}, other {np.median(other):.3f}")
    single = descriptors(people("test", count), 1)[:, 0]
    pairs = np.sqrt(np.maximum((single**2).sum(1)[:, None] + (single**2).sum(1)[None] - 2 * single @ single.T, 0))[np.triu_indices(len(single), 1)]
    print(f"{len(single)} people: {100 * (pairs < 0.6).mean():.3f} % of pairs closer than 0.6 (median {np.median(pairs):.3f})")


def regions(points: np.ndarray) -> dict[str, tuple[slice, slice]]:
    """Where beard, brows, hair and cheeks are in a picture, by its 68 landmarks."""
    eyes = np.linalg.norm(points[36] - points[45])
    box = lambda middle, wide, high: tuple(slice(max(0, int(m - half * eyes)), max(0, int(m + half * eyes) + 1)) for m, half in ((middle[1], high), (middle[0], wide)))
    hair = slice(0, max(2, int(points[24, 1] - 0.45 * eyes))), slice(int(points[17, 0]), int(points[26, 0]))
    return {"chin": box((points[8] + points[57]) / 2, 0.3, 0.12), "brows": box(points[17:27].mean(0), 0.5, 0.1), "hair": hair, "cheek": box((points[2] + points[31]) / 2, 0.15, 0.15)}


def shimmer(count: int) -> None:
    """Mean of |x(t−1) − 2x(t) + x(t+1)|, of 255, of people with beards or curls at 25 frames a second: with one sample a side fewer
    (above 72 px that is renderer version 5), as rendered, and with 8: what is left then moves with the face, and what is above
    it comes from samples that a hair hits or misses."""
    view = sys.modules["tlk.data.heads.render"].View
    usual, hairy = view.factor, lambda looks: looks.beard in ("full beard", "short beard", "goatee") or "curly" in looks.style_name or looks.style_name == "afro"
    seeds = [seed for seed in people("test", 40 * count) if hairy(Person(seed).looks)][:count]
    print("size  samples a side    chin  brows   hair  cheek")
    for size in (64, 128, 256):
        own = view(size, 1.0, (0.0, 0.0)).factor
        for factor in (own - 1, own, 8):
            view.factor = property(lambda view, factor=factor: factor)
            found: dict[str, list[float]] = {}
            for seed in seeds:
                clip = render(Person(seed), Motion(seed, 24, fps=25), size)
                frames = clip.frames.float()
                change = (frames[:-2] - 2 * frames[1:-1] + frames[2:]).abs().mean(1)
                for frame, points in zip(change, clip.landmarks[1:-1].numpy(), strict=True):
                    for name, place in regions(points).items():
                        found.setdefault(name, []).append(frame[place].mean().item())
            view.factor = usual
            print(f"{size:4d}  {f'{factor}, as rendered' if factor == own else str(factor):14s} " + " ".join(f"{np.nanmean(v):6.2f}" for v in found.values()), flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("what", choices=("speed", "truth", "identity", "shimmer"))
    parser.add_argument("--people", type=int, help="how many; default 20 for speed, 150 for truth, 1000 for identity, 8 for shimmer")
    options = parser.parse_args()
    run, count = {"speed": (speed, 20), "truth": (truth, 150), "identity": (identity, 1000), "shimmer": (shimmer, 8)}[options.what]
    run(options.people or count)


if __name__ == "__main__":
    main()
