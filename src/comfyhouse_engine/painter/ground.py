"""The ground of an outdoor scene: which land or water the words call for."""

import numpy as np

from comfyhouse_engine.painter.canvas import Array, Colour, mix, vec
from comfyhouse_engine.painter.growth import paint_flowers, paint_forest, paint_row_of_pines
from comfyhouse_engine.painter.palette import NAMED
from comfyhouse_engine.painter.shapes import load_shapes
from comfyhouse_engine.painter.stage import Stage
from comfyhouse_engine.painter.terrain import (
    paint_dunes,
    paint_peaks,
    paint_plain,
    paint_ridges,
    paint_road,
)
from comfyhouse_engine.painter.town import paint_skyline
from comfyhouse_engine.painter.water import paint_water, paint_waterfall
from comfyhouse_engine.painter.words import Scene

_SEA_THINGS = ("boat", "ship", "whale", "duck", "bridge", "lighthouse")
_FLOWER_MIXES = (("red", "crimson", "coral"), ("lavender", "violet", "white"),
                 ("yellow", "white", "amber"), ("pink", "rose", "white"))  # fmt: skip


def paint_ground(stage: Stage, has_things: bool) -> float:
    """Paint the land or water; return where things stand (share of height)."""
    scene = stage.scene
    snowy = scene.has("snowfield") or "snowfall" in scene.weather
    snowy = snowy or bool(scene.find_thing("penguin")) or "polar" in scene.words
    wet = scene.has("sea", "beach", "lake", "river") or (
        "sea" not in scene.banned and bool(scene.find_thing(*_SEA_THINGS))
    )
    if scene.has("mountains") and (has_things or wet or snowy or scene.has("meadow", "road")):
        paint_peaks(stage, stage.horizon + 0.03, 0.34, snowy or not scene.has("desert"))
    if scene.has("city", "street"):
        return _paint_city(stage, wet or not (has_things or scene.has("street", "road")))
    if scene.has("waterfall"):
        paint_waterfall(stage)
        return 0.95
    if wet:
        return _paint_shore(stage)
    if scene.has("desert") or scene.find_thing("pyramid", "cactus"):
        paint_dunes(stage)
        return 0.86
    if scene.has("forest") and not scene.has("road", "meadow"):
        paint_forest(stage)
        _paint_clearing(stage, snowy)
        return 0.93
    is_flat = bool(scene.places) and not scene.has("mountains", "hills")
    if has_things or is_flat or scene.has("meadow", "road"):
        return _paint_land(stage, snowy)
    return _paint_heights(stage, snowy)


def _paint_city(stage: Stage, by_water: bool) -> float:
    paint_skyline(stage, stage.horizon)
    if by_water:
        paint_water(stage, stage.horizon, True, "sea")
    else:
        _paint_street(stage)
    return 0.88


def _paint_heights(stage: Stage, snowy: bool) -> float:
    """Paint ridges alone: mountains, hills, or a low line under a big sky."""
    scene = stage.scene
    if not scene.has("mountains", "hills"):
        paint_ridges(stage, stage.horizon - 0.02, 0.98, 3, 0.3)
        return 0.9
    if snowy:
        paint_peaks(stage, stage.horizon + 0.14, 0.46, True)
    crest, count = (stage.horizon + 0.1, 4) if snowy else (stage.horizon - 0.08, 6)
    paint_ridges(stage, crest, 0.95, count, 0.7 if scene.has("mountains") else 0.3)
    return 0.9


def _paint_clearing(stage: Stage, snowy: bool) -> None:
    """Paint the forest floor in front of the firs."""
    line = 0.86 + stage.canvas.curve("clearing", 1.8, 3) * 0.02
    moss: Colour = (0.27, 0.31, 0.19)
    if snowy:
        moss = (0.90, 0.93, 0.97)
    elif stage.scene.has("autumn"):
        moss = (0.55, 0.33, 0.16)
    paint_plain(stage, "clearing", vec(line), stage.lit(moss), 0.25 if snowy else 0.8)


def _paint_shore(stage: Stage) -> float:
    """Paint water, and land for what cannot swim."""
    scene, canvas = stage.scene, stage.canvas
    calm = scene.has("lake", "river") or "calm" in scene.words or "still" in scene.words
    if scene.has("lake", "river", "forest", "hills"):
        paint_ridges(stage, stage.horizon - 0.10, stage.horizon - 0.015, 3, 0.5)
    paint_water(stage, stage.horizon, calm and "storm" not in scene.weather,
                "lake" if scene.has("lake") else "sea")  # fmt: skip
    homes = {load_shapes()[t.kind].place for t in scene.things if t.kind in load_shapes()}
    if scene.has("road"):
        line = 0.72 + canvas.curve("shore", 1.2, 2) * 0.02
        paint_plain(stage, "meadow", vec(line), stage.lit(_choose_grass(scene, False)))
        paint_road(stage, vec(np.full(canvas.width, 0.74)))
        return 0.92
    if scene.has("beach") or ("ground" in homes and not scene.find_thing("bridge")):
        line = 0.8 + canvas.curve("beach", 1.2, 2) * 0.03
        paint_plain(stage, "beach", vec(line - 0.012), stage.lit((0.95, 0.95, 0.93)), 0.0)
        paint_plain(stage, "beach", vec(line), stage.lit((0.88, 0.77, 0.57)), 0.3)
        return 0.92
    if "building" in homes or scene.find_thing("tree"):
        _paint_headland(stage)
    return 0.9


def _paint_headland(stage: Stage) -> None:
    """Paint a rocky point for what stands by the water."""
    canvas, scene = stage.canvas, stage.scene
    rise = np.exp(-(((canvas.xs[0] - stage.focus_x) / 0.3) ** 2)) * 0.16
    line = stage.horizon + 0.2 - vec(rise) + canvas.curve("rock", 7, 5, 0.6) * 0.016
    grassy = scene.has("lake", "river", "meadow")
    rock = stage.lit((0.36, 0.44, 0.27) if grassy else (0.36, 0.35, 0.33))
    mask, top = canvas.below(vec(line))
    faces = canvas.noise("rock", 0.05, 5, 0.9)[top:]
    depth = np.clip((canvas.ys[top:] - line[None, :]) / 0.2, 0, 1)
    tone = (0.6 + 0.8 * faces - 0.3 * depth)[..., None]
    fade = 1.0 - np.clip((canvas.ys[top:] - 0.83) / 0.06, 0, 1)
    canvas.wash(mask * fade, vec(np.clip(vec(rock) * tone, 0, 1)), top)


def _paint_street(stage: Stage) -> None:
    canvas = stage.canvas
    line = np.full(canvas.width, stage.horizon, dtype=np.float32)
    paint_plain(stage, "street", line, stage.lit((0.34, 0.34, 0.37)), 0.2)
    if stage.scene.has("street", "road") or "rain" in stage.scene.weather:
        paint_road(stage, line)
    if "rain" in stage.scene.weather or "neon" in stage.scene.styles:
        paint_water(stage, stage.horizon + 0.01, True, "street")


def _paint_land(stage: Stage, snowy: bool) -> float:
    """Paint meadow, field or snow, with what grows there and the road across it."""
    scene, canvas = stage.scene, stage.canvas
    if not scene.has("mountains"):
        paint_ridges(stage, stage.horizon - 0.07, stage.horizon + 0.01, 3, 0.3)
    line: Array = stage.horizon + canvas.curve("field", 1.6, 2) * 0.022
    colour = stage.lit(_choose_grass(scene, snowy))
    colour = mix(colour, stage.light.middle, 0.12) if snowy else colour
    paint_plain(stage, "meadow", line, colour, 0.25 if snowy else 1.0)
    if scene.has("forest") or snowy:
        paint_row_of_pines(stage, stage.horizon + 0.05, 16 if scene.has("forest") else 8)
    if scene.has("road") or scene.find_thing("car", "truck", "bus", "bicycle"):
        paint_road(stage, vec(np.full(canvas.width, stage.horizon + 0.02)))
    flowers = scene.find_thing("flowers", "rose", "sunflower")
    if flowers or {"wildflowers", "flower"} & scene.words:
        paint_flowers(stage, stage.horizon + 0.02, _flower_colours(stage))
    return 0.88


def _choose_grass(scene: Scene, snowy: bool) -> Colour:
    if "meadow" in scene.colours and not scene.find_thing("flowers"):
        return scene.colours["meadow"]
    if snowy:
        return (0.93, 0.95, 0.98)
    if scene.has("autumn"):
        return (0.68, 0.50, 0.24)
    if {"wheat", "hay", "savanna", "savannah", "steppe"} & scene.words:
        return (0.82, 0.66, 0.34)
    return (0.42, 0.53, 0.29)


def _flower_colours(stage: Stage) -> list[Colour]:
    named = [stage.scene.colours[kind] for kind in ("flowers", "rose", "meadow")
             if kind in stage.scene.colours]  # fmt: skip
    words = stage.scene.words
    for word, name in (("poppy", "scarlet"), ("poppies", "scarlet"), ("lavender", "lavender"),
                       ("daisies", "white"), ("daisy", "white"), ("sunflower", "yellow"),
                       ("sunflowers", "yellow"), ("bluebells", "indigo")):  # fmt: skip
        if word in words:
            named.append(NAMED[name])
    if named:
        return [named[0], mix(named[0], (1, 1, 1), 0.3), mix(named[0], (0.3, 0.1, 0.2), 0.2)]
    rng = stage.canvas.rng("flower-colours")
    names = _FLOWER_MIXES[int(rng.integers(len(_FLOWER_MIXES)))]
    return [NAMED[name] for name in names]
