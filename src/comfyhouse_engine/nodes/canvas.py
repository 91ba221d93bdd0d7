"""Nodes that make a picture out of nothing, turn it inside out or widen it."""

import numpy as np

from comfyhouse_engine.nodes.inputs import LARGEST_SIDE, integer
from comfyhouse_engine.nodes.tensors import Floats, Inputs, check_allocation


def split_colour(colour: int) -> tuple[float, float, float]:
    """Return red, green, blue in 0..1 of 0xRRGGBB."""
    return (colour >> 16 & 0xFF) / 0xFF, (colour >> 8 & 0xFF) / 0xFF, (colour & 0xFF) / 0xFF


class EmptyImage:
    """Makes pictures of one colour."""

    RETURN_TYPES = ("IMAGE",)
    FUNCTION = "generate"
    CATEGORY = "image"

    @classmethod
    def INPUT_TYPES(cls) -> Inputs:
        return {
            "required": {
                "width": integer(512, 1, LARGEST_SIDE),
                "height": integer(512, 1, LARGEST_SIDE),
                "batch_size": integer(1, 1, 4096, step=None),
                "color": integer(0, 0, 0xFFFFFF, display="color"),
            }
        }

    def generate(
        self, width: int, height: int, batch_size: int = 1, color: int = 0
    ) -> tuple[Floats]:
        check_allocation(batch_size, height, width)
        check_allocation(batch_size, height, width, 3)
        image = np.empty((batch_size, height, width, 3), np.float32)
        image[:] = split_colour(color)
        return (image,)


class ImageInvert:
    """Turns every value v into 1 - v, alpha included."""

    RETURN_TYPES = ("IMAGE",)
    FUNCTION = "invert"
    CATEGORY = "image"

    @classmethod
    def INPUT_TYPES(cls) -> Inputs:
        return {"required": {"image": ("IMAGE",)}}

    def invert(self, image: Floats) -> tuple[Floats]:
        return (np.float32(1.0) - image,)


class ImagePadForOutpaint:
    """Adds grey borders and a mask that chooses them, soft towards the picture."""

    RETURN_TYPES = ("IMAGE", "MASK")
    FUNCTION = "expand_image"
    CATEGORY = "image"

    @classmethod
    def INPUT_TYPES(cls) -> Inputs:
        sides = {
            side: integer(0, 0, LARGEST_SIDE, step=8) for side in ("left", "top", "right", "bottom")
        }
        feathering = integer(40, 0, LARGEST_SIDE)
        return {"required": {"image": ("IMAGE",), **sides, "feathering": feathering}}

    def expand_image(
        self, image: Floats, left: int, top: int, right: int, bottom: int, feathering: int
    ) -> tuple[Floats, Floats]:
        batch, height, width, channels = image.shape
        tall, wide = height + top + bottom, width + left + right
        check_allocation(batch, tall, wide, channels)
        padded = np.full((batch, tall, wide, channels), 0.5, np.float32)
        inside = (slice(top, top + height), slice(left, left + width))
        padded[:, *inside] = image
        mask = np.ones((1, tall, wide), np.float32)
        mask[0, *inside] = 0.0
        if 0 < feathering * 2 < min(height, width):
            mask[0, *inside] = _feather(height, width, (left, top, right, bottom), feathering)
        return padded, mask


def _feather(
    height: int, width: int, borders: tuple[int, int, int, int], feathering: int
) -> Floats:
    """Return [height, width]: 1 at a padded edge, falling as a square to 0 `feathering` inside."""
    left, top, right, bottom = borders
    rows, columns = np.arange(height), np.arange(width)
    vertical = np.minimum(rows if top else height, height - rows if bottom else height)
    horizontal = np.minimum(columns if left else width, width - columns if right else width)
    distance = np.minimum(
        np.broadcast_to(vertical, height)[:, None], np.broadcast_to(horizontal, width)[None, :]
    )
    falling = np.maximum(feathering - distance, 0) / feathering
    mask: Floats = (falling * falling).astype(np.float32)
    return mask


NODE_CLASS_MAPPINGS: dict[str, type] = {
    "EmptyImage": EmptyImage,
    "ImageInvert": ImageInvert,
    "ImagePadForOutpaint": ImagePadForOutpaint,
}
NODE_DISPLAY_NAME_MAPPINGS = {
    "ImageInvert": "Invert Image",
    "ImagePadForOutpaint": "Pad Image for Outpainting",
}
