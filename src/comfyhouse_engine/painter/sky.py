"""Sky: gradient, clouds, sun or moon, stars, aurora, rainbow, lightning."""

import cv2
import numpy as np

from comfyhouse_engine.painter.canvas import Array, Canvas, mix, smooth, vec
from comfyhouse_engine.painter.stage import Stage


def paint_sky(stage: Stage) -> None:
    """Fill the whole canvas with the hour's sky."""
    canvas, light, scene = stage.canvas, stage.light, stage.scene
    _paint_gradient(stage)
    hides_stars = _is_banned(stage, "stars") or scene.weather & {"rain", "storm", "snowfall"}
    if stage.hour == "night" and not hides_stars:
        paint_stars(canvas, stage.horizon, 900 if scene.find_thing("stars") else 380)
    if scene.find_thing("aurora"):
        _paint_aurora(stage)
    if stage.hour != "night" and not _hides_sun(stage):
        _paint_sun(stage)
    if stage.hour == "night" and not _hides_moon(stage):
        _paint_moon(stage)
    if not _is_banned(stage, "cloud", "cloudy") and "clear" not in scene.weather:
        _paint_clouds(stage)
    if scene.find_thing("rainbow"):
        _paint_rainbow(stage)
    if scene.find_thing("lightning"):
        _paint_lightning(stage)
    if scene.weather & {"mist"}:
        canvas.wash(smooth(canvas.noise("veil", 0.5, 3, 3.0), 0.3, 0.9) * 0.35, light.haze)


def paint_stars(canvas: Canvas, down_to: float, count: int) -> None:
    """Scatter stars of different size over the top of the canvas."""
    rng = canvas.rng("stars")
    field: Array = np.zeros((canvas.height, canvas.width), dtype=np.float32)
    xs, ys = rng.random(count), rng.random(count) ** 1.2 * down_to
    sizes = 0.0004 + 0.0022 * rng.random(count) ** 8
    for x, y, size in zip(xs, ys, sizes, strict=True):
        radius = max(0.3, size * canvas.unit)
        centre = (int(x * canvas.width * 16), int(y * canvas.height * 16))
        cv2.circle(field, centre, int(radius * 16), float(rng.uniform(0.35, 1.0)), -1,
                   cv2.LINE_8 if radius < 1 else cv2.LINE_AA, 4)  # fmt: skip
    glimmer = cv2.GaussianBlur(field, (0, 0), max(0.5, canvas.unit * 0.0016))
    canvas.image += np.clip(field * 0.55 + glimmer * 0.9, 0, 1)[..., None] * vec((0.95, 0.95, 0.9))


def _is_banned(stage: Stage, *kinds: str) -> bool:
    return any(kind in stage.scene.banned for kind in kinds)


def _hides_sun(stage: Stage) -> bool:
    grey = stage.scene.weather & {"mist", "rain", "storm", "snowfall", "cloudy"}
    asked = stage.scene.find_thing("sun") or stage.scene.hours
    return _is_banned(stage, "sun") or bool(grey and not asked)


def _hides_moon(stage: Stage) -> bool:
    asked = stage.scene.find_thing("moon")
    grey = stage.scene.weather & {"rain", "storm", "snowfall", "cloudy"}
    other = stage.scene.find_thing("aurora", "stars", "planet", "rocket", "ufo")
    return _is_banned(stage, "moon") or bool((grey or other) and not asked)


def _paint_gradient(stage: Stage) -> None:
    canvas, light = stage.canvas, stage.light
    depth = np.clip(canvas.ys / max(0.2, stage.horizon), 0.0, 1.0)
    stops = vec([0.0, 0.55, 1.0])
    colours = vec([light.top, light.middle, light.low])
    for channel in range(3):
        column = np.interp(depth[:, 0] ** 1.1, stops, colours[:, channel])
        canvas.image[..., channel] = column[:, None]
    unrest = canvas.noise("air", 0.9, 3, 2.0) - 0.5
    canvas.image += unrest[..., None] * 0.05


def _paint_sun(stage: Stage) -> None:
    canvas, light = stage.canvas, stage.light
    low = stage.hour in ("dawn", "sunset", "dusk")
    asked = bool(stage.scene.find_thing("sun"))
    dull = 0.5 if stage.scene.weather & {"mist", "cloudy", "rain", "storm", "snowfall"} else 1.0
    halo = mix(light.low, light.lamp, 0.5)
    canvas.glow(stage.sun_x, stage.sun_y, 0.75, light.low, (0.22 if low else 0.12) * dull)
    canvas.glow(stage.sun_x, stage.sun_y, 0.3, halo, (0.22 if low else 0.16) * dull)
    canvas.glow(stage.sun_x, stage.sun_y, 0.12, light.lamp, 0.3 * dull)
    radius = 0.064 if low or asked else 0.042
    glare = canvas.disc(stage.sun_x, stage.sun_y, radius, 0.012) * (0.97 * dull)
    canvas.wash(glare, mix(light.lamp, (1.0, 1.0, 0.97), 0.45))


def _paint_moon(stage: Stage) -> None:
    canvas, light = stage.canvas, stage.light
    asked = bool(stage.scene.find_thing("moon"))
    radius = 0.085 if asked else 0.042
    x, y = stage.sun_x, min(stage.sun_y, 0.24)
    lamp = stage.colour_of("moon", light.lamp) if "moon" not in stage.scene.colours else (
        stage.scene.colours["moon"])  # fmt: skip
    canvas.glow(x, y, 0.55, light.haze, 0.35)
    canvas.glow(x, y, radius * 2.3, lamp, 0.32)
    disc = canvas.disc(x, y, radius, 0.008)
    if "crescent" in stage.scene.words:
        disc = disc * (1.0 - canvas.disc(x + radius * 0.5, y - radius * 0.15, radius * 0.92, 0.01))
    seas = smooth(canvas.noise("seas", 0.05, 3), 0.45, 0.75)
    canvas.wash(disc * 0.97, lamp)
    canvas.wash(disc * seas * 0.28, mix(lamp, (0.35, 0.38, 0.45), 0.8))


def _paint_clouds(stage: Stage) -> None:
    canvas, light, scene = stage.canvas, stage.light, stage.scene
    heavy = bool(scene.weather & {"storm", "rain"})
    many = heavy or "cloudy" in scene.weather or "snowfall" in scene.weather
    body = canvas.noise("clouds", 0.22, 5, 2.8)
    cover = 0.36 if heavy else 0.44 if many else 0.6
    if "minimal" in scene.styles:
        cover = 0.72
    mask = smooth(body, cover, cover + 0.22) * (1.0 - smooth(canvas.ys, 0.72 * stage.horizon,
                                                             1.02 * stage.horizon))  # fmt: skip
    drop = max(1, canvas.height // 40)
    above = np.vstack([body[:1].repeat(drop, axis=0), body[:-drop]])
    lit_side = np.clip((body - above) * 3.5, -1, 1)
    base = stage.colour_of("cloud", mix(light.low, light.lamp, 0.35))
    if heavy:
        base = mix(light.top, light.low, 0.5)
    if stage.hour == "night":
        base = mix(light.low, light.haze, 0.5)
    shadow = mix(light.top, light.ink, 0.5) if heavy else mix(base, light.middle, 0.55)
    force = 0.9 if many else 0.5
    tone = (0.5 + 0.5 * lit_side)[..., None]
    colours = vec(shadow) * (1 - tone) + vec(base) * tone
    canvas.wash(mask * force, colours)


def _paint_aurora(stage: Stage) -> None:
    canvas = stage.canvas
    green = vec(stage.scene.colours.get("aurora", (0.30, 0.92, 0.62)))
    for band in range(3):
        foot = stage.horizon * (0.5 + 0.16 * band) + canvas.curve(("aurora", band), 2.2, 3) * 0.09
        above = (foot[None, :] - canvas.ys) / 0.42
        curtain = np.where(above > 0, np.exp(-above * 3.2), np.exp(np.minimum(above, 0.0) * 60))
        rays = 0.55 + 0.45 * canvas.curve(("rays", band), 26, 3)[None, :]
        violet = vec((0.55, 0.35, 0.85))
        fade = np.clip(above * 1.3, 0, 1)[..., None]
        colour = green * (1 - fade) + violet * fade
        canvas.image += np.clip(curtain * rays, 0, 1)[..., None] * colour * (0.55 - 0.1 * band)


def _paint_rainbow(stage: Stage) -> None:
    canvas = stage.canvas
    across = (canvas.xs - 0.5) * canvas.width / canvas.unit
    down = (canvas.ys - stage.horizon - 0.12) * canvas.height / canvas.unit
    band = (np.sqrt(across**2 + down**2) - 0.42) / 0.085
    hues = np.clip((1.0 - band) * 130, 0, 135).astype(np.uint8)
    vivid = cv2.merge([hues, np.full_like(hues, 190), np.full_like(hues, 250)])
    colours = cv2.cvtColor(vivid, cv2.COLOR_HSV2RGB).astype(np.float32) / 255
    canvas.wash(smooth(band, 0.0, 0.25) * (1 - smooth(band, 0.75, 1.0)) * 0.6, colours)


def _paint_lightning(stage: Stage) -> None:
    canvas, rng = stage.canvas, stage.canvas.rng("lightning")
    x, y = float(rng.uniform(0.3, 0.7)), 0.0
    bolt: Array = np.zeros((canvas.height, canvas.width), dtype=np.float32)
    thickness = max(1, canvas.unit // 190)
    while y < stage.horizon:
        nx, ny = x + float(rng.normal(0, 0.03)), y + float(rng.uniform(0.02, 0.06))
        for fork in (0.0, float(rng.normal(0, 0.1)) * (rng.random() < 0.35)):
            if fork == 0.0 or ny < stage.horizon * 0.8:
                cv2.line(bolt, (int(x * canvas.width), int(y * canvas.height)),
                         (int((nx + fork) * canvas.width), int(ny * canvas.height)),
                         1.0 if fork == 0.0 else 0.6, thickness, cv2.LINE_AA)  # fmt: skip
        x, y = nx, ny
    shine = cv2.GaussianBlur(bolt, (0, 0), canvas.unit * 0.02) * 5.0
    canvas.wash(np.clip(bolt + shine * 0.5, 0, 1), (0.93, 0.93, 1.0))
