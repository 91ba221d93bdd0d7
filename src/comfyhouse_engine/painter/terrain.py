"""Ground: ridges, hills, dunes, snow, meadows, roads, and the trees on them."""

import numpy as np

from comfyhouse_engine.painter.canvas import Array, Canvas, Colour, mix, smooth, vec
from comfyhouse_engine.painter.stage import Stage


def tree_line(
    canvas: Canvas, key: object, height: float, density: float, is_round: bool = False
) -> Array:
    """Return how far firs (or round crowns) rise above a ridge [width], in shares of height."""
    rng = canvas.rng("firs", key)
    aspect = canvas.width / canvas.unit
    count = max(4, int(density * aspect))
    rise: Array = np.zeros(canvas.width, dtype=np.float32)
    spots = (np.arange(count) + rng.uniform(-0.6, 0.6, count)) / count
    clumps = 0.55 + 0.45 * np.sin(spots * rng.uniform(9, 16) + rng.uniform(0, 6))
    for spot, clump in zip(spots, clumps, strict=True):
        tall = height * float(rng.uniform(0.45, 1.0)) * float(clump)
        half = tall * (0.42 if is_round else 0.24) * canvas.height / canvas.width
        left, right = (int((spot + side * half) * canvas.width) for side in (-1, 1))
        span = slice(max(0, left), min(canvas.width, right + 1))
        away = np.abs(canvas.xs[0, span] - spot) / max(half, 1e-6)
        # Branches: the outline steps in and out as it climbs.
        jag = 0.13 * np.abs(np.modf(away * 6.5)[0] - 0.5)
        outline = np.sqrt(np.clip(1.0 - away**2, 0, 1)) - jag if is_round else 1.0 - away - jag
        rise[span] = np.maximum(rise[span], tall * np.clip(outline, 0.0, 1.0))
    return rise


def paint_layer(
    stage: Stage, key: str, line: Array, colour: Colour, mist: float, texture: float = 0.06
) -> None:
    """Fill below `line`: darker at the crest, paler towards the foot, with a little unrest."""
    canvas = stage.canvas
    mask, top = canvas.below(line)
    rows = canvas.ys[top:]
    depth = np.clip((rows - line[None, :]) / 0.3, 0.0, 1.0)
    grain = canvas.noise(key + "-mist", 0.12, 4, 1.6)[top:]
    veil = np.clip(depth * mist + (grain - 0.5) * (texture * 2.2 + mist * 0.35), -0.3, 1.0)
    shades = vec(colour) + veil[..., None] * (vec(stage.light.haze) - colour)
    canvas.wash(mask, np.clip(shades, 0.0, 1.0), top)


def paint_ridges(stage: Stage, crest: float, foot: float, count: int, jagged: float) -> None:
    """Paint `count` ridges from the haze to the front; firs grow on the near ones."""
    canvas, light, scene = stage.canvas, stage.light, stage.scene
    misty = 0.75 if "mist" in scene.weather else 0.38
    far = stage.seen(light.ink, 0.8)
    trees = not {"tree", "forest", "pine"} & scene.banned and not scene.has("desert", "snowfield")
    for index in range(count):
        near = index / max(1, count - 1)
        base = crest + (foot - crest) * near
        relief = (0.1 if jagged > 0.4 else 0.06) * (1.0 - 0.45 * near)
        line = (
            base - canvas.curve(("ridge", index), 2.0 + index * 0.7, 6, 0.5 * jagged + 0.2) * relief
        )
        if trees and near > 0.45:
            line = line - tree_line(canvas, index, 0.05 + 0.1 * near**2, 70 - 30 * near)
        colour = mix(far, light.ink, near**1.15)
        for kind in ("mountains", "hills"):
            if kind in scene.colours:
                colour = mix(colour, stage.lit(scene.colours[kind]), 0.75 - 0.25 * near)
        paint_layer(stage, f"ridge{index}", line, colour, misty * (1.0 - 0.5 * near))


def paint_peaks(stage: Stage, base: float, height: float, is_snowy: bool) -> None:
    """Paint a massif: each summit has a lit flank and a shaded one, and snow if asked."""
    canvas, light = stage.canvas, stage.light
    rng = canvas.rng("peaks")
    line: Array = np.full(canvas.width, base, dtype=np.float32)
    away: Array = np.zeros(canvas.width, dtype=np.float32)
    for index in range(int(rng.integers(3, 6))):
        x = float(rng.uniform(0.3, 0.7)) if index == 0 else float(rng.uniform(-0.05, 1.05))
        tall = height * (1.0 if index == 0 else float(rng.uniform(0.45, 0.85)))
        reach = float(rng.uniform(0.2, 0.34)) * tall / height + 0.1
        offset = (canvas.xs[0] - x) / reach
        slope = base - tall * np.clip(1.0 - np.abs(offset) ** 0.92, 0.0, None)
        away = np.where(slope < line, offset, away)
        line = np.minimum(line, slope)
    line = line - np.abs(canvas.curve("crags", 16, 5, 0.6)) * 0.018 * (line < base - 0.01)
    rock = stage.colour_of("mountains", stage.seen(mix(light.ink, light.top, 0.4), 0.28))
    paint_layer(stage, "peaks", line, rock, 0.8, 0.04)
    mask, top = canvas.below(line)
    depth = np.clip((canvas.ys[top:] - line[None, :]) / height, 0.0, 1.0)
    _paint_flanks(stage, mask, top, away, depth, is_snowy)


def _paint_flanks(
    stage: Stage, mask: Array, top: int, away: Array, depth: Array, is_snowy: bool
) -> None:
    """Part light from shade along a crooked ridge that comes down from each summit."""
    canvas, light = stage.canvas, stage.light
    crooked = (canvas.noise("spurs", 0.09, 5, 0.7)[top:] - 0.5) * (0.12 + 1.1 * depth)
    gullies = canvas.noise("gullies", 0.05, 5, 0.5)[top:] - 0.5
    bend = (crooked * 0.4 + gullies * 0.12) * canvas.width * 0.3
    columns = np.clip(np.arange(canvas.width) + bend, 0, canvas.width - 1).astype(np.int32)
    side = (away[columns] + crooked * 1.1) * (1.0 if stage.sun_x < 0.5 else -1.0)
    shade = smooth(side + gullies * 0.25, -0.02, 0.05)
    # Where two flanks meet far below their summits there is no ridge to see.
    shade = 0.5 + (shade - 0.5) * (1.0 - smooth(np.abs(away[columns]), 0.5, 1.0))
    fade = 1.0 - smooth(depth, 0.35, 0.95)
    if is_snowy:
        cover = 1.0 - smooth(depth + crooked * 0.5 + gullies * 0.7, 0.24, 0.34)
        bright = stage.seen(mix(stage.lit((0.98, 0.97, 0.96)), light.lamp, 0.2), 0.1)
        dull = mix(bright, mix(light.top, light.haze, 0.4), 0.62)
        tone = shade[..., None]
        snow = vec(bright) * (1 - tone) + vec(dull) * tone
        canvas.wash(mask * cover * 0.96, snow, top)
    canvas.wash(mask * shade * fade * 0.34, light.ink, top)
    canvas.wash(mask * (1.0 - shade) * fade * 0.2, light.low, top)


def paint_dunes(stage: Stage) -> None:
    """Paint dunes whose crests part a lit flank from a shaded one."""
    canvas, light, scene = stage.canvas, stage.light, stage.scene
    sand = stage.colour_of("desert", stage.lit((0.86, 0.63, 0.40)))
    shade = mix(sand, light.ink, 0.62)
    count = 5
    for index in range(count):
        near = index / (count - 1)
        base = stage.horizon - 0.02 + 0.36 * near
        bend = canvas.curve(("dune", index), 1.3 + 0.3 * index, 2, 0.35)
        line = base - bend * 0.085
        mask, top = canvas.below(line)
        slope = np.gradient(bend) * canvas.width / 8.0 * (1 if stage.sun_x > 0.5 else -1)
        depth = np.clip((canvas.ys[top:] - line[None, :]) / 0.28, 0.0, 1.0)
        ripple = canvas.noise(f"ripple{index}", 0.02 + 0.02 * near, 2, 6.0)[top:] - 0.5
        lit = np.clip(0.5 + slope[None, :] * (1.0 - depth * 0.6) + ripple * 0.22 * near, 0, 1)
        wind = np.sin((canvas.ys[top:] - line[None, :] * 0.6) * (430 - 250 * near) + ripple * 26)
        lit = lit * (1.0 - 0.35 * depth) + wind * (0.015 + 0.035 * near) * smooth(depth, 0.02, 0.3)
        tone = smooth(lit, 0.05, 0.85)[..., None]
        colours = vec(stage.seen(shade, 0.45 * (1 - near))) * (1 - tone)
        colours += vec(stage.seen(sand, 0.45 * (1 - near))) * tone
        canvas.wash(mask, colours, top)
    if scene.has("snowfield"):
        canvas.wash(0.3, light.haze, int(stage.horizon * canvas.height))


def paint_plain(stage: Stage, key: str, line: Array, colour: Colour, blades: float = 1.0) -> None:
    """Paint ground that comes nearer: pale at the horizon, its own colour in front."""
    canvas, light = stage.canvas, stage.light
    mask, top = canvas.below(line)
    depth = np.clip((canvas.ys[top:] - line[None, :]) / np.maximum(0.08, 1.0 - line[None, :]), 0, 1)
    far, near = vec(stage.seen(colour, 0.55)), vec(mix(colour, light.ink, 0.32))
    shades = far + depth[..., None] ** 0.7 * (near - far)
    patches = canvas.noise(key + "-patch", 0.1, 4, 4.0)[top:] - 0.5
    fine = canvas.noise(key + "-blades", 0.014, 2, 0.5)[top:] - 0.5
    shades += (patches * 0.16 + fine * 0.2 * blades * depth)[..., None]
    canvas.wash(mask, np.clip(shades, 0, 1), top)


def paint_road(stage: Stage, line: Array) -> None:
    """Paint a road that winds to the horizon."""
    canvas, rng = stage.canvas, stage.canvas.rng("road")
    start = float(line.mean()) + 0.005
    rows = np.linspace(start, 1.02, 80)
    share = np.clip((rows - start) / (1.0 - start), 0.0, 1.0)
    sway = float(rng.choice([-1, 1])) * (0.16 if "straight" not in stage.scene.words else 0.0)
    vanish = float(rng.uniform(0.42, 0.58))
    middle = vanish + sway * np.sin((1 - share) ** 0.6 * 5.2) * (1 - share) * (share + 0.25)
    half = 0.006 + 0.24 * share**1.35
    edge = [*zip(middle - half, rows, strict=True)]
    back = [*zip((middle + half)[::-1], rows[::-1], strict=True)]
    tar = stage.colour_of("road", stage.lit((0.36, 0.36, 0.38)))
    mask = canvas.polygon(edge + back)
    depth = np.clip((canvas.ys - start) / (1 - start), 0, 1)[..., None]
    shades = vec(stage.seen(tar, 0.5)) * (1 - depth) + vec(tar) * depth
    shades = shades + (canvas.noise("tar", 0.02, 2) - 0.5)[..., None] * 0.06
    canvas.wash(mask * 0.97, shades.astype(np.float32))
    white = stage.lit((0.93, 0.9, 0.82))
    for at in np.cumsum(0.02 * 1.28 ** np.arange(16)):
        if at < 1.0:
            piece = np.array([at, min(1.02, at * 1.13 + 0.004)])
            x = np.interp(piece, share, middle)
            wide = 0.001 + 0.008 * piece**1.3
            y = start + piece * (1 - start)
            stripe = [(x[0] - wide[0], y[0]), (x[0] + wide[0], y[0]),
                      (x[1] + wide[1], y[1]), (x[1] - wide[1], y[1])]  # fmt: skip
            canvas.wash(canvas.polygon(stripe) * 0.85, white)
