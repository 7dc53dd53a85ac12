"""How the rendered people are distributed: skin, hair, beards, glasses, age, pose, as one picture.

    python -m data_scripts.heads_figure --out notebooks/pictures/heads-distributions.png

Draws only: nothing is rendered, so thousands of people take seconds.
"""

from __future__ import annotations

import argparse
from collections import Counter
from pathlib import Path

import matplotlib

matplotlib.use("Agg")

import matplotlib.pyplot as plt  # noqa: E402
import numpy as np  # noqa: E402
from matplotlib.axes import Axes  # noqa: E402

from tlk.data.heads import SPLITS, Motion, people  # noqa: E402
from tlk.data.heads.dataset import SPACING, motion_seed  # noqa: E402
from tlk.data.heads.styles import HAIR_COLOURS, TONES, draw_looks  # noqa: E402
from tlk.files import write_whole  # noqa: E402
from tlk.show import COLOURS  # noqa: E402


def bars(axes: Axes, title: str, values: list[str], colours: dict[str, tuple] | None = None) -> None:
    """Shares of named values in per cent, the commonest on top."""
    counts = Counter(values).most_common()[::-1]
    names, shares = [name for name, _ in counts], [100 * n / len(values) for _, n in counts]
    paint = [np.array(colours[n]) / 255 for n in names] if colours else COLOURS["real"]
    axes.barh(names, shares, color=paint, edgecolor="0.6", linewidth=0.5)
    axes.set_title(title, fontsize=9)
    axes.tick_params(labelsize=7)
    axes.set_xlabel("per cent", fontsize=7)


def curves(axes: Axes, title: str, values: dict[str, np.ndarray], bins: np.ndarray) -> None:
    """Histograms of numbers, drawn as steps over one another."""
    for (name, numbers), colour in zip(values.items(), COLOURS.values(), strict=False):
        axes.hist(numbers, bins, weights=np.full(len(numbers), 100 / len(numbers)), histtype="step", color=colour, label=name)
    axes.set_title(title, fontsize=9)
    axes.tick_params(labelsize=7)
    axes.set_ylabel("per cent", fontsize=7)
    if len(values) > 1:
        axes.legend(fontsize=7, frameon=False)


def tones(axes: Axes, tone: np.ndarray) -> None:
    """The skin scale, each bar in its own colour."""
    shares = 100 * np.bincount(np.round(tone).astype(int), minlength=len(TONES)) / len(tone)
    axes.bar(range(len(TONES)), shares, color=TONES, edgecolor="0.6", linewidth=0.5)
    axes.set_title("skin, lightest to darkest", fontsize=9)
    axes.tick_params(labelsize=7)
    axes.set_ylabel("per cent", fontsize=7)


def figure(seeds: list[int], poses: int) -> plt.Figure:
    """All panels. ``poses``: of how many people the motions are counted too."""
    looks = [draw_looks(seed) for seed in seeds]
    number = lambda name: np.array([getattr(look, name) for look in looks])
    pose = np.concatenate([Motion(motion_seed(seed, 0), 24, fps=1 / SPACING).pose for seed in seeds[:poses]])
    page, axes = plt.subplots(3, 3, figsize=(10, 9), layout="constrained")
    tones(axes[0, 0], number("tone"))
    bars(axes[0, 1], "hair colour", [look.hair_name for look in looks], HAIR_COLOURS)
    bars(axes[0, 2], "hairstyle", [look.style_name for look in looks])
    bars(axes[1, 0], "beard (men only)", [look.beard for look in looks if look.masculine > 0.5])
    bars(axes[1, 1], "glasses", [look.glasses for look in looks])
    bars(axes[1, 2], "hat", [look.hat for look in looks])
    curves(axes[2, 0], "age, 0 young to 1 old", {"age": number("age")}, np.linspace(0, 1, 21))
    ancestry = number("ancestry")
    curves(axes[2, 1], "shares of MakeHuman's ancestry targets", {n: ancestry[:, i] for i, n in enumerate(("African", "Asian", "Caucasian"))}, np.linspace(0, 1, 21))
    curves(axes[2, 2], "head pose in motions, degrees", {n: pose[:, i] for i, n in enumerate(("yaw", "pitch", "roll"))}, np.linspace(-45, 45, 31))
    page.suptitle(f"{len(looks):,} people; poses: {len(pose):,} frames of {poses} people", fontsize=10)
    return page


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--split", choices=list(SPLITS), default="train")
    parser.add_argument("--people", type=int, default=4000)
    parser.add_argument("--poses", type=int, default=400, help="people whose motions are counted")
    parser.add_argument("--out", type=Path, required=True, help="where to write the PNG")
    options = parser.parse_args()
    page = figure(people(options.split, options.people), min(options.poses, options.people))
    options.out.parent.mkdir(parents=True, exist_ok=True)
    with write_whole(options.out) as temporary:
        page.savefig(temporary, dpi=90, format="png")
    print(f"{options.out}: {options.out.stat().st_size / 1000:.0f} kB, {options.people} people of {options.split}")


if __name__ == "__main__":
    main()
