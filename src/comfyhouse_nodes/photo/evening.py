"""Evens skin by frequency separation: blotches and uneven patches go, pores and shape stay.

Only what lies between the fine (pores, a hundredth of the face's width) and the coarse (light and
shape, a twentieth) is lowered, and only where the skin mask is. It is worked out at a size where
the face is some hundred pixels wide, as a small difference that is added to the photo.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from .faces import Face
from .pictures import Floats, blur, enlarge_rows, get_luma, scale_to_fit
from .skin import make_skin_mask

FINE, COARSE = 0.012, 0.05
"""Between these, as shares of the face's width (sigma of a Gaussian), lies what is evened."""

SMALLEST_WIDTH = 48
"""Pixels. In a narrower face the middle frequencies are the face."""

_WORKED_WIDTH = 420
_REACH = 1.3
_STRUCTURE = 0.08
_SMOOTHEST = 1.2
"""Pixels. In small faces the grid itself is as coarse as the pores."""
_MOST = 0.90


@dataclass(frozen=True)
class Patch:
    """What is added to the rows and columns of a photo around one face, at a smaller size."""

    rows: slice
    columns: slice
    difference: Floats
    skin: Floats

    def add_to(self, strip: Floats, rows: slice) -> None:
        """Add what belongs to these rows of the photo to them, in place."""
        start, stop = max(rows.start, self.rows.start), min(rows.stop, self.rows.stop)
        if start >= stop:
            return
        height = self.rows.stop - self.rows.start
        width = self.columns.stop - self.columns.start
        own = slice(start - self.rows.start, stop - self.rows.start)
        strip[start - rows.start : stop - rows.start, self.columns] += enlarge_rows(
            self.difference, own, width, height
        )


def make_patch(picture: Floats, face: Face, strength: float) -> Patch:
    """Return what evens the skin of one face; `strength` 0..1."""
    rows, columns = _choose_part(picture, face)
    whole = picture[rows, columns]
    longest = max(whole.shape[:2])
    part = scale_to_fit(whole, round(longest * min(1.0, _WORKED_WIDTH / face.width)))
    scale = part.shape[1] / whole.shape[1]
    corner = np.array([columns.start, rows.start], np.float32)
    width = face.width * scale
    skin = make_skin_mask(part, (face.points - corner) * np.float32(scale), width)
    return Patch(rows, columns, _even(part, skin, width, strength), skin)


def _even(part: Floats, skin: Floats, width: float, strength: float) -> Floats:
    fine = _blur_within(part, skin, FINE * width)
    middle = fine - _blur_within(part, skin, COARSE * width)
    # A fold or the shade of the nose stands far out of the skin around it; that is the face.
    usual = np.maximum(get_luma(fine), 0.02)
    far = np.abs(get_luma(middle)) / (usual * np.float32(_STRUCTURE))
    kept = 1 / (1 + far * far * np.float32(0.35))
    amount = np.float32(_MOST * strength) * skin * kept
    # Weighing makes new fine frequencies at the weights' edges: pores must not feel them.
    evened = np.asarray(-amount[..., np.newaxis] * middle, np.float32)
    return blur(evened, max(0.6 * FINE * width, _SMOOTHEST))


def measure_bands(part: Floats, skin: Floats, width: float) -> tuple[float, float]:
    """Return the variance of the fine and of the middle frequencies where surely skin is."""
    fine = _blur_within(part, skin, FINE * width)
    middle = fine - _blur_within(part, skin, COARSE * width)
    surely = skin > 0.95
    high = (part - fine)[surely].var(axis=0)
    return float(high.mean()), float(middle[surely].var(axis=0).mean())


def _blur_within(part: Floats, skin: Floats, sigma: float) -> Floats:
    """Return a blur that takes nothing from where no skin is: no hair bleeds into the cheek."""
    weight = np.maximum(skin, np.float32(1e-3))
    blurred = blur(part * weight[..., np.newaxis], sigma) / blur(weight, sigma)[..., np.newaxis]
    return np.asarray(blurred, np.float32)


def _choose_part(picture: Floats, face: Face) -> tuple[slice, slice]:
    height, width = picture.shape[:2]
    x, y = face.centre
    reach = face.width * _REACH
    tall = float(np.ptp(face.points[:, 1]))
    top, bottom = y - tall, y + tall * 1.4
    return (
        slice(max(0, int(top)), min(height, int(bottom) + 1)),
        slice(max(0, int(x - reach)), min(width, int(x + reach) + 1)),
    )
