"""Putting a scene together: which layers, in which order."""

import numpy as np

from comfyhouse_engine.painter.canvas import Canvas
from comfyhouse_engine.painter.sky import paint_sky
from comfyhouse_engine.painter.stage import Stage, set_stage
from comfyhouse_engine.painter.terrain import (
    paint_dunes,
    paint_peaks,
    paint_plain,
    paint_ridges,
    paint_road,
)
from comfyhouse_engine.painter.water import paint_water
from comfyhouse_engine.painter.words import Scene


def compose(canvas: Canvas, scene: Scene) -> None:
    """Paint the scene on the canvas."""
    _compose_outdoors(set_stage(canvas, scene))


def _compose_outdoors(stage: Stage) -> None:
    canvas, scene = stage.canvas, stage.scene
    paint_sky(stage)
    flat = np.full(canvas.width, stage.horizon, dtype=np.float32)
    if scene.has("mountains"):
        paint_peaks(stage, stage.horizon + 0.02, 0.3, True)
    if scene.has("desert"):
        paint_dunes(stage)
    elif scene.has("sea", "beach"):
        paint_water(stage, stage.horizon, False, "sea")
    elif scene.has("lake", "river"):
        paint_ridges(stage, stage.horizon - 0.12, stage.horizon - 0.02, 3, 0.5)
        paint_water(stage, stage.horizon + 0.02, True, "lake")
    elif scene.has("meadow", "road"):
        paint_ridges(stage, stage.horizon - 0.08, stage.horizon, 3, 0.3)
        paint_plain(stage, "meadow", flat + canvas.curve("field", 2, 2) * 0.02,
                    stage.colour_of("meadow", stage.lit((0.45, 0.56, 0.30))))  # fmt: skip
        if scene.has("road"):
            paint_road(stage, flat)
    else:
        paint_ridges(stage, stage.horizon - 0.05, 0.93, 6, 0.6)
