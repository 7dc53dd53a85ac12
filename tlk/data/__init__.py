"""Floor 1: clips, clips on disk, reading videos and photos into clips, episodes; rendered people in ``heads``."""

from tlk.data.clip import Clip
from tlk.data.disk import load_clip, load_clips, save_clip, save_clips
from tlk.data.episodes import EpisodeBatch, Episodes
from tlk.data.reading import read_clip

__all__ = ["Clip", "EpisodeBatch", "Episodes", "load_clip", "load_clips", "read_clip", "save_clip", "save_clips"]
