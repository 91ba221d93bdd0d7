"""The node that reduces a picture to few colours."""

from typing import ClassVar

import numpy as np
from PIL import Image

from comfyhouse_engine.nodes.inputs import integer, schema_choice
from comfyhouse_engine.nodes.tensors import Bytes, Floats, Inputs, floats_from_bytes


def bayer_thresholds(side: int) -> Floats:
    """Return the ordered-dither matrix [side, side] of values around 0, between -0.5 and 0.5.

    Doubling rule of the classic index matrix: https://en.wikipedia.org/wiki/Ordered_dithering
    """
    index = np.zeros((1, 1), np.int64)
    while len(index) < side:
        index = np.block([[4 * index, 4 * index + 2], [4 * index + 3, 4 * index + 1]])
    thresholds: Floats = ((index + 0.5) / index.size - 0.5).astype(np.float32)
    return thresholds


class ImageQuantize:
    """Picks the best palette of `colors` and dithers."""

    RELATIVE_PYTHON_MODULE = "comfy_extras.nodes_post_processing"
    RETURN_TYPES = ("IMAGE",)
    FUNCTION = "execute"
    CATEGORY = "image/postprocessing"
    IS_SCHEMA_NODE: ClassVar[bool] = True

    @classmethod
    def INPUT_TYPES(cls) -> Inputs:
        dithers = ("none", "floyd-steinberg", "bayer-2", "bayer-4", "bayer-8", "bayer-16")
        return {
            "required": {
                "image": ("IMAGE", {}),
                "colors": integer(256, 1, 256),
                "dither": schema_choice(*dithers),
            }
        }

    def execute(self, image: Floats, colors: int, dither: str) -> tuple[Floats]:
        pixels = (image[..., :3] * np.float32(255)).astype(np.uint8)
        reduced = [_quantize(picture, colors, dither) for picture in pixels]
        return (floats_from_bytes(np.stack(reduced)),)


def _quantize(pixels: Bytes, colors: int, dither: str) -> Bytes:
    picture = Image.fromarray(pixels)
    palette = picture.quantize(colors=colors)
    method = Image.Dither.NONE
    if dither == "floyd-steinberg":
        method = Image.Dither.FLOYDSTEINBERG
    elif dither.startswith("bayer"):
        picture = Image.fromarray(_dither_ordered(pixels, palette, int(dither.split("-")[1])))
    reduced = picture.quantize(colors=colors, palette=palette, dither=method)
    return np.asarray(reduced.convert("RGB"))


def _dither_ordered(pixels: Bytes, palette: Image.Image, side: int) -> Bytes:
    used = len(palette.getpalette() or ()) // 3
    offsets = 2 * 256 / used * bayer_thresholds(side) + 0.5
    height, width = pixels.shape[:2]
    repeats = (-(-height // side), -(-width // side))
    tiled = np.tile(offsets, repeats)[:height, :width, None]
    dithered: Bytes = np.clip(pixels + tiled.astype(np.float32), 0, 255).astype(np.uint8)
    return dithered


NODE_CLASS_MAPPINGS: dict[str, type] = {"ImageQuantize": ImageQuantize}
