"""Nodes that put pictures side by side, or onto a larger canvas."""

import numpy as np

from comfyhouse_engine.nodes.inputs import LARGEST_SIDE, choice, integer
from comfyhouse_engine.nodes.resample import scale_image
from comfyhouse_engine.nodes.tensors import Floats, Inputs, check_allocation, with_channels_of

_MODULE = "comfy_extras.nodes_images"
_COLOURS = {
    "white": (1.0, 1.0, 1.0),
    "black": (0.0, 0.0, 0.0),
    "red": (1.0, 0.0, 0.0),
    "green": (0.0, 1.0, 0.0),
    "blue": (0.0, 0.0, 1.0),
}


class ImageStitch:
    """Puts `image2` beside `image1`."""

    RELATIVE_PYTHON_MODULE = _MODULE
    RETURN_TYPES = ("IMAGE",)
    FUNCTION = "stitch"
    CATEGORY = "image/transform"
    DESCRIPTION = (
        "\nStitches image2 to image1 in the specified direction.\n"
        "If image2 is not provided, returns image1 unchanged.\n"
        "Optional spacing can be added between images.\n"
    )

    @classmethod
    def INPUT_TYPES(cls) -> Inputs:
        return {
            "required": {
                "image1": ("IMAGE",),
                "direction": choice("right", "down", "left", "up", default="right"),
                "match_image_size": ("BOOLEAN", {"default": True}),
                "spacing_width": integer(0, 0, 1024, step=2),
                "spacing_color": choice(*_COLOURS, default="white"),
            },
            "optional": {"image2": ("IMAGE",)},
        }

    def stitch(
        self,
        image1: Floats,
        direction: str,
        match_image_size: bool,
        spacing_width: int,
        spacing_color: str,
        image2: Floats | None = None,
    ) -> tuple[Floats]:
        if image2 is None:
            return (image1,)
        axis = 2 if direction in ("left", "right") else 1
        first, second = _with_equal_batches(image1, image2)
        if match_image_size:
            second = _scale_along(second, first, axis)
        first, second = _pad_across(first, second, axis), _pad_across(second, first, axis)
        first, second = with_more_channels(first, second)
        parts = [first, second] if direction in ("right", "down") else [second, first]
        if spacing_width > 0:
            gap = _make_gap(first, axis, spacing_width + spacing_width % 2, spacing_color)
            parts.insert(1, gap)
        return (np.concatenate(parts, axis=axis),)


def with_more_channels(first: Floats, second: Floats) -> tuple[Floats, Floats]:
    """Return both with the larger number of channels."""
    if first.shape[-1] >= second.shape[-1]:
        return first, with_channels_of(first, second)
    return with_channels_of(second, first), second


def _with_equal_batches(first: Floats, second: Floats) -> tuple[Floats, Floats]:
    """Repeat the last picture of the shorter batch."""
    batch = max(len(first), len(second))
    index = np.arange(batch)
    return first[np.minimum(index, len(first) - 1)], second[np.minimum(index, len(second) - 1)]


def _scale_along(image: Floats, reference: Floats, axis: int) -> Floats:
    height, width = reference.shape[1:3]
    aspect = image.shape[2] / image.shape[1]
    if axis == 2:
        return scale_image(image, int(height * aspect), height, "lanczos")
    return scale_image(image, width, int(width / aspect), "lanczos")


def _pad_across(image: Floats, other: Floats, axis: int) -> Floats:
    """Centre `image` on black so that it is as wide (or tall) as `other` where they touch."""
    across = 3 - axis
    missing = max(0, other.shape[across] - image.shape[across])
    widths = [(0, 0)] * 4
    widths[across] = (missing // 2, missing - missing // 2)
    return np.pad(image, widths)


def _make_gap(image: Floats, axis: int, width: int, colour: str) -> Floats:
    shape = list(image.shape)
    shape[axis] = width
    gap = np.ones(shape, np.float32)
    gap[..., :3] = _COLOURS[colour]
    return gap


class ResizeAndPadImage:
    """Fits a picture into a size and fills the rest with one colour."""

    RELATIVE_PYTHON_MODULE = _MODULE
    RETURN_TYPES = ("IMAGE",)
    FUNCTION = "resize_and_pad"
    CATEGORY = "image/transform"

    @classmethod
    def INPUT_TYPES(cls) -> Inputs:
        methods = ("area", "bicubic", "nearest-exact", "bilinear", "lanczos")
        return {
            "required": {
                "image": ("IMAGE",),
                "target_width": integer(512, 1, LARGEST_SIDE),
                "target_height": integer(512, 1, LARGEST_SIDE),
                "padding_color": choice("white", "black"),
                "interpolation": choice(*methods),
            }
        }

    def resize_and_pad(
        self,
        image: Floats,
        target_width: int,
        target_height: int,
        padding_color: str,
        interpolation: str,
    ) -> tuple[Floats]:
        batch, height, width, channels = image.shape
        check_allocation(batch, target_height, target_width, channels)
        factor = min(target_width / width, target_height / height)
        wide, tall = int(width * factor), int(height * factor)
        fill = 1.0 if padding_color == "white" else 0.0
        canvas = np.full((batch, target_height, target_width, channels), fill, np.float32)
        left, top = (target_width - wide) // 2, (target_height - tall) // 2
        scaled = scale_image(image, wide, tall, interpolation)
        canvas[:, top : top + tall, left : left + wide] = scaled
        return (canvas,)


NODE_CLASS_MAPPINGS: dict[str, type] = {
    "ImageStitch": ImageStitch,
    "ResizeAndPadImage": ResizeAndPadImage,
}
NODE_DISPLAY_NAME_MAPPINGS = {"ImageStitch": "Image Stitch"}
