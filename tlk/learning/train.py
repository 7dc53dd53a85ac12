"""A long meta-learning run: checkpoints, a curve, a filmstrip of people who are not in the training set."""

from __future__ import annotations

import csv
import signal
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import torch
from einops import rearrange
from PIL import Image
from torch import Tensor
from tqdm import tqdm

from tlk.data import Clip
from tlk.files import write_whole

from .meta import MetaLearning


class Watch:
    """Fixed people, feed-forward from K frames: one row of pictures and one error each time it is asked.

    The first half of each clip gives the source frames, the last frame is drawn. People must be others
    than the training set's, and the two halves of a clip should come from different motions.
    """

    def __init__(self, clips: Sequence[Clip], size: int, k: int) -> None:
        self.clips = [clip.resize(size) for clip in clips]
        self.k = k

    def __call__(self, run: MetaLearning) -> tuple[Tensor, dict[str, float]]:
        """The generated frames side by side (3, h, people * w), and ``l1`` to the truth with ``spread`` of ê.

        ``spread`` is the mean distance of the people's embeddings from their mean, over the mean length: near 0
        the generator cannot tell people apart.
        """
        model = run.model()
        drawn = [model.personalise(clip[: self.k], epochs=0).drive(clip[-1:]) for clip in self.clips]
        truth = torch.cat([clip[-1:].images for clip in self.clips])
        embeddings = torch.stack([model.embed(clip[: self.k]) for clip in self.clips])
        spread = (embeddings - embeddings.mean(0)).norm(dim=-1).mean() / embeddings.norm(dim=-1).mean().clamp_min(1e-12)
        fake = torch.cat(drawn)
        return rearrange(fake, "f c h w -> c h (f w)"), {"l1": (fake - truth).abs().mean().item(), "spread": spread.item()}

    def truth(self) -> Tensor:
        """One row each: source frame, driving landmarks, truth; (3, 3 h, people * w)."""
        rows = [torch.cat([c[:1].images for c in self.clips]), torch.cat([c[-1:].landmark_images for c in self.clips]), torch.cat([c[-1:].images for c in self.clips])]
        return torch.cat([rearrange(row, "f c h w -> c h (f w)") for row in rows], 1)


def save_picture(path: Path, image: Tensor) -> None:
    """Write (3, h, w) in [0, 1] as PNG, whole or not at all."""
    pixels = (image.clamp(0, 1) * 255).round().byte().permute(1, 2, 0).cpu().numpy()
    with write_whole(path) as temporary:
        Image.fromarray(np.ascontiguousarray(pixels)).save(temporary, format="PNG")


def train(run: MetaLearning, out: Path, *, until: Callable[[MetaLearning], bool], watch: Watch | None = None, save_minutes: float = 5, watch_every: int = 250) -> None:
    """Step until ``until(run)``; SIGTERM or Ctrl-C ends the step at hand, saves and returns.

    Leaves in ``out``: checkpoint.safetensors (resume from it), model.safetensors, curve.csv and the filmstrip.
    """
    out.mkdir(parents=True, exist_ok=True)
    saved = time.monotonic()
    if watch is not None:
        save_picture(out / "people.png", watch.truth())
    with asked_to_stop() as stop, tqdm(initial=run.step, unit="step", desc=run.preset.name, mininterval=1) as bar:
        while not until(run) and not stop:
            report = run.one_step()
            bar.update()
            if report.step % 20 == 0:
                bar.set_postfix({name: f"{value:.3f}" for name, value in report.terms.items()}, refresh=False)
            if watch is not None and report.step % watch_every == 0:
                _look(run, out, watch, bar)
            if time.monotonic() - saved > 60 * save_minutes:
                _save(run, out)
                saved = time.monotonic()
    _save(run, out)
    run.model().save(out / "model.safetensors")


@contextmanager
def asked_to_stop() -> Iterator[list[int]]:
    """A list that becomes true when the process gets SIGTERM or SIGINT; what handled them before comes back after."""
    asked: list[int] = []
    before = {n: signal.signal(n, lambda received, _: asked.append(received)) for n in (signal.SIGTERM, signal.SIGINT)}
    try:
        yield asked
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _look(run: MetaLearning, out: Path, watch: Watch, bar: tqdm) -> None:
    picture, numbers = watch(run)
    (out / "filmstrip").mkdir(exist_ok=True)
    save_picture(out / "filmstrip" / f"step-{run.step:06d}.png", picture)
    run.history[-1] |= numbers
    bar.write(f"step {run.step}: unseen people, feed-forward: {', '.join(f'{name} {value:.4f}' for name, value in numbers.items())}")


def _save(run: MetaLearning, out: Path) -> None:
    run.save(out / "checkpoint.safetensors")
    names = sorted({name for row in run.history for name in row}, key=lambda n: (n != "step", n))
    with write_whole(out / "curve.csv") as temporary, open(temporary, "w", newline="") as file:
        writer = csv.DictWriter(file, names, restval="")
        writer.writeheader()
        writer.writerows(run.history)
