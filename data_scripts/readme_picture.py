"""The README's picture: rendered people that the weights never saw, driven by another motion of theirs.

    python -m data_scripts.readme_picture --out notebooks/pictures/heads-64.png
"""

from __future__ import annotations

import argparse
from pathlib import Path

import matplotlib

matplotlib.use("Agg")

import torch  # noqa: E402

import tlk  # noqa: E402
from tlk.data import Clip, heads  # noqa: E402
from tlk.files import write_whole  # noqa: E402
from tlk.show import grid  # noqa: E402


def clips(person: int, size: int, frames: int = 24) -> tuple[Clip, Clip]:
    """Source and driver: two motions of one person, frames 0.4 s apart."""
    return tuple(heads.render(heads.Person(person), heads.Motion(7_000 + 2 * person + n, frames, fps=2.5), size) for n in (0, 1))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", default="heads-64", help="shipped weights or a .safetensors file")
    parser.add_argument("--people", type=int, default=10, help="the first people of the test split")
    parser.add_argument("--sources", type=int, default=8, help="T, the frames that a head is made from")
    parser.add_argument("--out", type=Path, required=True, help="where to write the PNG")
    options = parser.parse_args()
    model = tlk.load(options.model)
    rows = {name: [] for name in ("source", "driver", "FF", f"FT, T = {options.sources}", "truth")}
    for person in heads.people("test", options.people):
        source, driver = clips(person, model.preset.size)
        source, driver = source[: options.sources], driver[-1:]
        made = [model.personalise(source, epochs=epochs).drive(driver) for epochs in (0, model.preset.finetune_epochs)]
        for row, frame in zip(rows.values(), (source.images[:1], driver.landmark_images, *made, driver.images)):
            row.append(frame)
    figure = grid({name: torch.cat(frames) for name, frames in rows.items()}, inches=0.9)
    options.out.parent.mkdir(parents=True, exist_ok=True)
    with write_whole(options.out) as temporary:
        figure.savefig(temporary, dpi=110, format="png")
    print(f"{options.out}: {len(rows)} rows, {options.people} people of the test split")


if __name__ == "__main__":
    main()
