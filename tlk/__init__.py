"""Few-shot neural talking heads: learn the method, run it, change it.

Five lines that always work::

    clip = tlk.read_clip("me.mp4")                       # frames, landmarks, where they came from
    model = tlk.load("heads-64")                         # meta-learned weights that come with the package
    head = model.personalise(clip[:40:5], epochs=40)     # epochs=0 is the feed-forward variant
    tlk.write_video("out.mp4", head.drive(clip[60:]))

``import tlk`` costs milliseconds: each name below is imported from its floor when it is first used.
"""

from importlib import import_module

__version__ = "0.1.0"

_HOMES = {
    "PRESETS": "tlk.presets",
    "preset": "tlk.presets",
    "rasterise": "tlk.landmarks",
    "Clip": "tlk.data",
    "read_clip": "tlk.data",
    "describe": "tlk.networks",
    "load": "tlk.learning",
    "write_video": "tlk.show",
}
_MODULES = ("presets", "files", "landmarks", "data", "networks", "losses", "learning", "evaluation", "show")

__all__ = [*_HOMES, *_MODULES]


def __getattr__(name: str):
    if name in _HOMES:
        value = globals()[name] = getattr(import_module(_HOMES[name]), name)
        return value
    if name in _MODULES:
        return import_module(f"tlk.{name}")
    raise AttributeError(f"module 'tlk' has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
