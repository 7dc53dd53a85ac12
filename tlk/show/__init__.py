"""Floor 6: what people look at. Writing videos, figures for notebooks; widgets join later."""

from tlk.show.figures import COLOURS, draw_landmarks, grid, show_image, side_by_side
from tlk.show.styling import style
from tlk.show.video import write_video

__all__ = ["COLOURS", "draw_landmarks", "grid", "show_image", "side_by_side", "style", "write_video"]
