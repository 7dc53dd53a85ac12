"""Weights files that people have → what tlk loads: safetensors with checked shapes, and their SHA-256 beside them.

    python -m data_scripts.convert_weights --list                            where tlk looks, and what is there
    python -m data_scripts.convert_weights vgg19-caffe vgg19-d01eb7cb.pth    or VGG_ILSVRC_19_layers.caffemodel
    python -m data_scripts.convert_weights vggface VGG_FACE.caffemodel       or vgg_face_dag.pth
    python -m data_scripts.convert_weights 2dfan4 2DFAN4-11f355bf06.pth.tar  face-alignment's landmarks
    python -m data_scripts.convert_weights s3fd s3fd-619a316812.pth          face-alignment's face detector
    python -m data_scripts.convert_weights arcface backbone.pth              insightface's arcface_torch
    python -m data_scripts.convert_weights inception pt_inception-2015-12-05-6726825d.pth

The result goes into the cache folder (--list names it), where tlk looks first; arcface and inception are read only where
a command names them. Nothing in a file can run code: pickled modules are refused. NOTICE.md has the files' terms.
"""

from __future__ import annotations

import argparse
import hashlib
import re
import sys
from collections.abc import Callable
from pathlib import Path

import torch
from torch import Tensor

from tlk.evaluation import arcface, inception
from tlk.files import write_tensors, write_whole
from tlk.losses.backbones.vgg import VARIANTS, shapes
from tlk.weights_cache import cache_folder, read_tensors
from tlk.where import table

from .caffemodel import read_caffemodel

TORCHVISION = "dcbb9e9d"  #: first digits of torchvision's VGG19: the same names and shapes for another scaling
CLASSES = {"vgg19-caffe": 1000, "vggface": 2622}  #: what the last layer tells apart, where a file has it: an ImageNet VGG16 has VGGFace's shapes
WRAPPED = ("state_dict", "model", "net", "weights")  #: names under which files keep their tensors
PREFIXES = ("module.", "net.", "model.")
State = dict[str, Tensor]


def read_state(path: Path) -> State:
    """The tensors of a file, whatever it is: .caffemodel (``conv1_1.weight``, ``conv1_1.bias``), .safetensors, torch.save's.

    Raises ValueError with one sentence that names the file.
    """
    if not path.is_file():
        raise ValueError(f"{path}: no such file")
    if path.suffix == ".caffemodel":
        return {f"{name}.{part}": torch.from_numpy(blob) for name, blobs in read_caffemodel(path).items() for part, blob in zip(("weight", "bias"), blobs)}
    try:
        state = read_tensors(path)
    except Exception as error:  # torch raises half a dozen kinds, and their texts advise to trust the file
        raise ValueError(f"{path} is no plain file of tensors ({type(error).__name__}): give a state dict, .safetensors or .caffemodel, whole") from error
    while isinstance(state, dict) and (inner := next((state[k] for k in WRAPPED if isinstance(state.get(k), dict)), None)) is not None:
        state = inner
    state = {str(k): v for k, v in state.items() if isinstance(v, Tensor)} if isinstance(state, dict) else {}
    for prefix in PREFIXES:
        if state and all(name.startswith(prefix) for name in state):
            state = {name.removeprefix(prefix): t for name, t in state.items()}
    if not state:
        raise ValueError(f"{path} holds no tensors by name: give a state dict, .safetensors or .caffemodel")
    return state


def vgg(name: str, path: Path, channels: str | None) -> State:
    """Convolutions up to conv5_1 under the names that ``Vgg`` reads, with the input channels in its order."""
    variant, state = VARIANTS[name], read_state(path)
    last = next((state[key] for key in ("fc8.bias", "classifier.6.bias") if key in state), None)
    if last is not None and last.numel() != CLASSES[name]:
        raise ValueError(f"{path} tells {last.numel()} classes apart, {name} {CLASSES[name]}; this is another network's file")
    channels = channels or _order(name, path)
    ours = list(shapes(variant).items())
    theirs = [key for key in state if re.fullmatch(r"(features\.\d+|conv\d_\d)\.(weight|bias)", key)]
    theirs = sorted(theirs, key=lambda key: ([int(n) for n in re.findall(r"\d+", key)], key.endswith("bias")))[: len(ours)]
    if len(theirs) < len(ours):
        raise ValueError(f"{path}: {len(theirs)} tensors are named as a VGG's convolutions (conv1_1 or features.0), {len(ours)} are needed; this is not {name}")
    found = {own: _shaped(state[key], shape, path, key, name) for (own, shape), key in zip(ours, theirs, strict=True)}
    first = ours[0][0]
    if channels != variant.channels:
        found[first] = found[first].flip(1)
    return found


def _order(name: str, path: Path) -> str:
    """Order of the input channels, where the file says it. Names and shapes alone do not: torchvision's files have the same."""
    if path.suffix == ".caffemodel":
        return "bgr"
    digits = sha256(path)[:8]
    if digits == TORCHVISION or TORCHVISION in path.name:
        raise ValueError(f"{path} is torchvision's VGG19, trained with another input scaling than Caffe's: the paper's loss weights do not fit it")
    if digits == VARIANTS[name].weights.sha256 or (name == "vggface" and path.name == VARIANTS[name].weights.file):
        return VARIANTS[name].channels
    raise ValueError(f"{path}: the order of its input channels is not known; say --channels bgr (Caffe's own) or rgb, if you know that it takes 0–255 less Caffe's means")


def fan(name: str, path: Path, _: str | None) -> State:
    """face-alignment's 2DFAN4: every tensor that its network has."""
    try:
        import face_alignment.api as api
    except ImportError as error:
        raise ValueError(f"face-alignment is not installed ({error}); its code knows the shapes: pip install face-alignment opencv-python") from error
    with torch.device("meta"):
        return _all_of(api.FAN(4), path, name)


def s3fd(name: str, path: Path, _: str | None) -> State:
    try:
        from face_alignment.detection.sfd.net_s3fd import s3fd as network
    except ImportError as error:
        raise ValueError(f"face-alignment is not installed ({error}); its code knows the shapes: pip install face-alignment opencv-python") from error
    with torch.device("meta"):
        return _all_of(network(), path, name)


def measuring(name: str, path: Path, _: str | None) -> State:
    """Inception or ArcFace: its opener checks the file, whose depth and width it reads off."""
    opener = {"inception": inception.open_inception, "arcface": arcface.open_arcface}[name]
    return {key: t for key, t in opener(path).state_dict().items() if not key.endswith("num_batches_tracked")}


def _all_of(network: torch.nn.Module, path: Path, name: str) -> State:
    state = read_state(path)
    wanted = {key: t for key, t in network.state_dict().items() if not key.endswith("num_batches_tracked")}
    missing = [key for key in wanted if key not in state]
    if missing:
        raise ValueError(f"{path}: {len(missing)} of {len(wanted)} tensors are not there, {missing[0]} for one; this is not {name}")
    return {key: _shaped(state[key], tuple(t.shape), path, key, name) for key, t in wanted.items()}


def _shaped(tensor: Tensor, shape: tuple[int, ...], path: Path, key: str, name: str) -> Tensor:
    """float32 of that shape; older Caffe files write a bias as (1, 1, 1, n)."""
    found = tuple(tensor.shape)
    if found != shape and tuple(n for n in found if n != 1) != shape:
        raise ValueError(f"{path}: {key} has shape {found}, {name} needs {shape}; this is another network's file")
    if not torch.isfinite(tensor).all():
        raise ValueError(f"{path}: {key} holds NaN or infinity; get the file again")
    return tensor.reshape(shape).float()


KINDS: dict[str, Callable[[str, Path, str | None], State]] = {
    "vgg19-caffe": vgg, "vggface": vgg, "2dfan4": fan, "s3fd": s3fd, "arcface": measuring, "inception": measuring,
}  # fmt: skip


def convert(name: str, source: Path, folder: Path, channels: str | None = None, again: bool = False) -> tuple[Path, str]:
    """Write ``folder``/``name``.safetensors and its hash beside it, each whole or not at all; returns the path and the hash.

    Raises ValueError with one sentence: the file is not that network's, or the target exists and ``again`` is not set.
    """
    path = folder / f"{name}.safetensors"
    note = path.with_name(path.name + ".sha256")
    if path.exists() and not again:
        raise ValueError(f"{path} exists already; add --again to write it anew")
    state = KINDS[name](name, source, channels)
    about = {"network": name, "from": source.name, "from_sha256": sha256(source)}
    note.unlink(missing_ok=True)  # tlk trusts a file without a note for the first time, never one with a stale note
    write_tensors(path, state, about)
    digest = sha256(path)
    with write_whole(note) as temporary:
        temporary.write_text(digest + "\n")
    return path, digest


def sha256(path: Path) -> str:
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def doubt(source: Path) -> str:
    """A note where a file's name ends in digits of a hash, as torch's do, and its hash begins otherwise; else empty."""
    named = re.search(r"-([0-9a-f]{8,64})\.(pth|pt)(\.tar)?$", source.name)
    found = sha256(source)
    return "" if named is None or found.startswith(named[1]) else f"note: the SHA-256 of {source} begins {found[:8]}, its name says {named[1]}: it is not the file as published"


def main(arguments: list[str] | None = None) -> int:
    p = argparse.ArgumentParser(prog="python -m data_scripts.convert_weights", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("name", nargs="?", choices=KINDS, metavar="NAME", help=", ".join(KINDS))
    p.add_argument("file", nargs="?", type=Path, metavar="FILE")
    p.add_argument("--list", action="store_true", help="print where tlk looks and what is there (as python -m tlk weights does)")
    p.add_argument("--channels", choices=("bgr", "rgb"), help="input channels of a VGG whose file does not say it")
    p.add_argument("--out", type=Path, metavar="FOLDER", help="default: tlk's cache folder")
    p.add_argument("--again", action="store_true", help="replace what an earlier conversion wrote")
    options = p.parse_args(arguments)
    if options.list:
        print(table())
        return 0
    if options.file is None:
        p.error("give a network's NAME and the FILE to convert, or --list")
    try:
        path, digest = convert(options.name, options.file, options.out or cache_folder(), options.channels, options.again)
        if note := doubt(options.file):
            print(note, file=sys.stderr)
    except (ValueError, OSError) as error:
        print(error, file=sys.stderr)
        return 2
    print(f"{path}\n{path.stat().st_size / 1e6:.1f} MB, SHA-256 {digest} (also in {path.name}.sha256)")
    if options.name in ("arcface", "inception"):
        print(f"use it with: python -m tlk.evaluation --{options.name} {path}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
