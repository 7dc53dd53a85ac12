"""A long meta-learning run: checkpoints, a curve, a filmstrip of people who are not in the training set."""

from __future__ import annotations

import csv
import os
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


def train(
    run: MetaLearning, out: Path, *, until: Callable[[MetaLearning], bool], watch: Watch | None = None, save_minutes: float = 5,
    watch_every: int = 250, keep: int = 1, rate: Callable[[int], float] | None = None, tensorboard: bool = False,
) -> None:
    """Step until ``until(run)``; SIGTERM or Ctrl-C ends the step at hand, saves and returns.

    Leaves in ``out``: checkpoint.safetensors (resume from it) and, with ``keep`` over 1, the last so many beside it;
    model.safetensors; best.safetensors, the model of the lowest L1 on the people of ``watch``; curve.csv and the filmstrip.
    Of several processes the first writes. ``rate``: step → factor of the learning rates (of all optimisers).
    """
    out.mkdir(parents=True, exist_ok=True)
    first, saved = run.fabric.is_global_zero, time.monotonic()
    board = open_board(out) if tensorboard and first else None
    if watch is not None and first:
        save_picture(out / "people.png", watch.truth())
    with asked_to_stop() as stop, tqdm(initial=run.step, unit="step", desc=run.preset.name, mininterval=1, disable=not first) as bar:
        while not _agreed(run, until(run) or bool(stop)):
            if rate is not None:
                set_rates(run, rate(run.step))
            report = run.one_step()
            bar.update()
            if report.step % 20 == 0:
                bar.set_postfix({name: f"{value:.3f}" for name, value in report.terms.items()}, refresh=False)
            if watch is not None and first and report.step % watch_every == 0:
                _look(run, out, watch, bar, board)
            if board is not None and report.step % 20 == 0:
                board.numbers(run.history[-1])
            if time.monotonic() - saved > 60 * save_minutes and first:
                _save(run, out, keep)
                saved = time.monotonic()
    if first:
        _save(run, out, keep)
        run.model().save(out / "model.safetensors")


def _agreed(run: MetaLearning, stop: bool) -> bool:
    """All processes stop at one step, as soon as one of them wants to."""
    if run.fabric.world_size == 1:
        return stop
    return bool(run.fabric.all_reduce(torch.tensor(float(stop), device=run.fabric.device), reduce_op="sum") > 0)


def set_rates(run: MetaLearning, factor: float) -> None:
    """The preset's learning rates times ``factor``: a function of the step, so resuming needs nothing but the step."""
    p = run.preset
    for name, rate in (("optimiser_g", p.lr_generator), ("optimiser_d", p.lr_discriminator), ("optimiser_w", p.lr_table)):
        if name in run.optimisers:
            for group in getattr(run, name).optimizer.param_groups:
                group["lr"] = rate * factor


def cooled(steps: int, last: int, floor: float = 0.1) -> Callable[[int], float]:
    """1 until ``last`` steps before ``steps``, then falling in a straight line to ``floor``."""
    return lambda step: 1 - (1 - floor) * min(max((step - (steps - last)) / max(last, 1), 0), 1)


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


def _look(run: MetaLearning, out: Path, watch: Watch, bar: tqdm, board: Board | None) -> None:
    picture, numbers = watch(run)
    (out / "filmstrip").mkdir(exist_ok=True)
    save_picture(out / "filmstrip" / f"step-{run.step:06d}.png", picture)
    run.history[-1] |= numbers
    if numbers["l1"] <= min(row["l1"] for row in run.history if "l1" in row):
        run.model().save(out / "best.safetensors")
    if board is not None:
        board.picture(run.step, picture)
    bar.write(f"step {run.step}: unseen people, feed-forward: {', '.join(f'{name} {value:.4f}' for name, value in numbers.items())}")


def _save(run: MetaLearning, out: Path, keep: int = 1) -> None:
    run.save(out / "checkpoint.safetensors")
    if keep > 1:
        _keep(out, run.step, keep)
    names = sorted({name for row in run.history for name in row}, key=lambda n: (n != "step", n))
    with write_whole(out / "curve.csv") as temporary, open(temporary, "w", newline="") as file:
        writer = csv.DictWriter(file, names, restval="")
        writer.writeheader()
        writer.writerows(run.history)


def _keep(out: Path, step: int, keep: int) -> None:
    """A second name for the checkpoint that was just written, and none for those before the last ``keep``."""
    named = out / f"checkpoint-{step:08d}.safetensors"
    named.unlink(missing_ok=True)
    os.link(out / "checkpoint.safetensors", named)
    for old in sorted(out.glob("checkpoint-*.safetensors"))[:-keep]:
        old.unlink()


class Board:
    """Numbers and pictures for TensorBoard, in ``out``/tensorboard."""

    def __init__(self, writer) -> None:
        self.writer = writer

    def numbers(self, row: dict[str, float]) -> None:
        for name, value in row.items():
            if name != "step":
                self.writer.add_scalar(name, value, row["step"])

    def picture(self, step: int, image: Tensor) -> None:
        self.writer.add_image("unseen people, feed-forward", image.clamp(0, 1).cpu(), step)
        self.writer.flush()


def open_board(out: Path) -> Board:
    """ValueError where tensorboard is not installed."""
    try:
        from torch.utils.tensorboard import SummaryWriter
    except ImportError as error:
        raise ValueError("tensorboard is not installed: pip install tensorboard, or leave the option out") from error
    return Board(SummaryWriter(str(out / "tensorboard")))
