"""Film grain that is the same whenever the same photo is worked on, on every machine."""

from __future__ import annotations

import hashlib

import numpy as np

from .pictures import STRIP_ROWS, Floats, as_levels, blur, get_luma, list_strips, smoothstep

_FROM_FOUR_BYTES = 147.8
"""The spread of the sum of four even bytes, which is near enough to a bell."""


def make_seed(picture: Floats) -> int:
    """Return a number that the photo's content alone decides."""
    digest = hashlib.blake2b(digest_size=8)
    for rows in list_strips(picture.shape[0]):
        digest.update(as_levels(picture[rows]).tobytes())
    return int.from_bytes(digest.digest(), "little")


def make_grain(seed: int, rows: slice, width: int, size: float) -> Floats:
    """Return grain for some rows, [rows, width], mean 0 and spread 1; `size` in pixels.

    Drawn from the raw numbers of Philox, which no version of NumPy changes. Strips meet without a
    seam, for each is drawn together with the end of the one before and the start of the next.
    """
    room = round(3 * size) + 1
    number = rows.start // STRIP_ROWS
    parts = [_draw(seed, index, width) for index in (number - 1, number, number + 1)]
    all_rows = np.concatenate(parts)
    cut = all_rows[STRIP_ROWS - room : 2 * STRIP_ROWS + room]
    soft = blur(cut, size)[room : room + rows.stop - rows.start]
    # A Gaussian lowers the spread of white noise by 1 / (2 * sqrt(pi) * sigma).
    gain = max(1.0, 2 * np.sqrt(np.pi) * size) if size > 0 else 1.0
    return np.asarray(soft * np.float32(gain), np.float32)


def _draw(seed: int, number: int, width: int) -> Floats:
    stream = np.random.Philox(key=[seed, number & 0xFFFFFFFF])
    count = STRIP_ROWS * width
    raw = stream.random_raw((count + 1) // 2).astype("<u8").view(np.uint8)[: count * 4]
    total = raw.reshape(STRIP_ROWS, width, 4).sum(axis=2, dtype=np.float32)
    return np.asarray((total - np.float32(510)) / np.float32(_FROM_FOUR_BYTES), np.float32)


def weigh_by_light(strip: Floats) -> Floats:
    """Return how much grain shows: most in the darker middle, little in black, least in white."""
    luma = get_luma(strip)
    shown = smoothstep(0.0, 0.18, luma) * (1 - np.float32(0.75) * smoothstep(0.45, 1.0, luma))
    return np.asarray(0.15 + 0.85 * shown, np.float32)
