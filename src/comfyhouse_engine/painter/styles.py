"""Ways of painting that a prompt can ask for: watercolour, oil, pencil, print, pixels, film."""

from collections.abc import Callable

import cv2
import numpy as np

from comfyhouse_engine.painter.canvas import Array, Canvas, smooth, vec

_GREY = vec([0.299, 0.587, 0.114])


def apply_styles(canvas: Canvas, styles: frozenset[str]) -> None:
    """Redo the finished picture in every style asked for, in a fixed order."""
    canvas.image = vec(np.clip(canvas.image, 0.0, 1.0))
    for style, redo in _STYLES.items():
        if style in styles:
            canvas.image = vec(np.clip(redo(canvas), 0.0, 1.0))


def _simplify(canvas: Canvas, share: float) -> Array:
    """Return the picture in flat patches of about `share` units."""
    size = max(3, int(canvas.unit * share) | 1)
    calm = np.round(canvas.image * 255.0).astype(np.uint8)
    for _ in range(2):
        calm = np.asarray(cv2.medianBlur(calm, min(size, 61)), dtype=np.uint8)
    return vec(calm) / np.float32(255.0)


def _watercolour(canvas: Canvas) -> Array:
    # Pigment runs along a crooked line, pools at edges and leaves the paper's rim white.
    bend = canvas.noise("bend", 0.05, 3) - 0.5
    rows, columns = np.indices((canvas.height, canvas.width), dtype=np.float32)
    push = canvas.unit * 0.018
    run = cv2.remap(_simplify(canvas, 0.017), vec(columns + bend * push),
                    vec(rows + np.roll(bend, canvas.width // 3, 1) * push), cv2.INTER_LINEAR,
                    borderMode=cv2.BORDER_REPLICATE)  # fmt: skip
    grey = cv2.transform(run, _GREY[None, :]).reshape(canvas.height, canvas.width)
    wide = cv2.GaussianBlur(grey, (0, 0), canvas.unit * 0.008)
    pool = np.clip((wide - grey) * 1.8, 0.0, 0.25)
    bloom = canvas.noise("bloom", 0.13, 5) - 0.5
    tooth = canvas.noise("tooth", 0.005, 2) - 0.5
    paper = vec((0.975, 0.965, 0.935))
    thin = np.clip(0.26 + bloom * 0.62, 0.04, 0.62)[..., None]
    painted = run + (paper - run) * thin - pool[..., None] + (tooth * 0.07)[..., None]
    across = np.minimum(canvas.xs, 1 - canvas.xs) * canvas.width
    down = np.minimum(canvas.ys, 1 - canvas.ys) * canvas.height
    edge = np.minimum(across, down) / canvas.unit
    rim = smooth(vec(edge + bend * 0.035), 0.02, 0.034)[..., None]
    return vec(paper + (painted - paper) * rim)


def _oil(canvas: Canvas) -> Array:
    flat = _simplify(canvas, 0.014)
    flow = canvas.noise("flow", 0.3, 2) * 6.0
    rows, columns = np.indices((canvas.height, canvas.width), dtype=np.float32)
    bristle = canvas.noise("bristle", 0.0055, 2)
    strokes = np.zeros_like(bristle)
    for step in np.linspace(-1.0, 1.0, 7):
        reach = vec(step * canvas.unit * 0.012)
        strokes += cv2.remap(bristle, columns + np.cos(flow) * reach, rows + np.sin(flow) * reach,
                             cv2.INTER_LINEAR, borderMode=cv2.BORDER_REFLECT)  # fmt: skip
    strokes = strokes / 7.0
    relief = np.roll(strokes, 1, axis=0) - np.roll(strokes, -1, axis=0)
    smear = (strokes - strokes.mean()) * 0.5
    vivid = flat + (flat - flat.mean(axis=2, keepdims=True)) * 0.25
    return vec(vivid * (1.0 + smear[..., None]) + relief[..., None] * 0.55)


def _sketch(canvas: Canvas) -> Array:
    grey = cv2.transform(canvas.image, _GREY[None, :]).reshape(canvas.height, canvas.width)
    soft = cv2.GaussianBlur(1.0 - grey, (0, 0), canvas.unit * 0.012)
    lines = np.clip(grey / np.clip(1.0 - soft, 0.05, 1.0), 0.0, 1.0) ** 3.0
    pitch = max(3.0, canvas.unit * 0.008)
    across = canvas.xs * canvas.width
    down = canvas.ys * canvas.height
    wobble = canvas.noise("hand", 0.3, 2) * 1.5
    tone: Array = np.ones(grey.shape, dtype=np.float32)
    for level, angle in ((0.62, 0.7), (0.42, -0.6), (0.24, 0.1)):
        phase = (across * np.cos(angle) + down * np.sin(angle)) / pitch + wobble
        hatch = smooth(vec(np.abs(np.mod(phase, 1.0) - 0.5)), 0.1, 0.28)
        dark = smooth(level - grey, 0.0, 0.12)
        tone = tone * (1.0 - dark * (1.0 - hatch) * 0.62)
    paper = vec((0.955, 0.94, 0.905)) - (canvas.noise("tooth", 0.005, 2) - 0.5)[..., None] * 0.06
    ink = vec((0.17, 0.16, 0.18))
    drawn = (np.clip(lines, 0.12, 1.0) * tone)[..., None]
    return vec(ink + (paper - ink) * drawn)


def _poster(canvas: Canvas) -> Array:
    flat = _simplify(canvas, 0.012)
    grey = flat.mean(axis=2, keepdims=True)
    levels = np.round(grey * 6.0) / 6.0
    inked = flat * (levels + 0.06) / (grey + 0.06)
    inked = inked + (inked - inked.mean(axis=2, keepdims=True)) * 0.35
    holes = smooth(canvas.noise("holes", 0.006, 1), 0.78, 0.92)[..., None]
    return vec(inked + (vec((0.95, 0.92, 0.84)) - inked) * (0.05 + 0.4 * holes))


def _pixel(canvas: Canvas) -> Array:
    cell = max(2, canvas.unit // 72)
    small = (max(2, canvas.width // cell), max(2, canvas.height // cell))
    blocks = cv2.resize(canvas.image, small, interpolation=cv2.INTER_AREA)
    blocks = np.round(np.clip((blocks - 0.5) * 1.15 + 0.5, 0, 1) * 7.0) / 7.0
    size = (canvas.width, canvas.height)
    return vec(cv2.resize(vec(blocks), size, interpolation=cv2.INTER_NEAREST))


def _neon(canvas: Canvas) -> Array:
    grey = cv2.transform(canvas.image, _GREY[None, :])[..., None]
    grey = grey.reshape(canvas.height, canvas.width, 1)
    cold, hot = vec((0.10, 0.05, 0.30)), vec((1.0, 0.25, 0.72))
    toned = canvas.image * 0.62 + (cold + (hot - cold) * grey) * 0.5
    side = vec(canvas.xs)[..., None]
    toned += (vec((0.0, 0.30, 0.42)) * (1 - side) + vec((0.3, 0.0, 0.2)) * side) * grey
    return _bloom(canvas, toned, 0.5)


def _pastel(canvas: Canvas) -> Array:
    light = canvas.image * 0.62 + vec((0.98, 0.93, 0.93)) * 0.38
    return _bloom(canvas, light, 0.2)


def _vintage(canvas: Canvas) -> Array:
    faded = canvas.image * 0.78 + vec((0.16, 0.12, 0.085))
    return vec(faded * vec((1.04, 0.99, 0.86)))


def _sepia(canvas: Canvas) -> Array:
    return vec(_grey_of(canvas) * vec((1.06, 0.89, 0.68)) + vec((0.05, 0.03, 0.0)))


def _black_and_white(canvas: Canvas) -> Array:
    grey = _grey_of(canvas)
    return vec(np.clip((grey - 0.46) * 1.22 + 0.47, 0, 1) * np.ones(3, dtype=np.float32))


def _macro(canvas: Canvas) -> Array:
    blurred = cv2.GaussianBlur(canvas.image, (0, 0), canvas.unit * 0.02)
    away = ((canvas.xs - 0.5) / 0.46) ** 2 + ((canvas.ys - 0.52) / 0.46) ** 2
    return vec(canvas.image + (blurred - canvas.image) * smooth(vec(away), 0.55, 1.4)[..., None])


def _grey_of(canvas: Canvas) -> Array:
    grey = cv2.transform(canvas.image, _GREY[None, :])
    return vec(grey.reshape(canvas.height, canvas.width, 1))


def _bloom(canvas: Canvas, image: Array, force: float) -> Array:
    bright = cv2.GaussianBlur(vec(np.clip(image - 0.5, 0, 1)), (0, 0), canvas.unit * 0.03)
    return vec(image + bright * force)


_STYLES: dict[str, Callable[[Canvas], Array]] = {
    "macro": _macro,
    "neon": _neon,
    "pastel": _pastel,
    "poster": _poster,
    "oil": _oil,
    "watercolour": _watercolour,
    "sketch": _sketch,
    "vintage": _vintage,
    "sepia": _sepia,
    "bw": _black_and_white,
    "pixel": _pixel,
}
