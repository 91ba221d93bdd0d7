"""Putting a scene together: which layers, in which order."""

from collections.abc import Mapping

import numpy as np

from comfyhouse_engine.painter.abstract import paint_abstract
from comfyhouse_engine.painter.canvas import Array, Canvas, Colour, mix, vec
from comfyhouse_engine.painter.growth import (
    paint_branch,
    paint_flowers,
    paint_forest,
    paint_row_of_pines,
)
from comfyhouse_engine.painter.indoors import (
    paint_close_up,
    paint_portrait,
    paint_room,
    paint_studio,
    paint_table,
    paint_wall,
    paint_window_scene,
)
from comfyhouse_engine.painter.palette import NAMED
from comfyhouse_engine.painter.shapes import Shape, load_shapes
from comfyhouse_engine.painter.sky import paint_sky
from comfyhouse_engine.painter.space import paint_space
from comfyhouse_engine.painter.stage import Stage, set_stage
from comfyhouse_engine.painter.terrain import (
    paint_dunes,
    paint_peaks,
    paint_plain,
    paint_ridges,
    paint_road,
)
from comfyhouse_engine.painter.things import place_in_sky, place_things
from comfyhouse_engine.painter.town import paint_bridge, paint_skyline, paint_village
from comfyhouse_engine.painter.water import paint_water
from comfyhouse_engine.painter.weather import paint_weather
from comfyhouse_engine.painter.words import Scene

_OUTDOOR_PLACES = (
    "mountains", "hills", "sea", "beach", "lake", "river", "forest", "desert", "city", "street",
    "road", "meadow", "snowfield", "autumn", "village",
)  # fmt: skip
_SKY_THINGS = ("moon", "sun", "stars", "aurora", "rainbow", "lightning", "gulls")
_WET_THINGS = ("fish", "jellyfish", "octopus")
_SEA_THINGS = ("boat", "ship", "whale", "duck", "bridge", "lighthouse")
_CLOSE_THINGS = (*_WET_THINGS, "butterfly", "bird", "owl", "heart")
_FLOWER_MIXES = (("red", "crimson", "coral"), ("lavender", "violet", "white"),
                 ("yellow", "white", "amber"), ("pink", "rose", "white"))  # fmt: skip


def compose(canvas: Canvas, scene: Scene) -> None:
    """Paint the scene on the canvas."""
    shapes = load_shapes()
    outdoors = scene.has(*_OUTDOOR_PLACES)
    homes = {shapes[thing.kind].place for thing in scene.things if thing.kind in shapes}
    stage = set_stage(canvas, scene)
    if not _shows_something(scene) or ("abstract" in scene.styles and not scene.things):
        paint_abstract(canvas, scene)
        return
    if (scene.has("space") and not outdoors) or (
        scene.find_thing("planet", "satellite") and not outdoors
    ):
        _compose_space(stage)
        return
    close = 0.5 + (stage.focus_x - 0.5) * 0.3
    if not outdoors:
        stage.focus_x = close if homes <= {"table", "centre", "portrait"} else stage.focus_x
    asks_portrait = bool(scene.find_thing("portrait"))
    sitter = scene.find_thing(*(kind for kind in _list_sitters(shapes) if kind != "person"))
    if asks_portrait and sitter:
        paint_close_up(stage)
    elif asks_portrait or (scene.find_thing("person") and "macro" in scene.styles):
        paint_portrait(stage)
    elif scene.things and not outdoors and "background" in scene.words | set(scene.colours):
        paint_studio(stage)
    elif scene.has("window"):
        paint_window_scene(stage)
    elif scene.has("table") or (not outdoors and _is_still_life(scene, homes)):
        paint_table(stage)
    elif scene.has("room") or (not outdoors and scene.find_thing("chair", "sofa", "piano")):
        paint_room(stage)
    else:
        _compose_outdoors(stage, outdoors)
        return
    if "mist" in scene.weather:
        paint_weather(stage)


def _list_sitters(shapes: Mapping[str, Shape]) -> list[str]:
    """Return the kinds that a portrait may show instead of a human face."""
    return [kind for kind, shape in shapes.items() if shape.place in ("ground", "perch")]


def _shows_something(scene: Scene) -> bool:
    named = scene.places or scene.things or scene.hours or scene.weather
    return bool(named or {"cloud", "clouds", "sky", "skies"} & scene.words)


def _is_still_life(scene: Scene, homes: set[str]) -> bool:
    kinds = {thing.kind for thing in scene.things}
    small = bool(homes & {"table", "centre"}) or bool(kinds & {"fruit", "bouquet", "rose"})
    return (
        small
        and not homes & {"building", "water", "sky"}
        and not kinds & {"butterfly", *_WET_THINGS}
    )


def _compose_space(stage: Stage) -> None:
    paint_space(stage)
    stage.horizon = 1.1
    place_in_sky(stage)
    place_things(stage, 0.8, frozenset({"ground", "centre", "table", "building", "water", "perch"}))


def _compose_outdoors(stage: Stage, outdoors: bool) -> None:
    scene = stage.scene
    shapes = load_shapes()
    plain_things = [
        thing for thing in scene.things
        if thing.kind not in _SKY_THINGS
        and (thing.kind not in shapes or shapes[thing.kind].place != "sky")
    ]  # fmt: skip
    perched = scene.find_thing("bird", "owl") and "branch" in scene.words
    if (
        perched
        or (not outdoors and scene.find_thing(*_CLOSE_THINGS))
        or "underwater" in scene.words
    ):
        _compose_close(stage)
        return
    if scene.has("city") or scene.has("street"):
        stage.horizon = 0.74
    elif not outdoors and not plain_things:
        stage.horizon = 0.86
    if scene.has("space"):
        paint_space(stage)
    else:
        paint_sky(stage)
    ground = _paint_ground(stage, bool(plain_things))
    place_in_sky(stage)
    if scene.has("village"):
        paint_village(stage, stage.horizon + 0.04)
    if scene.find_thing("bridge"):
        paint_bridge(stage, stage.horizon + 0.02)
    _place_all(stage, ground)
    paint_weather(stage)


def _compose_close(stage: Stage) -> None:
    """Paint one thing before a blurred ground of its own world: fish in water, butterflies."""
    wet = bool({"underwater"} & stage.scene.words or stage.scene.find_thing(*_WET_THINGS))
    if wet:
        canvas = stage.canvas
        top, deep = stage.lit((0.30, 0.62, 0.68)), stage.lit((0.05, 0.20, 0.32))
        rays = canvas.noise("rays", 0.1, 3, 0.4) * (1 - canvas.ys)
        canvas.image[:] = vec(top) + canvas.ys[..., None] * (vec(deep) - vec(top))
        canvas.image += (rays[..., None] - 0.2) * 0.25
    else:
        paint_wall(stage)
        if not stage.scene.find_thing("heart"):
            blobs = stage.canvas.noise("bokeh", 0.16, 2)
            snowy = stage.scene.has("snowfield")
            leaves = (0.92, 0.94, 0.97) if snowy else (0.46, 0.60, 0.34)
            stage.canvas.wash(vec(np.clip(blobs - 0.4, 0, 1) * 1.1), leaves)
    if stage.scene.find_thing("bird", "owl"):
        paint_branch(stage, 0.745)
    place_things(stage, 0.76, frozenset({"centre", "perch"}), 1.15)
    paint_weather(stage)


def _paint_ground(stage: Stage, has_things: bool) -> float:
    """Paint the land or water; return where things stand (share of height)."""
    scene = stage.scene
    snowy = scene.has("snowfield") or "snowfall" in scene.weather
    snowy = snowy or bool(scene.find_thing("penguin")) or "polar" in scene.words
    wet = scene.has("sea", "beach", "lake", "river") or (
        "sea" not in scene.banned and scene.find_thing(*_SEA_THINGS)
    )
    if scene.has("mountains") and (has_things or wet or snowy or scene.has("meadow", "road")):
        paint_peaks(stage, stage.horizon + 0.03, 0.34, snowy or not scene.has("desert"))
    if scene.has("city", "street"):
        paint_skyline(stage, stage.horizon)
        if wet or not (has_things or scene.has("street", "road")):
            paint_water(stage, stage.horizon, True, "sea")
        else:
            _paint_street(stage)
        return 0.88
    if wet:
        return _paint_shore(stage)
    if scene.has("desert") or scene.find_thing("pyramid", "cactus"):
        paint_dunes(stage)
        return 0.86
    if scene.has("forest") and not scene.has("road", "meadow"):
        paint_forest(stage)
        if has_things or scene.find_thing("moon") is None:
            _paint_clearing(stage, snowy)
        return 0.93
    if scene.has("mountains", "hills") and not has_things and not scene.has("meadow", "road"):
        if snowy:
            paint_peaks(stage, stage.horizon + 0.14, 0.46, True)
        crest, count = (stage.horizon + 0.1, 4) if snowy else (stage.horizon - 0.08, 6)
        paint_ridges(stage, crest, 0.95, count, 0.7 if scene.has("mountains") else 0.3)
        return 0.9
    if not has_things and not scene.places:
        paint_ridges(stage, stage.horizon - 0.02, 0.98, 3, 0.3)
        return 0.9
    return _paint_land(stage, snowy)


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
    scene, canvas = stage.scene, stage.canvas
    calm = scene.has("lake", "river") or "calm" in scene.words or "still" in scene.words
    if scene.has("lake", "river", "forest", "hills"):
        paint_ridges(stage, stage.horizon - 0.10, stage.horizon - 0.015, 3, 0.5)
    paint_water(stage, stage.horizon, calm and "storm" not in scene.weather,
                "lake" if scene.has("lake") else "sea")  # fmt: skip
    walkers = any(
        thing.kind in load_shapes() and load_shapes()[thing.kind].place == "ground"
        for thing in scene.things
    )
    if scene.has("beach") or (walkers and not scene.find_thing("bridge")):
        line = 0.8 + canvas.curve("beach", 1.2, 2) * 0.03
        paint_plain(stage, "beach", vec(line - 0.012), stage.lit((0.95, 0.95, 0.93)), 0.0)
        paint_plain(stage, "beach", vec(line), stage.lit((0.88, 0.77, 0.57)), 0.3)
        return 0.92
    stands = any(load_shapes().get(thing.kind) and load_shapes()[thing.kind].place == "building"
                 for thing in scene.things) or scene.find_thing("tree", "lighthouse")  # fmt: skip
    if stands:
        _paint_headland(stage)
        return 0.9
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
    scene, canvas = stage.scene, stage.canvas
    if not scene.has("mountains"):
        paint_ridges(stage, stage.horizon - 0.07, stage.horizon + 0.01, 3, 0.3)
    base: Colour = (0.42, 0.53, 0.29)
    if snowy:
        base = (0.93, 0.95, 0.98)
    elif scene.has("autumn"):
        base = (0.68, 0.50, 0.24)
    elif {"wheat", "hay", "savanna", "savannah", "steppe"} & scene.words:
        base = (0.82, 0.66, 0.34)
    if "meadow" in scene.colours and not scene.find_thing("flowers"):
        base = scene.colours["meadow"]
    line: Array = stage.horizon + canvas.curve("field", 1.6, 2) * 0.022
    colour = mix(stage.lit(base), stage.light.middle, 0.12) if snowy else stage.lit(base)
    paint_plain(stage, "meadow", line, colour, 0.25 if snowy else 1.0)
    if scene.has("forest") or (snowy and not scene.has("city")):
        paint_row_of_pines(stage, stage.horizon + 0.05, 16 if scene.has("forest") else 8)
    if scene.has("road") or scene.find_thing("car", "truck", "bus", "bicycle"):
        paint_road(stage, vec(np.full(canvas.width, stage.horizon + 0.02)))
    flowers = scene.find_thing("flowers", "rose", "sunflower")
    if flowers or {"wildflowers", "flower"} & scene.words:
        paint_flowers(stage, stage.horizon + 0.02, _flower_colours(stage))
    return 0.88


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


def _place_all(stage: Stage, ground: float) -> None:
    place_things(stage, ground, frozenset({"building"}))
    place_things(stage, stage.horizon + 0.16, frozenset({"water"}), 1.0)
    outside = {"ground", "perch"}
    if not stage.scene.find_thing("flowers", "rose", "sunflower"):
        outside |= {"table", "centre"}
    if stage.scene.find_thing("bridge"):
        place_things(stage, stage.horizon + 0.022, frozenset(outside), 0.42)
        return
    place_things(stage, ground, frozenset(outside), 0.9)
