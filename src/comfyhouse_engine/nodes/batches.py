"""Nodes that join, repeat and take apart batches."""

from typing import ClassVar

import numpy as np

from comfyhouse_engine.nodes.inputs import integer
from comfyhouse_engine.nodes.resample import scale_image
from comfyhouse_engine.nodes.tensors import Floats, Inputs, check_allocation, with_channels_of


class ImageBatch:
    """Joins two batches; the second takes the size of the first."""

    RETURN_TYPES = ("IMAGE",)
    FUNCTION = "batch"
    CATEGORY = "image"

    @classmethod
    def INPUT_TYPES(cls) -> Inputs:
        return {"required": {"image1": ("IMAGE",), "image2": ("IMAGE",)}}

    def batch(self, image1: Floats, image2: Floats) -> tuple[Floats]:
        # The one with fewer channels gains an opaque alpha.
        if image1.shape[-1] > image2.shape[-1]:
            image2 = with_channels_of(image1, image2)
        else:
            image1 = with_channels_of(image2, image1)
        height, width = image1.shape[1:3]
        if image2.shape[1:3] != (height, width):
            image2 = scale_image(image2, width, height, "bilinear", "center")
        return (np.concatenate([image1, image2]),)


class RepeatImageBatch:
    """Puts a batch behind itself `amount` times."""

    RELATIVE_PYTHON_MODULE = "comfy_extras.nodes_images"
    RETURN_TYPES = ("IMAGE",)
    FUNCTION = "repeat"
    CATEGORY = "image/batch"

    @classmethod
    def INPUT_TYPES(cls) -> Inputs:
        return {"required": {"image": ("IMAGE",), "amount": integer(1, 1, 4096, step=None)}}

    def repeat(self, image: Floats, amount: int) -> tuple[Floats]:
        check_allocation(amount, *image.shape)
        return (np.tile(image, (amount, 1, 1, 1)),)


class ImageFromBatch:
    """Takes `length` pictures from `batch_index` on, as far as there are any."""

    RELATIVE_PYTHON_MODULE = "comfy_extras.nodes_images"
    RETURN_TYPES = ("IMAGE",)
    FUNCTION = "frombatch"
    CATEGORY = "image/batch"

    @classmethod
    def INPUT_TYPES(cls) -> Inputs:
        return {
            "required": {
                "image": ("IMAGE",),
                "batch_index": integer(0, 0, 4095, step=None),
                "length": integer(1, 1, 4096, step=None),
            }
        }

    def frombatch(self, image: Floats, batch_index: int, length: int) -> tuple[Floats]:
        first = min(len(image) - 1, batch_index)
        return (image[first : first + length].copy(),)


class RebatchImages:
    """Cuts a list of batches anew into batches of `batch_size`."""

    RELATIVE_PYTHON_MODULE = "comfy_extras.nodes_rebatch"
    RETURN_TYPES = ("IMAGE",)
    INPUT_IS_LIST = True
    OUTPUT_IS_LIST = (True,)
    FUNCTION = "execute"
    CATEGORY = "image/batch"
    IS_SCHEMA_NODE: ClassVar[bool] = True

    @classmethod
    def INPUT_TYPES(cls) -> Inputs:
        batch_size = integer(1, 1, 4096, step=None)
        return {"required": {"images": ("IMAGE", {}), "batch_size": batch_size}}

    def execute(self, images: list[Floats], batch_size: list[int]) -> tuple[list[Floats]]:
        pictures = [picture[None] for batch in images for picture in batch]
        step = batch_size[0]
        groups = [pictures[start : start + step] for start in range(0, len(pictures), step)]
        return ([np.concatenate(group) for group in groups],)


NODE_CLASS_MAPPINGS: dict[str, type] = {
    "ImageBatch": ImageBatch,
    "RepeatImageBatch": RepeatImageBatch,
    "ImageFromBatch": ImageFromBatch,
    "RebatchImages": RebatchImages,
}
NODE_DISPLAY_NAME_MAPPINGS = {"ImageBatch": "Batch Images", "RebatchImages": "Rebatch Images"}
