"""Space: nebulae, stars, planets with rings."""

import math

import cv2
import numpy as np

from comfyhouse_engine.painter.canvas import Array, Colour, mix, smooth, vec
from comfyhouse_engine.painter.palette import turn_hue
from comfyhouse_engine.painter.sky import paint_stars
from comfyhouse_engine.painter.stage import Stage

_NEBULAE: tuple[tuple[Colour, Colour], ...] = (
    ((0.42, 0.16, 0.50), (0.12, 0.30, 0.58)),
    ((0.62, 0.22, 0.26), (0.20, 0.18, 0.50)),
    ((0.10, 0.42, 0.46), (0.32, 0.16, 0.44)),
)
_WORLDS: dict[str, tuple[Colour, Colour]] = {
    "earth": ((0.16, 0.36, 0.62), (0.42, 0.54, 0.34)),
    "mars": ((0.72, 0.34, 0.20), (0.48, 0.20, 0.13)),
    "saturn": ((0.84, 0.72, 0.50), (0.66, 0.52, 0.36)),
    "jupiter": ((0.80, 0.66, 0.52), (0.60, 0.38, 0.26)),
    "neptune": ((0.22, 0.40, 0.76), (0.34, 0.56, 0.84)),
}


def paint_space(stage: Stage) -> None:
    """Fill the canvas with dark, glowing gas and stars."""
    canvas, scene = stage.canvas, stage.scene
    rng = canvas.rng("nebula")
    first, second = _NEBULAE[int(rng.integers(len(_NEBULAE)))]
    if scene.tints or "space" in scene.colours:
        first = scene.colours.get("space") or scene.tints[0]
        second = turn_hue(first, 0.12, 1.0, 0.8)
    canvas.image[:] = vec((0.018, 0.02, 0.045))
    angle = float(rng.uniform(-0.7, 0.7))
    band = (canvas.ys - 0.5) - math.tan(angle) * (canvas.xs - 0.5) * 0.7
    body = canvas.noise("gas", 0.45, 6)
    veil = canvas.noise("veil", 0.28, 6)
    dust = canvas.noise("dust", 0.2, 6)
    milky = np.exp(-((band / 0.26) ** 2))
    glow = smooth(body, 0.42, 0.85) * (0.35 + 0.75 * milky)
    other = smooth(veil, 0.42, 0.85) * (0.3 + 0.8 * milky)
    core = milky**3 * smooth(body, 0.4, 0.8)
    canvas.image += glow[..., None] * 0.75 * vec(first) + other[..., None] * 0.7 * vec(second)
    canvas.image += core[..., None] * 0.35 * vec((1.0, 0.86, 0.74))
    canvas.image *= 1.0 - 0.75 * (smooth(dust, 0.5, 0.75) * milky)[..., None]
    paint_stars(canvas, 1.0, 1400)
    if "galaxy" in scene.words:
        _paint_spiral(stage, first)
    if scene.find_thing("planet", "moon") or "planets" in scene.words or "solar" in scene.words:
        _paint_planets(stage)


def _paint_spiral(stage: Stage, colour: Colour) -> None:
    canvas, rng = stage.canvas, stage.canvas.rng("spiral")
    tilt = float(rng.uniform(-0.5, 0.5))
    across = (canvas.xs - 0.5) * canvas.width / canvas.unit
    down = (canvas.ys - 0.46) * canvas.height / canvas.unit
    u = across * math.cos(tilt) + down * math.sin(tilt)
    v = (down * math.cos(tilt) - across * math.sin(tilt)) * 1.9
    radius = np.sqrt(u * u + v * v) + 1e-4
    arms = 0.5 + 0.5 * np.cos(2.0 * (np.arctan2(v, u) - np.log(radius) * 3.2))
    fine = canvas.noise("arms", 0.06, 5)
    disc = np.exp(-((radius / 0.24) ** 2))
    light = disc * (arms**1.7 * (0.35 + 1.1 * fine)) + np.exp(-((radius / 0.055) ** 2)) * 1.3
    tone = mix(colour, (1.0, 0.93, 0.84), 0.6)
    canvas.image += vec(light[..., None]) * vec(tone)


def _paint_planets(stage: Stage) -> None:
    rng, scene = stage.canvas.rng("planets"), stage.scene
    thing = scene.find_thing("planet", "moon")
    many = "planets" in scene.words or "solar" in scene.words
    named = scene.colours.get("planet") or scene.colours.get("moon")
    world = _WORLDS.get(thing.word if thing else "")
    if thing and thing.kind == "moon" and not world:
        world = ((0.78, 0.77, 0.74), (0.52, 0.52, 0.53))
    if named:
        world = (named, turn_hue(named, 0.04, 0.9, 0.62))
    if world is None:
        hue = float(rng.random())
        world = (turn_hue((0.75, 0.45, 0.35), hue), turn_hue((0.5, 0.3, 0.25), hue + 0.06))
    ringed = bool(thing and thing.word == "saturn") or bool(
        {"ring", "rings", "ringed"} & scene.words
    )
    ringed = ringed or (thing is not None and thing.word == "planet" and rng.random() < 0.6)
    if many:
        for _ in range(3):
            other = (turn_hue(world[0], float(rng.uniform(0.1, 0.9))), turn_hue(world[1], 0.3))
            spot = (float(rng.uniform(0.12, 0.88)), float(rng.uniform(0.1, 0.9)))
            _paint_planet(stage, spot, float(rng.uniform(0.03, 0.08)), other, False)
    x, y = float(rng.uniform(0.42, 0.58)), float(rng.uniform(0.42, 0.54))
    if len(scene.things) > 1:
        x, y = (0.74, 0.28) if rng.random() < 0.5 else (0.26, 0.28)
    _paint_planet(stage, (x, y), 0.26 if len(scene.things) == 1 else 0.17, world, ringed)


def _paint_planet(
    stage: Stage,
    spot: tuple[float, float],
    radius: float,
    world: tuple[Colour, Colour],
    ringed: bool,
) -> None:
    canvas = stage.canvas
    across = (canvas.xs - spot[0]) * canvas.width / canvas.unit / radius
    down = (canvas.ys - spot[1]) * canvas.height / canvas.unit / radius
    away = np.sqrt(across**2 + down**2)
    canvas.glow(spot[0], spot[1], radius * 1.25, world[0], 0.3)
    inside = 1.0 - smooth(away, 0.985, 1.01)
    height = np.sqrt(np.clip(1.0 - away**2, 0.0, 1.0))
    lamp = np.clip(across * -0.62 + down * -0.42 + height * 0.66, 0.0, 1.0)
    bands = canvas.noise(f"bands{radius:.3f}", 0.035, 4, 9.0)
    if world == _WORLDS["earth"] or (world[0][0] > 0.76 and world[0][2] > 0.7):
        bands = canvas.noise("continents", 0.16, 5)
    tone = smooth(bands, 0.38, 0.62)[..., None]
    surface = vec(world[0]) * (1 - tone) + vec(world[1]) * tone
    canvas.wash(vec(inside), vec(np.clip(surface * (0.03 + 1.12 * lamp[..., None]), 0, 1)))
    if ringed:
        _paint_rings(stage, across, down, away, world[0])


def _paint_rings(stage: Stage, across: Array, down: Array, away: Array, colour: Colour) -> None:
    tilt = -0.32
    u = across * math.cos(tilt) + down * math.sin(tilt)
    v = (down * math.cos(tilt) - across * math.sin(tilt)) * 3.6
    radius = np.sqrt(u * u + v * v)
    grooves = 0.55 + 0.45 * np.sin(radius * 34.0) * np.sin(radius * 11.0)
    band = smooth(radius, 1.3, 1.38) * (1 - smooth(radius, 2.05, 2.15)) * grooves
    behind = (v < 0) & (away < 1.0)
    ring = cv2.GaussianBlur(vec(np.where(behind, 0.0, band)), (0, 0), 0.8)
    stage.canvas.wash(vec(ring * 0.85), mix(colour, (0.96, 0.9, 0.8), 0.55))
