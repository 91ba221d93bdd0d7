"""The node that blends two pictures."""

from collections.abc import Callable
from typing import ClassVar

import numpy as np

from comfyhouse_engine.nodes.inputs import number, schema_choice
from comfyhouse_engine.nodes.resample import scale_image
from comfyhouse_engine.nodes.tensors import Floats, Inputs, with_channels_of


def _screen(below: Floats, above: Floats) -> Floats:
    return 1 - (1 - below) * (1 - above)


def _overlay(below: Floats, above: Floats) -> Floats:
    return np.where(below <= 0.5, 2 * below * above, 1 - 2 * (1 - below) * (1 - above))


def _soft_light(below: Floats, above: Floats) -> Floats:
    """W3C compositing level 1, soft-light: https://www.w3.org/TR/compositing-1/#blendingsoftlight"""
    root = np.sqrt(np.maximum(below, 0))
    lifted = np.where(below <= 0.25, ((16 * below - 12) * below + 4) * below, root)
    darker = below - (1 - 2 * above) * below * (1 - below)
    lighter = below + (2 * above - 1) * (lifted - below)
    return np.where(above <= 0.5, darker, lighter)


_MODES: dict[str, Callable[[Floats, Floats], Floats]] = {
    "normal": lambda below, above: above,
    "multiply": lambda below, above: below * above,
    "screen": _screen,
    "overlay": _overlay,
    "soft_light": _soft_light,
    "difference": lambda below, above: below - above,
}


class ImageBlend:
    """Mixes `image1` with the blend of both, by `blend_factor`.

    `image2` takes the size of `image1`; "difference" is signed, negative values become black.
    """

    RELATIVE_PYTHON_MODULE = "comfy_extras.nodes_post_processing"
    RETURN_TYPES = ("IMAGE",)
    FUNCTION = "execute"
    CATEGORY = "image/postprocessing"
    IS_SCHEMA_NODE: ClassVar[bool] = True

    @classmethod
    def INPUT_TYPES(cls) -> Inputs:
        return {
            "required": {
                "image1": ("IMAGE", {}),
                "image2": ("IMAGE", {}),
                "blend_factor": number(0.5, 0.0, 1.0, 0.01),
                "blend_mode": schema_choice(*_MODES),
            }
        }

    def execute(
        self, image1: Floats, image2: Floats, blend_factor: float, blend_mode: str
    ) -> tuple[Floats]:
        above = with_channels_of(image1, image2)
        height, width = image1.shape[1:3]
        if above.shape[1:3] != (height, width):
            above = scale_image(above, width, height, "bicubic", "center")
        blended = _MODES[blend_mode](image1, above)
        share = np.float32(blend_factor)
        return (np.clip(image1 * (1 - share) + blended * share, 0, 1),)


NODE_CLASS_MAPPINGS: dict[str, type] = {"ImageBlend": ImageBlend}
