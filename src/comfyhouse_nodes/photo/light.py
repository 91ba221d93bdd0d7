"""Light over the whole photo: warmth, a lift of the middle tones, a vignette."""

from __future__ import annotations

import math

import numpy as np

from .pictures import LUMA, Floats, get_luma, smoothstep

_WARM = np.array([0.030, 0.004, -0.050], np.float32)
_LIFT = 0.06


def warm(strip: Floats, amount: float) -> Floats:
    """Return the strip in warmer light, as light as before; `amount` 1 is gentle.

    Gains, not sums: every skin tone moves by the same share. Near white they fade, so that white
    stays white.
    """
    if amount == 0:
        return strip
    gains = 1 + _WARM * np.float32(amount)
    gains /= np.float32(gains @ LUMA)
    fade = 1 - smoothstep(0.85, 1.0, get_luma(strip))
    return np.asarray(strip * (1 + (gains - 1) * fade[..., np.newaxis]), np.float32)


def lift(strip: Floats, amount: float) -> Floats:
    """Return the strip with its darker middle tones a little lighter; black and white stay."""
    lightness = np.clip(get_luma(strip), 0, 1)
    gain = 1 + np.float32(_LIFT * amount * 4) * lightness * (1 - lightness) ** 2
    return np.asarray(strip * gain[..., np.newaxis], np.float32)


def make_vignette(
    width: int, height: int, rows: slice, centre: tuple[float, float], amount: float
) -> Floats:
    """Return the gain of each pixel of some rows: 1 around the centre, 1 - amount far off.

    `centre` is (x, y) in 0..1 of the picture.
    """
    half = math.hypot(width, height) / 2
    x = (
        np.arange(width, dtype=np.float32) + np.float32(0.5) - np.float32(centre[0] * width)
    ) / half
    y = np.arange(rows.start, rows.stop, dtype=np.float32) + np.float32(0.5)
    y = (y - np.float32(centre[1] * height)) / half
    distance = np.sqrt(x[np.newaxis] ** 2 + y[:, np.newaxis] ** 2)
    return np.asarray(1 - np.float32(amount) * smoothstep(0.35, 1.1, distance), np.float32)
