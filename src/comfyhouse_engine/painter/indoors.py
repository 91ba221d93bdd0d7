"""Close scenes: a table top, a portrait's backdrop, a room, a window."""

import numpy as np

from comfyhouse_engine.painter.canvas import Colour, mix, smooth, vec
from comfyhouse_engine.painter.palette import NAMED, turn_hue
from comfyhouse_engine.painter.shapes import Pen, load_shapes
from comfyhouse_engine.painter.stage import Stage
from comfyhouse_engine.painter.things import place_things

_WALLS: tuple[Colour, ...] = (
    (0.74, 0.72, 0.66), (0.60, 0.66, 0.64), (0.72, 0.63, 0.56), (0.55, 0.60, 0.66),
    (0.68, 0.66, 0.72), (0.62, 0.58, 0.50),
)  # fmt: skip
_SKINS: tuple[Colour, ...] = ((0.91, 0.74, 0.62), (0.78, 0.58, 0.44), (0.55, 0.38, 0.28),
                              (0.86, 0.68, 0.55))  # fmt: skip
_HAIRS: tuple[Colour, ...] = ((0.17, 0.12, 0.10), (0.36, 0.22, 0.13), (0.66, 0.47, 0.26),
                              (0.48, 0.20, 0.11), (0.10, 0.09, 0.10))  # fmt: skip


def paint_wall(stage: Stage) -> Colour:
    """Fill the canvas with a softly lit wall; return its colour."""
    canvas, scene = stage.canvas, stage.scene
    rng = canvas.rng("wall")
    wall = scene.colours.get("background") or (
        scene.tints[0] if scene.tints else _WALLS[int(rng.integers(len(_WALLS)))]
    )
    wall = turn_hue(wall, float(rng.uniform(-0.02, 0.02)))
    wall = mix(wall, (0.13, 0.12, 0.14), 0.72 if "dark" in scene.moods or stage.hour == "night"
               else 0.1)  # fmt: skip
    wall = mix(wall, (0.95, 0.62, 0.36), 0.16) if "warm" in scene.moods else wall
    wall = mix(wall, (0.45, 0.60, 0.80), 0.2) if "cold" in scene.moods else wall
    x = 0.16 if stage.sun_x < 0.5 else 0.84
    away = np.sqrt((canvas.xs - x) ** 2 + (canvas.ys - 0.25) ** 2)
    light = 1.18 - 0.62 * smooth(away, 0.0, 1.15)
    blots = canvas.noise("plaster", 0.35, 4, 1.2) - 0.5
    canvas.image[:] = np.clip(vec(wall) * (light + blots * 0.16)[..., None], 0, 1)
    return wall


def paint_table(stage: Stage) -> None:
    """Paint a still life: wall, table edge, things on it."""
    canvas, scene = stage.canvas, stage.scene
    wall = paint_wall(stage)
    edge = 0.66
    wood = scene.colours.get("table") or mix((0.50, 0.35, 0.24), wall, 0.2)
    if "marble" in scene.words or ("white" in scene.words and "table" in scene.colours):
        wood = (0.88, 0.87, 0.85)
    line = np.full(canvas.width, edge, dtype=np.float32)
    mask, top = canvas.below(line, canvas.unit * 0.006)
    grain = canvas.noise("wood", 0.05, 4, 14.0)[top:] - 0.5
    depth = np.clip((canvas.ys[top:] - edge) / (1 - edge), 0, 1)
    x = 0.2 if stage.sun_x < 0.5 else 0.8
    sheen = np.exp(-(((canvas.xs - x) / 0.42) ** 2)) * (1 - depth) * 0.28
    tone = (0.8 + 0.25 * depth + grain * 0.35 + sheen)[..., None]
    canvas.wash(mask, np.clip(vec(wood) * tone, 0, 1), top)
    _paint_light_patch(stage, edge)
    places = frozenset({"table", "centre", "ground", "perch"})
    place_things(stage, 0.84, places, 1.12)


def _paint_light_patch(stage: Stage, edge: float) -> None:
    """Let a window's light fall across the wall."""
    if stage.hour == "night" or stage.canvas.rng("blind").random() < 0.45:
        return
    canvas = stage.canvas
    lean = 0.25 if stage.sun_x < 0.5 else -0.25
    start = float(canvas.rng("patch").uniform(0.45, 0.62)) if lean > 0 else (
        float(canvas.rng("patch").uniform(0.38, 0.55)))  # fmt: skip
    across = canvas.xs - start - (canvas.ys - 0.3) * lean
    bars = smooth(np.abs(np.mod(across + 0.5, 0.16) - 0.08), 0.012, 0.03)
    patch = bars * smooth(0.17 - np.abs(across), 0.0, 0.05) * smooth(edge - canvas.ys, 0.0, 0.05)
    canvas.wash(vec(patch * smooth(canvas.ys, 0.06, 0.16) * 0.15), (1.0, 0.93, 0.78))


def paint_portrait(stage: Stage) -> None:
    """Paint head and shoulders before a soft backdrop."""
    canvas, scene, rng = stage.canvas, stage.scene, stage.canvas.rng("portrait")
    wall = paint_wall(stage)
    canvas.glow(0.5, 0.42, 0.5, mix(wall, (1, 1, 1), 0.5), 0.35)
    fair = bool({"blonde", "blond", "redhead", "ginger", "freckles", "pale"} & scene.words)
    skin = _SKINS[0] if fair else _SKINS[int(rng.integers(len(_SKINS)))]
    blonde = (0.82, 0.66, 0.38) if {"blonde", "blond"} & scene.words else None
    red = (0.62, 0.26, 0.13) if scene.colours.get("hair") == NAMED["red"] else None
    hair = red or scene.colours.get("hair") or blonde or _HAIRS[int(rng.integers(len(_HAIRS)))]
    if {"old", "elderly", "grandfather", "grandmother", "wise"} & scene.words:
        hair = (0.80, 0.79, 0.77)
    eyes = scene.colours.get("eyes") or (0.30, 0.22, 0.16)
    cloth = scene.colours.get("portrait") or scene.colours.get("person") or turn_hue(
        wall, 0.45, 1.6, 0.7)  # fmt: skip
    shape = load_shapes()["portrait"]
    male = {"man", "boy", "king", "gentleman", "father", "grandfather", "he", "sailor"}
    if male & scene.words:
        # Without the long hair behind the shoulders.
        shape = type(shape)(shape.kind, shape.size, shape.place, shape.colour, shape.parts[1:])
    colours = {"skin": skin, "hair": hair, "eyes": eyes,

               "skindark": mix(skin, (0.4, 0.2, 0.15), 0.35)}  # fmt: skip
    size = 0.9 * min(1.15, canvas.height / canvas.unit)
    light = Pen(stage, -1.0 if stage.sun_x < 0.5 else 1.0)
    light.draw(shape, 0.5 + float(rng.uniform(-0.04, 0.04)), 1.02, size, cloth, 0.0,
               bool(rng.random() < 0.5), colours)  # fmt: skip


def paint_close_up(stage: Stage) -> None:
    """Paint the portrait of an animal or a robot: big, cut off below."""
    paint_wall(stage)
    place_things(stage, 1.16, frozenset({"ground", "perch"}), 2.0)


def paint_studio(stage: Stage) -> None:
    """Paint things before a plain backdrop that runs into the floor."""
    canvas = stage.canvas
    wall = paint_wall(stage)
    floor = smooth(canvas.ys, 0.6, 0.9) * np.ones_like(canvas.xs)
    canvas.wash(vec(floor) * 0.35, mix(wall, (1.0, 1.0, 1.0), 0.35))
    places = frozenset({"table", "centre", "ground", "perch", "building", "sky", "water"})
    place_things(stage, 0.84, places, 1.15)


def paint_room(stage: Stage) -> None:
    """Paint wall, floor, a rug and a window, then who is in the room."""
    canvas = stage.canvas
    wall = paint_wall(stage)
    floor = mix((0.52, 0.37, 0.26), wall, 0.15)
    line = np.full(canvas.width, 0.7, dtype=np.float32)
    mask, top = canvas.below(line, 2.0)
    depth = np.clip((canvas.ys[top:] - 0.7) / 0.3, 0, 1)
    planks = np.abs(np.mod((canvas.xs - 0.5) / (0.35 + depth) * 5.0, 1.0) - 0.5)
    seams = smooth(planks, 0.46, 0.5)
    grain = canvas.noise("floor", 0.04, 3, 6.0)[top:] - 0.5
    tone = (0.85 + 0.25 * depth + 0.3 * grain - 0.22 * seams)[..., None]
    canvas.wash(mask, np.clip(vec(floor) * tone, 0, 1), top)
    left = stage.sun_x < 0.5
    _paint_window(stage, (0.08, 0.10, 0.34, 0.52) if left else (0.58, 0.10, 0.34, 0.52))
    rug = canvas.rng("rug").uniform(0.3, 0.7, 3)
    away = ((canvas.xs - 0.5) / 0.42) ** 2 + ((canvas.ys - 0.87) / 0.085) ** 2
    canvas.wash(vec(smooth(1.0 - away, 0.0, 0.06) * 0.9), stage.lit(tuple(rug.tolist())))
    place_things(stage, 0.9, frozenset({"ground", "table", "perch", "centre"}), 1.1)


def paint_window_scene(stage: Stage) -> None:
    """Paint a big window with its sill, and what sits on it."""
    canvas = stage.canvas
    paint_wall(stage)
    _paint_window(stage, (0.14, 0.06, 0.72, 0.70))
    sill = [(0.06, 0.76), (0.94, 0.76), (0.98, 0.85), (0.02, 0.85)]
    canvas.wash(canvas.polygon(sill), stage.lit((0.92, 0.89, 0.83)))
    front = [(0.02, 0.85), (0.98, 0.85), (0.98, 0.885), (0.02, 0.885)]
    canvas.wash(canvas.polygon(front), stage.lit((0.70, 0.66, 0.60)))
    place_things(stage, 0.825, frozenset({"ground", "table", "perch", "centre"}), 1.05)


def _paint_window(stage: Stage, box: tuple[float, float, float, float]) -> None:
    """Paint a window with the hour's sky behind it; box = left, top, width, height."""
    canvas, light = stage.canvas, stage.light
    x, y, wide, tall = box
    frame = [(x, y), (x + wide, y), (x + wide, y + tall), (x, y + tall)]
    canvas.wash(canvas.polygon(frame), stage.lit((0.88, 0.85, 0.79)))
    left, right, top, foot = x + 0.018, x + wide - 0.018, y + 0.018, y + tall - 0.018
    glass = canvas.polygon([(left, top), (right, top), (right, foot), (left, foot)])
    share = np.clip((canvas.ys - y) / tall, 0, 1)[..., None]
    sky = vec(light.middle) + share * (vec(light.low) - vec(light.middle))
    sky = np.broadcast_to(sky, canvas.image.shape).copy()
    hills = canvas.curve("outside", 2.0, 3)[None, :] * 0.04 + y + tall * 0.72
    far = smooth(canvas.ys - hills, 0.0, 0.01)[..., None]
    sky += (vec(stage.seen(light.ink, 0.6)) - sky) * far
    if "rain" in stage.scene.weather:
        sky += (canvas.noise("drops", 0.012, 2, 0.5) - 0.5)[..., None] * 0.25
    canvas.wash(glass, np.clip(sky, 0, 1))
    for bar in ([(x + wide / 2 - 0.008, y), (x + wide / 2 + 0.008, y),
                 (x + wide / 2 + 0.008, y + tall), (x + wide / 2 - 0.008, y + tall)],
                [(x, y + tall * 0.45), (x + wide, y + tall * 0.45),
                 (x + wide, y + tall * 0.45 + 0.014), (x, y + tall * 0.45 + 0.014)]):  # fmt: skip
        canvas.wash(canvas.polygon(bar), stage.lit((0.86, 0.83, 0.77)))
    canvas.glow(x + wide / 2, y + tall / 2, 0.4, light.low, 0.16)
