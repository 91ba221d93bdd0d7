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
