"""Placing the things of a scene: on the ground, on a table, on water, in the sky."""

import numpy as np

from comfyhouse_engine.painter.canvas import Colour, seeded, vec
from comfyhouse_engine.painter.growth import make_bouquet, make_sunflower, make_trunk, paint_tree
from comfyhouse_engine.painter.palette import NAMED, turn_hue
from comfyhouse_engine.painter.shapes import (
    Part,
    Pen,
    Shape,
    cast_shadow,
    load_shapes,
    name_colour,
    spread,
)
from comfyhouse_engine.painter.stage import Stage
from comfyhouse_engine.painter.town import paint_beam
from comfyhouse_engine.painter.words import Thing

_FRUITS = ("apple", "oranges", "pear", "lemon", "apple", "oranges")
_ANY_COLOUR = (
    "cup", "vase", "car", "boat", "umbrella", "book", "sofa", "balloon", "bowl", "soup", "teapot",
    "bicycle", "bus", "truck", "tent", "shoe", "butterfly", "icecream",
)  # fmt: skip
_PARTS = ("roof", "eyes")
_SEATS = ("sofa", "chair")
_BLOOMS = ["red", "coral", "lavender", "amber", "pink"]
_PLANTS_BY_SEASON: dict[str, Colour] = {"autumn": (0.80, 0.42, 0.13), "spring": (0.93, 0.68, 0.74)}


def find_shape(stage: Stage, thing: Thing) -> Shape | None:
    """Return the outline of a thing, made for this picture where it grows."""
    rng = seeded(stage.canvas.seed, "shape", thing.kind)
    named = stage.scene.colours.get(thing.kind)
    if thing.kind == "tree":
        return make_trunk(rng)
    if thing.kind == "sunflower":
        return make_sunflower(rng)
    if thing.kind == "bouquet":
        vase = load_shapes()["vase"]
        known = {"sunflower": "yellow", "rose": "crimson"}
        choice = known.get(thing.word) or str(rng.choice(_BLOOMS))
        blooms = (_name_of(stage.scene.colours.get(kind)) for kind in ("flowers", "rose"))
        return make_bouquet(rng, next((name for name in blooms if name), choice), vase)
    if thing.kind == "flowers":
        return make_bouquet(rng, _name_of(named) or "coral", load_shapes()["vase"])
    if thing.kind == "fruit":
        one = thing.word if thing.word in _FRUITS else None
        return _make_fruit_bowl(rng, one)
    return load_shapes().get(thing.kind)


def _name_of(colour: Colour | None) -> str | None:
    return next((name for name, known in NAMED.items() if known == colour), None)


def _leaf_colour(stage: Stage, thing: Thing) -> Colour:
    if "cherry" in thing.word or "blossom" in thing.word:
        return _PLANTS_BY_SEASON["spring"]
    if stage.scene.has("autumn") or "maple" in thing.word:
        return _PLANTS_BY_SEASON["autumn"]
    if stage.scene.has("snowfield"):
        return (0.86, 0.89, 0.93)
    return stage.scene.colours.get("leaves", (0.34, 0.50, 0.27))


def _make_fruit_bowl(rng: np.random.Generator, one: str | None) -> Shape:
    book = load_shapes()
    parts: list[Part] = []
    fruits = [one] * 5 if one else rng.permutation(_FRUITS)[:5].tolist()
    for kind, x in zip(fruits, (-0.42, 0.44, -0.14, 0.18, 0.02), strict=True):
        fruit = book[str(kind)]
        lift = 0.72 if x != 0.02 else 1.0
        for part in fruit.parts:
            colour = fruit.colour if part.colour == "main" else part.colour
            if colour in ("dark", "light"):
                red, green, blue = name_colour(colour, name_colour(fruit.colour, (1, 1, 1)))
                colour = f"#{round(red * 255):02x}{round(green * 255):02x}{round(blue * 255):02x}"
            scaled = part.points * np.float32(0.62) + vec([x, lift - 0.12])
            parts.append(Part(part.form, colour, part.roundness, part.stroke * 0.62, scaled))
    return Shape("fruit", 0.34, "table", book["bowl"].colour, (*parts, *book["bowl"].parts))


def main_colour(stage: Stage, thing: Thing, shape: Shape) -> Colour:
    """Return the colour the words give a thing, else its own."""
    named = stage.scene.colours.get(thing.kind)
    if thing.kind == "fox" and named == NAMED["red"]:
        # A red fox is the colour of any fox.
        named = None
    if thing.kind == "bear" and "polar" in stage.scene.words:
        named = NAMED["ivory"]
    if named is not None:
        return named
    own = name_colour(shape.colour, (0.6, 0.6, 0.6))
    rng = seeded(stage.canvas.seed, "coat", thing.kind)
    if thing.kind in _ANY_COLOUR:
        vivid = (0.75, 0.42, 0.36) if max(own) - min(own) < 0.2 else own
        return turn_hue(vivid, float(rng.random()), float(rng.uniform(0.7, 1.0)))
    return turn_hue(own, float(rng.uniform(-0.025, 0.025)), float(rng.uniform(0.75, 1.1)),
                    float(rng.uniform(0.82, 1.12)))  # fmt: skip


def merge_things(things: tuple[Thing, ...]) -> tuple[Thing, ...]:
    """Put flowers into the vase and fruit into the bowl when both are named."""
    kinds = {thing.kind for thing in things}
    blooms = kinds & {"flowers", "rose", "sunflower"}
    if kinds & {"vase", "bouquet"} and blooms:
        kept = [thing for thing in things if thing.kind not in blooms | {"vase", "bouquet"}]
        return (Thing("bouquet", 1, next(iter(sorted(blooms)))), *kept)
    if "bowl" in kinds and kinds & set(_FRUITS):
        kept = [thing for thing in things if thing.kind not in {*_FRUITS, "bowl"}]
        return (Thing("fruit", 1, sorted(kinds & set(_FRUITS))[0]), *kept)
    return things


def place_things(stage: Stage, ground: float, places: frozenset[str], scale: float = 1.0) -> None:
    """Draw every thing whose shape belongs to one of `places`, side by side, back to front."""
    rng = stage.canvas.rng("places")
    found = []
    for thing in merge_things(stage.scene.things):
        shape = find_shape(stage, thing)
        if shape is not None and shape.place in places:
            found += [(thing, shape)] * thing.count
    if not found:
        return
    order = {"building": 0, "water": 1, "ground": 2, "table": 3}
    found.sort(key=lambda pair: (pair[0].kind not in _SEATS, order.get(pair[1].place, 4)))
    seat = found[0][1] if found[0][0].kind in _SEATS and len(found) > 1 else None
    crowd = 0.8 if seat else max(0.42, 1.0 - 0.14 * (len(found) - 1))
    spots = _choose_spots(stage, len(found), seat is not None, rng)
    for (thing, shape), x in zip(found, spots, strict=True):
        lift = 0.0
        if seat is not None and shape is not seat:
            lift = seat.size * scale * crowd * 0.36 * stage.canvas.unit / stage.canvas.height
        _stand(stage, thing, shape, (x, ground - lift), scale * crowd, rng)


def _choose_spots(
    stage: Stage, count: int, is_seated: bool, rng: np.random.Generator
) -> list[float]:
    """Return a place for each of `count` things; with a seat, the first is the seat's."""
    middle = stage.focus_x if count == 1 else 0.5 + (stage.focus_x - 0.5) * 0.3
    stage.focus_x = 1.0 - stage.focus_x
    if is_seated:
        return [0.5, *spread(count - 1, rng, 0.36, 0.64)]
    width = 0.0 if count == 1 else min(0.36, 0.14 * count)
    spots = np.array(spread(count, rng, middle - width, middle + width))
    return [float(x) for x in rng.permutation(spots)]


def _stand(
    stage: Stage,
    thing: Thing,
    shape: Shape,
    spot: tuple[float, float],
    scale: float,
    rng: np.random.Generator,
) -> None:
    """Draw one thing with its shadow; `spot` is where it stands."""
    x, y, size = _fit(stage, shape, spot, shape.size * scale * float(rng.uniform(0.84, 1.1)))
    top = y - size * stage.canvas.unit / stage.canvas.height
    pen = Pen(stage, -1.0 if stage.sun_x < x else 1.0)
    if shape.place in ("ground", "table", "building"):
        reach = size * _half_width(shape, 0.25)
        cast_shadow(stage.canvas, x, y, reach * 1.25, stage.light.ink)
    if thing.kind == "tree":
        leaves = stage.scene.colours.get("tree") or _leaf_colour(stage, thing)
        bare = bool({"bare", "dead", "leafless"} & stage.scene.words)
        paint_tree(stage, x, y, size, leaves, bare)
        return
    if thing.kind == "lighthouse" and stage.is_dark:
        paint_beam(stage, x, y + (top - y) * 0.83)
    named = {kind: colour for kind, colour in stage.scene.colours.items() if kind in _PARTS}
    haze = 0.12 if shape.place == "building" else 0.0
    is_flipped = bool(rng.random() < 0.5)
    pen.draw(shape, x, y, size, main_colour(stage, thing, shape), haze, is_flipped, named)
    if thing.kind in ("cup", "soup") and "steam" not in stage.scene.banned:
        _paint_steam(stage, x, y + (top - y) * 0.9, size)


def _fit(
    stage: Stage, shape: Shape, spot: tuple[float, float], size: float
) -> tuple[float, float, float]:
    """Return place and size so that nothing grows out of the picture."""
    canvas, words = stage.canvas, stage.scene.words
    x, y = spot
    if shape.place == "building" and not stage.scene.has("beach", "forest"):
        y = min(y, stage.horizon + 0.2)
    size *= 0.75 if {"small", "tiny", "little", "distant", "lone", "far"} & words else 1.0
    size *= 1.2 if {"big", "huge", "giant", "large"} & words else 1.0
    tallest = max(float(part.points[:, 1].max()) for part in shape.parts)
    room = (y - 0.05) * canvas.height / canvas.unit / max(0.5, tallest)
    size = min(size, max(0.2, room))
    half = size * _half_width(shape) * canvas.unit / canvas.width
    return float(np.clip(x, min(0.5, half + 0.02), max(0.5, 0.98 - half))), y, size


def _half_width(shape: Shape, up_to: float = 2.0) -> float:
    low = [part.points for part in shape.parts if float(part.points[:, 1].min()) < up_to]
    return float(max((np.abs(points[:, 0]).max() for points in low), default=0.3))


def _paint_steam(stage: Stage, x: float, y: float, size: float) -> None:
    canvas = stage.canvas
    for index in range(3):
        bend = canvas.rng("steam", index).uniform(0, 6)
        up = np.clip((y - canvas.ys) * canvas.height / canvas.unit / (size * 0.95), 0, 1)
        sway = np.sin(up * 6 + bend) * 0.04 * (0.3 + up) + (index - 1) * 0.09
        away = (canvas.xs - x) * canvas.width / canvas.unit / size - sway
        plume = np.exp(-((away / (0.035 + 0.05 * up)) ** 2)) * up * (1 - up) * 2.2
        canvas.wash(vec(np.clip(plume * (canvas.ys < y), 0, 0.5)), (0.97, 0.95, 0.92))


def place_in_sky(stage: Stage) -> None:
    """Draw what flies: planes, balloons, rockets, flocks of birds."""
    rng = stage.canvas.rng("flying")
    for thing in stage.scene.things:
        if thing.kind == "gulls":
            _paint_flock(stage, max(7, thing.count * 3))
        shape = load_shapes().get(thing.kind)
        if shape is None or shape.place != "sky":
            continue
        reach = 0.12 * min(3, thing.count)
        middle = stage.focus_x if thing.count == 1 else 0.5
        for x in spread(thing.count, rng, middle - reach, middle + reach):
            size = shape.size * (1.0 if thing.count == 1 else float(rng.uniform(0.45, 0.8)))
            share = size * stage.canvas.unit / stage.canvas.height
            foot = min(stage.horizon * 0.55 + share * 0.5, 0.78) + float(rng.uniform(-0.05, 0.03))
            if thing.kind == "rocket" and stage.scene.words & {"launch", "launching", "lifting"}:
                foot = min(foot, stage.horizon - 0.06)
            if thing.kind == "rocket":
                _paint_exhaust(stage, x, foot, size)
            pen = Pen(stage, -1.0 if stage.sun_x < x else 1.0)
            pen.draw(shape, x, foot, size, main_colour(stage, thing, shape), 0.08)


def _paint_exhaust(stage: Stage, x: float, y: float, size: float) -> None:
    canvas = stage.canvas
    down = np.clip((canvas.ys - y) / max(0.05, 1.0 - y), 0.0, 1.0)
    billow = canvas.noise("exhaust", 0.07, 4)
    half = size * (0.06 + 0.5 * down**1.6) * (0.55 + 0.9 * billow)
    away = np.abs(canvas.xs - x) * canvas.width / canvas.unit
    plume = np.clip((half - away) / (half * 0.5 + 0.004), 0, 1) * (canvas.ys > y)
    fire = vec((1.0, 0.72, 0.35)) * (1 - down[..., None]) ** 6
    smoke = vec(stage.lit((0.93, 0.91, 0.90)))
    tone = (0.72 + 0.4 * (billow - 0.35))[..., None]
    canvas.wash(vec(plume * 0.94), vec(np.clip(smoke * tone + fire, 0, 1)))
    canvas.glow(x, y, size * 0.3, (1.0, 0.7, 0.3), 0.5)


def _paint_flock(stage: Stage, count: int) -> None:
    rng = stage.canvas.rng("flock")
    pen = Pen(stage)
    cx, cy = float(rng.uniform(0.35, 0.65)), stage.horizon * 0.42
    for _ in range(count):
        wing = float(rng.uniform(0.25, 0.5))
        points = [[-1, wing * 0.8], [-0.55, wing], [0, 0], [0.55, wing], [1, wing * 0.8]]
        part = Part("line", "ink", 0.0, 0.16, vec(points))
        shape = Shape("gull", 1.0, "sky", "ink", (part,))
        x, y = cx + float(rng.normal(0, 0.16)), cy + float(rng.normal(0, 0.08))
        pen.draw(shape, x, y, float(rng.uniform(0.014, 0.036)), (0.1, 0.1, 0.12), 0.1)
