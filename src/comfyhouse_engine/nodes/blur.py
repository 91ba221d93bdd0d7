"""Nodes that soften and sharpen with a Gaussian kernel."""

from typing import ClassVar

import cv2
import numpy as np

from comfyhouse_engine.nodes.inputs import integer, number
from comfyhouse_engine.nodes.tensors import Floats, Inputs

_SHARPEN_GAIN = 10.0
"""ComfyUI's alpha of 1 means a tenfold kernel."""


def gaussian_kernel(radius: int, sigma: float) -> Floats:
    """Return [2 radius + 1, 2 radius + 1] that sums to 1; `sigma` is in units of `radius`.

    ComfyUI spans -1..1 over the whole kernel, so sigma 1 is nearly flat for every radius.
    """
    axis = np.linspace(-1, 1, 2 * radius + 1, dtype=np.float32)
    squares = axis[:, None] ** 2 + axis[None, :] ** 2
    kernel: Floats = np.exp(-squares / np.float32(2 * sigma * sigma))
    kernel /= kernel.sum()
    return kernel


def _convolve(image: Floats, kernel: Floats) -> Floats:
    """Filter each picture; beyond an edge the picture is mirrored without repeating the edge."""
    radius = kernel.shape[0] // 2
    shortest = min(image.shape[1:3])
    if radius >= shortest:
        raise RuntimeError(
            "Padding size should be less than the corresponding input dimension, but got: "
            f"padding ({radius}, {radius}) for a side of {shortest}"
        )
    filtered = [
        cv2.filter2D(np.ascontiguousarray(picture), cv2.CV_32F, kernel, borderType=_MIRROR)
        for picture in image
    ]
    return np.stack(filtered).reshape(image.shape).astype(np.float32, copy=False)


_MIRROR = cv2.BORDER_REFLECT_101


class ImageBlur:
    """Softens."""

    RELATIVE_PYTHON_MODULE = "comfy_extras.nodes_post_processing"
    RETURN_TYPES = ("IMAGE",)
    FUNCTION = "execute"
    CATEGORY = "image/postprocessing"
    IS_SCHEMA_NODE: ClassVar[bool] = True

    @classmethod
    def INPUT_TYPES(cls) -> Inputs:
        return {
            "required": {
                "image": ("IMAGE", {}),
                "blur_radius": integer(1, 1, 31),
                "sigma": number(1.0, 0.1, 10.0, 0.1),
            }
        }

    def execute(self, image: Floats, blur_radius: int, sigma: float) -> tuple[Floats]:
        if blur_radius == 0:
            return (image,)
        return (_convolve(image, gaussian_kernel(blur_radius, sigma)),)


class ImageSharpen:
    """Adds what a blur takes away, `alpha` times ten."""

    RELATIVE_PYTHON_MODULE = "comfy_extras.nodes_post_processing"
    RETURN_TYPES = ("IMAGE",)
    FUNCTION = "execute"
    CATEGORY = "image/postprocessing"
    IS_SCHEMA_NODE: ClassVar[bool] = True

    @classmethod
    def INPUT_TYPES(cls) -> Inputs:
        return {
            "required": {
                "image": ("IMAGE", {}),
                "sharpen_radius": integer(1, 1, 31),
                "sigma": number(1.0, 0.1, 10.0, 0.01),
                "alpha": number(1.0, 0.0, 5.0, 0.01),
            }
        }

    def execute(
        self, image: Floats, sharpen_radius: int, sigma: float, alpha: float
    ) -> tuple[Floats]:
        if sharpen_radius == 0:
            return (image,)
        kernel = gaussian_kernel(sharpen_radius, sigma) * np.float32(-alpha * _SHARPEN_GAIN)
        # The middle makes the kernel sum to 1, so that flat areas stay as they are.
        kernel[sharpen_radius, sharpen_radius] += np.float32(1.0) - kernel.sum()
        return (np.clip(_convolve(image, kernel), 0.0, 1.0),)


NODE_CLASS_MAPPINGS: dict[str, type] = {"ImageBlur": ImageBlur, "ImageSharpen": ImageSharpen}
