"""What the widgets share."""

from __future__ import annotations

import asyncio
import io

import numpy as np
from ipywidgets import HTML
from jaxtyping import Float
from PIL import Image
from torch import Tensor

SHOW = 256  #: pixels of a picture on the page
TURNS = 12  #: rounds of the event loop that the page has between two steps; a few hundredths of a millisecond each


def png(image: Float[Tensor, "3 h w"]) -> bytes:
    """An image in [0, 1] as PNG; smaller ones are enlarged to ``SHOW``."""
    pixels = (image.clamp(0, 1) * 255).round().byte().permute(1, 2, 0).numpy()
    picture, buffer = Image.fromarray(np.ascontiguousarray(pixels)), io.BytesIO()
    if picture.width < SHOW:
        picture = picture.resize((SHOW, SHOW), Image.Resampling.BICUBIC)
    picture.save(buffer, "png", compress_level=1)
    return buffer.getvalue()


def note(text: str) -> HTML:
    """A line in small grey letters."""
    return HTML(f"<span style='color: #555; font-size: 12px'>{text}</span>")


async def give_way() -> None:
    """Let the page have its turn: a kernel takes some rounds of its loop (measured: 4 or 5) until it has read a click and acted on it."""
    for _ in range(TURNS):
        await asyncio.sleep(0)


def running_loop() -> asyncio.AbstractEventLoop | None:
    """The loop of the notebook's kernel, or None where there is none (a plain script)."""
    try:
        return asyncio.get_running_loop()
    except RuntimeError:
        return None
