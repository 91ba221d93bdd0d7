"""Pictures of nothing in particular: big soft forms whose plan comes from the words themselves."""

import math

import numpy as np

from comfyhouse_engine.painter.canvas import Canvas, Colour, mix, smooth, vec
from comfyhouse_engine.painter.palette import NAMED, tint, turn_hue
from comfyhouse_engine.painter.words import Scene

_GROUNDS: tuple[Colour, ...] = ((0.93, 0.90, 0.82), (0.90, 0.87, 0.86), (0.13, 0.15, 0.20),
                                (0.86, 0.88, 0.84), (0.95, 0.91, 0.85))  # fmt: skip
_FAMILIES = (("terracotta", "navy", "ochre", "sage"), ("teal", "coral", "cream", "navy"),
             ("emerald", "gold", "burgundy", "peach"), ("indigo", "rose", "amber", "mint"),
             ("scarlet", "black", "beige", "blue"), ("sage", "brown", "peach", "teal"))  # fmt: skip


def paint_abstract(canvas: Canvas, scene: Scene) -> None:
    """Fill the canvas with discs, arches, waves and bars in a limited palette."""
    plan = canvas.rng("plan", scene.code)
    ground = _GROUNDS[int(plan.integers(len(_GROUNDS)))]
    colours = [NAMED[name] for name in _FAMILIES[int(plan.integers(len(_FAMILIES)))]]
    colours = [turn_hue(colour, float(plan.uniform(-0.03, 0.03))) for colour in colours]
    named = list(dict.fromkeys([*scene.tints, *scene.colours.values()]))
    if named:
        shades = [turn_hue(colour, 0.02, 0.8, 0.7) for colour in named]
        colours = (named + shades + [mix(named[0], ground, 0.5)] * 3)[:5]
        ground = tint(ground, named[-1], 0.12)
    paper = canvas.noise("paper", 0.5, 4) - 0.5
    canvas.image[:] = np.clip(vec(ground) + paper[..., None] * 0.06, 0, 1)
    if "minimal" in scene.styles:
        _paint_disc(canvas, plan, colours[0], 0.26)
        _paint_wave(canvas, plan, colours[1 % len(colours)], 0.78, 0)
        return
    _paint_disc(canvas, plan, colours[0], float(plan.uniform(0.2, 0.32)))
    forms = (_paint_arches, _paint_bars, _paint_disc_row, _paint_disc)
    for index in range(int(plan.integers(2, 4))):
        form = forms[int(plan.integers(len(forms)))]
        form(canvas, plan, colours[(index + 1) % len(colours)], float(plan.uniform(0.08, 0.2)))
    level = float(plan.uniform(0.6, 0.72))
    for index in range(3):
        colour = mix(colours[(index + 2) % len(colours)], ground, 0.12)
        _paint_wave(canvas, plan, colour, level + index * 0.12, index)


def _lay(canvas: Canvas, mask: object, colour: Colour, key: str) -> None:
    """Lay a form as a screen print: flat, speckled, not quite opaque."""
    speckle = 1.0 - 0.5 * smooth(canvas.noise(f"speckle-{key}", 0.006, 1), 0.76, 0.9)
    cloud = canvas.noise(f"ink-{key}", 0.3, 3) - 0.5
    canvas.wash(
        vec(mask) * speckle * 0.94, vec(np.clip(vec(colour) + cloud[..., None] * 0.1, 0, 1))
    )


def _paint_disc(canvas: Canvas, plan: np.random.Generator, colour: Colour, radius: float) -> None:
    x, y = float(plan.uniform(0.25, 0.75)), float(plan.uniform(0.2, 0.5))
    mask = canvas.disc(x, y, radius, 0.006)
    if plan.random() < 0.4:
        stripes = np.mod((canvas.ys - y) * canvas.height / canvas.unit / radius * 4.5, 1.0)
        mask = mask * (1.0 - 0.45 * smooth(stripes, 0.55, 0.62))
    _lay(canvas, mask, colour, f"disc{x:.3f}")


def _paint_disc_row(
    canvas: Canvas, plan: np.random.Generator, colour: Colour, radius: float
) -> None:
    y, count = float(plan.uniform(0.15, 0.85)), int(plan.integers(3, 7))
    for index in range(count):
        x = (index + 0.5) / count
        mask = canvas.disc(x, y, radius * 0.35 * (1 + 0.4 * math.sin(index)), 0.006)
        _lay(canvas, mask, colour, f"row{index}")


def _paint_arches(canvas: Canvas, plan: np.random.Generator, colour: Colour, radius: float) -> None:
    x, y = float(plan.uniform(0.2, 0.8)), float(plan.uniform(0.5, 0.85))
    across = (canvas.xs - x) * canvas.width / canvas.unit
    down = (canvas.ys - y) * canvas.height / canvas.unit
    away = np.where(down < 0, np.sqrt(across**2 + down**2), np.abs(across))
    rings = np.mod(away / (radius * 0.5), 1.0)
    mask = smooth(0.62 - rings, 0.0, 0.03) * (1 - smooth(away, radius * 1.5, radius * 1.52))
    _lay(canvas, mask, colour, f"arch{x:.3f}")


def _paint_bars(canvas: Canvas, plan: np.random.Generator, colour: Colour, radius: float) -> None:
    angle = float(plan.uniform(-0.9, 0.9))
    along = (canvas.xs - 0.5) * math.cos(angle) + (canvas.ys - 0.5) * math.sin(angle)
    place = float(plan.uniform(-0.35, 0.35))
    mask = smooth(radius * 0.22 - np.abs(along - place), 0.0, 0.004)
    _lay(canvas, mask, colour, f"bar{place:.3f}")


def _paint_wave(
    canvas: Canvas, plan: np.random.Generator, colour: Colour, level: float, index: int
) -> None:
    bend = np.sin(canvas.xs[0] * float(plan.uniform(3, 8)) + float(plan.uniform(0, 6)))
    line = level + vec(bend) * float(plan.uniform(0.03, 0.08))
    mask, top = canvas.below(vec(line), 2.0)
    whole = np.zeros((canvas.height, canvas.width), dtype=np.float32)
    whole[top:] = mask
    _lay(canvas, whole, colour, f"wave{index}")
