"""What every layer of one picture shares: canvas, scene, light, where the sun stands."""

from dataclasses import dataclass, replace

import numpy as np

from comfyhouse_engine.painter.canvas import Canvas, Colour, mix, seeded
from comfyhouse_engine.painter.palette import (
    Light,
    choose_light,
    soften_light,
    tint,
    tint_light,
)
from comfyhouse_engine.painter.words import Scene

_NIGHT_THINGS = ("moon", "stars", "aurora", "ufo", "satellite")
_GREY = {"mist": ((0.86, 0.88, 0.87), 0.62), "rain": ((0.56, 0.61, 0.65), 0.62),
         "storm": ((0.30, 0.34, 0.40), 0.72), "snowfall": ((0.82, 0.85, 0.89), 0.6),
         "cloudy": ((0.74, 0.77, 0.79), 0.45)}  # fmt: skip


@dataclass
class Stage:
    """One picture's common ground; places are shares of width and height."""

    canvas: Canvas
    scene: Scene
    light: Light
    hour: str
    sun_x: float
    sun_y: float
    horizon: float
    focus_x: float
    """Where the first group of things stands; each further group takes the other side."""

    def colour_of(self, kind: str, default: Colour) -> Colour:
        """Return the colour the words give to `kind`, lit as the hour has it, else `default`."""
        named = self.scene.colours.get(kind)
        return default if named is None else self.lit(named)

    def lit(self, colour: Colour) -> Colour:
        """Return how a thing of this colour looks in this light."""
        shade = tint(colour, self.light.low, 0.10)
        return mix(self.light.ink, shade, 0.30 + 0.70 * self.light.brightness)

    def seen(self, colour: Colour, distance: float) -> Colour:
        """Return a lit colour through `distance` (0..1) of haze."""
        return mix(colour, self.light.haze, distance)

    @property
    def is_dark(self) -> bool:
        """True when lamps would be lit."""
        return self.light.brightness < 0.6


def set_stage(canvas: Canvas, scene: Scene) -> Stage:
    """Choose hour, light and sun for a scene; what the words leave open the seed decides."""
    rng = seeded(canvas.seed, "stage", scene.code)
    hour = _choose_hour(scene, rng)
    light = _weather_light(choose_light(hour, rng), scene, hour)
    for colour in scene.tints:
        light = tint_light(light, colour, 0.62 / len(scene.tints) ** 0.5)
    if "sky" in scene.colours:
        sky = scene.colours["sky"]
        light = replace(
            light,
            top=tint(light.top, sky, 0.85),
            middle=tint(light.middle, sky, 0.8),
            low=tint(light.low, sky, 0.55),
            haze=tint(light.haze, sky, 0.4),
        )
    low_sun = hour in ("dawn", "sunset", "dusk")
    horizon = float(rng.uniform(0.5, 0.62))
    return Stage(
        canvas=canvas,
        scene=scene,
        light=light,
        hour=hour,
        sun_x=float(rng.uniform(0.14, 0.86)),
        sun_y=horizon - float(rng.uniform(0.08, 0.16) if low_sun else rng.uniform(0.28, 0.38)),
        horizon=horizon,
        focus_x=float(rng.uniform(0.3, 0.7)),
    )


def _choose_hour(scene: Scene, rng: np.random.Generator) -> str:
    if scene.hours:
        # "night" beats "evening" and the like: it is the stronger word.
        return "night" if "night" in scene.hours else scene.hours[0]
    if scene.find_thing(*_NIGHT_THINGS) or scene.has("space"):
        return "night"
    if "neon" in scene.styles or "dark" in scene.moods:
        return "night" if "neon" in scene.styles else "dusk"
    if "mist" in scene.weather or scene.has("window", "room"):
        return ("dawn", "day")[int(rng.random() < 0.5)]
    if scene.has("snowfield", "meadow") or scene.find_thing("flowers", "rainbow", "tree", "house"):
        return ("day", "dawn")[int(rng.random() < 0.3)]
    return str(rng.choice(["dawn", "dawn", "day", "day", "day", "sunset"]))


def _weather_light(light: Light, scene: Scene, hour: str) -> Light:
    dimness = {"night": 0.18, "dusk": 0.45, "sunset": 0.6}.get(hour, 1.0)
    for kind, (grey, share) in _GREY.items():
        if kind in scene.weather:
            dim = mix(light.ink, grey, dimness)
            light = soften_light(light, dim, share * (0.55 if hour in ("sunset", "night") else 1))
    if scene.weather & {"storm", "rain"}:
        light = replace(light, brightness=light.brightness * 0.8)
    if "warm" in scene.moods:
        light = tint_light(light, (0.95, 0.62, 0.34), 0.22)
    if "cold" in scene.moods:
        light = tint_light(light, (0.42, 0.62, 0.86), 0.25)
    if "dark" in scene.moods:
        light = soften_light(replace(light, brightness=light.brightness * 0.75), light.ink, 0.4)
    if "bright" in scene.moods:
        light = soften_light(light, (1.0, 0.98, 0.94), 0.25)
    return light
