"""Weights out of a .caffemodel, without Caffe: the few fields of its protocol buffer that hold layers and their blobs.

NetParameter: ``layer`` (100) or, in older files, ``layers`` (2). A layer: name (1, or 4 in older files) and blobs (7, or 6).
BlobProto: data (5, packed float32) and shape (7), or num, channels, height and width (1 to 4) in older files.
"""

from __future__ import annotations

import mmap
from collections.abc import Iterator
from pathlib import Path

import numpy as np

LAYERS = {100: (1, 7), 2: (4, 6)}  #: field of a layer in the net → fields of its name and its blobs


def read_caffemodel(path: Path) -> dict[str, list[np.ndarray]]:
    """Layer name → its blobs (a convolution: weight and bias), float32. ValueError with one sentence when the file is none."""
    try:
        with open(path, "rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as data:
            return dict(_layers(memoryview(data)))
    except (ValueError, IndexError, UnicodeDecodeError, BufferError) as error:
        raise ValueError(f"{path} is not a whole .caffemodel ({error})") from error


def _layers(net: memoryview) -> Iterator[tuple[str, list[np.ndarray]]]:
    for number, value in _fields(net):
        if number not in LAYERS or not isinstance(value, memoryview):
            continue
        of_name, of_blobs = LAYERS[number]
        inside = list(_fields(value))
        name = next((bytes(v).decode() for n, v in inside if n == of_name and isinstance(v, memoryview)), "")
        if blobs := [_blob(v) for n, v in inside if n == of_blobs and isinstance(v, memoryview)]:
            yield name, blobs


def _blob(data: memoryview) -> np.ndarray:
    shape, old, values = [], {}, np.zeros(0, np.float32)
    for number, value in _fields(data):
        if number == 5 and isinstance(value, memoryview):
            values = np.concatenate([values, np.frombuffer(value, "<f4")])  # copies: the file is closed when the reading ends
        elif number == 7 and isinstance(value, memoryview):
            shape = [n for field, v in _fields(value) if field == 1 for n in ([v] if isinstance(v, int) else _packed(v))]
        elif number in (1, 2, 3, 4) and isinstance(value, int):
            old[number] = value
    shape = shape or [old[n] for n in sorted(old)]
    if int(np.prod(shape)) != values.size:
        raise ValueError(f"a blob of shape {shape} has {values.size} values")
    return values.reshape(shape)


def _packed(data: memoryview) -> Iterator[int]:
    at = 0
    while at < len(data):
        value, at = _varint(data, at)
        yield value


def _fields(data: memoryview) -> Iterator[tuple[int, int | memoryview]]:
    """(number, value) of each field: a whole number, or the bytes of what has a length (of four or eight bytes: those)."""
    at = 0
    while at < len(data):
        key, at = _varint(data, at)
        kind = key & 7
        if kind == 0:
            value, at = _varint(data, at)
            yield key >> 3, value
            continue
        if kind not in (1, 2, 5):
            raise ValueError(f"byte {at} starts no field")
        size, at = _varint(data, at) if kind == 2 else ({1: 8, 5: 4}[kind], at)
        if at + size > len(data):
            raise ValueError(f"a field of {size} bytes reaches beyond the end")
        yield key >> 3, data[at : at + size]
        at += size


def _varint(data: memoryview, at: int) -> tuple[int, int]:
    value = 0
    for shift in range(0, 64, 7):
        byte = data[at]
        value |= (byte & 127) << shift
        at += 1
        if byte < 128:
            return value, at
    raise ValueError(f"byte {at} is within no number")
