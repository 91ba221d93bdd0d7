"""The procedural painter: a picture drawn from the words of a prompt, without any model.

Every parameter matters: the words choose what is shown, the seed how it is arranged, steps how
finely it is worked out, cfg colour and contrast, the sampler its surface, the scheduler its tone,
model and LoRAs its palette. The same values give the same pixels.
"""

from collections.abc import Sequence

import cv2
import numpy as np

from comfyhouse_engine.painter.canvas import Array, Canvas, vec
from comfyhouse_engine.painter.compose import compose
from comfyhouse_engine.painter.finish import (
    add_texture,
    grade,
    lora_matrix,
    roughen,
    roughness,
    show_stage,
    stamp_inside,
    stamp_mark,
)
from comfyhouse_engine.painter.styles import apply_styles
from comfyhouse_engine.painter.words import read_scene

__all__ = ["paint", "show_stage", "stamp_inside"]

_CANVAS_PIXELS = 1024
"""Bigger pictures are painted at this size and enlarged; grain is added at full size."""


def paint(
    text: str,
    negative: str,
    width: int,
    height: int,
    seed: int,
    steps: int,
    cfg: float,
    sampler: str,
    scheduler: str,
    model: str,
    loras: Sequence[tuple[str, float]],
) -> Array:
    """Return the picture, float32 [height, width, 3] in 0..1.

    Any text is fine; words the painter does not know become an abstract composition of their own.
    """
    scene = read_scene(text, negative)
    shrink = min(1.0, _CANVAS_PIXELS / max(width, height))
    canvas = Canvas(max(8, round(width * shrink)), max(8, round(height * shrink)), seed)
    compose(canvas, scene)
    # Abstract pictures of something are that thing as a print.
    prints = {"poster"} if "abstract" in scene.styles and scene.things else set()
    apply_styles(canvas, scene.styles | prints)
    picture: Array = np.clip(canvas.image, 0.0, 1.0)
    if shrink < 1.0:
        picture = vec(cv2.resize(picture, (width, height), interpolation=cv2.INTER_CUBIC))
    picture = grade(picture, scene, cfg, scheduler, model, lora_matrix(tuple(loras)))
    picture = add_texture(picture, scene, seed, steps, sampler)
    picture = roughen(picture, roughness(steps), seed)
    return np.ascontiguousarray(stamp_mark(picture), dtype=np.float32)
