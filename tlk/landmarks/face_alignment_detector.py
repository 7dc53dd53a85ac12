"""The paper's detector: face-alignment's 2DFAN4 (Bulat and Tzimiropoulos 2017), batched over frames."""

from __future__ import annotations

import importlib
import io
import os
import pickle
import urllib.error
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import torch

from tlk.landmarks.detect import Box, Face, largest
from tlk.weights_cache import WeightsMissing, converted, converted_path, read_tensors

FAN = "2DFAN4-11f355bf06.pth.tar"
FACES = {"sfd": "s3fd-619a316812.pth"}  #: file of a face detector, where this page knows its name
CONVERTED = {FAN: "2dfan4", FACES["sfd"]: "s3fd"}  #: what ``data_scripts.convert_weights`` calls them


def checkpoints() -> Path:
    """Torch hub's folder, where face-alignment looks for weights and puts what it downloads."""
    return Path(torch.hub.get_dir()) / "checkpoints"


def missing_files(face_detector: str = "sfd") -> list[str]:
    """Weights that FaceAlignment would have to download."""
    wanted = [file for file in (FAN, FACES.get(face_detector)) if file]
    return [file for file in wanted if not converted_path(CONVERTED[file]).is_file() and not (checkpoints() / file).is_file()]


class FaceAlignment:
    """Detector ``face-alignment``.

    device: ``"cuda"`` if there is one, unless given. weights: file of 2DFAN4; else the converted one in the cache folder
    (``python -m tlk weights`` says where), else the one in torch hub's checkpoints folder.
    face_detector: any that face-alignment has: ``sfd``, ``blazeface``, ``dlib`` (on a CPU it needs no weights) ...;
    face_detector_weights: its file. What is found in neither place is downloaded by face-alignment.
    Raises WeightsMissing, with one sentence that says which file goes where, when that fails.
    """

    name = "face-alignment"

    def __init__(
        self, device: str | None = None, weights: str | os.PathLike | None = None, face_detector: str = "sfd",
        face_detector_weights: str | os.PathLike | None = None, batch: int = 8,
    ) -> None:
        self.batch = batch
        self.device = device or ("cuda" if torch.cuda.is_available() else "cpu")
        try:
            api = importlib.import_module("face_alignment.api")
            self._tools: Any = importlib.import_module("face_alignment.utils")
        except ImportError as error:
            raise WeightsMissing(f"the detector face-alignment is not installed ({error}): pip install face-alignment opencv-python") from error
        weights = weights or converted("2dfan4")
        face_detector_weights = face_detector_weights or (converted("s3fd") if face_detector == "sfd" else None)
        try:
            options = {} if face_detector_weights is None else {"path_to_detector": _for_torch(face_detector_weights)}
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                self._model: Any = _with_weights(api, weights)(
                    # The default compiles: minutes to construct on a CPU, and slower after.
                    api.LandmarksType.TWO_D, device=self.device, face_detector=face_detector, face_detector_kwargs=options, compile=False,
                )
        except (urllib.error.URLError, OSError, RuntimeError, pickle.UnpicklingError, EOFError) as error:
            given = [str(path) for path in (weights, face_detector_weights) if path is not None]
            raise WeightsMissing(_advice(face_detector, given, error)) from error

    def find(self, images: list[np.ndarray], near: np.ndarray | None = None) -> list[Face | None]:
        boxes = [self._boxes(image) for image in images]
        chosen = [(image, largest(found, near)) for image, found in zip(images, boxes, strict=True) if found]
        points = iter(self._points(*map(list, zip(*chosen, strict=True))) if chosen else [])
        return [Face(next(points), len(found) - 1) if found else None for found in boxes]

    def _boxes(self, image: np.ndarray) -> list[Box]:
        """Its face detectors give (left, top, right, bottom) and some a score after them."""
        found = self._model.face_detector.detect_from_image(image.copy())
        return [(float(box[0]), float(box[1]), float(box[2]), float(box[3])) for box in found]

    @torch.inference_mode()
    def _points(self, images: list[np.ndarray], boxes: list[Box]) -> list[np.ndarray]:
        """What ``get_landmarks_from_image`` does for the faces of one image, for one face of each of many images."""
        tools, model = self._tools, self._model
        left, top, right, bottom = np.array(boxes).T
        centres = np.stack([right - (right - left) / 2, bottom - (bottom - top) / 2 - tools.CENTER_Y_OFFSET * (bottom - top)], 1)
        scales = (right - left + bottom - top) / model.face_detector.reference_scale
        crops = [tools.crop(image, c, s).transpose(2, 0, 1) for image, c, s in zip(images, centres, scales, strict=True)]
        batch = torch.from_numpy(np.stack(crops).astype(np.float32) / 255).to(self.device)
        heat = _last(model.face_alignment_net(batch)) + tools.flip(_last(model.face_alignment_net(tools.flip(batch))), is_label=True)
        heat = heat.float().cpu().numpy()
        placed = [tools.get_preds_fromhm(heat[i : i + 1], centres[i], scales[i])[1] for i in range(len(images))]
        return [points.reshape(-1, 2).astype(np.float32) for points in placed]


def _last(stages: torch.Tensor | list[torch.Tensor]) -> torch.Tensor:
    return stages[-1] if isinstance(stages, list | tuple) else stages


def _for_torch(path: str | os.PathLike) -> str | io.BytesIO:
    """The file as face-alignment's detectors take it: they call ``torch.load``, which does not read safetensors."""
    if Path(path).suffix != ".safetensors":
        return str(path)
    buffer = io.BytesIO()
    torch.save(read_tensors(Path(path)), buffer)
    buffer.seek(0)
    return buffer


def _with_weights(api: Any, weights: str | os.PathLike | None) -> type:
    """face-alignment's class, reading 2DFAN4 from a file of the caller's choice; it offers no option for that."""
    if weights is None:
        return api.FaceAlignment

    class Local(api.FaceAlignment):
        def _load_native(self, network_name: str, network_size: int, device: str, dtype: torch.dtype) -> torch.nn.Module:
            net = api.FAN(network_size)
            net.load_state_dict(read_tensors(Path(weights)))
            return net.to(device, dtype=dtype).eval()

    return Local


def _advice(face_detector: str, given: list[str], error: Exception) -> str:
    """One sentence. torch's own advice is left out: it is to trust the file."""
    if isinstance(error, urllib.error.URLError):
        files = " and ".join(missing_files(face_detector)) or f"the weights of {face_detector}"
        return (
            f"face-alignment's weights are missing and cannot be downloaded ({error.reason}): "
            f'put {files} into {checkpoints()}, or take detector="dlib"'
        )
    where = " and ".join(given) or str(checkpoints())
    return f"face-alignment cannot read its weights from {where} ({type(error).__name__}): put the files of 2DFAN4 and {face_detector} there"
