"""Floor 6: what people look at. Writing videos; figures and widgets join later."""

from tlk.show.video import write_video

__all__ = ["write_video"]
