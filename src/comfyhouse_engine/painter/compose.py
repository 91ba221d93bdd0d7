"""Putting a scene together: which layers, in which order."""

from collections.abc import Callable

import numpy as np

from comfyhouse_engine.painter.abstract import paint_abstract
from comfyhouse_engine.painter.canvas import Canvas, vec
from comfyhouse_engine.painter.ground import paint_ground
from comfyhouse_engine.painter.growth import paint_branch
from comfyhouse_engine.painter.indoors import (
    paint_close_up,
    paint_portrait,
    paint_room,
    paint_studio,
    paint_table,
    paint_wall,
    paint_window_scene,
)
from comfyhouse_engine.painter.shapes import load_shapes
from comfyhouse_engine.painter.sky import paint_sky
from comfyhouse_engine.painter.space import paint_space
from comfyhouse_engine.painter.stage import Stage, set_stage
from comfyhouse_engine.painter.things import place_in_sky, place_things
from comfyhouse_engine.painter.town import paint_bridge, paint_village
from comfyhouse_engine.painter.weather import paint_weather
from comfyhouse_engine.painter.words import Scene

_OUTDOOR_PLACES = (
    "mountains", "hills", "sea", "beach", "lake", "river", "forest", "desert", "city", "street",
    "road", "meadow", "snowfield", "autumn", "village", "waterfall",
)  # fmt: skip
_SKY_THINGS = ("moon", "sun", "stars", "aurora", "rainbow", "lightning", "gulls")
_WET_THINGS = ("fish", "jellyfish", "octopus")
_CLOSE_THINGS = (*_WET_THINGS, "butterfly", "bird", "owl", "heart")


def compose(canvas: Canvas, scene: Scene) -> None:
    """Paint the scene on the canvas."""
    stage = set_stage(canvas, scene)
    outdoors = scene.has(*_OUTDOOR_PLACES)
    if not _shows_something(scene) or ("abstract" in scene.styles and not scene.things):
        paint_abstract(canvas, scene)
    elif not outdoors and (scene.has("space") or scene.find_thing("planet", "satellite")):
        _compose_space(stage)
    elif paint_close := _find_close_scene(stage, outdoors):
        # Close things stay near the middle.
        stage.focus_x = 0.5 + (stage.focus_x - 0.5) * 0.3
        paint_close(stage)
        if "mist" in scene.weather:
            paint_weather(stage)
    elif _is_of_one_element(scene, outdoors):
        _compose_element(stage)
    else:
        _compose_outdoors(stage, outdoors)


def _find_close_scene(stage: Stage, outdoors: bool) -> Callable[[Stage], None] | None:
    """Return what paints a scene without landscape, if the words ask for one."""
    scene, shapes = stage.scene, load_shapes()
    homes = {shapes[thing.kind].place for thing in scene.things if thing.kind in shapes}
    if scene.find_thing("portrait"):
        sitters = (kind for kind, shape in shapes.items() if shape.place in ("ground", "perch"))
        animal = scene.find_thing(*(kind for kind in sitters if kind != "person"))
        return paint_close_up if animal else paint_portrait
    if scene.find_thing("person") and "macro" in scene.styles:
        return paint_portrait
    if scene.things and not outdoors and "background" in {*scene.parts, *scene.colours}:
        return paint_studio
    if scene.has("window"):
        return paint_window_scene
    if scene.has("table") or (not outdoors and _is_still_life(scene, homes)):
        return paint_table
    if scene.has("room") or (not outdoors and scene.find_thing("chair", "sofa", "piano")):
        return paint_room
    return None


def _shows_something(scene: Scene) -> bool:
    named = scene.places or scene.things or scene.hours or scene.weather
    return bool(named or {"cloud", "clouds", "sky", "skies"} & scene.words)


def _is_still_life(scene: Scene, homes: set[str]) -> bool:
    kinds = {thing.kind for thing in scene.things}
    small = bool(homes & {"table", "centre"}) or bool(kinds & {"fruit", "bouquet", "rose"})
    elsewhere = homes & {"building", "water", "sky"} or kinds & {"butterfly", *_WET_THINGS}
    return small and not elsewhere


def _is_of_one_element(scene: Scene, outdoors: bool) -> bool:
    """Say whether it is about a creature in its own element: in water, on a bough."""
    perched = scene.find_thing("bird", "owl") and "branch" in scene.words
    alone = not outdoors and scene.find_thing(*_CLOSE_THINGS)
    return bool(perched or alone or "underwater" in scene.words)


def _compose_space(stage: Stage) -> None:
    paint_space(stage)
    stage.horizon = 1.1
    place_in_sky(stage)
    place_things(stage, 0.8, frozenset({"ground", "centre", "table", "building", "water", "perch"}))


def _compose_outdoors(stage: Stage, outdoors: bool) -> None:
    scene, shapes = stage.scene, load_shapes()
    flying = {kind for kind, shape in shapes.items() if shape.place == "sky"}
    plain_things = [t for t in scene.things if t.kind not in {*_SKY_THINGS, *flying}]
    if scene.has("city") or scene.has("street"):
        stage.horizon = 0.74
    elif not outdoors and not plain_things:
        stage.horizon = 0.86
    if scene.has("space"):
        paint_space(stage)
    else:
        paint_sky(stage)
    ground = paint_ground(stage, bool(plain_things))
    place_in_sky(stage)
    if scene.has("village"):
        paint_village(stage, stage.horizon + 0.04)
    if scene.find_thing("bridge"):
        paint_bridge(stage, stage.horizon + 0.02)
    _place_all(stage, ground)
    paint_weather(stage)


def _compose_element(stage: Stage) -> None:
    """Paint one thing before a blurred ground of its own world: fish in water, butterflies."""
    canvas, scene = stage.canvas, stage.scene
    if "underwater" in scene.words or scene.find_thing(*_WET_THINGS):
        top, deep = stage.lit((0.30, 0.62, 0.68)), stage.lit((0.05, 0.20, 0.32))
        rays = canvas.noise("rays", 0.1, 3, 0.4) * (1 - canvas.ys)
        canvas.image[:] = vec(top) + canvas.ys[..., None] * (vec(deep) - vec(top))
        canvas.image += (rays[..., None] - 0.2) * 0.25
    else:
        paint_wall(stage)
        if not scene.find_thing("heart"):
            leaves = (0.92, 0.94, 0.97) if scene.has("snowfield") else (0.46, 0.60, 0.34)
            blobs = canvas.noise("bokeh", 0.16, 2)
            canvas.wash(vec(np.clip(blobs - 0.4, 0, 1) * 1.1), leaves)
    if stage.scene.find_thing("bird", "owl"):
        paint_branch(stage, 0.745)
    place_things(stage, 0.76, frozenset({"centre", "perch"}), 1.15)
    paint_weather(stage)


def _place_all(stage: Stage, ground: float) -> None:
    place_things(stage, stage.horizon + 0.16, frozenset({"water"}), 1.0)
    place_things(stage, ground, frozenset({"building"}))
    outside = {"ground", "perch"}
    if not stage.scene.find_thing("flowers", "rose", "sunflower"):
        outside |= {"table", "centre"}
    if stage.scene.find_thing("bridge"):
        place_things(stage, stage.horizon + 0.022, frozenset(outside), 0.42)
        return
    place_things(stage, ground, frozenset(outside), 0.9)
