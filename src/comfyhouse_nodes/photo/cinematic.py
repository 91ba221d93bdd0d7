"""Cinematic: a film's curve and colours, grain, a vignette, and black bars if they are wanted."""

from __future__ import annotations

import numpy as np

from . import film, light
from .grain import make_grain, make_seed, weigh_by_light
from .lut import apply_table
from .pictures import Floats, dither_to_bytes, list_strips

BARS = {"none": None, "1.85:1": 1.85, "2.39:1": 2.39}
_GRAIN = 0.024
_FINE = 2400  # the longer side of photos up to which grain is as fine as it gets
_VIGNETTE = 0.36
_MOST_HIDDEN = 0.40
"""Of the height. 2.39:1 on a photo of 3:2 hides 37 %, on one of 4:3 it would hide 44 %."""


def choose_bars(width: int, height: int, bars: str) -> tuple[float | None, list[str]]:
    """Return the aspect that a photo's bars leave, None for no bars; and what its owner is told.

    Bars that would hide more than _MOST_HIDDEN of a photo give way to the next narrower ones, or
    to none.
    """
    wanted = BARS[bars]
    if wanted is None:
        return None, []
    for aspect in sorted((one for one in BARS.values() if one is not None), reverse=True):
        if aspect <= wanted and width / aspect >= (1 - _MOST_HIDDEN) * height:
            return aspect, [] if aspect == wanted else ["narrower_bars"]
    return None, ["no_bars_upright"]


def grade(picture: Floats, strength: int, grain: int, vignette: int, bars: str) -> Floats:
    """Return the photo as film; strength, grain and vignette 0–100, 50 being usual for two."""
    if strength == 0:
        return picture.copy()
    share = np.float32(strength / 100)
    table, seed = film.get_table(), make_seed(picture)
    height, width = picture.shape[:2]
    size = 0.55 * max(1.0, max(height, width) / _FINE)
    result = np.empty_like(picture)
    for rows in list_strips(height):
        strip = picture[rows]
        shown = strip + (apply_table(table, strip) - strip) * share
        amount = float(_VIGNETTE * share * vignette / 50)
        shown *= light.make_vignette(width, height, rows, (0.5, 0.5), amount)[..., np.newaxis]
        if grain:
            depth = np.float32(_GRAIN * grain / 50) * share * weigh_by_light(shown)
            shown += (make_grain(seed, rows, width, size) * depth)[..., np.newaxis]
        result[rows] = dither_to_bytes(np.asarray(shown, np.float32), rows)
    _lay_bars(result, choose_bars(width, height, bars)[0])
    return result


def _lay_bars(picture: Floats, aspect: float | None) -> None:
    height, width = picture.shape[:2]
    if aspect is None:
        return
    bar = max(0, round((height - width / aspect) / 2))
    picture[:bar] = 0
    picture[height - bar :] = 0
