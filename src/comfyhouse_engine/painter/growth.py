"""What grows: single trees, woods, flowers."""

import math

import cv2
import numpy as np

from comfyhouse_engine.painter.canvas import Array, Colour, mix, smooth, vec
from comfyhouse_engine.painter.palette import turn_hue
from comfyhouse_engine.painter.shapes import Part, Pen, Shape, load_shapes
from comfyhouse_engine.painter.stage import Stage
from comfyhouse_engine.painter.terrain import paint_layer, tree_line

_ROUND = np.linspace(0.0, 2.0 * math.pi, 28)


def _blob(x: float, y: float, rx: float, ry: float) -> Array:
    return vec(np.stack([x + rx * np.cos(_ROUND), y + ry * np.sin(_ROUND)], axis=1))


def make_trunk(rng: np.random.Generator) -> Shape:
    """Return the trunk and boughs of a broad-leaved tree whose crown ends at height 1."""
    bark = "#4d3a2c"
    trunk = vec([[-0.05, 0], [-0.03, 0.05], [-0.018, 0.5], [0.018, 0.5], [0.03, 0.05], [0.05, 0]])
    parts = [Part("poly", bark, 0.8, 0.0, trunk)]
    for _ in range(8):
        angle, reach = float(rng.uniform(-1.1, 1.1)), float(rng.uniform(0.18, 0.34))
        start = float(rng.uniform(0.36, 0.5))
        tip = [math.sin(angle) * reach, start + math.cos(angle) * reach * 0.9]
        parts.append(Part("line", bark, 0.6, 0.015, vec([[0, start], tip])))
    return Shape("tree", 0.8, "building", bark, tuple(parts))


def paint_tree(stage: Stage, x: float, y: float, size: float, colour: Colour, bare: bool) -> None:
    """Paint a tree: boughs, then leaves in clumps that the light models."""
    canvas, light = stage.canvas, stage.light
    rng = canvas.rng("tree", round(x, 3))
    pen = Pen(stage, -1.0 if stage.sun_x < x else 1.0)
    pen.draw(make_trunk(rng), x, y, size, (0.30, 0.23, 0.17), 0.1)
    if bare:
        return
    across = (canvas.xs - x) * (canvas.width / canvas.unit) / size
    up = (y - canvas.ys) * (canvas.height / canvas.unit) / size
    fine = canvas.noise("leaves", 0.016 * size, 2) - 0.5
    for layer in range(3):
        shade = turn_hue(colour, (0.02, 0.0, -0.02)[layer], 1.0, (0.62, 0.88, 1.1)[layer])
        field: Array = np.zeros((canvas.height, canvas.width), dtype=np.float32)
        for _ in range(15):
            angle, away = float(rng.uniform(0, 2 * math.pi)), math.sqrt(float(rng.random()))
            cx = math.cos(angle) * away * (0.3 - 0.035 * layer) + pen.lit_from * 0.035 * layer
            cy = 0.69 + math.sin(angle) * away * (0.22 - 0.03 * layer) + 0.03 * layer
            reach = float(rng.uniform(0.07, 0.125)) * (1.15 - 0.2 * layer)
            clump = np.exp(-(((across - cx) ** 2 + (up - cy) ** 2) / reach**2))
            field = np.maximum(field, vec(clump))
        mask = smooth(field + fine * 0.62, 0.36, 0.5)
        seen = stage.seen(stage.lit(shade), 0.1)
        tone = np.clip(0.72 + 0.5 * field + fine * 0.7, 0.3, 1.35)[..., None]
        leaves = np.clip(vec(mix(seen, light.ink, 0.12)) * tone, 0.0, 1.0)
        canvas.wash(mask, vec(leaves))


def make_bloom(
    rng: np.random.Generator, colour: str, x: float, y: float, size: float
) -> tuple[Part, ...]:
    """Return one open flower: petals round a heart."""
    count = int(rng.integers(5, 9))
    turn = float(rng.uniform(0, math.pi))
    parts = []
    for index in range(count):
        angle = turn + 2 * math.pi * index / count
        cx, cy = x + math.cos(angle) * size * 0.55, y + math.sin(angle) * size * 0.5
        c, s = math.cos(angle), math.sin(angle)
        px, py = np.cos(_ROUND) * size * 0.5, np.sin(_ROUND) * size * 0.4
        spun = np.stack([cx + px * c - py * s, cy + (px * s + py * c) * 0.92], axis=1)
        parts.append(Part("oval", colour, 0.55, 0.0, vec(spun)))
    heart = Part("oval", "brown" if colour in ("amber", "yellow", "golden") else "amber", 0.7, 0.0,
                 _blob(x, y, size * 0.24, size * 0.22))  # fmt: skip
    return (*parts, heart)


def make_sunflower(rng: np.random.Generator) -> Shape:
    """Return the sunflower of the shape book with two rings of petals and a dark heart."""
    base = load_shapes()["sunflower"]
    parts = list(base.parts)
    for ring, (count, reach, colour) in enumerate(((20, 0.2, "dark"), (18, 0.18, "main"))):
        for index in range(count):
            angle = 2 * math.pi * (index + 0.5 * ring) / count + float(rng.normal(0, 0.04))
            c, s = math.cos(angle), math.sin(angle)
            outline = [(0.09, -0.035), (reach + 0.03, -0.045), (reach + 0.14, 0.0),
                       (reach + 0.03, 0.045), (0.09, 0.035)]  # fmt: skip
            spun = vec([[a * c - b * s, 0.68 + a * s + b * c] for a, b in outline])
            parts.append(Part("poly", colour, 0.4, 0.0, spun))
    parts.append(Part("oval", "#4a2f1c", 0.8, 0.0, _blob(0, 0.68, 0.155, 0.155)))
    parts.append(Part("oval", "#2d1c12", 0.5, 0.0, _blob(0, 0.68, 0.085, 0.085)))
    return Shape("sunflower", base.size, base.place, base.colour, tuple(parts))


def make_bouquet(rng: np.random.Generator, colour: str, vase: Shape) -> Shape:
    """Return a vase full of flowers."""
    parts: list[Part] = []
    spots = [(float(rng.uniform(-0.34, 0.34)), float(rng.uniform(0.62, 1.02))) for _ in range(13)]
    for x, y in spots:
        parts.append(Part("line", "#4f7a45", 0.5, 0.012, vec([[x * 0.15, 0.4], [x, y]])))
        parts.append(Part("oval", "#56804a", 0.5, 0.0, _blob(x * 0.9, y - 0.12, 0.07, 0.035)))
    parts.extend(
        Part(part.form, part.colour, part.roundness, part.stroke * 0.52, part.points * 0.52)
        for part in vase.parts
    )
    choice = (colour, colour, "cream", "pink") if colour != "cream" else ("cream", "peach", "pink")
    if colour == "yellow":
        choice = ("yellow", "yellow", "golden")
    for index, (x, y) in enumerate(sorted(spots, key=lambda spot: -spot[1])):
        size = float(rng.uniform(0.075, 0.11))
        parts.extend(make_bloom(rng, choice[index % len(choice)], x, y, size))
    return Shape("bouquet", 0.78, "table", vase.colour, tuple(parts))


def _scatter_dots(stage: Stage, rng: np.random.Generator, top: float, count: int) -> Array:
    """Return a mask of distant blooms that grow as they come nearer."""
    canvas = stage.canvas
    sheet = np.zeros((canvas.height, canvas.width), dtype=np.uint8)
    for x, deep in rng.random((count, 2)).tolist():
        deep = deep**1.25 * 0.75
        centre = (int(x * canvas.width * 16), int((top + (1 - top) * deep) * canvas.height * 16))
        wide = max(0.6, canvas.unit * (0.0022 + 0.011 * deep))
        axes = (int(wide * 16), int(wide * 10))
        cv2.ellipse(sheet, centre, axes, 0, 0, 360, 255, -1, cv2.LINE_AA, 4)
    return vec(sheet) / np.float32(255.0)


def paint_flowers(stage: Stage, top: float, colours: list[Colour]) -> None:
    """Strew a meadow with flowers: dots far away, open blooms in front."""
    canvas, rng = stage.canvas, stage.canvas.rng("flowers")
    pen = Pen(stage)
    patch = canvas.noise("flower-patch", 0.16, 3, 3.0)
    for index, colour in enumerate(colours[:3]):
        own = np.roll(patch, canvas.width * index // 3, axis=1)
        dots = _scatter_dots(stage, rng, top, 420) * smooth(own, 0.36, 0.58)
        canvas.wash(dots * 0.9, stage.seen(stage.lit(colour), 0.15))
    codes = ["#" + "".join(f"{round(part * 255):02x}" for part in colour) for colour in colours]
    blooms = sorted(rng.random((48, 2)).tolist(), key=lambda spot: spot[1])
    for x, deep in blooms:
        y = top + (1.0 - top) * (0.3 + 0.78 * deep)
        size = 0.016 + 0.062 * deep**1.5
        bloom = make_bloom(rng, codes[int(rng.integers(len(codes)))], 0.0, 0.9, 0.42)
        stem = Part("line", "#4c7440", 0.3, 0.07, vec([[0.03, -0.9], [0.0, 0.7]]))
        shape = Shape("bloom", 1.0, "ground", codes[0], (stem, *bloom))
        pen.draw(shape, float(x), float(y), size, colours[0], 0.3 * (1 - deep))


def paint_forest(stage: Stage) -> None:
    """Paint a wood: fir ridges in fog, then tall trunks in front."""
    canvas, light = stage.canvas, stage.light
    named = stage.scene.colours.get("forest") or stage.scene.colours.get("tree")
    leafy = stage.scene.has("autumn")
    is_round = leafy or "jungle" in stage.scene.words
    ink = stage.lit(named or ((0.55, 0.30, 0.12) if leafy else (0.16, 0.31, 0.24)))
    snowy = stage.scene.has("snowfield")
    misty = 0.8 if "mist" in stage.scene.weather else 0.45
    for index in range(6):
        near = index / 5
        base = stage.horizon - 0.06 + 0.5 * near
        line = base - canvas.curve(("wood", index), 1.6, 4, 0.4) * 0.035
        tall = (0.11 + 0.12 * near) if is_round else (0.14 + 0.26 * near)
        line = line - tree_line(canvas, ("wood", index), tall, 60 - 38 * near, is_round)
        colour = stage.seen(mix(ink, light.ink, 0.55 * near), 0.84 * (1 - near) ** 1.2)
        if leafy:
            colour = turn_hue(colour, (0.0, 0.03, -0.02, 0.05, 0.01, -0.03)[index])
        if snowy:
            colour = mix(colour, stage.lit((0.93, 0.95, 0.98)), 0.3 * (1 - 0.5 * near))
        paint_layer(stage, f"wood{index}", line, colour, misty * (1 - 0.7 * near), 0.07)


def paint_row_of_pines(stage: Stage, y: float, count: int) -> None:
    """Stand single firs along a line, bigger ones in front."""
    rng, pen = stage.canvas.rng("pines"), Pen(stage, -1.0 if stage.sun_x < 0.5 else 1.0)
    shape = load_shapes()["pine"]
    named = stage.scene.colours.get("pine", (0.18, 0.34, 0.25))
    for x in sorted(rng.random(count).tolist(), key=lambda v: abs(v - 0.5)):
        size = float(rng.uniform(0.14, 0.3)) * (0.7 + abs(x - 0.5))
        pen.draw(shape, float(x), y + size * 0.05, size, named, 0.35)


def paint_branch(stage: Stage, y: float) -> None:
    """Paint a bough across the picture with a few leaves on it."""
    canvas, rng = stage.canvas, stage.canvas.rng("branch")
    pen = Pen(stage, -1.0 if stage.sun_x < 0.5 else 1.0)
    aspect = canvas.width / canvas.unit
    xs = np.linspace(-0.1, 1.1, 24)
    bend = np.sin(xs * float(rng.uniform(3, 5)) + float(rng.uniform(0, 6))) * 0.012
    spots = vec(np.stack([(xs - 0.5) * aspect, bend], axis=1))
    parts = [Part("line", "main", 0.8, 0.05, spots)]
    for x in rng.uniform(0.02, 0.98, 9):
        if abs(float(x) - 0.5) < 0.2:
            continue
        side = float(rng.choice([-1.0, 1.0]))
        root, tip = (float(x) - 0.5) * aspect, side * float(rng.uniform(0.08, 0.14))
        parts.append(Part("line", "main", 0.6, 0.012, vec([[root, 0], [root + 0.05, tip]])))
        leaf = _blob(root + 0.075, tip * 1.1, 0.05, 0.024)
        parts.append(Part("oval", "#6a9150", 0.5, 0.0, leaf))
    pen.draw(Shape("branch", 1.0, "perch", "brown", tuple(parts)), 0.5, y, 1.0, (0.40, 0.29, 0.20))
