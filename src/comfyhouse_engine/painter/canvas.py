"""The sheet a picture is painted on: seeded noise, soft masks, washes of colour.

Places are given as shares of width and height (0..1, y downwards), sizes in units of the shorter
side, so that the same seed gives the same composition at every size.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any
from zlib import crc32

import cv2
import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.floating[Any]]
Colour = tuple[float, float, float]


def vec(values: object) -> NDArray[np.float32]:
    """Return numbers (a colour, rows of colours) as float32."""
    return np.asarray(values, dtype=np.float32)


def mix(first: Colour, second: Colour, share: float) -> Colour:
    """Return the colour `share` of the way from `first` to `second`."""
    red, green, blue = (a + (b - a) * share for a, b in zip(first, second, strict=True))
    return red, green, blue


def smooth(values: Array, low: float, high: float) -> Array:
    """Return 0 below `low`, 1 above `high` and an S-curve between."""
    share = np.clip((values - low) / (high - low), 0.0, 1.0)
    return np.asarray(share * share * (3.0 - 2.0 * share), dtype=np.float32)


def seeded(seed: int, *key: object) -> np.random.Generator:
    """Return a generator for one purpose; purposes do not disturb each other."""
    word = crc32(repr(key).encode("utf-8", "replace"))
    return np.random.Generator(np.random.PCG64(np.random.SeedSequence([seed, word])))


def make_noise(
    rng: np.random.Generator, width: int, height: int, cells: tuple[float, float], octaves: int = 4
) -> Array:
    """Return value noise [height, width] in 0..1 with `cells` = (across, down) blobs."""
    # Coarse octaves are summed on a quarter sheet: nobody can see the difference, it is 4x faster.
    small = (max(8, width // 4), max(8, height // 4))
    total: Array = np.zeros((height, width), dtype=np.float32)
    coarse: Array = np.zeros((small[1], small[0]), dtype=np.float32)
    for octave in range(octaves):
        across, down = (max(2, round(count * 2**octave) + 2) for count in cells)
        across, down = min(across, width), min(down, height)
        grid = rng.random((down, across), dtype=np.float32) * 0.5**octave
        if across * 3 < small[0] and down * 3 < small[1]:
            coarse += cv2.resize(grid, small, interpolation=cv2.INTER_CUBIC)
        else:
            total += cv2.resize(grid, (width, height), interpolation=cv2.INTER_CUBIC)
    total += cv2.resize(coarse, (width, height), interpolation=cv2.INTER_LINEAR)
    return vec(np.clip(total / (2.0 - 0.5 ** (octaves - 1)), 0.0, 1.0))


@dataclass
class Canvas:
    """A picture in the making; `image` is float32 [height, width, 3] in 0..1."""

    width: int
    height: int
    seed: int
    image: Array = field(init=False)

    def __post_init__(self) -> None:
        self.image = np.zeros((self.height, self.width, 3), dtype=np.float32)
        self.unit = min(self.width, self.height)
        self.ys = ((np.arange(self.height, dtype=np.float32) + 0.5) / self.height)[:, None]
        self.xs = ((np.arange(self.width, dtype=np.float32) + 0.5) / self.width)[None, :]

    def rng(self, *key: object) -> np.random.Generator:
        """Return the generator for one purpose."""
        return seeded(self.seed, *key)

    def noise(self, key: str, blob: float, octaves: int = 4, stretch: float = 1.0) -> Array:
        """Return noise whose coarsest blobs are `blob` units high, `stretch` times as wide."""
        cells = (self.width / self.unit / (blob * stretch), self.height / self.unit / blob)
        return make_noise(self.rng(key), self.width, self.height, cells, octaves)

    def curve(self, key: object, cells: float, octaves: int, roughness: float = 0.5) -> Array:
        """Return one-dimensional noise [width] in about -1..1."""
        rng = self.rng(key)
        total: Array = np.zeros(self.width, dtype=np.float32)
        for octave in range(octaves):
            count = max(3, round(cells * 2**octave) + 3)
            row = rng.uniform(-1.0, 1.0, (1, count)).astype(np.float32)
            wide = cv2.resize(row, (self.width, 1), interpolation=cv2.INTER_CUBIC)
            total += wide[0] * roughness**octave
        return total

    def wash(self, mask: Array | float, colour: Colour | Array, top: int = 0) -> None:
        """Lay a colour over the rows from `top`; `mask` 0..1 is [rows, width] or one number."""
        paint = vec(colour)
        if not isinstance(mask, np.ndarray):
            part = self.image[top:]
            part += (paint - part) * np.float32(mask)
            return
        # Most masks are empty nearly everywhere; only the rows and columns in use are touched.
        used_rows = np.flatnonzero(mask.any(axis=1))
        if not used_rows.size:
            return
        first, last = int(used_rows[0]), int(used_rows[-1]) + 1
        used_columns = np.flatnonzero(mask[first:last].any(axis=0))
        left, right = int(used_columns[0]), int(used_columns[-1]) + 1
        alpha = vec(mask[first:last, left:right, None])
        if paint.ndim == 3 and paint.shape[:2] == mask.shape:
            paint = paint[first:last, left:right]
        elif paint.ndim == 3:
            paint = np.broadcast_to(paint, (*mask.shape, 3))[first:last, left:right]
        part = self.image[top + first : top + last, left:right]
        part += (paint - part) * alpha

    def glow(self, x: float, y: float, radius: float, colour: Colour, force: float) -> None:
        """Add soft light round a place; `radius` in units."""
        across = (self.xs - x) * (self.width / self.unit)
        down = (self.ys - y) * (self.height / self.unit)
        light = np.exp(-(across**2 + down**2) / (radius * radius)) * force
        self.image += light[..., None] * (np.asarray(colour, np.float32) - self.image * 0.6)

    def below(self, line: Array, softness: float = 1.2) -> tuple[Array, int]:
        """Return the mask of everything below `line` [width] (share of height) and its top row."""
        pixels = line * self.height
        top = int(np.clip(np.floor(float(pixels.min()) - softness), 0, self.height - 1))
        rows = np.arange(top, self.height, dtype=np.float32)[:, None]
        return np.clip((rows - pixels[None, :]) / softness + 0.5, 0.0, 1.0), top

    def disc(self, x: float, y: float, radius: float, softness: float = 0.02) -> Array:
        """Return the mask of a soft disc; `radius` and `softness` in units."""
        across = (self.xs - x) * (self.width / self.unit)
        down = (self.ys - y) * (self.height / self.unit)
        distance = np.sqrt(across**2 + down**2)
        return 1.0 - smooth(distance, radius - softness / 2, radius + softness / 2)

    def polygon(self, points: Sequence[tuple[float, float]] | Array) -> Array:
        """Return the smooth-edged mask of a polygon given in shares of width and height."""
        scaled = np.asarray(points, dtype=np.float64) * (self.width, self.height) * 16.0
        mask = np.zeros((self.height, self.width), dtype=np.uint8)
        corners = np.round(scaled).astype(np.int32)
        cv2.fillPoly(mask, [corners], 255, lineType=cv2.LINE_AA, shift=4)
        return mask.astype(np.float32) / np.float32(255.0)
