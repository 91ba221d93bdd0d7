"""Pictures as the nodes hold them, and the few filters that all of them use.

A picture is float32 [height, width, 3] in 0..1, sRGB as shown; a mask is float32 [height, width]
in 0..1. Results lie on the grid of 8-bit values, as ComfyUI saves pictures by cutting off.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float32]
Bytes = NDArray[np.uint8]

STRIP_ROWS = 256
"""Full-size work goes in strips so high, so that 24 megapixels need no second and third copy."""

LUMA = np.array([0.2126, 0.7152, 0.0722], np.float32)


def list_strips(height: int) -> Iterator[slice]:
    """Yield the rows of each strip, from the top."""
    for top in range(0, height, STRIP_ROWS):
        yield slice(top, min(top + STRIP_ROWS, height))


def round_to_bytes(picture: Floats) -> Floats:
    """Return the nearest 8-bit values as floats; survives ComfyUI's `uint8(255 * x)`."""
    levels = np.rint(np.clip(picture, 0, 1) * np.float32(255))
    return np.asarray(levels / np.float32(255), np.float32)


def dither_to_bytes(picture: Floats, rows: slice) -> Floats:
    """Return 8-bit values as `round_to_bytes` does, but undecided ones by the pixel's place.

    A sky that was stretched or darkened would else show steps. What already lies on the grid of
    8-bit values stays, so that untouched pixels stay untouched. `rows` says where the strip lies.
    """
    levels = np.clip(picture, 0, 1) * np.float32(255)
    pattern = _make_pattern()
    high, wide = pattern.shape
    width = picture.shape[1]
    across = np.tile(pattern, (1, -(-width // wide)))[:, :width]
    levels += across[np.arange(rows.start, rows.stop) % high][..., np.newaxis]
    return np.asarray(np.rint(levels) / np.float32(255), np.float32)


@cache
def _make_pattern() -> Floats:
    """Return [256, 256] in -0.45..0.45 without clumps: Jimenez' interleaved gradient noise."""
    rows, columns = np.mgrid[:256, :256].astype(np.float64)
    inner = np.mod(0.06711056 * columns + 0.00583715 * rows, 1)
    return np.asarray((np.mod(52.9829189 * inner, 1) - 0.5) * 0.9, np.float32)


def blur(array: Floats, sigma: float) -> Floats:
    """Return a Gaussian blur; edges are mirrored. `sigma` in pixels; 0 changes nothing."""
    if sigma <= 0:
        return array
    return _floats(cv2.GaussianBlur(array, (0, 0), sigma, borderType=cv2.BORDER_REFLECT_101))


def box(array: Floats, radius: int) -> Floats:
    """Return the mean over squares of side 2 * radius + 1."""
    side = 2 * radius + 1
    return _floats(cv2.blur(array, (side, side), borderType=cv2.BORDER_REFLECT_101))


def shrink(array: Floats, width: int, height: int) -> Floats:
    """Return the array at a smaller size, by area."""
    return _floats(cv2.resize(array, (width, height), interpolation=cv2.INTER_AREA))


def enlarge(array: Floats, width: int, height: int) -> Floats:
    """Return the array at a larger size, smoothly."""
    return _floats(cv2.resize(array, (width, height), interpolation=cv2.INTER_LINEAR))


def scale_to_fit(array: Floats, longest: int) -> Floats:
    """Return the array with its longer side at most `longest`; never larger than it was."""
    height, width = array.shape[:2]
    factor = longest / max(height, width)
    if factor >= 1:
        return array
    return shrink(array, max(1, round(width * factor)), max(1, round(height * factor)))


def enlarge_rows(small: Floats, rows: slice, width: int, height: int) -> Floats:
    """Return some rows of what `enlarge(small, width, height)` gives, without making the rest."""
    # OpenCV's own pixel centres: a source row for each row, and linear in between.
    scale = small.shape[0] / height
    at = (np.arange(rows.start, rows.stop, dtype=np.float32) + np.float32(0.5)) * np.float32(scale)
    at -= np.float32(0.5)
    at = np.clip(at, 0, small.shape[0] - 1)
    low = np.floor(at).astype(np.intp)
    high = np.minimum(low + 1, small.shape[0] - 1)
    share = (at - low).astype(np.float32).reshape(-1, *[1] * (small.ndim - 1))
    between = small[low] * (1 - share) + small[high] * share
    return enlarge(_floats(between), width, rows.stop - rows.start)


def smoothstep(low: float, high: float, values: Floats) -> Floats:
    """Return 0 below `low`, 1 above `high`, and a smooth way in between."""
    t = np.clip((values - np.float32(low)) / np.float32(high - low), 0, 1)
    return np.asarray(t * t * (3 - 2 * t), np.float32)


def as_levels(picture: Floats) -> Bytes:
    """Return a picture as bytes 0..255, rounded."""
    return np.asarray(np.rint(np.clip(picture, 0, 1) * 255), np.uint8)


def get_luma(picture: Floats) -> Floats:
    """Return how light each pixel is, 0..1, as shown."""
    return np.asarray(picture @ LUMA, np.float32)


def _floats(array: Any) -> Floats:
    return np.asarray(array, np.float32)
