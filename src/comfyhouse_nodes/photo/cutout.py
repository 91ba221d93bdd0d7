"""Finds the thing in a photo, roughly.

U²-Net says where it is, once for the photo and once more for the part that holds it. How far the
two agree says how far the finding is to be trusted.
"""

from __future__ import annotations

import cv2
import numpy as np

from . import nets
from .pictures import Floats, enlarge

WORKED_SIZE = 1600
"""Pixels of the longer side at which edges are worked out; alpha is enlarged from there."""

_SEEN = 320
_MEAN = np.array([0.485, 0.456, 0.406], np.float32)
_SPREAD = np.array([0.229, 0.224, 0.225], np.float32)
_ROOM = 0.12


def find_subject(picture: Floats) -> Floats:
    """Return how likely each pixel belongs to the thing shown. Raises WeightsMissing."""
    first = _look(picture)
    part = choose_part(first)
    if part is None:
        return first
    rows, columns = part
    closer = np.zeros_like(first)
    closer[rows, columns] = _look(picture[rows, columns])
    # The closer look sees edges better, the wider one knows what the thing is.
    together = (first + 2 * closer) / 3
    return np.asarray(np.where(first < 0.02, np.minimum(first, together), together), np.float32)


def choose_part(likely: Floats) -> tuple[slice, slice] | None:
    """Return rows and columns around what is likely; None if that is all or nothing of it."""
    rows = np.flatnonzero((likely > 0.5).any(axis=1))
    columns = np.flatnonzero((likely > 0.5).any(axis=0))
    if not len(rows):
        return None
    height, width = likely.shape
    room = round(_ROOM * max(np.ptp(rows), np.ptp(columns))) + 1
    part = (
        slice(max(0, int(rows[0]) - room), min(height, int(rows[-1]) + room + 1)),
        slice(max(0, int(columns[0]) - room), min(width, int(columns[-1]) + room + 1)),
    )
    size = (part[0].stop - part[0].start) * (part[1].stop - part[1].start)
    return part if size < 0.9 * height * width else None


def _look(picture: Floats) -> Floats:
    height, width = picture.shape[:2]
    seen = cv2.resize(picture, (_SEEN, _SEEN), interpolation=cv2.INTER_AREA)
    even = (seen / max(float(seen.max()), 1e-6) - _MEAN) / _SPREAD
    (found,) = nets.run("u2netp.onnx", np.asarray(even, np.float32), ("1959",))
    return enlarge(found.reshape(_SEEN, _SEEN), width, height)


def measure_sureness(likely: Floats) -> tuple[float, int]:
    """Return how sure it is of what it holds for the thing, 0..1, and in how many pieces that is.

    Pieces under a twentieth of the largest do not count.
    """
    inside = likely > 0.5
    if not inside.any():
        return 0.0, 0
    _, _, stats, _ = cv2.connectedComponentsWithStats(inside.astype(np.uint8))
    sizes = stats[1:, cv2.CC_STAT_AREA]
    return float(likely[inside].mean()), int((sizes > 0.05 * sizes.max()).sum())
