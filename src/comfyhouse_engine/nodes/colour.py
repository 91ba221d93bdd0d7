"""Nodes that part a picture into brightness and colour, and put them together (YCbCr, JPEG's)."""

from typing import ClassVar

import numpy as np

from comfyhouse_engine.nodes.tensors import Floats, Inputs

_MODULE = "comfy_extras.nodes_morphology"
_LUMA = np.array([0.299, 0.587, 0.114], np.float32)
_MIDDLE = 0.5


class ImageRGBToYUV:
    """Gives Y, U and V as three grey pictures, U and V around 0.5."""

    RELATIVE_PYTHON_MODULE = _MODULE
    RETURN_TYPES = ("IMAGE", "IMAGE", "IMAGE")
    RETURN_NAMES = ("Y", "U", "V")
    FUNCTION = "execute"
    CATEGORY = "image/batch"
    IS_SCHEMA_NODE: ClassVar[bool] = True

    @classmethod
    def INPUT_TYPES(cls) -> Inputs:
        return {"required": {"image": ("IMAGE", {})}}

    def execute(self, image: Floats) -> tuple[Floats, Floats, Floats]:
        luma = image[..., :3] @ _LUMA
        blue = (image[..., 2] - luma) * np.float32(0.564) + np.float32(_MIDDLE)
        red = (image[..., 0] - luma) * np.float32(0.713) + np.float32(_MIDDLE)
        return _as_grey(luma), _as_grey(blue), _as_grey(red)


class ImageYUVToRGB:
    """Undoes ImageRGBToYUV, up to its constants' three digits."""

    RELATIVE_PYTHON_MODULE = _MODULE
    RETURN_TYPES = ("IMAGE",)
    FUNCTION = "execute"
    CATEGORY = "image/batch"
    IS_SCHEMA_NODE: ClassVar[bool] = True

    @classmethod
    def INPUT_TYPES(cls) -> Inputs:
        return {"required": {"Y": ("IMAGE", {}), "U": ("IMAGE", {}), "V": ("IMAGE", {})}}

    def execute(self, Y: Floats, U: Floats, V: Floats) -> tuple[Floats]:
        luma = Y.mean(axis=-1)
        blue, red = U.mean(axis=-1) - _MIDDLE, V.mean(axis=-1) - _MIDDLE
        channels = (luma + 1.403 * red, luma - 0.714 * red - 0.344 * blue, luma + 1.773 * blue)
        return (np.stack(channels, axis=-1).astype(np.float32),)


def _as_grey(values: Floats) -> Floats:
    return np.repeat(values[..., None], 3, axis=-1)


NODE_CLASS_MAPPINGS: dict[str, type] = {
    "ImageRGBToYUV": ImageRGBToYUV,
    "ImageYUVToRGB": ImageYUVToRGB,
}
