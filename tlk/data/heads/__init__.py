"""People who do not exist: rendered talking heads with exact truth.

    clip = render(Person(3), Motion(7, frames=50), size=128)      # person 3, moving as motion 7 says
    truth = render(Person(4), Motion(7, frames=50), size=128)     # person 4 doing exactly the same
    clips = dataset("train", people=400, frames=24, size=64)      # made once, kept on disk
"""

from tlk.data.heads.dataset import SPLITS, dataset, people, renderer_version
from tlk.data.heads.light import Light
from tlk.data.heads.motion import Motion
from tlk.data.heads.person import Person
from tlk.data.heads.puppet import Puppet
from tlk.data.heads.render import render

__all__ = ["SPLITS", "Light", "Motion", "Person", "Puppet", "dataset", "people", "render", "renderer_version"]
