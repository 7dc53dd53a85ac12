"""The lab: a stepper with a memory (``session``), what it looks at (``views``), the picture (``drawing``) and the widget."""

from .drawing import jpeg
from .events import Event, Log
from .session import Session
from .snapshot import Snapshot
from .widget import LossLab

__all__ = ["Event", "Log", "LossLab", "Session", "Snapshot", "jpeg"]
