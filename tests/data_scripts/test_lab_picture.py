"""The README's strips of the lab, from a few steps of small networks: what was changed, when, and whom one sees."""

import numpy as np
import pytest
import torch
from matplotlib.figure import Figure

from data_scripts import lab_picture
from tests.learning.conftest import MINI, disc_person
from tlk.learning import MetaLearning
from tlk.learning.toy import ToyGAN
from tlk.show.lab.session import Session
from tlk.show.lab.views import FacesView, ToyView

SCENES = (("all", 2, {}), ("off", 4, {"content": 0.0}), ("back", 2, {"content": 1.25}))


@pytest.fixture(scope="module")
def faces() -> tuple[Session, list]:
    people = [disc_person(s) for s in range(4)]
    session = Session(MetaLearning(MINI, people, seed=0))
    return session, lab_picture.record(session, FacesView(session.stepper, people[:3]), SCENES, 1)


def titles(figure: Figure) -> list[str]:
    return [axis.get_title() for axis in figure.axes if axis.get_title()]


def test_scenes_are_played_and_looked_at(faces):
    session, looks = faces
    assert [step for step, _ in looks] == list(range(9)) and lab_picture.ends_of(SCENES) == [2, 6, 8]
    assert session.marks == [(2, "content 1.25 → off"), (6, "content off → 1.25")]
    assert session.stepper.weights == MetaLearning(MINI, [disc_person(0)] * 3).weights, "in the end the weights are those of the beginning"


def test_people_stand_above_the_curves_of_their_run(faces, monkeypatch):
    monkeypatch.setattr(lab_picture, "PICTURES", 2)
    session, looks = faces
    figure = lab_picture.draw_heads_strip(session, looks, SCENES)
    assert titles(figure) == ["source", "landmarks", "truth", "step 0", "step 2", "step 4", "step 6", "step 8"]
    assert [t.get_text() for t in figure.texts] == ["all", "off", "back"]
    truth, fourth = (np.asarray(figure.axes[n].images[0].get_array()) for n in (2, 5))
    stacked = lambda frames: torch.cat(list(frames), 1).permute(1, 2, 0).clamp(0, 1).numpy()
    assert np.array_equal(truth, stacked(looks[0][1].picture["truth"])) and np.array_equal(fourth, stacked(looks[4][1].picture["generated"]))
    assert all(list(axis.get_xticks()) == [0, 2, 4, 6, 8] for axis in figure.axes[-2:])


def test_the_ground_of_a_scene_covers_its_columns_and_no_other():
    places = [0.0, 1.0, 2.0, 3.0, 4.0]
    found = lab_picture.spans(SCENES, [0, 2, 4, 6, 8], places, 0.9)
    assert [(title, ends) for title, ends, _ in found] == [("all", (0.0, 1.9)), ("off", (2.0, 3.9)), ("back", (4.0, 4.9))]


def test_the_plane_shows_the_end_of_each_scene():
    session, scenes = Session(ToyGAN(seed=0, batch=16)), [(title, 2, weights) for title, _, weights in lab_picture.PLANE]
    looks = lab_picture.record(session, ToyView(16, 8), scenes, 1)
    figure = lab_picture.draw_plane_strip(session, [looks[n][1] for n in (2, 4, 6)], lab_picture.quality_of(looks))
    assert [t.partition("\n")[0] for t in titles(figure)] == [title for title, _, _ in lab_picture.PLANE]
