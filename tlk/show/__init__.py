"""Floor 6: what people look at. Writing videos, figures for notebooks, widgets."""

from importlib import import_module

from tlk.show.figures import COLOURS, draw_landmarks, grid, show_image, side_by_side
from tlk.show.styling import style
from tlk.show.video import write_video

#: Loaded when asked for: they need ipywidgets, which comes with the extra ``notebooks``.
_WIDGETS = {"LossLab": "tlk.show.lab", "Puppeteer": "tlk.show.puppeteer", "StudyWidget": "tlk.show.study"}

__all__ = ["COLOURS", "LossLab", "Puppeteer", "StudyWidget", "draw_landmarks", "grid", "show_image", "side_by_side", "style", "write_video"]


def __getattr__(name: str):
    if name not in _WIDGETS:
        raise AttributeError(f"module 'tlk.show' has no attribute {name!r}")
    return getattr(import_module(_WIDGETS[name]), name)
