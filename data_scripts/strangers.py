"""How far apart dlib's descriptor sees strangers: photographs, rendered people, and mixtures that say which part matters.

    python -m data_scripts.strangers FOLDER

FOLDER: photographs, one person each; every picture below it counts by its largest face. Two that are nearer than --same are
taken for one person and the later is left out, which can only make the photographs look further apart than they are.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
from PIL import Image, UnidentifiedImageError
from scipy.ndimage import gaussian_filter
from tqdm import tqdm

from data_scripts.measure_heads import weights
from tlk.data.heads import Motion, Person, people, render
from tlk.data.heads import person as shapes

SIDE, THRESHOLD = 150, 0.6  #: pixels of dlib's aligned face; dlib's own threshold for "the same person"
PARTS = {"eyes and brows": (40, 72, 28, 122), "nose": (62, 100, 55, 95), "mouth": (92, 122, 42, 108), "all inside the face": (36, 124, 28, 122)}  #: top, bottom, left, right of the aligned face


class Judge:
    """dlib's detector, 68 points and descriptor."""

    def __init__(self) -> None:
        import dlib

        self.dlib, self.detect = dlib, dlib.get_frontal_face_detector()
        self.points = dlib.shape_predictor(weights("shape_predictor_68_face_landmarks.dat"))
        self.net = dlib.face_recognition_model_v1(weights("dlib_face_recognition_resnet_model_v1.dat"))

    def aligned(self, picture: np.ndarray, shape) -> np.ndarray:
        return self.dlib.get_face_chip(picture, shape, SIDE, 0.25)

    def photograph(self, path: Path) -> np.ndarray | None:
        """(150, 150, 3) the largest face, aligned; None where there is none that is large enough."""
        try:
            image = Image.open(path).convert("RGB")
        except (UnidentifiedImageError, OSError):
            return None
        image.thumbnail((1400, 1400))
        if max(image.size) < 400:
            image = image.resize((2 * image.width, 2 * image.height), Image.Resampling.LANCZOS)
        picture = np.array(image)
        boxes = [box for box in self.detect(picture, 0) if box.width() >= 90]
        return self.aligned(picture, self.points(picture, max(boxes, key=lambda b: b.area()))) if boxes else None

    def rendered(self, seed: int) -> np.ndarray:
        """(150, 150, 3) a rendered person at rest, aligned by the true landmarks."""
        clip = render(Person(seed), Motion.still(), SIDE)
        points = [self.dlib.point(*map(int, np.round(p))) for p in clip.landmarks[0].numpy()]
        return self.aligned(clip.frames[0].permute(1, 2, 0).numpy().copy(), self.dlib.full_object_detection(self.dlib.rectangle(0, 0, SIDE, SIDE), points))

    def describe(self, faces: list[np.ndarray]) -> np.ndarray:
        return np.array([self.net.compute_face_descriptor(face.copy()) for face in faces])


def pairs(descriptors: np.ndarray) -> np.ndarray:
    """Distances of all pairs."""
    return np.concatenate([np.linalg.norm(descriptors[i + 1 :] - d, axis=1) for i, d in enumerate(descriptors)])


def report(name: str, descriptors: np.ndarray) -> None:
    distance, mean = pairs(descriptors), np.linalg.norm(descriptors.mean(0))
    print(f"{name:46s} {len(descriptors):5d} {np.median(distance):9.3f} {100 * (distance < THRESHOLD).mean():11.2f} {mean:14.3f}", flush=True)


def distinct(faces: list[np.ndarray], descriptors: np.ndarray, same: float) -> tuple[list[np.ndarray], np.ndarray]:
    """Without those that are nearer than ``same`` to one before them."""
    kept: list[int] = []
    for i, d in enumerate(descriptors):
        if not kept or np.linalg.norm(descriptors[kept] - d, axis=1).min() >= same:
            kept.append(i)
    return [faces[i] for i in kept], descriptors[kept]


def pasted(below: np.ndarray, above: np.ndarray, part: tuple[int, int, int, int]) -> np.ndarray:
    """``above``'s part in ``below``, with soft edges and the colours' mean and spread of what it replaces."""
    top, bottom, left, right = part
    inside = np.zeros((SIDE, SIDE))
    inside[top:bottom, left:right] = 1
    inside = gaussian_filter(inside, 3)[..., None]
    here = (slice(top, bottom), slice(left, right))
    mean = lambda face: face[here].reshape(-1, 3).mean(0)
    spread = lambda face: face[here].reshape(-1, 3).std(0) + 1
    fitting = (above - mean(above)) / spread(above) * spread(below) + mean(below)
    return np.clip(inside * fitting + (1 - inside) * below, 0, 255).astype(np.uint8)


@contextmanager
def exaggerated(gain: float) -> Iterator[None]:
    """Local shape targets drawn ``gain`` times as wide, as far as the mesh allows (weights stay within ±1)."""
    usual = shapes.STRENGTH, shapes.WEAK
    shapes.STRENGTH, shapes.WEAK = ({name: gain * value for name, value in table.items()} for table in usual)
    try:
        yield
    finally:
        shapes.STRENGTH, shapes.WEAK = usual


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path, help="photographs of different people")
    parser.add_argument("--people", type=int, default=120, help="rendered people (default: 120)")
    parser.add_argument("--same", type=float, default=0.38, help="nearer photographs are of one person (default: 0.38)")
    options = parser.parse_args()
    files = sorted(p for p in options.folder.rglob("*") if p.suffix.lower() in (".jpg", ".jpeg", ".png", ".webp"))
    judge, seeds = Judge(), people("validation", options.people)
    found = [face for face in (judge.photograph(path) for path in tqdm(files, unit="file")) if face is not None]
    if len(found) < 2:
        raise SystemExit(f"{options.folder}: {len(found)} faces of at least 90 pixels in {len(files)} pictures; give a folder of photographs of different people")
    photos, apart = distinct(found, judge.describe(found), options.same)
    print(f"\n{len(found)} faces in {len(files)} pictures; {len(found) - len(photos)} left out as nearer than {options.same} to another\n")
    print(f"{'':46s} {'faces':>5s} {'median':>9s} {'% below ' + str(THRESHOLD):>11s} {'mean’s length':>14s}")
    report("photographs", apart)
    made = [judge.rendered(seed) for seed in seeds]
    report("rendered people", judge.describe(made))
    for gain in (2, 4):
        with exaggerated(gain):
            report(f"rendered, shapes drawn {gain} times as wide", judge.describe([judge.rendered(seed) for seed in seeds]))
    for name, part in PARTS.items():
        both = list(zip(made, photos, strict=False))
        report(f"rendered, photographed {name}", judge.describe([pasted(ours, theirs, part) for ours, theirs in both]))
        report(f"photographs, rendered {name}", judge.describe([pasted(theirs, ours, part) for ours, theirs in both]))


if __name__ == "__main__":
    main()
