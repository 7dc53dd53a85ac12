"""Seeds, splits, descriptions, and what happens with bad input."""

import dataclasses

import numpy as np
import pytest
import torch

from tlk.data.heads import SPLITS, Light, Motion, Person, people, render
from tlk.data.heads.styles import STYLES, draw_looks


def test_same_seed_same_person_and_motion():
    first, again = (render(Person(5), Motion(9, 2), 48) for _ in range(2))
    assert torch.equal(first.frames, again.frames) and torch.equal(first.landmarks, again.landmarks)
    other = render(Person(6), Motion(9, 2), 48)
    assert (first.frames.float() - other.frames.float()).abs().mean() > 10


def test_longer_motion_begins_like_the_shorter_one():
    short, long = Motion(3, 20), Motion(3, 90)
    for name in ("pose", "expression", "gaze"):
        np.testing.assert_allclose(getattr(long, name)[:20], getattr(short, name), atol=1e-6)


def test_motion_is_smooth_and_within_limits():
    for seed in range(6):
        motion = Motion(seed, 250)
        assert (np.abs(motion.pose) <= [45, 25, 20]).all()
        assert np.abs(np.diff(motion.pose, axis=0)).max() < 8  # degrees in a 25th of a second
        assert motion.expression.min() >= 0 and motion.expression.max() <= 1
        jaw, blink = (motion.expression[:, Motion.units().index(n)] for n in ("jawOpen", "eyeBlinkLeft"))
        assert blink.max() > 0.9 and blink.min() == 0
        assert jaw.std() > 0.01


def test_splits_never_share_a_person():
    seeds = [set(people(split, 5000)) for split in SPLITS]
    assert not (seeds[0] & seeds[1] or seeds[0] & seeds[2] or seeds[1] & seeds[2])
    assert people("train", 3) == people("train", 9)[:3]


def test_draws_cover_the_styles():
    looks = [draw_looks(seed) for seed in range(400)]
    assert len({look.style_name for look in looks}) >= 14 == min(14, len(STYLES))
    assert len({look.hair_name for look in looks}) >= 10
    assert {look.glasses for look in looks} == {"none", "round", "square", "thin", "large"}
    assert {look.hat for look in looks} == {"none", "beanie", "cap", "headband"}
    assert min(look.tone for look in looks) < 1 and max(look.tone for look in looks) > 5


def test_describe_names_what_was_drawn():
    for seed in range(30):
        person = Person(seed)
        text = person.describe()
        assert text.endswith(".") and ("man" in text)
        assert person.looks.eye_name in text and (person.looks.glasses == "none") == ("glasses" not in text)


def test_light_changes_the_picture_but_not_the_landmarks():
    dim = Light().scaled(0.4)
    bright, dark = (render(Person(2), Motion.still(), 48, light=light) for light in (Light(), dim))
    assert torch.equal(bright.landmarks, dark.landmarks)
    assert bright.frames.float().mean() > dark.frames.float().mean() + 10


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda: Person(-1), "seed"),
        (lambda: Motion(0, 0), "at least one frame"),
        (lambda: Motion(0, 5, fps=0.0), "positive rate"),
        (lambda: Motion.still(yaw=80), "±45"),
        (lambda: Motion.still(jawOpen=2.0), "between 0 and 1"),
        (lambda: Motion.still(jawOpenn=0.2), "unknown expression unit"),
        (lambda: people("training", 3), "train, validation, test"),
        (lambda: people("train", 0), "1 to 1,000,000"),
        (lambda: render(Person(0), Motion.still(), 8), "between 16 and 1024"),
    ],
)
def test_bad_parameters_get_one_sentence(call, words):
    with pytest.raises(ValueError, match=words) as error:
        call()
    assert "\n" not in str(error.value)


def test_one_topic_can_change_without_the_others():
    looks = draw_looks(4)
    assert dataclasses.replace(looks, beard="none").hair_name == looks.hair_name
