"""Networks that only measure, from a file that the user names: Inception for FID, ArcFace for the paper's CSIM."""

from __future__ import annotations

import hashlib
from pathlib import Path

from torch import Tensor, nn

from tlk.weights_cache import WeightsMissing, read_tensors


def read_state(path: str | Path, what: str) -> tuple[dict[str, Tensor], str]:
    """The tensors of a state dict on the CPU, and the first 8 digits of the file's SHA-256. Nothing in the file can run code.

    Raises WeightsMissing (a ValueError) with one sentence when there is no such file or it is no state dict.
    """
    path = Path(path)
    if not path.is_file():
        raise WeightsMissing(f"{path}: no such file; name the state dict of {what}, or leave the option out and go without")
    try:
        state = read_tensors(path)
    except Exception as error:  # torch raises half a dozen kinds for a file that is not a checkpoint
        raise WeightsMissing(f"{path} is not a readable state dict ({type(error).__name__}); name that of {what}") from error
    if not isinstance(state, dict) or not all(isinstance(t, Tensor) for t in state.values()):
        raise WeightsMissing(f"{path} holds no state dict; name that of {what}")
    with open(path, "rb") as file:
        return state, hashlib.file_digest(file, "sha256").hexdigest()[:8]


def fill(module: nn.Module, state: dict[str, Tensor], path: str | Path, what: str) -> nn.Module:
    """Put the tensors in, and freeze the network for measuring. Tensors that it does not have (a classifier's) are ignored.

    Raises WeightsMissing when one is missing or has another shape: then the file is another network's.
    """
    wanted = {name: t for name, t in module.state_dict().items() if not name.endswith("num_batches_tracked")}
    for name, t in wanted.items():
        found = tuple(state[name].shape) if name in state else "nothing"
        if found != tuple(t.shape):
            raise WeightsMissing(f"{path}: {name} should have shape {tuple(t.shape)}, found {found}; this is not {what}")
    module.load_state_dict({name: state[name].float() for name in wanted}, strict=False)
    return module.eval().requires_grad_(False)
