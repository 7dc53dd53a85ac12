"""What a system may look at, and what each draws."""

import dataclasses

import pytest
import torch

from tlk.evaluation.subjects import Subject, split_clip, spread
from tlk.evaluation.systems import Copy, MeanFrame, Ours, Truth, fingerprint, standard_systems


def test_names_and_order(model):
    assert [s.name for s in standard_systems(model)] == ["copy", "mean frame", "FF", "FT"]
    assert [s.name for s in standard_systems(model, epochs=0)] == ["copy", "mean frame", "FF"]


def test_a_system_reads_the_drivers_landmarks_only(model, subjects):
    driver = subjects[0].holdout
    blank = dataclasses.replace(driver, frames=torch.zeros_like(driver.frames))
    for system in standard_systems(model, epochs=1):
        draw = system.fit(subjects[0].source)
        assert torch.equal(draw(driver), draw(blank)), system.name
    cheat = Truth().fit(subjects[0].source)
    assert not torch.equal(cheat(driver), cheat(blank))


def test_copy_takes_the_nearest_frame(subjects):
    source = subjects[0].source
    order = [3, 0, 4, 4, 1]
    driver = dataclasses.replace(source[order], landmarks=source.landmarks[order] + 0.2)
    assert torch.equal(Copy().fit(source)(driver), source.images[order])


def test_mean_frame(subjects):
    drawn = MeanFrame().fit(subjects[0].source)(subjects[0].holdout)
    assert torch.allclose(drawn[1], subjects[0].source.images.double().mean(0).float(), atol=1e-6)


def test_ours_is_personalise(model, subjects):
    source, driver = subjects[0].source, subjects[0].holdout
    for epochs in (0, 2):
        assert torch.equal(Ours(model, epochs, seed=3).fit(source)(driver), model.personalise(source, epochs=epochs, seed=3).drive(driver))


def test_settings_name_what_results_depend_on(model):
    assert Ours(model, 0, seed=1).settings == Ours(model, 0, seed=2).settings == {"weights": fingerprint(model)}
    assert Ours(model, 3, seed=1).settings != Ours(model, 3, seed=2).settings
    other = model.copy()
    assert fingerprint(other) == fingerprint(model)
    other.discriminator.bias.data += 1e-3
    assert fingerprint(other) != fingerprint(model)


def test_source_frames_are_spread():
    assert spread(32, 1) == [16] and spread(32, 32) == list(range(32)) and spread(4, 9) == [0, 1, 2, 3]
    assert spread(32, 8) == [2, 6, 10, 14, 18, 22, 26, 30]


def test_too_few_source_frames(subjects):
    with pytest.raises(ValueError, match="disc-0 has 5 source frames, not 8"):
        subjects[0].take(8)


def test_a_video_is_split_with_a_gap(subjects):
    s = subjects[0]
    clip = dataclasses.replace(s.source[[0] * 25], frames=torch.arange(25, dtype=torch.uint8).view(25, 1, 1, 1).expand(25, 3, 32, 32).contiguous())
    found = split_clip(clip, frames=5)
    number = lambda c: c.frames[:, 0, 0, 0].tolist()
    assert number(found.source) == list(range(10)) and number(found.holdout) == [16, 18, 20, 22, 24]
    assert isinstance(found, Subject) and found.group == "real"
    with pytest.raises(ValueError, match="needs 10"):
        split_clip(clip[:9])
