"""Water: sea, lake and river, with waves, glitter and mirror images."""

import numpy as np

from comfyhouse_engine.painter.canvas import Colour, mix, smooth, vec
from comfyhouse_engine.painter.stage import Stage


def paint_water(stage: Stage, top_share: float, is_calm: bool, kind: str) -> None:
    """Fill everything below `top_share` of the height with water."""
    canvas, light = stage.canvas, stage.light
    top = int(top_share * canvas.height)
    rows = canvas.ys[top:]
    depth = np.clip((rows - top_share) / max(0.05, 1.0 - top_share), 0.0, 1.0)
    far = mix(light.low, light.middle, 0.45)
    near = mix(light.ink, light.top, 0.42)
    named = stage.scene.colours.get(kind) or stage.scene.colours.get("water")
    if named:
        far, near = mix(far, stage.lit(named), 0.55), mix(near, stage.lit(named), 0.7)
    shades = vec(far) + (depth**0.6)[..., None] * (vec(near) - vec(far))
    body = np.broadcast_to(shades, (canvas.height - top, canvas.width, 3)).copy()
    if is_calm:
        body = _mirror(stage, top, body)
    waves = _make_waves(stage, top, depth)
    force = (0.07 if is_calm else 0.17) * (2.0 if "storm" in stage.scene.weather else 1.0)
    body += waves[..., None] * (force * (0.35 + depth[..., None]))
    canvas.wash(1.0, np.clip(body, 0.0, 1.0), top)
    if "storm" in stage.scene.weather or "waves" in stage.scene.words:
        foam = smooth(waves, 0.5, 0.85) * (0.25 + 0.6 * depth)
        canvas.wash(foam * 0.75, stage.lit((0.93, 0.95, 0.96)), top)
    _paint_glitter(stage, top, depth, waves)


def _mirror(stage: Stage, top: int, body: np.ndarray) -> np.ndarray:
    """Return `body` with what stands above the water line mirrored into it."""
    canvas = stage.canvas
    count = canvas.height - top
    source = np.clip(top - 1 - np.arange(count), 0, canvas.height - 1)
    image = canvas.image[source]
    fade = np.linspace(0.72, 0.3, count, dtype=np.float32)[:, None, None]
    shift = canvas.noise("mirror", 0.012, 2, 9.0)[top:] - 0.5
    xs = np.arange(canvas.width)[None, :] + (shift * canvas.unit * 0.05).astype(np.int32)
    wavy = image[np.arange(count)[:, None], np.clip(xs, 0, canvas.width - 1)]
    return np.asarray(body + (wavy - body) * fade, dtype=np.float32)


def _make_waves(stage: Stage, top: int, depth: np.ndarray) -> np.ndarray:
    """Return waves -1..1 [rows, width] that are small far away and long near by."""
    canvas = stage.canvas
    far = canvas.noise("ripples", 0.006, 2, 12.0)[top:] - 0.5
    middle = canvas.noise("waves", 0.016, 3, 11.0)[top:] - 0.5
    near = canvas.noise("swell", 0.045, 5, 9.0)[top:] - 0.5
    mixed = far * (1.0 - smooth(depth, 0.05, 0.4)) + middle * smooth(depth, 0.02, 0.3)
    return vec(np.clip((mixed + near * depth * 0.9) * 2.7, -1.0, 1.0))


def _paint_glitter(stage: Stage, top: int, depth: np.ndarray, waves: np.ndarray) -> None:
    """Lay the path of light under the sun or the moon."""
    scene, canvas = stage.scene, stage.canvas
    if scene.weather & {"rain", "storm", "mist", "cloudy"} and not scene.hours:
        return
    width = 0.025 + 0.12 * depth
    sway = (canvas.noise("path", 0.05, 2, 4.0)[top:] - 0.5) * 0.09 * depth
    away = np.abs(canvas.xs - stage.sun_x + sway) * canvas.width / canvas.unit
    path = np.exp(-((away / width) ** 2))
    sparks = smooth(waves, -0.05, 0.42) * path
    lamp: Colour = stage.light.lamp
    canvas.wash(np.clip(sparks * 0.9 + path * 0.16, 0.0, 1.0), lamp, top)


def paint_waterfall(stage: Stage) -> None:
    """Paint water that falls over a mossy cliff into a pool."""
    canvas, light = stage.canvas, stage.light
    lip, foot = 0.26, 0.76
    middle = stage.focus_x * 0.5 + 0.25
    cliff = lip + canvas.curve("cliff", 4, 4) * 0.05 - np.abs(canvas.xs[0] - middle) * 0.25
    mask, top = canvas.below(vec(cliff))
    rock = canvas.noise("wall", 0.06, 5, 0.45)[top:]
    moss = smooth(canvas.noise("moss", 0.12, 5)[top:], 0.45, 0.7)[..., None]
    stone, green = vec(stage.lit((0.34, 0.33, 0.31))), vec(stage.lit((0.24, 0.38, 0.20)))
    shades = (stone + (green - stone) * moss) * (0.45 + 1.1 * rock[..., None])
    canvas.wash(mask, vec(np.clip(shades, 0, 1)), top)
    paint_water(stage, foot, False, "lake")
    share = np.clip((canvas.ys - lip) / (foot - lip), 0.0, 1.0)
    half = 0.075 + 0.035 * share + canvas.curve("edge", 5, 3)[None, :] * 0.008
    away = np.abs(canvas.xs - middle + (canvas.noise("sway", 0.2, 3) - 0.5) * 0.03)
    threads = canvas.noise("threads", 0.3, 5, 0.035)
    inside = smooth(half - away, 0.0, 0.02) * (canvas.ys > lip) * (canvas.ys < foot + 0.01)
    canvas.wash(vec(inside * (0.5 + 0.5 * smooth(threads, 0.25, 0.7))), stage.lit((0.95, 0.97, 1)))
    spray = np.exp(-(((canvas.xs - middle) / 0.2) ** 2) - ((canvas.ys - foot) / 0.09) ** 2)
    canvas.wash(vec(spray * (0.45 + 0.5 * canvas.noise("spray", 0.08, 4))), light.haze)
