"""Colours: what the words call them, and the light of each hour."""

import colorsys
from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np

from comfyhouse_engine.painter.canvas import Colour, mix


def from_hex(code: str) -> Colour:
    """Return `#rrggbb` as three shares 0..1."""
    red, green, blue = (int(code[i : i + 2], 16) / 255 for i in (1, 3, 5))
    return red, green, blue


_CODES = """
red=#c2352b crimson=#a51d34 scarlet=#d1331f orange=#e07a2c amber=#e6a23a yellow=#ecc53d
golden=#dba53a gold=#dba53a green=#4f8a4c emerald=#1f8a62 lime=#9ccc3c olive=#7d7f3a teal=#2b8583
turquoise=#3db5ae cyan=#45bfd0 blue=#3467b0 navy=#1f2f5c azure=#4f95d8 indigo=#3c3a8c
violet=#7a53b0 purple=#7b3f98 lavender=#b3a0d8 lilac=#b99bd0 magenta=#c2387f pink=#e58fae
rose=#d9788b coral=#ea7a62 peach=#f2b48c brown=#7c5136 chocolate=#57341f beige=#d9c7a4
cream=#efe6cf ivory=#f1ecdc white=#f0eee8 black=#1d1c20 gray=#85878b grey=#85878b silver=#b9bec4
bronze=#a8763e copper=#b8683f maroon=#6b2029 burgundy=#6a1f35 mint=#9fd9bf sage=#93a88a
terracotta=#bf6544 ochre=#c68d33 khaki=#a99a6a ginger=#cc7a35 tan=#c49a6c charcoal=#35363a
"""
_PAIRS = (pair.split("=") for pair in _CODES.split())
NAMED: dict[str, Colour] = {name: from_hex(code) for name, code in _PAIRS}
"""Colours by their English names."""


@dataclass(frozen=True)
class Light:
    """The colours of one hour; `lamp` is the sun's or the moon's colour, `ink` the nearest dark."""

    top: Colour
    middle: Colour
    low: Colour
    haze: Colour
    ink: Colour
    lamp: Colour
    brightness: float = 1.0
    """How much of their own colour lit things show."""


def _light(codes: str, brightness: float) -> Light:
    top, middle, low, haze, ink, lamp = (from_hex(code) for code in codes.split())
    return Light(top, middle, low, haze, ink, lamp, brightness)


_HOURS: dict[str, tuple[Light, ...]] = {
    "dawn": (
        _light("#7590ad #b9c4c4 #f4dbb2 #d5d2c6 #1d3d38 #fff3da", 0.92),
        _light("#8794b8 #d3bfc4 #f8d3b0 #dcc9c4 #2b3350 #fff0dc", 0.92),
        _light("#6f9aa4 #c5cdb9 #f7e0a8 #d4d6c0 #23402e #fff6d8", 0.92),
    ),
    "day": (
        _light("#4f87b5 #8db6cf #dde6df #c2d3d8 #24493f #fffbe8", 1.0),
        _light("#5b94b0 #9fc4c9 #ebe8d2 #cdd8d0 #2c4a33 #fff9e0", 1.0),
        _light("#6c8fbd #aebfd6 #ece4dc #ced3dc #2b3e55 #fffaf0", 1.0),
    ),
    "sunset": (
        _light("#2b2450 #a0454c #f08c4f #cf6c58 #1f0e1c #fff0cf", 0.62),
        _light("#3a3a6b #b8646a #f7b26a #c98378 #22182c #fff2d2", 0.66),
        _light("#4a2a4e #c8553f #f6a348 #d2775a #240f16 #ffefc8", 0.62),
    ),
    "dusk": (
        _light("#1d2a55 #5e5a82 #e09a72 #857390 #141a2d #ffe0b0", 0.55),
        _light("#23385f #7a6d8f #e6a98c #93849a #171f33 #ffe4c0", 0.55),
    ),
    "night": (
        _light("#080d22 #142147 #2b3d6b #26345a #060a14 #f5f0dd", 0.34),
        _light("#0a1020 #1a2540 #33496a #2c3d58 #070b12 #f2f0e4", 0.34),
        _light("#0d0b24 #231f4c #41396e #332f5c #080714 #f6eede", 0.34),
    ),
}


def choose_light(hour: str, rng: np.random.Generator) -> Light:
    """Return one of the hour's lights, turned a little so that two seeds differ."""
    choices = _HOURS[hour]
    chosen = choices[int(rng.integers(len(choices)))]
    return turn_light(chosen, float(rng.uniform(-0.02, 0.02)))


def turn_light(light: Light, turn: float) -> Light:
    """Rotate all hues by `turn` of the circle."""
    return change_light(light, lambda colour: turn_hue(colour, turn))


def change_light(light: Light, change: Callable[[Colour], Colour]) -> Light:
    """Apply `change` to every colour but the lamp's."""
    return replace(
        light,
        top=change(light.top),
        middle=change(light.middle),
        low=change(light.low),
        haze=change(light.haze),
        ink=change(light.ink),
    )


def turn_hue(colour: Colour, turn: float, saturation: float = 1.0, value: float = 1.0) -> Colour:
    """Rotate a colour's hue and scale its saturation and value."""
    hue, sat, val = colorsys.rgb_to_hsv(*colour)
    return colorsys.hsv_to_rgb(
        (hue + turn) % 1.0, min(1.0, sat * saturation), min(1.0, val * value)
    )


def tint_light(light: Light, colour: Colour, share: float) -> Light:
    """Pull a light towards one colour; lightness mostly stays."""
    return change_light(light, lambda own: tint(own, colour, share))


def tint(colour: Colour, towards: Colour, share: float) -> Colour:
    """Move a colour to `towards` in hue, keeping about its own lightness."""
    own, other = sum(colour) / 3, max(0.12, sum(towards) / 3)
    level = 0.65 * own / other + 0.35
    red, green, blue = (min(1.0, part * level) for part in towards)
    return mix(colour, (red, green, blue), share)


def soften_light(light: Light, grey: Colour, share: float) -> Light:
    """Pull sky and haze towards a grey, as fog and cloud do."""
    return replace(
        light,
        top=mix(light.top, grey, share),
        middle=mix(light.middle, grey, share),
        low=mix(light.low, grey, share),
        haze=mix(light.haze, grey, share),
        ink=mix(light.ink, grey, share * 0.22),
    )
