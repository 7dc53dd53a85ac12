"""Where tlk looks for weights of other people's networks, and what is there: ``python -m tlk weights``.

Nothing is downloaded. What ``data_scripts.convert_weights`` wrote is looked for first.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from tlk.landmarks import dlib_detector, face_alignment_detector
from tlk.losses.backbones import dlib_resnet, efficientnet, vgg
from tlk.weights_cache import Weights, WeightsMissing, cache_folder, converted, converted_path, find


@dataclass(frozen=True)
class Place:
    """A network, what it is for, and its file; or, where ``file`` is None, the sentence that says what to do."""

    name: str
    use: str
    file: Path | None
    advice: str = ""


def places() -> Iterator[Place]:
    """Every network of others that tlk can read, the shipped and installed ones first. Hashes are checked, which takes seconds."""
    yield _place("dlib-68", "landmarks", lambda: find(dlib_detector.PREDICTOR))
    yield _place("dlib-resnet", "identity (CSIM)", lambda: find(dlib_resnet.WEIGHTS))
    for name, use in (("efficientnet-lite0", "content loss without downloads"), ("efficientnet-lite1", "perceptual and Fréchet distance")):
        yield _place(name, use, lambda name=name: find(efficientnet.WEIGHTS[name]))
    for name, variant in vgg.VARIANTS.items():
        yield _place(name, "content loss, the paper's", lambda name=name, w=variant.weights: converted(name) or _cached(name, w))
    for file, name in face_alignment_detector.CONVERTED.items():
        yield _place(name, "landmarks, the paper's", lambda name=name, file=file: converted(name) or _in_hub(name, file))
    for name, use in (("inception", "FID"), ("arcface", "CSIM, the paper's")):
        yield _place(name, use, lambda name=name: converted(name) or _named(name))


def _place(name: str, use: str, look: Callable[[], Path]) -> Place:
    try:
        return Place(name, use, look())
    except WeightsMissing as error:
        return Place(name, use, None, str(error))


def _cached(name: str, weights: Weights) -> Path:
    if (cache_folder() / weights.file).is_file():
        return find(weights, download=False)
    raise WeightsMissing(f"{converted_path(name).name} or {weights.file} in the first folder; downloaded from {weights.url} when first asked for")


def _in_hub(name: str, file: str) -> Path:
    path = face_alignment_detector.checkpoints() / file
    if path.is_file():
        return path
    raise WeightsMissing(f"{converted_path(name).name} in the first folder or {file} in the second; face-alignment downloads it when first asked for")


def _named(name: str) -> Path:
    raise WeightsMissing(f"read only where a command names it: python -m tlk.evaluation --{name} FILE (a .pth or .safetensors)")


def table() -> str:
    """All of it as text: the folders, then a line for each network."""
    lines = [
        "folders:",
        f"  1  {cache_folder()}   (another: TLK_WEIGHTS)",
        f"  2  {face_alignment_detector.checkpoints()}   (torch hub's; another: TORCH_HOME)",
        "",
    ]
    for place in places():
        lines.append(f"{'there  ' if place.file else 'missing'}  {place.name:<19} {place.use:<32} {place.file or place.advice}")
    return "\n".join([*lines, "", "Files that you have become what tlk loads with: python -m data_scripts.convert_weights --help"])
