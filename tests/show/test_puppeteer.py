"""Sliders → landmarks → head, without a browser."""

import asyncio

import pytest
import torch

from tlk.data import heads
from tlk.data.heads.puppet import Puppet, most_frontal
from tlk.learning.model import Model
from tlk.networks import Discriminator, Embedder, Generator
from tlk.presets import preset
from tlk.show.puppeteer import Puppeteer, mosaic, motion_of


@pytest.fixture(scope="module")
def clip():
    return heads.render(heads.Person(3), heads.Motion(7, 6, fps=4), 64)


@pytest.fixture(scope="module")
def model():
    torch.manual_seed(0)
    p = preset("tiny")
    return Model(p, Embedder(p), Generator(p), Discriminator(p), {}).copy()


def test_the_mesh_has_the_points_that_the_renderer_gives(clip):
    found = Puppet(heads.Person(3)).points(heads.Motion(7, 6, fps=4))
    a, b = ((p - p[0].mean(0)) / (p[0, 36] - p[0, 45]).norm() for p in (found, clip.landmarks))
    torch.testing.assert_close(a, b, atol=1e-5, rtol=0)


def test_a_fitted_puppet_keeps_the_face_and_follows_the_slider(clip):
    given = clip.landmarks[most_frontal(clip.landmarks)]
    fitted = Puppet().fit(given)
    there = fitted(motion_of(yaw=fitted.yaw, pitch=fitted.pitch))[0]
    torch.testing.assert_close(there, given, atol=1e-3, rtol=0)
    nose = lambda **values: fitted(motion_of(**values))[0, 30]
    assert nose(yaw=30)[0] > nose()[0] + 1 and nose(pitch=15)[1] < nose()[1] - 1
    gap = lambda **values: (lambda p: (p[66] - p[62]).norm())(fitted(motion_of(**values))[0])
    assert gap(mouth=0.8) > gap() + 1


def test_sliders_move_landmarks_and_head(model, clip):
    puppet = Puppeteer(model, clip, (1, 4), epochs=1)
    before, points, picture = puppet.frame(), puppet.landmarks(), puppet._face.value
    puppet.set(yaw=25, mouth=0.6)
    assert not torch.equal(puppet.landmarks(), points) and not torch.equal(puppet.frame(), before) and puppet._face.value != picture
    puppet.reset.click()
    assert torch.equal(puppet.frame(), before)
    with pytest.raises(ValueError, match="no slider 'gaze'"):
        puppet.set(gaze=3.0)


def test_one_number_of_frames_is_said_and_no_switch(model, clip):
    """A button that is pressed already and has nothing beside it looks like one that does not work."""
    shown = lambda sources: Puppeteer(model, clip, sources, epochs=1).widget.children[0].children
    assert "source frames T: 4" in shown((4,))[0].value and len(shown((4,))) == 3
    assert next(c.options for c in shown((1, 4)) if hasattr(c, "options")) == (("1", 1), ("4", 4))


def test_ff_stands_in_until_ft_is_trained(model, clip):
    puppet = Puppeteer(model, clip, (1,), epochs=1)
    puppet.set(head="FT")
    assert "not trained yet" in puppet.message.value and not puppet.train_button.disabled
    asyncio.run(puppet.train())
    assert puppet.train_button.disabled, "a press would do nothing"
    assert puppet.head()[1] == "FT" and puppet.head()[0] is puppet.heads[1, "FT"]
    assert len(puppet.still().axes) == 3 * 6


def test_while_ft_trains_a_moved_slider_does_not_ask_for_training(model, clip):
    puppet, said = Puppeteer(model, clip, (1, 2), epochs=1), []
    puppet.set(head="FT", sources=1)
    assert "press Train FT" in puppet.message.value and puppet.train_button.tooltip.endswith(": 1, 2")

    async def move() -> None:
        task = asyncio.create_task(puppet.train())
        await asyncio.sleep(0)
        puppet.draw()  # as a slider would
        said.append(puppet.message.value)
        await task

    asyncio.run(move())
    assert "FF, while FT trains" in said[0] and "T = 1, FT" in puppet.message.value
    assert puppet.train_button.description == "FT is trained"


def test_more_frames_than_there_are(model, clip):
    with pytest.raises(ValueError, match="fewer than each T"):
        Puppeteer(model, clip, (32,))


def test_source_frames_stand_in_a_square():
    frames = torch.rand(5, 3, 4, 4)
    square = mosaic(frames)
    assert square.shape == (3, 12, 12) and torch.equal(square[:, 4:8, 4:8], frames[4]) and torch.equal(square[:, 8:, :], torch.ones(3, 4, 12))
    assert torch.equal(mosaic(frames[:1]), frames[0])
