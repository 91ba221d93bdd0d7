"""The look of Cinematic: what the film makes of a colour.

Nothing here depends on what else is in a picture: a set of photos keeps one look.
"""

from __future__ import annotations

from functools import cache

import numpy as np

from .lut import make_table
from .pictures import LUMA, Floats

_BLACK, _WHITE = np.float32(0.018), np.float32(0.985)
_CONTRAST = np.float32(0.9)
_TEAL = np.array([-0.040, 0.010, 0.030], np.float32)
_AMBER = np.array([0.030, 0.006, -0.034], np.float32)


@cache
def get_table() -> Floats:
    """Return the look as a table."""
    return make_table(apply_look)


def apply_look(colours: Floats) -> Floats:
    """Return colours [..., 3] as the film shows them.

    A curve with a soft toe and shoulder; less colour towards white; shadows towards teal, lights
    towards amber, blues and greens gathered at teal. Skin keeps its hue.
    """
    light = np.asarray(colours @ LUMA, np.float32)[..., np.newaxis]
    toned = _BLACK + (_WHITE - _BLACK) * _bend(light)
    chroma = (colours - light) * (toned + np.float32(0.1)) / (light + np.float32(0.1))
    chroma *= np.float32(1.04) - np.float32(0.30) * light**2
    shadows = np.float32(6.75) * light * (1 - light) ** 2
    lights = np.float32(6.75) * light**2 * (1 - light)
    result = toned + _gather(chroma) + _TEAL * shadows + _AMBER * lights
    return np.asarray(np.clip(result, 0, 1), np.float32)


def _bend(light: Floats) -> Floats:
    """Return the S-curve; its middle lies low, as most photos' does."""
    return np.asarray(
        light + _CONTRAST * light * (1 - light) * (light - np.float32(0.45)), np.float32
    )


def _gather(chroma: Floats) -> Floats:
    """Return chroma with cool colours moved towards teal."""
    red, green, blue = chroma[..., 0], chroma[..., 1], chroma[..., 2]
    cool = np.maximum(blue - red, 0)
    leafy = np.maximum(green - np.maximum(red, blue), 0)
    moved = np.stack(
        [
            red - np.float32(0.06) * cool - np.float32(0.10) * leafy,
            green + np.float32(0.14) * cool - np.float32(0.16) * leafy,
            blue - np.float32(0.10) * cool + np.float32(0.16) * leafy,
        ],
        axis=-1,
    )
    return np.asarray(moved, np.float32)
