"""What a meta-learning run leaves for readers: its curve, thinned, and its people as training went on, in one picture.

    python -m data_scripts.training_record runs/heads-64 --curve tlk/weights/heads-64-curve.csv --picture notebooks/pictures/heads-64-training.png

The run's folder is that of ``python -m tlk.learning --out``. Each row of the curve is the mean of 50 steps; the picture shows the filmstrip
at the steps that are nearest to --steps, over the people's sources, drivers and true frames. A run that began with the weights of another
(``--start``) has steps of its own: --before names that other run's thinned curve, which then comes first, and steps are counted on from its end.
"""

from __future__ import annotations

import argparse
import csv
import io
from pathlib import Path

import matplotlib

matplotlib.use("Agg")

import matplotlib.pyplot as plt  # noqa: E402
import numpy as np  # noqa: E402
from PIL import Image  # noqa: E402

from tlk.files import write_whole  # noqa: E402

STEPS = (250, 500, 1000, 2000, 3000, 4500, 6000, 8500, 10500)
TRUTH = ("source", "driver", "truth")  #: rows of people.png


def thin(rows: list[dict[str, str]], every: int = 50) -> list[dict[str, str]]:
    """Means of ``every`` steps in a row, under the last one's number; what no step of them has stays empty."""
    thinned = []
    for start in range(0, len(rows) - every + 1, every):
        part = rows[start : start + every]
        means = {name: [float(row[name]) for row in part if row[name]] for name in part[0] if name != "step"}
        thinned.append({"step": part[-1]["step"]} | {name: f"{sum(v) / len(v):.5g}" if v else "" for name, v in means.items()})
    return thinned


def continued(before: list[dict[str, str]], rows: list[dict[str, str]]) -> list[dict[str, str]]:
    """``before``, then ``rows`` with their steps counted on from its last; a term that one of them lacks stays empty there."""
    end = int(before[-1]["step"]) if before else 0
    return before + [row | {"step": str(int(row["step"]) + end)} for row in rows]


def strip(folder: Path, wanted: tuple[int, ...], people: int, end: int = 0) -> plt.Figure:
    """Rows: the filmstrip at the steps nearest to ``wanted`` and at its last, named by their number after ``end``, then the people themselves."""
    files = {int(path.stem.removeprefix("step-")): path for path in sorted((folder / "filmstrip").glob("step-*.png"))}
    if not files:
        raise SystemExit(f"{folder}: has no filmstrip; give the folder that python -m tlk.learning wrote")
    steps = sorted({min(files, key=lambda s: abs(s - w)) for w in wanted} | {max(files)})
    truth = plt.imread(folder / "people.png")[..., :3]
    size = truth.shape[0] // len(TRUTH)
    rows = {f"step {step + end:,}": plt.imread(files[step])[..., :3] for step in steps} | {name: truth[i * size : (i + 1) * size] for i, name in enumerate(TRUTH)}
    figure, axes = plt.subplots(len(rows), 1, figsize=(8.5, 0.75 * len(rows)), dpi=100, gridspec_kw={"hspace": 0.04, "left": 0.12, "right": 1, "top": 1, "bottom": 0})
    for ax, (name, image) in zip(axes, rows.items(), strict=True):
        ax.imshow(np.asarray(image)[:, : people * size])
        ax.set_yticks([size / 2], [name], fontsize=9)
        ax.set_xticks([])
        ax.tick_params(length=0)
        ax.spines[:].set_visible(False)
    return figure


def read(path: Path) -> list[dict[str, str]]:
    """The rows of a curve. SystemExit with one sentence where there are none."""
    try:
        with open(path, newline="") as file:
            rows = list(csv.DictReader(file))
    except OSError as error:
        raise SystemExit(f"{path}: {error.strerror}; name a curve.csv that python -m tlk.learning wrote, or the folder that holds it") from error
    if not rows or "step" not in rows[0]:
        raise SystemExit(f"{path}: holds no curve; name a curve.csv that python -m tlk.learning wrote")
    return rows


def main(arguments: list[str] | None = None) -> None:
    p = argparse.ArgumentParser(prog="python -m data_scripts.training_record", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("run", type=Path, help="folder of the run")
    p.add_argument("--curve", type=Path, required=True, help="where the thinned curve goes")
    p.add_argument("--picture", type=Path, required=True, help="where the picture goes")
    p.add_argument("--before", type=Path, metavar="CURVE", help="thinned curve of the run whose weights this one started from (default: it started from nothing)")
    p.add_argument("--steps", type=int, nargs="+", default=STEPS, help="rows of the picture, besides the last")
    p.add_argument("--people", type=int, default=10, help="columns of the picture")
    options = p.parse_args(arguments)
    before = read(options.before) if options.before else []
    rows = continued(before, thin(read(options.run / "curve.csv")))
    names = sorted({name for row in rows for name in row}, key=lambda name: (name != "step", name))
    with write_whole(options.curve) as temporary, open(temporary, "w", newline="") as file:
        writer = csv.DictWriter(file, names, restval="")
        writer.writeheader()
        writer.writerows(rows)
    figure = strip(options.run, tuple(options.steps), options.people, int(before[-1]["step"]) if before else 0)
    drawn = io.BytesIO()
    figure.savefig(drawn, format="png")
    with write_whole(options.picture) as temporary:
        Image.open(drawn).convert("RGB").quantize(256).save(temporary, format="PNG", optimize=True)
    print(f"{options.curve}: {len(rows)} rows\n{options.picture}: {len(figure.axes)} rows")


if __name__ == "__main__":
    main()
