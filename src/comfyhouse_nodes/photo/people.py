"""Where people are in a picture, roughly: the selfie segmentation of MediaPipe."""

from __future__ import annotations

import cv2
import numpy as np

from . import nets
from .pictures import Floats, enlarge, smoothstep

_SEEN = 256


def find_people(picture: Floats) -> Floats:
    """Return how much each pixel belongs to a person. Raises WeightsMissing."""
    height, width = picture.shape[:2]
    seen = cv2.resize(picture, (_SEEN, _SEEN), interpolation=cv2.INTER_AREA)
    (found,) = nets.run(
        "selfie_segmentation.tflite", np.asarray(seen, np.float32), ("activation_10",)
    )
    return smoothstep(0.3, 0.8, enlarge(found.reshape(_SEEN, _SEEN), width, height))
