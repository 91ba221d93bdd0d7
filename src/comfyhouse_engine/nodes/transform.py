"""Nodes that cut, turn and mirror."""

import numpy as np

from comfyhouse_engine.nodes.inputs import LARGEST_SIDE, choice, integer
from comfyhouse_engine.nodes.tensors import Floats, Inputs

_MODULE = "comfy_extras.nodes_images"


class ImageCrop:
    """Cuts a rectangle out; what lies outside of the picture is left away."""

    RELATIVE_PYTHON_MODULE = _MODULE
    RETURN_TYPES = ("IMAGE",)
    FUNCTION = "crop"
    CATEGORY = "image/transform"

    @classmethod
    def INPUT_TYPES(cls) -> Inputs:
        return {
            "required": {
                "image": ("IMAGE",),
                "width": integer(512, 1, LARGEST_SIDE),
                "height": integer(512, 1, LARGEST_SIDE),
                "x": integer(0, 0, LARGEST_SIDE),
                "y": integer(0, 0, LARGEST_SIDE),
            }
        }

    def crop(self, image: Floats, width: int, height: int, x: int, y: int) -> tuple[Floats]:
        left, top = min(x, image.shape[2] - 1), min(y, image.shape[1] - 1)
        return (image[:, top : top + height, left : left + width].copy(),)


class ImageFlip:
    """Mirrors."""

    RELATIVE_PYTHON_MODULE = _MODULE
    RETURN_TYPES = ("IMAGE",)
    FUNCTION = "flip"
    CATEGORY = "image/transform"

    @classmethod
    def INPUT_TYPES(cls) -> Inputs:
        methods = choice("x-axis: vertically", "y-axis: horizontally")
        return {"required": {"image": ("IMAGE",), "flip_method": methods}}

    def flip(self, image: Floats, flip_method: str) -> tuple[Floats]:
        axis = 1 if flip_method.startswith("x") else 2
        return (np.flip(image, axis).copy(),)


class ImageRotate:
    """Turns clockwise by quarters."""

    RELATIVE_PYTHON_MODULE = _MODULE
    RETURN_TYPES = ("IMAGE",)
    FUNCTION = "rotate"
    CATEGORY = "image/transform"

    @classmethod
    def INPUT_TYPES(cls) -> Inputs:
        rotations = choice("none", "90 degrees", "180 degrees", "270 degrees")
        return {"required": {"image": ("IMAGE",), "rotation": rotations}}

    def rotate(self, image: Floats, rotation: str) -> tuple[Floats]:
        quarters = 0 if rotation == "none" else int(rotation.split()[0]) // 90
        return (np.rot90(image, quarters, axes=(2, 1)).copy(),)


NODE_CLASS_MAPPINGS: dict[str, type] = {
    "ImageCrop": ImageCrop,
    "ImageFlip": ImageFlip,
    "ImageRotate": ImageRotate,
}
NODE_DISPLAY_NAME_MAPPINGS = {"ImageCrop": "Image Crop"}
