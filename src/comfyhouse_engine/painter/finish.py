"""The last touches: how far it is worked out, colour grading, grain, vignette and the mark."""

import math
from functools import lru_cache
from zlib import crc32

import cv2
import numpy as np
from PIL import Image, ImageDraw, ImageFont

from comfyhouse_engine.painter.canvas import Array, make_noise, seeded, vec
from comfyhouse_engine.painter.words import Scene

MARK = "SANDBOX – no model"
_GREY = vec([0.299, 0.587, 0.114])
_NEUTRAL_MODEL = "sandbox-painter"
_KNOWN_LORAS = {
    "warm-light": vec([[1.10, 0.03, 0.0], [0.02, 1.0, 0.0], [0.0, 0.02, 0.80]]),
    "blue-hour": vec([[0.72, 0.04, 0.04], [0.0, 0.88, 0.06], [0.06, 0.10, 1.12]]),
}


def show_stage(picture: Array, progress: float, seed: int) -> Array:
    """Return `picture` as it looks at `progress` 0..1 of the way: noise and blots, then form."""
    return roughen(picture, (1.0 - progress) ** 1.5, seed)


def roughness(steps: int) -> float:
    """Return how unfinished a picture of so many steps stays (1 = a blot, 0 = finished)."""
    return max(0.0, math.exp(-(steps - 1) / 7.0) * 0.8 - 0.04)


def roughen(picture: Array, amount: float, seed: int) -> Array:
    """Return a blotted, noisy version of `picture`; amount 0 leaves it as it is."""
    if amount <= 0.004:
        return picture
    height, width = picture.shape[:2]
    cells = [max(4, int(side / (1.0 + amount * 26.0 * min(height, width) / 512)))
             for side in (width, height)]  # fmt: skip
    blots = cv2.resize(picture, (cells[0], cells[1]), interpolation=cv2.INTER_AREA)
    rough = cv2.resize(blots, (width, height), interpolation=cv2.INTER_CUBIC)
    rng = seeded(seed, "rough")
    noise = rng.standard_normal((max(4, height // 4), max(4, width // 4), 3), dtype=np.float32)
    noise = vec(cv2.resize(noise, (width, height), interpolation=cv2.INTER_CUBIC))
    mixed = rough + noise * (0.16 * amount)
    return np.clip(picture + (mixed - picture) * min(1.0, amount * 3.0), 0.0, 1.0)


def grade(
    picture: Array, scene: Scene, cfg: float, scheduler: str, model: str, loras: Array
) -> Array:
    """Apply cfg, scheduler, model, LoRAs and moods as one colour matrix and one tone curve."""
    tones = seeded(crc32(scheduler.encode("utf-8", "replace")), "scheduler")
    matrix: Array = _model_matrix(model) @ loras
    push = math.log1p(max(0.0, cfg)) / math.log1p(7.0)
    saturation = 0.35 + 0.65 * push + (0.25 if "vivid" in scene.moods else 0.0)
    saturation *= 0.7 if "muted" in scene.moods else 1.0
    matrix = _saturate(saturation) @ matrix
    contrast = 0.7 + 0.3 * push + (0.18 if "dramatic" in scene.moods else 0.0)
    contrast += float(tones.uniform(-0.10, 0.14))
    lift = float(tones.uniform(-0.04, 0.04))
    graded = cv2.transform(picture, matrix)
    graded = (graded - 0.45) * np.float32(contrast) + np.float32(0.45 + lift)
    return vec(np.clip(graded, 0.0, 1.0))


def lora_matrix(loras: tuple[tuple[str, float], ...]) -> Array:
    """Return the colour matrix of all LoRAs at their strengths; none or 0 changes nothing."""
    total = np.eye(3, dtype=np.float32)
    for name, strength in loras:
        own = _KNOWN_LORAS.get(name.rsplit(".", 1)[0])
        if own is None:
            rng = seeded(crc32(name.encode("utf-8", "replace")), "lora")
            own = _hue_matrix(float(rng.uniform(-0.7, 0.7))) @ np.diag(
                rng.uniform(0.85, 1.15, 3).astype(np.float32)
            )
        force = np.float32(np.clip(strength, -2.0, 2.0))
        total = (np.eye(3, dtype=np.float32) * (1 - force) + own * force) @ total
    return np.asarray(total, dtype=np.float32)


def _model_matrix(model: str) -> Array:
    stem = model.rsplit(".", 1)[0]
    if stem in ("", _NEUTRAL_MODEL):
        return np.eye(3, dtype=np.float32)
    rng = seeded(crc32(stem.encode("utf-8", "replace")), "model")
    turn = float(rng.choice([-1.0, 1.0]) * rng.uniform(0.12, 0.4))
    warmth = float(rng.uniform(-0.09, 0.09))
    shift = np.diag(vec([1 + warmth, 1.0, 1 - warmth]))
    return np.asarray(_saturate(float(rng.uniform(0.8, 1.15))) @ _hue_matrix(turn) @ shift)


def _saturate(amount: float) -> Array:
    grey = np.tile(_GREY, (3, 1))
    return np.asarray(grey + (np.eye(3, dtype=np.float32) - grey) * amount, dtype=np.float32)


def _hue_matrix(angle: float) -> Array:
    """Return the rotation of colours round the grey axis by `angle` radians."""
    third, root = 1.0 / 3.0, math.sqrt(1.0 / 3.0)
    cos, sin = math.cos(angle), math.sin(angle)
    same, ahead, back = cos + third * (1 - cos), third * (1 - cos) - root * sin, (
        third * (1 - cos) + root * sin)  # fmt: skip
    return vec([[same, ahead, back], [back, same, ahead], [ahead, back, same]])


def add_texture(picture: Array, scene: Scene, seed: int, steps: int, sampler: str) -> Array:
    """Add film grain, the sampler's own surface, and a slight vignette."""
    height, width = picture.shape[:2]
    rng = seeded(seed, "grain")
    surface: Array = np.zeros((height, width), dtype=np.float32)
    if not {"grain"} & scene.banned:
        surface += _film_grain(rng, width, height) * 0.016
        surface += _sampler_surface(sampler, rng, width, height)
    # Each further step brings out a little more of the finest detail.
    sharpness = min(0.9, 0.16 * math.log2(1 + steps))
    if "blurry" in scene.words:
        sharpness = -0.5
    calm = cv2.GaussianBlur(picture, (0, 0), max(0.8, min(width, height) / 480))
    picture = picture + (picture - calm) * sharpness
    # Grain lives in the middle tones, as on film.
    grey = cv2.transform(picture, _GREY[None, :])
    grey = grey.reshape(height, width)
    picture = picture + (surface * (0.45 + 2.2 * grey * (1.0 - grey)))[..., None]
    if "vignette" not in scene.banned:
        picture = picture * _vignette(width, height)[..., None]
    return np.clip(picture, 0.0, 1.0)


def _film_grain(rng: np.random.Generator, width: int, height: int) -> Array:
    # One tile, shifted and repeated: nobody sees the seam in grain, and it is much faster.
    side = 256
    tile = rng.standard_normal((side, side), dtype=np.float32)
    tile = tile * 0.75 + cv2.GaussianBlur(tile, (0, 0), 0.9) * 0.9
    repeats = (height // side + 1, width // side + 1)
    return np.tile(tile, repeats)[:height, :width]


def _sampler_surface(
    sampler: str, rng: np.random.Generator, width: int, height: int
) -> Array | float:
    """Return the texture by which a sampler is known; plain `euler` has none."""
    if sampler == "euler":
        return 0.0
    own = seeded(crc32(sampler.encode("utf-8", "replace")), "sampler")
    angle, pitch = float(own.uniform(0, math.pi)), float(own.uniform(0.008, 0.02))
    force = 0.05 + 0.03 * float(own.random())
    unit = min(width, height)
    if "ancestral" in sampler or "sde" in sampler or "seeds" in sampler:
        cells = (width / unit / pitch, height / unit / pitch)
        return (make_noise(rng, width, height, cells, 2) - 0.5) * (force * 4)
    ys = np.arange(height, dtype=np.float32)[:, None] / unit
    xs = np.arange(width, dtype=np.float32)[None, :] / unit
    along = xs * math.cos(angle) + ys * math.sin(angle)
    wobble = make_noise(rng, width, height, (width / unit * 6, height / unit * 6), 2)
    strokes = np.sin((along / pitch + wobble * 5.0) * (2 * math.pi))
    return np.asarray(strokes * wobble * force, dtype=np.float32)


def _vignette(width: int, height: int) -> Array:
    ys = (np.arange(height, dtype=np.float32)[:, None] + 0.5) / height - 0.5
    xs = (np.arange(width, dtype=np.float32)[None, :] + 0.5) / width - 0.5
    away = (xs * xs + ys * ys) * 2.0
    return np.asarray(1.0 - 0.2 * away**1.4, dtype=np.float32)


def stamp_mark(picture: Array) -> Array:
    """Write the sandbox mark in the lower right corner: light on dark, dark on light."""
    height, width = picture.shape[:2]
    mark = _draw_mark(width, height)
    margin = max(1, min(width, height) // 64)
    return _write(picture, mark, width - mark.shape[1] - margin, height - mark.shape[0] - margin)


def stamp_inside(picture: Array, mask: Array) -> Array:
    """Write the mark where only `mask` [H, W] will be kept, unless the corner is kept anyway."""
    rows, columns = (np.flatnonzero((mask > 0.5).any(axis=axis)) for axis in (1, 0))
    if not rows.size or mask[-8:, -8:].min() > 0.5:
        return picture
    left, top = int(columns[0]), int(rows[0])
    width, height = int(columns[-1]) + 1 - left, int(rows[-1]) + 1 - top
    mark = _draw_mark(width, height)
    x = left + (width - mark.shape[1]) // 2
    return _write(picture.copy(), mark, x, top + round(height * 0.72))


def _write(picture: Array, mark: Array, left: int, top: int) -> Array:
    rows, columns = mark.shape
    area = picture[top : top + rows, left : left + columns]
    if top < 0 or left < 0 or area.shape[:2] != (rows, columns):
        return picture
    ink = np.float32(0.08 if float(area.mean()) > 0.5 else 0.95)
    area += (ink - area) * (mark * 0.72)[..., None]
    return picture


@lru_cache(maxsize=32)
def _draw_mark(width: int, height: int) -> Array:
    words = MARK.split(" – ") if width >= 128 else MARK.split(" ")[:1]
    size = max(7, min(width, height) // 36)
    while size > 5 and _mark_width(words, size) > width * 0.9:
        size -= 1
    font = ImageFont.load_default(size)
    sheet = Image.new("L", (_mark_width(words, size) + 2, size + size // 3))
    pen, x = ImageDraw.Draw(sheet), 1.0
    for index, word in enumerate(words):
        if index:
            # Pillow's own font has no dash of this length.
            pen.rectangle((x + size * 0.3, size * 0.66, x + size * 0.85, size * 0.72), fill=255)
            x += size * 1.15
        pen.text((x, 0), word, fill=255, font=font)
        x += font.getlength(word)
    return np.asarray(sheet, dtype=np.float32) / 255.0


def _mark_width(words: list[str], size: int) -> int:
    font = ImageFont.load_default(size)
    return math.ceil(sum(font.getlength(word) for word in words) + size * 1.15 * (len(words) - 1))
