"""Nodes that make masks, or turn masks and pictures into each other."""

from typing import ClassVar

import numpy as np

from comfyhouse_engine.nodes.inputs import LARGEST_SIDE, choice, integer, number
from comfyhouse_engine.nodes.tensors import Floats, Inputs, as_mask_batch, check_allocation

_MODULE = "comfy_extras.nodes_mask"


class MaskToImage:
    """Shows a mask as a grey picture."""

    RELATIVE_PYTHON_MODULE = _MODULE
    RETURN_TYPES = ("IMAGE",)
    FUNCTION = "mask_to_image"
    CATEGORY = "mask"

    @classmethod
    def INPUT_TYPES(cls) -> Inputs:
        return {"required": {"mask": ("MASK",)}}

    def mask_to_image(self, mask: Floats) -> tuple[Floats]:
        return (np.repeat(as_mask_batch(mask)[..., None], 3, axis=-1),)


class ImageToMask:
    """Takes one channel of a picture as a mask, as it is."""

    RELATIVE_PYTHON_MODULE = _MODULE
    CHANNELS: ClassVar[list[str]] = ["red", "green", "blue", "alpha"]
    RETURN_TYPES = ("MASK",)
    FUNCTION = "image_to_mask"
    CATEGORY = "mask"

    @classmethod
    def INPUT_TYPES(cls) -> Inputs:
        return {"required": {"image": ("IMAGE",), "channel": choice(*cls.CHANNELS)}}

    def image_to_mask(self, image: Floats, channel: str) -> tuple[Floats]:
        return (image[..., self.CHANNELS.index(channel)].copy(),)


class ImageColorToMask:
    """Chooses the pixels that have exactly one 24-bit colour."""

    RELATIVE_PYTHON_MODULE = _MODULE
    RETURN_TYPES = ("MASK",)
    FUNCTION = "image_to_mask"
    CATEGORY = "mask"

    @classmethod
    def INPUT_TYPES(cls) -> Inputs:
        colour = integer(0, 0, 0xFFFFFF, display="color")
        return {"required": {"image": ("IMAGE",), "color": colour}}

    def image_to_mask(self, image: Floats, color: int) -> tuple[Floats]:
        levels = np.round(np.clip(image, 0, 1) * np.float32(255)).astype(np.int64)
        packed = (levels[..., 0] << 16) + (levels[..., 1] << 8) + levels[..., 2]
        return ((packed == color).astype(np.float32),)


class SolidMask:
    """Makes a mask of one value."""

    RELATIVE_PYTHON_MODULE = _MODULE
    RETURN_TYPES = ("MASK",)
    FUNCTION = "solid"
    CATEGORY = "mask"

    @classmethod
    def INPUT_TYPES(cls) -> Inputs:
        return {
            "required": {
                "value": number(1.0, 0.0, 1.0, 0.01),
                "width": integer(512, 1, LARGEST_SIDE),
                "height": integer(512, 1, LARGEST_SIDE),
            }
        }

    def solid(self, value: float, width: int, height: int) -> tuple[Floats]:
        check_allocation(1, height, width)
        return (np.full((1, height, width), value, np.float32),)


class InvertMask:
    """Chooses what was not chosen."""

    RELATIVE_PYTHON_MODULE = _MODULE
    RETURN_TYPES = ("MASK",)
    FUNCTION = "invert"
    CATEGORY = "mask"

    @classmethod
    def INPUT_TYPES(cls) -> Inputs:
        return {"required": {"mask": ("MASK",)}}

    def invert(self, mask: Floats) -> tuple[Floats]:
        return (np.float32(1.0) - mask,)


NODE_CLASS_MAPPINGS: dict[str, type] = {
    "MaskToImage": MaskToImage,
    "ImageToMask": ImageToMask,
    "ImageColorToMask": ImageColorToMask,
    "SolidMask": SolidMask,
    "InvertMask": InvertMask,
}
NODE_DISPLAY_NAME_MAPPINGS = {
    "MaskToImage": "Convert Mask to Image",
    "ImageToMask": "Convert Image to Mask",
}
