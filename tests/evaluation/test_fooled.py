"""What each metric sees and what it does not, on frames that are spoiled in one way each: the table in metrics.py."""

import numpy as np
import pytest
import torch

from tests.evaluation.conftest import Beside, disc_subject
from tlk.data import heads
from tlk.evaluation import frechet
from tlk.evaluation.judges import Judges, score
from tlk.evaluation.spoiled import SPOILED, markdown, measure_spoiled


@pytest.fixture(scope="module")
def judges():
    pytest.importorskip("dlib")
    return Judges("dlib")


@pytest.fixture(scope="module")
def seen(judges):
    """Spoiled frames → mean scores; ``strangers`` are the frames of another person in the same motion."""
    first, second = (heads.people("test", 6)[i] for i in (0, 5))
    yaw = np.array([-22, -18, -14, 22, 18, 14])
    motion = heads.Motion.of(np.stack([yaw, 0 * yaw, 0 * yaw], 1), np.zeros((6, 52)), np.zeros((6, 2)))
    truth, other = (heads.render(heads.Person(p), motion, 64) for p in (first, second))
    spoiled = {name: SPOILED[name](truth.images) for name in ("untouched", "blur", "shuffled", "mirrored", "colour")} | {"strangers": other.images}
    looks = {name: judges.see(images, truth.landmarks) for name, images in spoiled.items()}
    means = {n: {m: v.nanmean().item() for m, v in vars(score(s, looks["untouched"], truth)).items() if v is not None} for n, s in looks.items()}
    for name, look in looks.items():
        means[name] |= {"frechet": frechet(look.pooled, looks["untouched"].pooled), "failed": look.found.isnan().any(-1).any(-1).float().mean().item()}
    return means


def test_untouched_frames_are_perfect_but_for_the_detector(seen):
    best = seen["untouched"]
    assert best["ssim"] == pytest.approx(1) and best["csim"] == pytest.approx(1, abs=1e-5)
    assert best["perceptual"] < 1e-6 and best["l1"] == 0 and best["frechet"] < 1e-6
    assert best["failed"] <= 0.5 and 0 < best["landmark_error"] < 0.12


def test_blur(seen):
    """Seen by features; L1 likes it better than right pictures in other colours."""
    assert seen["blur"]["perceptual"] > 2 * seen["colour"]["perceptual"] and seen["blur"]["frechet"] > seen["colour"]["frechet"]
    assert seen["blur"]["l1"] < seen["colour"]["l1"]


def test_frames_in_another_order(seen):
    """Seen by what compares frame by frame; not by who is seen, nor by a comparison of sets."""
    order = seen["shuffled"]
    assert order["ssim"] < 0.8 and order["landmark_error"] > 3 * seen["untouched"]["landmark_error"]
    assert order["frechet"] < 1e-6 * seen["blur"]["frechet"] + 1e-6
    assert order["csim"] > (1 + seen["strangers"]["csim"]) / 2


def test_other_colours(seen):
    """Not seen by structure, identity or landmarks; seen by L1 and by features."""
    colour = seen["colour"]
    assert colour["ssim"] > 0.95 and colour["csim"] > 0.99
    assert colour["landmark_error"] == pytest.approx(seen["untouched"]["landmark_error"], rel=0.2)
    assert colour["l1"] > 0.02 and colour["perceptual"] > 0.1 and colour["frechet"] > 1


def test_mirrored(seen):
    """Not seen by identity, nor much by a comparison of sets; seen by whatever asks where things are."""
    mirrored = seen["mirrored"]
    assert mirrored["csim"] > 0.95 > mirrored["ssim"] and mirrored["frechet"] < seen["blur"]["frechet"]
    assert mirrored["landmark_error"] > 3 * seen["untouched"]["landmark_error"] and mirrored["perceptual"] > seen["blur"]["perceptual"]


def test_another_person(seen):
    """The right motion by the wrong person: what landmark error cannot see, identity does."""
    assert seen["strangers"]["csim"] == min(s["csim"] for s in seen.values())
    assert seen["strangers"]["landmark_error"] < 0.5 * seen["shuffled"]["landmark_error"]


def test_the_table_of_spoiled_frames():
    """By the code that makes the systems' table; a copy is among them, and sets do not see an order."""
    found = measure_spoiled([disc_subject(s) for s in range(2)], Judges(Beside()))
    assert list(found) == [*SPOILED, "copy"] and found["untouched"]["ssim"] == pytest.approx(1)
    assert found["shuffled"]["frechet"] < 1e-3 < found["blur"]["frechet"] and found["shuffled"]["ssim"] < 0.95
    text = markdown(found)
    assert text.startswith("| metric | untouched | blur | shuffled | mirrored | colour | shift | copy |") and "pose error" not in text


def test_a_mouth_that_stays_shut(judges):
    """Hardly seen by the mean over 68 points, which is why the mouth has a number of its own."""
    yaw = torch.tensor([-15.0, -5, 5, 15])
    motions = [heads.Motion.still(yaw=y.item(), jawOpen=0.9) for y in yaw], [heads.Motion.still(yaw=y.item()) for y in yaw]
    errors = {"mouth_error": [], "landmark_error": []}
    for person in heads.people("test", 2):
        wide, shut = ([heads.render(heads.Person(person), m, 64) for m in kind] for kind in motions)
        for w, s in zip(wide, shut):
            truth = judges.see(w.images, w.landmarks)
            scores = score(truth, truth, w), score(judges.see(s.images, w.landmarks), truth, w)
            for name in errors:
                errors[name].append([getattr(each, name).item() for each in scores])
    mouth, all68 = (np.nanmean(np.array(errors[name]), 0) for name in ("mouth_error", "landmark_error"))
    assert mouth[1] > 1.4 * mouth[0] and mouth[1] - mouth[0] > 2 * (all68[1] - all68[0])
