"""Parameters out of a network that dlib saved.

dlib writes layers in the order of computation, each as a name (``con_4``, ``affine_``, ``fc_2`` …), its
parameters as one tensor, and a few settings. Integers are packed: one byte with the count of bytes in its low
half and the sign in its top bit, then the bytes, least first. A string is its length and its characters. A tensor is
the number 2, its four sizes, and raw little-endian float32.
"""

from __future__ import annotations

import re

import torch
from torch import Tensor

_NAME = re.compile(rb"\x01[\x03-\x09](con_4|affine_|fc_2)")


def read_layers(data: bytes) -> list[tuple[str, Tensor]]:
    """(``con``, ``affine`` or ``fc``; flat float32 parameters) of each such layer, in the order of computation.

    Raises ValueError where the bytes are not what dlib writes.
    """
    layers, position = [], 0
    while match := _NAME.search(data, position):
        kind = match[1].decode().split("_")[0]
        position = match.end()
        if kind == "fc":  # numbers of outputs and inputs come first
            _, position = _integer(data, position)
            _, position = _integer(data, position)
        parameters, position = _tensor(data, position)  # the search goes on behind the raw floats, never inside
        layers.append((kind, parameters))
    return layers


def _tensor(data: bytes, position: int) -> tuple[Tensor, int]:
    version, position = _integer(data, position)
    count = 1
    for _ in range(4):
        side, position = _integer(data, position)
        count *= side
    end = position + 4 * count
    if version != 2 or count <= 0 or end > len(data):
        raise ValueError(f"no dlib tensor at byte {position}: version {version}, {count} numbers")
    return torch.frombuffer(bytearray(data[position:end]), dtype=torch.float32), end


def _integer(data: bytes, position: int) -> tuple[int, int]:
    count, negative = data[position] & 0x0F, bool(data[position] & 0x80)
    end = position + 1 + count
    value = int.from_bytes(data[position + 1 : end], "little")
    return (-value if negative else value), end
