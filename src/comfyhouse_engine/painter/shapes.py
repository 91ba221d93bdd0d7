"""Things in outline (`shapes.txt`), drawn soft: rounded by light, darkened towards the shade."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from importlib.resources import files

import cv2
import numpy as np

from comfyhouse_engine.painter.canvas import Array, Canvas, Colour, mix, vec
from comfyhouse_engine.painter.palette import NAMED, from_hex, turn_hue
from comfyhouse_engine.painter.stage import Stage

_GLOW: Colour = (1.0, 0.80, 0.42)
_FLAME: Colour = (1.0, 0.62, 0.22)
_SHIFT = 4
_SPECIAL: dict[str, Colour] = {
    "glow": _GLOW,
    "lamp": (1.0, 0.86, 0.60),
    "flame": _FLAME,
    "ink": (0.14, 0.13, 0.15),
    "roof": (0.50, 0.26, 0.20),
    "sail": (0.95, 0.92, 0.85),
    "pink": (0.86, 0.56, 0.56),
}


@dataclass(frozen=True)
class Part:
    """One closed form or stroke; `points` as [n, 2], `stroke` its width (0 = filled)."""

    form: str
    colour: str
    roundness: float
    stroke: float
    points: Array


@dataclass(frozen=True)
class Shape:
    """A thing's outline: `size` in units, `place` where it belongs, its own colour."""

    kind: str
    size: float
    place: str
    colour: str
    parts: tuple[Part, ...]


@cache
def load_shapes() -> dict[str, Shape]:
    """Return every shape by kind."""
    text = files(__package__).joinpath("shapes.txt").read_text(encoding="utf-8")
    shapes: dict[str, Shape] = {}
    for block in text.split("\nthing ")[1:]:
        head, *lines = block.strip().splitlines()
        kind, size, place, colour = head.split()
        parts = tuple(part for line in lines for part in _read_part(line))
        shapes[kind] = Shape(kind, float(size), place, colour, parts)
    return shapes


def _read_part(line: str) -> list[Part]:
    form, colour, number, *pairs = line.split()
    points = vec([[float(value) for value in pair.split(",")] for pair in pairs])
    strokes = form.lstrip("=") in ("line", "ring")
    part = Part(form.lstrip("="), colour, 0.7 if strokes else float(number),
                float(number) if strokes else 0.0, _trace(form.lstrip("="), points))  # fmt: skip
    if not form.startswith("="):
        return [part]
    return [part, Part(part.form, part.colour, part.roundness, part.stroke,
                       part.points * vec([-1.0, 1.0]))]  # fmt: skip


def _trace(form: str, points: Array) -> Array:
    """Return the outline as a polygon or polyline [n, 2]."""
    if form in ("oval", "ring"):
        angle = np.linspace(0.0, 2.0 * np.pi, 48)[:, None]
        return vec(points[0] + points[1] * np.hstack([np.cos(angle), np.sin(angle)]))
    if form == "curve":
        return _smooth_path(np.vstack([points[-1:], points, points[:2]]))
    if form == "line" and len(points) > 2:
        return _smooth_path(np.vstack([points[:1], points, points[-1:]]))
    return points


def _smooth_path(points: Array) -> Array:
    """Return a Catmull-Rom curve through all but the first and the last point."""
    share = np.linspace(0.0, 1.0, 8, endpoint=False)[:, None]
    pieces = []
    for before, start, end, after in zip(points, points[1:], points[2:], points[3:], strict=False):
        slope = (end - before) * 0.5
        ahead = (after - start) * 0.5
        bow = 3 * (end - start) - 2 * slope - ahead
        twist = 2 * (start - end) + slope + ahead
        pieces.append(start + slope * share + bow * share**2 + twist * share**3)
    return vec(np.vstack([*pieces, points[-2:-1]]))


@dataclass
class Pen:
    """Draws shapes of one stage with light from the side where the sun stands."""

    stage: Stage
    lit_from: float = -1.0
    """-1 = light from the left, 1 = from the right."""

    def draw(
        self, shape: Shape, x: float, y: float, size: float, colour: Colour, distance: float = 0.0,
        flip: bool = False, colours: dict[str, Colour] | None = None,
    ) -> None:  # fmt: skip
        """Draw `shape` standing at x, y (shares), `size` units high, seen through haze."""
        canvas = self.stage.canvas
        height = size * canvas.unit
        for part in shape.parts:
            side = -1.0 if flip else 1.0
            spots = part.points * vec([height * side, -height])
            spots = spots + vec([x * canvas.width, y * canvas.height])
            own = (colours or {}).get(part.colour) or name_colour(part.colour, colour)
            always = part.colour in ("flame", "lamp")
            shines = always or (part.colour == "glow" and self.stage.is_dark)
            if part.colour == "glow" and not self.stage.is_dark:
                own = (0.36, 0.42, 0.47)
            seen = own if shines else self.stage.seen(self.stage.lit(own), distance)
            self._fill(spots, part, part.stroke * height, seen, shines)

    def _fill(self, spots: Array, part: Part, stroke: float, colour: Colour, shines: bool) -> None:
        canvas = self.stage.canvas
        pad = int(stroke) + 4
        left, top = (int(value) - pad for value in spots.min(axis=0))
        right, bottom = (int(value) + pad for value in spots.max(axis=0))
        left, top = max(0, left), max(0, top)
        right, bottom = min(canvas.width, right), min(canvas.height, bottom)
        if right - left < 1 or bottom - top < 1:
            return
        mask = draw_mask(spots - vec([left, top]), right - left, bottom - top, stroke)
        paint: Array | Colour = colour
        if not shines:
            paint = self._shade(mask, part.roundness, colour)
        area = canvas.image[top:bottom, left:right]
        area += (vec(paint) - area) * mask[..., None]
        if shines:
            self._shine(spots, colour, 0.62 if part.colour == "lamp" else 0.28)

    def _shine(self, spots: Array, colour: Colour, force: float) -> None:
        canvas = self.stage.canvas
        middle = spots.mean(axis=0)
        extent = float((spots.max(axis=0) - spots.min(axis=0)).max())
        canvas.glow(float(middle[0]) / canvas.width, float(middle[1]) / canvas.height,
                    min(0.4, 1.6 * extent / canvas.unit + 0.02), colour, force)  # fmt: skip

    def _shade(self, mask: Array, roundness: float, colour: Colour) -> Array:
        """Return colours [h, w, 3]: lit flank, shaded flank, as if the form were inflated."""
        height, width = mask.shape
        light = self.stage.light
        shadow = mix(mix(colour, light.ink, 0.6), turn_hue(colour, -0.02, 1.15, 0.5), 0.4)
        bright = mix(colour, light.lamp, 0.34)
        if roundness <= 0.05 or min(width, height) < 6:
            tone = np.full((height, width), 0.5, dtype=np.float32)
        else:
            tone = self._round(mask, roundness)
        tone = tone[..., None]
        dark = vec(shadow) + (vec(colour) - vec(shadow)) * np.clip(tone * 2.0, 0, 1)
        return vec(dark + (vec(bright) - vec(colour)) * np.clip(tone * 2.0 - 1.0, 0, 1))

    def _round(self, mask: Array, roundness: float) -> Array:
        solid = np.pad((mask > 0.5).astype(np.uint8), 2)
        away = cv2.distanceTransform(solid, cv2.DIST_L2, 3)[2:-2, 2:-2]
        radius = max(1.5, float(away.max()))
        rise = np.sqrt(np.clip(1.0 - (1.0 - away / radius) ** 2, 0.0, 1.0)) * radius
        rise = cv2.GaussianBlur(rise, (0, 0), max(0.6, radius * 0.22))
        across = cv2.Sobel(rise, cv2.CV_32F, 1, 0, scale=0.125)
        down = cv2.Sobel(rise, cv2.CV_32F, 0, 1, scale=0.125)
        facing = (across * -self.lit_from * 0.62 + down * 0.5 + 0.62) / np.sqrt(
            1.0 + across**2 + down**2
        )
        return vec(np.clip(0.5 + (facing - 0.5) * roundness, 0.0, 1.0))


def draw_mask(spots: Array, width: int, height: int, stroke: float = 0.0) -> Array:
    """Return the smooth-edged mask [height, width] of an outline, or of a stroke along it."""
    mask = np.zeros((height, width), dtype=np.uint8)
    corners = np.round(spots * 2**_SHIFT).astype(np.int32)
    if stroke:
        thickness = max(1, round(stroke))
        cv2.polylines(mask, [corners], False, 255, thickness, cv2.LINE_AA, _SHIFT)
        if stroke < 1.0:
            return vec(mask) * np.float32(stroke / 255.0)
    else:
        cv2.fillPoly(mask, [corners], 255, cv2.LINE_AA, _SHIFT)
    return vec(mask) / np.float32(255.0)


def name_colour(name: str, main: Colour) -> Colour:
    """Return the colour that a part's colour word means for a thing of colour `main`."""
    if name == "main":
        return main
    if name == "dark":
        return turn_hue(main, -0.01, 1.1, 0.66)
    if name == "light":
        return mix(main, (1.0, 0.97, 0.92), 0.45)
    if name.startswith("#"):
        return from_hex(name if len(name) == 7 else "#" + "".join(c * 2 for c in name[1:]))
    return _SPECIAL.get(name) or NAMED.get(name, main)


def cast_shadow(canvas: Canvas, x: float, y: float, reach: float, colour: Colour) -> None:
    """Lay a soft contact shadow under something that stands at x, y; `reach` in units."""
    across = (canvas.xs - x) * (canvas.width / canvas.unit) / reach
    down = (canvas.ys - y) * (canvas.height / canvas.unit) / (reach * 0.16)
    canvas.wash(vec(np.exp(-(across**2 + down**2) * 1.4) * 0.55), colour)


def spread(count: int, rng: np.random.Generator, low: float, high: float) -> Sequence[float]:
    """Return `count` places between `low` and `high`, apart from each other."""
    step = (high - low) / count
    return [low + step * (i + 0.5 + float(rng.uniform(-0.18, 0.18))) for i in range(count)]
