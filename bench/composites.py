"""Things with known masks on real grounds: what Product Glow's cut-out is measured on.

Shapes are drawn (a mug with a hole in its handle, thin scissors, a plush ball) or taken from
scikit-image (the horse, the logo with its alpha, the retina); textures and grounds are its
photos: brick, grass, gravel, the coffee's table. Each thing throws a soft shadow.
"""

from collections.abc import Callable, Iterator
from typing import Any

import cv2
import numpy as np
import skimage.data

from comfyhouse_nodes.photo.pictures import Floats, blur, round_to_bytes, smoothstep
from tests.photos import load_photo

SIDE = 900
Thing = tuple[Floats, Floats]
"""Colours [SIDE, SIDE, 3] and alpha [SIDE, SIDE]."""


def list_composites() -> Iterator[tuple[str, Floats, Floats]]:
    """Yield name, photo and how much of each pixel is the thing."""
    things, grounds = _list_things(), _list_grounds()
    for thing, ground in (
        ("mug", "wood"),
        ("mug", "brick"),
        ("mug", "studio"),
        ("white mug", "white"),
        ("white mug", "wood"),
        ("black mug", "black"),
        ("scissors", "wood"),
        ("scissors", "studio"),
        ("plush ball", "grass"),
        ("plush ball", "studio"),
        ("horse", "gravel"),
        ("horse", "studio"),
        ("logo", "brick"),
        ("logo", "studio"),
        ("retina", "wood"),
        ("glossy ball", "gravel"),
        ("glossy ball", "white"),
    ):
        yield f"{thing} on {ground}", *compose(things[thing](), grounds[ground]())


def compose(thing: Thing, ground: Floats, seed: int = 5) -> tuple[Floats, Floats]:
    """Return the photo of a thing on a ground, with shadow and a camera's noise, and its mask."""
    colours, alpha = thing
    rows = np.flatnonzero(alpha.max(axis=1) > 0.5)
    foot = alpha.copy()
    foot[: int(rows[-1] - 0.25 * np.ptp(rows))] = 0
    shade = blur(np.roll(foot, SIDE // 60, axis=0), SIDE / 45)[..., np.newaxis]
    share = alpha[..., np.newaxis]
    mixed = colours * share + ground * (1 - np.float32(0.45) * shade) * (1 - share)
    noise = np.random.default_rng(seed).normal(0, 0.008, mixed.shape)
    return round_to_bytes(np.asarray(mixed + noise, np.float32)), alpha


def _list_things() -> dict[str, Callable[[], Thing]]:
    white, black = (0.93, 0.92, 0.90), (0.06, 0.06, 0.07)
    return {
        "mug": lambda: _paint(_draw_mug(), (0.15, 0.40, 0.52)),
        "white mug": lambda: _paint(_draw_mug(), white),
        "black mug": lambda: _paint(_draw_mug(), black),
        "scissors": lambda: _paint(_draw_scissors(), (0.62, 0.64, 0.67)),
        "plush ball": _make_plush,
        "horse": lambda: _paint(_place(~skimage.data.horse()), (0.40, 0.24, 0.14)),
        "logo": _make_logo,
        "retina": _make_retina,
        "glossy ball": lambda: _paint(_draw_ball(), (0.70, 0.10, 0.12), gloss=0.9),
    }


def _list_grounds() -> dict[str, Callable[[], Floats]]:
    return {
        "wood": _make_wood,
        "brick": lambda: _tint("brick", (0.75, 0.48, 0.38)),
        "grass": lambda: _tint("grass", (0.50, 0.68, 0.30)),
        "gravel": lambda: _tint("gravel", (0.66, 0.62, 0.58)),
        "studio": lambda: _make_plain((0.66, 0.64, 0.62)),
        "white": lambda: _make_plain((0.95, 0.95, 0.94)),
        "black": lambda: _make_plain((0.10, 0.10, 0.11)),
    }


def _make_wood() -> Floats:
    """Return the table of the coffee photo: red wood, glossy and with a strong grain."""
    table = load_photo("coffee")[250:398, 470:600]
    return np.asarray(cv2.resize(np.tile(table, (2, 2, 1)), (SIDE, SIDE)), np.float32)


def _tint(name: str, colour: tuple[float, float, float]) -> Floats:
    levels: Any = getattr(skimage.data, name)()
    grey = cv2.resize(np.asarray(levels, np.float32), (SIDE, SIDE), interpolation=cv2.INTER_CUBIC)
    grey = np.clip(grey / grey.mean(), 0, 2)[..., np.newaxis]
    return np.asarray(np.clip(grey * np.array(colour, np.float32), 0, 1), np.float32)


def _make_plain(colour: tuple[float, float, float]) -> Floats:
    fall = np.linspace(0.88, 1.05, SIDE, dtype=np.float32)[:, np.newaxis, np.newaxis]
    plain = np.array(colour, np.float32) * fall * np.ones((1, SIDE, 1), np.float32)
    return np.asarray(np.clip(plain, 0, 1), np.float32)


def _paint(alpha: Floats, colour: tuple[float, float, float], gloss: float = 0.35) -> Thing:
    """Return a thing lit from the upper left: lighter there, darker away, with a shine."""
    rows, columns = (grid.astype(np.float32) / SIDE for grid in np.mgrid[:SIDE, :SIDE])
    round_ = blur(alpha, SIDE / 18)
    across, down = (cv2.Sobel(round_, cv2.CV_32F, *one, ksize=5) for one in ((1, 0), (0, 1)))
    slope = (across + down) / max(float(np.abs(across + down).max()), 1e-6)
    shade = 0.85 + 0.30 * slope + 0.15 * (0.5 - columns)
    shine = np.exp(-(((columns - 0.42) / 0.05) ** 2) - ((rows - 0.42) / 0.12) ** 2)
    colours = np.array(colour, np.float32) * shade[..., np.newaxis]
    colours = colours + np.float32(gloss) * shine[..., np.newaxis] * (1 - colours)
    return np.asarray(np.clip(colours, 0, 1), np.float32), alpha


def _draw(draw: Callable[[np.ndarray, int], None]) -> Floats:
    """Return what is drawn four times as large, with the soft rim of a lens."""
    canvas = np.zeros((4 * SIDE, 4 * SIDE), np.uint8)
    draw(canvas, 4 * SIDE)
    small = cv2.resize(canvas, (SIDE, SIDE), interpolation=cv2.INTER_AREA)
    return blur(np.asarray(small, np.float32) / np.float32(255), 0.7)


def _draw_mug() -> Floats:
    def draw(canvas: np.ndarray, side: int) -> None:
        x, y = int(0.46 * side), int(0.52 * side)
        wide, tall = int(0.18 * side), int(0.24 * side)
        handle = (x + wide, y)
        cv2.ellipse(
            canvas, handle, (int(0.13 * side), int(0.15 * side)), 0, 0, 360, 255, int(0.05 * side)
        )
        cv2.rectangle(canvas, (x - wide, y - tall), (x + wide, y + tall), 255, -1)
        for end in (y - tall, y + tall):
            cv2.ellipse(canvas, (x, end), (wide, int(0.05 * side)), 0, 0, 360, 255, -1)

    return _draw(draw)


def _draw_scissors() -> Floats:
    def draw(canvas: np.ndarray, side: int) -> None:
        for sign in (-1, 1):
            tip = (int((0.5 + 0.13 * sign) * side), int(0.12 * side))
            grip = (int((0.5 - 0.13 * sign) * side), int(0.72 * side))
            cv2.line(canvas, tip, grip, 255, int(0.030 * side))
            ring = (grip[0] - sign * int(0.03 * side), grip[1] + int(0.07 * side))
            cv2.ellipse(
                canvas,
                ring,
                (int(0.07 * side), int(0.10 * side)),
                12 * sign,
                0,
                360,
                255,
                int(0.03 * side),
            )

    return _draw(draw)


def _draw_ball() -> Floats:
    def draw(canvas: np.ndarray, side: int) -> None:
        cv2.circle(canvas, (side // 2, side // 2), int(0.27 * side), 255, -1)

    return _draw(draw)


def _make_plush() -> Thing:
    """Return a ball of the cat's fur, whose hairs stand out of its edge."""
    fur = cv2.resize(load_photo("chelsea")[30:230, 130:330], (SIDE, SIDE))
    rows, columns = (grid.astype(np.float32) / SIDE - 0.5 for grid in np.mgrid[:SIDE, :SIDE])
    angle = np.arctan2(rows, columns)
    hairs = np.random.default_rng(2).normal(0, 1, 1500).astype(np.float32)
    hairs = np.convolve(np.tile(hairs, 3), np.ones(5) / 5, "same")[1500:3000].astype(np.float32)
    reach = 0.27 + 0.018 * hairs[((angle / np.pi + 1) * 750).astype(int) % 1500]
    alpha = 1 - smoothstep(-0.012, 0.012, np.hypot(rows, columns) - reach)
    return np.asarray(np.clip(fur, 0, 1), np.float32), blur(alpha, 0.8)


def _place(shape: np.ndarray) -> Floats:
    """Return a mask in the middle of the square, two thirds of it high."""
    filled = np.asarray(shape, np.float32)
    factor = 0.66 * SIDE / max(filled.shape)
    small = cv2.resize(filled, None, fx=factor, fy=factor, interpolation=cv2.INTER_AREA)
    alpha = np.zeros((SIDE, SIDE), np.float32)
    top, left = (SIDE - small.shape[0]) // 2, (SIDE - small.shape[1]) // 2
    alpha[top : top + small.shape[0], left : left + small.shape[1]] = small
    return blur(alpha, 1.0)


def _make_logo() -> Thing:
    levels = np.asarray(skimage.data.logo(), np.float32) / np.float32(255)
    layers = [_place(levels[..., one]) for one in range(4)]
    alpha = layers[3]
    colours = np.stack(layers[:3], axis=-1)
    return np.asarray(np.clip(colours, 0, 1), np.float32), np.asarray(alpha, np.float32)


def _make_retina() -> Thing:
    """Return the retina photo's disc: dark red with fine vessels."""
    eye = cv2.resize(load_photo("retina"), (SIDE, SIDE), interpolation=cv2.INTER_AREA)
    rows, columns = (grid.astype(np.float32) / SIDE - 0.5 for grid in np.mgrid[:SIDE, :SIDE])
    alpha = 1 - smoothstep(0.298, 0.302, np.hypot(rows, columns))
    return np.asarray(np.clip(eye * np.float32(1.3), 0, 1), np.float32), alpha
