"""Nodes that change a picture's size."""

import math
from typing import ClassVar

import numpy as np

from comfyhouse_engine.context import current
from comfyhouse_engine.models import UpscaleModel
from comfyhouse_engine.nodes.inputs import (
    LARGEST_SIDE,
    SCALE_METHODS,
    choice,
    integer,
    number,
    schema_choice,
)
from comfyhouse_engine.nodes.resample import scale_image
from comfyhouse_engine.nodes.tensors import Floats, Inputs

_FLUX_SIZES = (
    (672, 1568), (688, 1504), (720, 1456), (752, 1392), (800, 1328), (832, 1248), (880, 1184),
    (944, 1104), (1024, 1024), (1104, 944), (1184, 880), (1248, 832), (1328, 800), (1392, 752),
    (1456, 720), (1504, 688), (1568, 672),
)  # fmt: skip
"""Width and height pairs that the Flux Kontext model was trained on."""


class ImageScale:
    """Brings a picture to a size; a side of 0 follows from the other."""

    RETURN_TYPES = ("IMAGE",)
    FUNCTION = "upscale"
    CATEGORY = "image/upscaling"

    @classmethod
    def INPUT_TYPES(cls) -> Inputs:
        return {
            "required": {
                "image": ("IMAGE",),
                "upscale_method": choice(*SCALE_METHODS),
                "width": integer(512, 0, LARGEST_SIDE),
                "height": integer(512, 0, LARGEST_SIDE),
                "crop": choice("disabled", "center"),
            }
        }

    def upscale(
        self, image: Floats, upscale_method: str, width: int, height: int, crop: str
    ) -> tuple[Floats]:
        if width == 0 and height == 0:
            return (image,)
        tall, wide = image.shape[1:3]
        width = width or max(1, round(wide * height / tall))
        height = height or max(1, round(tall * width / wide))
        return (scale_image(image, width, height, upscale_method, crop),)


class ImageScaleBy:
    """Multiplies both sides by one factor."""

    RETURN_TYPES = ("IMAGE",)
    FUNCTION = "upscale"
    CATEGORY = "image/upscaling"

    @classmethod
    def INPUT_TYPES(cls) -> Inputs:
        return {
            "required": {
                "image": ("IMAGE",),
                "upscale_method": choice(*SCALE_METHODS),
                "scale_by": number(1.0, 0.01, 8.0, 0.01),
            }
        }

    def upscale(self, image: Floats, upscale_method: str, scale_by: float) -> tuple[Floats]:
        return (_scale_by(image, scale_by, upscale_method),)


class ImageScaleToTotalPixels:
    """Brings a picture to a number of megapixels (of 1024 x 1024), aspect kept."""

    RELATIVE_PYTHON_MODULE = "comfy_extras.nodes_post_processing"
    RETURN_TYPES = ("IMAGE",)
    FUNCTION = "execute"
    CATEGORY = "image/upscaling"
    IS_SCHEMA_NODE: ClassVar[bool] = True

    @classmethod
    def INPUT_TYPES(cls) -> Inputs:
        return {
            "required": {
                "image": ("IMAGE", {}),
                "upscale_method": schema_choice(*SCALE_METHODS),
                "megapixels": number(1.0, 0.01, 16.0, 0.01),
            }
        }

    def execute(self, image: Floats, upscale_method: str, megapixels: float) -> tuple[Floats]:
        height, width = image.shape[1:3]
        factor = math.sqrt(int(megapixels * 1024 * 1024) / (width * height))
        return (_scale_by(image, factor, upscale_method),)


class ImageScaleToMaxDimension:
    """Brings the longer side to a size, aspect kept."""

    RELATIVE_PYTHON_MODULE = "comfy_extras.nodes_images"
    RETURN_TYPES = ("IMAGE",)
    FUNCTION = "upscale"
    CATEGORY = "image/upscaling"

    @classmethod
    def INPUT_TYPES(cls) -> Inputs:
        methods = ("area", "lanczos", "bilinear", "nearest-exact", "bilinear", "bicubic")
        return {
            "required": {
                "image": ("IMAGE",),
                "upscale_method": choice(*methods),
                "largest_size": integer(512, 0, LARGEST_SIDE),
            }
        }

    def upscale(self, image: Floats, upscale_method: str, largest_size: int) -> tuple[Floats]:
        height, width = image.shape[1:3]
        if height > width:
            size = (round(width / height * largest_size), largest_size)
        elif width > height:
            size = (largest_size, round(height / width * largest_size))
        else:
            size = (largest_size, largest_size)
        return (scale_image(image, *size, upscale_method),)


class ImageUpscaleWithModel:
    """Enlarges by the model's factor: Lanczos here, since there are no weights to run."""

    RELATIVE_PYTHON_MODULE = "comfy_extras.nodes_upscale_model"
    RETURN_TYPES = ("IMAGE",)
    FUNCTION = "execute"
    CATEGORY = "image/upscaling"
    IS_SCHEMA_NODE: ClassVar[bool] = True

    @classmethod
    def INPUT_TYPES(cls) -> Inputs:
        return {"required": {"upscale_model": ("UPSCALE_MODEL", {}), "image": ("IMAGE", {})}}

    def execute(self, upscale_model: UpscaleModel, image: Floats) -> tuple[Floats]:
        context = current()
        enlarged = []
        for done in range(len(image)):
            context.check_interrupt()
            enlarged.append(_scale_by(image[done : done + 1], upscale_model.scale, "lanczos"))
            context.report_progress(done + 1, len(image), None)
        return (np.concatenate(enlarged),)


class FluxKontextImageScale:
    """Brings a picture to the nearest aspect ratio among the sizes Flux Kontext prefers."""

    RELATIVE_PYTHON_MODULE = "comfy_extras.nodes_flux"
    RETURN_TYPES = ("IMAGE",)
    FUNCTION = "execute"
    CATEGORY = "advanced/conditioning/flux"
    DESCRIPTION = "This node resizes the image to one that is more optimal for flux kontext."
    IS_SCHEMA_NODE: ClassVar[bool] = True

    @classmethod
    def INPUT_TYPES(cls) -> Inputs:
        return {"required": {"image": ("IMAGE", {})}}

    def execute(self, image: Floats) -> tuple[Floats]:
        aspect = image.shape[2] / image.shape[1]
        width, height = min(_FLUX_SIZES, key=lambda size: abs(aspect - size[0] / size[1]))
        return (scale_image(image, width, height, "lanczos", "center"),)


def _scale_by(image: Floats, factor: float, method: str) -> Floats:
    height, width = image.shape[1:3]
    return scale_image(image, round(width * factor), round(height * factor), method)


NODE_CLASS_MAPPINGS: dict[str, type] = {
    "ImageScale": ImageScale,
    "ImageScaleBy": ImageScaleBy,
    "ImageScaleToTotalPixels": ImageScaleToTotalPixels,
    "ImageScaleToMaxDimension": ImageScaleToMaxDimension,
    "ImageUpscaleWithModel": ImageUpscaleWithModel,
    "FluxKontextImageScale": FluxKontextImageScale,
}
NODE_DISPLAY_NAME_MAPPINGS = {
    "ImageScale": "Upscale Image",
    "ImageScaleBy": "Upscale Image By",
    "ImageUpscaleWithModel": "Upscale Image (using Model)",
}
