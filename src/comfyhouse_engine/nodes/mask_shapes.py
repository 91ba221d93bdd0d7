"""Nodes that change the shape of a mask."""

import cv2
import numpy as np

from comfyhouse_engine.nodes.inputs import LARGEST_SIDE, integer, number
from comfyhouse_engine.nodes.tensors import Floats, Inputs, as_mask_batch

_MODULE = "comfy_extras.nodes_mask"


class CropMask:
    """Cuts a rectangle out of a mask."""

    RELATIVE_PYTHON_MODULE = _MODULE
    RETURN_TYPES = ("MASK",)
    FUNCTION = "crop"
    CATEGORY = "mask"

    @classmethod
    def INPUT_TYPES(cls) -> Inputs:
        return {
            "required": {
                "mask": ("MASK",),
                "x": integer(0, 0, LARGEST_SIDE),
                "y": integer(0, 0, LARGEST_SIDE),
                "width": integer(512, 1, LARGEST_SIDE),
                "height": integer(512, 1, LARGEST_SIDE),
            }
        }

    def crop(self, mask: Floats, x: int, y: int, width: int, height: int) -> tuple[Floats]:
        return (as_mask_batch(mask)[:, y : y + height, x : x + width].copy(),)


class FeatherMask:
    """Lets a mask fall off towards the picture's edges."""

    RELATIVE_PYTHON_MODULE = _MODULE
    RETURN_TYPES = ("MASK",)
    FUNCTION = "feather"
    CATEGORY = "mask"

    @classmethod
    def INPUT_TYPES(cls) -> Inputs:
        sides = {side: integer(0, 0, LARGEST_SIDE) for side in ("left", "top", "right", "bottom")}
        return {"required": {"mask": ("MASK",), **sides}}

    def feather(self, mask: Floats, left: int, top: int, right: int, bottom: int) -> tuple[Floats]:
        output = as_mask_batch(mask).copy()
        across, down = output.swapaxes(0, 2), output.swapaxes(0, 1)
        _fall_off(across, left, from_end=False)
        _fall_off(across, right, from_end=True)
        _fall_off(down, top, from_end=False)
        _fall_off(down, bottom, from_end=True)
        return (output,)


def _fall_off(lines: Floats, width: int, from_end: bool) -> None:
    """Multiply the outer `width` lines (first axis) by 1/width, 2/width, ... 1, in place.

    From the end ComfyUI counts 0, -1, -2, ...: the first line gets what the last should. That is
    a known slip of the recorded version (mended in 2026) and pixels should agree, so it is kept.
    """
    width = min(width, len(lines))
    for step in range(width):
        lines[-step if from_end else step] *= np.float32((step + 1) / width)


class GrowMask:
    """Widens a mask by `expand` pixels, or narrows it when that is negative."""

    RELATIVE_PYTHON_MODULE = _MODULE
    RETURN_TYPES = ("MASK",)
    FUNCTION = "expand_mask"
    CATEGORY = "mask"

    @classmethod
    def INPUT_TYPES(cls) -> Inputs:
        return {
            "required": {
                "mask": ("MASK",),
                "expand": integer(0, -LARGEST_SIDE, LARGEST_SIDE),
                "tapered_corners": ("BOOLEAN", {"default": True}),
            }
        }

    def expand_mask(self, mask: Floats, expand: int, tapered_corners: bool) -> tuple[Floats]:
        corner = 0 if tapered_corners else 1
        kernel = np.array([[corner, 1, corner], [1, 1, 1], [corner, 1, corner]], np.uint8)
        change = cv2.dilate if expand > 0 else cv2.erode
        masks = as_mask_batch(mask)
        # After height + width steps every pixel has met every other: nothing changes any more.
        steps = min(abs(expand), sum(masks.shape[1:]))
        changed = [change(np.ascontiguousarray(one), kernel, iterations=steps) for one in masks]
        return (np.stack(changed).astype(np.float32, copy=False),)


class ThresholdMask:
    """Makes a mask hard: above `value` is chosen."""

    RELATIVE_PYTHON_MODULE = _MODULE
    RETURN_TYPES = ("MASK",)
    FUNCTION = "image_to_mask"
    CATEGORY = "mask"

    @classmethod
    def INPUT_TYPES(cls) -> Inputs:
        return {"required": {"mask": ("MASK",), "value": number(0.5, 0.0, 1.0, 0.01)}}

    def image_to_mask(self, mask: Floats, value: float) -> tuple[Floats]:
        return ((mask > value).astype(np.float32),)


NODE_CLASS_MAPPINGS: dict[str, type] = {
    "CropMask": CropMask,
    "FeatherMask": FeatherMask,
    "GrowMask": GrowMask,
    "ThresholdMask": ThresholdMask,
}
