"""What people built at a distance: skylines, villages, bridges, beams of light."""

import cv2
import numpy as np

from comfyhouse_engine.painter.canvas import Array, Colour, mix, vec
from comfyhouse_engine.painter.shapes import Pen, load_shapes
from comfyhouse_engine.painter.stage import Stage


def paint_skyline(stage: Stage, foot: float) -> None:
    """Paint rows of towers that fade into the haze; windows are lit when it is dark."""
    canvas, light, rng = stage.canvas, stage.light, stage.canvas.rng("skyline")
    wall = stage.colour_of("city", mix(light.ink, light.middle, 0.4))
    aspect = canvas.width / canvas.unit
    if stage.is_dark:
        lamps = (1.0, 0.3, 0.75) if "neon" in stage.scene.styles else (1.0, 0.72, 0.4)
        canvas.glow(0.5, foot, 0.5, lamps, 0.3)
    for row in range(4):
        near = row / 3
        colour = mix(stage.seen(wall, 0.72 * (1 - near)), light.ink, 0.45 * near)
        x, peak = -0.05, float(rng.uniform(0.25, 0.75))
        while x < 1.02:
            wide = float(rng.uniform(0.045, 0.10)) * (0.65 + 0.5 * near) / aspect
            bell = float(np.exp(-(((x + wide / 2 - peak) / 0.3) ** 2)))
            tall = (0.09 + 0.34 * bell * (1 - 0.5 * near)) * float(rng.uniform(0.3, 1.25))
            _paint_tower(stage, rng, (x, foot - tall, wide, tall), colour, near)
            x += wide * float(rng.uniform(0.75, 1.5))
        veil = np.clip(1.0 - np.abs(canvas.ys - foot) / 0.22, 0.0, 1.0) ** 1.6
        canvas.wash(vec(veil * np.ones_like(canvas.xs)) * (0.34 * (1 - near)), light.haze)


def _paint_tower(
    stage: Stage,
    rng: np.random.Generator,
    box: tuple[float, float, float, float],
    colour: Colour,
    near: float,
) -> None:
    canvas = stage.canvas
    x, top, wide, tall = box
    left, right = (max(0, round(value * canvas.width)) for value in (x, x + wide))
    crown, bottom = (max(0, round(value * canvas.height)) for value in (top, top + tall))
    if right - left < 2 or bottom - crown < 2:
        return
    body = canvas.image[crown:bottom, left:right]
    height, width = body.shape[:2]
    side = np.linspace(1.12, 0.86, width)[None, :, None] if stage.sun_x < x else (
        np.linspace(0.86, 1.12, width)[None, :, None])  # fmt: skip
    fade = np.linspace(0.0, 0.35, height)[:, None, None]
    walls = vec(colour) * side + (vec(stage.light.haze) - vec(colour)) * fade
    body[:] = np.clip(walls, 0, 1)
    pitch = max(3, round(canvas.unit * (0.009 + 0.006 * near)))
    _light_windows(stage, rng, body, pitch)
    kind = rng.random()
    if kind < 0.25 and width > 4:
        spire = [(x + wide * 0.47, top - tall * 0.22), (x + wide * 0.53, top - tall * 0.22),
                 (x + wide * 0.58, top), (x + wide * 0.42, top)]  # fmt: skip
        canvas.wash(canvas.polygon(spire), colour)
    elif kind < 0.4:
        roof = [(x, top + 0.002), (x + wide, top - wide * 0.55), (x + wide, top + 0.002)]
        canvas.wash(canvas.polygon(roof), colour)


def _light_windows(stage: Stage, rng: np.random.Generator, body: Array, pitch: int) -> None:
    rows, columns = body.shape[0] // pitch, body.shape[1] // pitch
    if rows < 2 or columns < 1:
        return
    lit = rng.random((rows, columns)) < (0.26 if stage.is_dark else 0.6)
    strength = rng.uniform(0.25, 1.0, (rows, columns)) ** 1.5 * lit
    pane = np.zeros((pitch, pitch))
    edge = max(1, pitch // 3)
    pane[edge : pitch - edge + 1, edge : pitch - edge + 1] = 1.0
    grid = np.kron(strength, pane)[..., None]
    area = body[: rows * pitch, : columns * pitch]
    neon = "neon" in stage.scene.styles
    hue: Colour = ((1.0, 0.35, 0.75), (0.3, 0.9, 1.0))[int(rng.random() < 0.5)] if neon else (
        1.0, 0.82, 0.48)  # fmt: skip
    shine: Colour = hue if stage.is_dark else mix(stage.light.middle, (1, 1, 1), 0.3)
    area += (vec(shine) - area) * grid * (0.9 if stage.is_dark else 0.35)


def paint_village(stage: Stage, y: float) -> None:
    """Paint a handful of houses and a church in the middle distance."""
    rng, pen = stage.canvas.rng("village"), Pen(stage, -1.0 if stage.sun_x < 0.5 else 1.0)
    book = load_shapes()
    walls: list[Colour] = [(0.86, 0.80, 0.70), (0.80, 0.66, 0.54), (0.88, 0.84, 0.78)]
    for index, x in enumerate(sorted(rng.uniform(0.12, 0.88, 9).tolist())):
        shape = book["church"] if index == 4 else book["house"]
        size = float(rng.uniform(0.08, 0.13)) * (1.7 if index == 4 else 1.0)
        deep = float(rng.uniform(0.0, 0.05))
        colour = walls[int(rng.integers(3))]
        pen.draw(shape, x, y + deep, size, colour, 0.3, bool(rng.random() < 0.5))


def paint_bridge(stage: Stage, deck: float) -> None:
    """Paint a bridge across the whole picture: of stone with arches, or hung from towers."""
    if {"old", "stone", "ancient", "medieval", "roman", "viaduct", "aqueduct"} & stage.scene.words:
        _paint_arches(stage, deck)
    else:
        _paint_suspension(stage, deck)


def _paint_arches(stage: Stage, deck: float) -> None:
    canvas = stage.canvas
    named = stage.scene.colours.get("bridge", (0.58, 0.53, 0.47))
    stone = stage.seen(stage.lit(named), 0.15)
    foot = min(0.97, deck + 0.17)
    across = np.mod(canvas.xs * 4.0 + 0.5, 1.0) - 0.5
    down = (canvas.ys - foot) / (foot - deck - 0.04)
    opening = (across / 0.38) ** 2 + np.minimum(down, 0.0) ** 2 < 1.0
    wall = (canvas.ys > deck) & (canvas.ys < foot) & ~opening
    blocks = canvas.noise("blocks", 0.018, 3, 2.2)
    tone = (0.62 + 0.6 * blocks - 0.12 * np.clip(down + 1.0, 0, 1))[..., None]
    mask = cv2.GaussianBlur(vec(wall), (0, 0), max(0.5, canvas.unit / 900))
    canvas.wash(vec(mask), vec(np.clip(vec(stone) * tone, 0, 1)))
    _box(stage, (-0.01, deck - 0.012, 1.01, deck + 0.008), mix(stone, stage.light.lamp, 0.2))


def _paint_suspension(stage: Stage, deck: float) -> None:
    canvas = stage.canvas
    named = stage.scene.colours.get("bridge", (0.62, 0.27, 0.20))
    steel = stage.seen(stage.lit(named), 0.12)
    shade = mix(steel, stage.light.ink, 0.45)
    top, foot = deck - 0.30, min(0.97, deck + 0.2)
    towers = (0.25, 0.75)
    xs = np.linspace(-0.02, 1.02, 160)
    phase = (xs - towers[0]) / (towers[1] - towers[0])
    middle = top + 0.02 + (deck - top - 0.05) * (1.0 - (2 * phase - 1) ** 2)
    outer = np.where(xs < 0.5, towers[0] - xs, xs - towers[1])
    sag = top + 0.02 + (deck - top - 0.02) * np.clip(outer / 0.27, 0, 1) ** 0.8
    cable = np.where((xs > towers[0]) & (xs < towers[1]), middle, sag)
    for x in np.linspace(0.0, 1.0, 41):
        drop = float(np.interp(x, xs, cable))
        if drop < deck:
            _bar(stage, x, drop, 0.0016, deck, shade, 0.75)
    thick = 0.006
    rope = [*zip(xs, cable - thick, strict=True), *zip(xs[::-1], cable[::-1] + thick, strict=True)]
    for tower in towers:
        for shift in (-0.017, 0.017):
            _bar(stage, tower + shift, top, 0.009, foot, steel, 1.0)
        for level in (0.02, 0.11, 0.2):
            _box(stage, (tower - 0.017, top + level, tower + 0.017, top + level + 0.02), shade)
    canvas.wash(canvas.polygon(rope), steel)
    _box(stage, (-0.01, deck, 1.01, deck + 0.03), shade)
    _box(stage, (-0.01, deck - 0.004, 1.01, deck + 0.01), steel)


def _box(stage: Stage, edges: tuple[float, float, float, float], colour: Colour) -> None:
    left, top, right, foot = edges
    corners = [(left, top), (right, top), (right, foot), (left, foot)]
    stage.canvas.wash(stage.canvas.polygon(corners), colour)


def _bar(
    stage: Stage, x: float, top: float, half: float, foot: float, colour: Colour, force: float
) -> None:
    half = half * stage.canvas.unit / stage.canvas.width
    box = [(x - half, top), (x + half, top), (x + half, foot), (x - half, foot)]
    stage.canvas.wash(stage.canvas.polygon(box) * force, colour)


def paint_beam(stage: Stage, x: float, y: float) -> None:
    """Send a lighthouse's beam into the dark."""
    canvas = stage.canvas
    for side, tilt in ((-1.0, -0.12), (1.0, -0.06)):
        across = (canvas.xs - x) * canvas.width / canvas.unit * side
        down = (canvas.ys - y) * canvas.height / canvas.unit - across * tilt
        cone = np.exp(-((down / (0.012 + 0.14 * np.clip(across, 0, None))) ** 2))
        light = np.where(across > 0, cone * np.exp(-across * 1.6), 0.0)
        canvas.image += vec(light[..., None] * 0.5) * vec((1.0, 0.9, 0.66))
