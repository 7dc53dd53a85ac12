"""A real video through the real detector: the astronaut, wandering to the left."""

import pytest

from tests.data.real import astronaut, video
from tlk.evaluation import real
from tlk.evaluation.judges import Judges, score


def test_a_video_becomes_a_subject_and_its_truth_is_found(tmp_path):
    pytest.importorskip("dlib")
    astronaut()
    video(tmp_path / "astronaut.mp4", frames=10, step=2)
    (subject,) = real([tmp_path], frames=2, size=64)
    assert (subject.name, subject.group, len(subject.source), len(subject.holdout)) == ("astronaut", "real", 4, 2)
    judges = Judges()
    truth = judges.see(subject.holdout.images, subject.holdout.landmarks)
    own = score(truth, truth, subject.holdout)
    assert own.landmark_error.max() < 0.1 and own.csim.min() > 0.999  # 64 px against the video's own size
    assert set(judges.names.values()) == {"efficientnet-lite1", "dlib-resnet", "dlib"}


def test_a_folder_without_videos(tmp_path):
    with pytest.raises(ValueError, match="holds no video"):
        real([tmp_path])
