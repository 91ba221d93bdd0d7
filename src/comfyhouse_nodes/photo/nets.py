"""The small networks that find faces, people and things; run by OpenCV, no GPU.

Weights lie in weights/ beside this file; docs/decisions/0013 in our repository says where they
come from. `face_detection_short_range`, `face_landmark` and `selfie_segmentation` are MediaPipe's
(Apache-2.0), `u2netp` is U²-Net's small one (Apache-2.0).
"""

from __future__ import annotations

import threading
from functools import cache
from pathlib import Path

import cv2
import numpy as np

from .pictures import Floats

WEIGHTS = Path(__file__).with_name("weights")
NAMES = (
    "face_detection_short_range.tflite",
    "face_landmark.tflite",
    "selfie_segmentation.tflite",
    "u2netp.onnx",
)
# OpenCV 5 chooses another engine by itself, which drops outputs of these files.
_CLASSIC = getattr(cv2.dnn, "ENGINE_CLASSIC", None)
# A network holds its own working memory: one thread at a time.
_LOCK = threading.Lock()


class WeightsMissing(Exception):
    """The file of a network is not there; the message says what to do."""

    def __init__(self, name: str) -> None:
        super().__init__(
            f"{name} is missing from {WEIGHTS}: run `make up` in Comfyhouse's checkout, then "
            "`comfyhoused nodes install` again."
        )


def list_missing() -> list[str]:
    """Return the names of the files that are not there."""
    return [name for name in NAMES if not (WEIGHTS / name).is_file()]


def run(name: str, pixels: Floats, outputs: tuple[str, ...]) -> list[Floats]:
    """Run a network over one picture [height, width, 3] and return the named outputs.

    Raises WeightsMissing.
    """
    batch = np.ascontiguousarray(pixels.transpose(2, 0, 1)[np.newaxis], np.float32)
    with _LOCK:
        net = _load(name)
        net.setInput(batch)
        return [np.array(one, np.float32) for one in net.forward(list(outputs))]


@cache
def _load(name: str) -> cv2.dnn.Net:
    path = WEIGHTS / name
    if not path.is_file():
        raise WeightsMissing(name)
    read = cv2.dnn.readNetFromONNX if path.suffix == ".onnx" else cv2.dnn.readNetFromTFLite
    return read(str(path)) if _CLASSIC is None else read(str(path), _CLASSIC)
