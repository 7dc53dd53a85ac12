"""Floor 1: clips, clips on disk, reading videos and photos into clips, episodes; rendered people in ``heads``."""

from tlk.data.ahead import Ahead
from tlk.data.clip import Clip
from tlk.data.disk import load_clip, load_clips, save_clip, save_clips
from tlk.data.episodes import EpisodeBatch, Episodes
from tlk.data.reading import read_clip
from tlk.data.shards import AnyClip, StoredClip, open_set

__all__ = [
    "Ahead", "AnyClip", "Clip", "EpisodeBatch", "Episodes", "StoredClip", "load_clip", "load_clips", "open_set", "read_clip", "save_clip", "save_clips",
]  # fmt: skip
