"""The Canny edge detector on floating-point pictures.

Steps and constants are those of the differentiable variant that ComfyUI uses, described at
https://kornia.readthedocs.io/en/latest/filters.html: grey by Rec. 601, Gaussian 5 x 5 with sigma
1, unnormalised Sobel, thinning along the gradient rounded to 45 degrees, hysteresis until nothing
changes. Thresholds apply to the gradient's length, which reaches about 4 on a hard edge.
"""

from typing import ClassVar

import cv2
import numpy as np
from numpy.typing import NDArray

from comfyhouse_engine.nodes.inputs import number, schema_choice
from comfyhouse_engine.nodes.tensors import Floats, Inputs

_GREY = np.array([0.299, 0.587, 0.114], np.float32)
_TINY = np.float32(1e-6)
_NEIGHBOURS = ((0, 1), (1, 1), (1, 0), (1, -1), (0, -1), (-1, -1), (-1, 0), (-1, 1))
"""(row, column) steps for 0, 45, ... 315 degrees, rows counted downwards."""


def find_edges(picture: Floats, low: float, high: float) -> Floats:
    """Return [height, width] of 0 and 1 for a picture [height, width, 3].

    A pixel is an edge when its thinned gradient exceeds `high`, or exceeds `low` and is connected
    (8 neighbours) to such a one.
    """
    thin = _thin(*_gradients(picture @ _GREY))
    count, labels = cv2.connectedComponents((thin > low).astype(np.uint8), connectivity=8)
    is_strong = np.zeros(count, bool)
    is_strong[labels[thin > max(low, high)]] = True
    is_strong[0] = False
    edges: Floats = is_strong[labels].astype(np.float32)
    return edges


def _gradients(grey: Floats) -> tuple[Floats, Floats]:
    offsets = np.arange(-2, 3, dtype=np.float32)
    kernel = np.exp(-(offsets**2) / 2)
    kernel /= kernel.sum()
    soft = cv2.sepFilter2D(grey, cv2.CV_32F, kernel, kernel, borderType=cv2.BORDER_REFLECT_101)
    across = cv2.Sobel(soft, cv2.CV_32F, 1, 0, ksize=3, borderType=cv2.BORDER_REPLICATE)
    down = cv2.Sobel(soft, cv2.CV_32F, 0, 1, ksize=3, borderType=cv2.BORDER_REPLICATE)
    return np.asarray(across, np.float32), np.asarray(down, np.float32)


def _thin(across: Floats, down: Floats) -> Floats:
    """Keep the gradient's length where it exceeds both neighbours along the gradient."""
    length = np.sqrt(across**2 + down**2 + _TINY)
    eighths = np.round(np.degrees(np.arctan2(down, across)) / 45).astype(np.int64) % 8
    excess = np.stack([length - _shifted(length, *step) for step in _NEIGHBOURS])
    ahead = np.take_along_axis(excess, eighths[None], axis=0)[0]
    behind = np.take_along_axis(excess, ((eighths + 4) % 8)[None], axis=0)[0]
    return np.where(np.minimum(ahead, behind) > 0, length, np.float32(0))


def _shifted(values: Floats, row: int, column: int) -> Floats:
    """Return what lies one step away from each pixel, 0 outside."""
    padded = np.pad(values, 1)
    height, width = values.shape
    return padded[1 + row : 1 + row + height, 1 + column : 1 + column + width]


class Canny:
    """Draws edges white on black."""

    RELATIVE_PYTHON_MODULE = "comfy_extras.nodes_canny"
    RETURN_TYPES = ("IMAGE",)
    FUNCTION = "execute"
    CATEGORY = "image/preprocessors"
    IS_SCHEMA_NODE: ClassVar[bool] = True

    @classmethod
    def INPUT_TYPES(cls) -> Inputs:
        return {
            "required": {
                "image": ("IMAGE", {}),
                "low_threshold": number(0.4, 0.01, 0.99, 0.01),
                "high_threshold": number(0.8, 0.01, 0.99, 0.01),
            }
        }

    def execute(self, image: Floats, low_threshold: float, high_threshold: float) -> tuple[Floats]:
        if image.shape[-1] != 3:
            raise ValueError(f"Canny takes pictures of 3 channels, not {image.shape[-1]}")
        if low_threshold > high_threshold:
            raise ValueError(
                "Invalid input thresholds. low_threshold should be smaller than the "
                f"high_threshold. Got: {low_threshold}>{high_threshold}"
            )
        edges = np.stack([find_edges(one, low_threshold, high_threshold) for one in image])
        return (np.repeat(edges[..., None], 3, axis=-1),)


_MORPHS = {
    "erode": cv2.MORPH_ERODE,
    "dilate": cv2.MORPH_DILATE,
    "open": cv2.MORPH_OPEN,
    "close": cv2.MORPH_CLOSE,
    "gradient": cv2.MORPH_GRADIENT,
    "bottom_hat": cv2.MORPH_BLACKHAT,
    "top_hat": cv2.MORPH_TOPHAT,
}


class Morphology:
    """Erodes, dilates and what follows from these, with a square."""

    RELATIVE_PYTHON_MODULE = "comfy_extras.nodes_morphology"
    RETURN_TYPES = ("IMAGE",)
    FUNCTION = "execute"
    CATEGORY = "image/postprocessing"
    IS_SCHEMA_NODE: ClassVar[bool] = True

    @classmethod
    def INPUT_TYPES(cls) -> Inputs:
        kernel_size = ("INT", {"default": 3, "min": 3, "max": 999, "step": 1})
        return {
            "required": {
                "image": ("IMAGE", {}),
                "operation": schema_choice(*_MORPHS),
                "kernel_size": kernel_size,
            }
        }

    def execute(self, image: Floats, operation: str, kernel_size: int) -> tuple[Floats]:
        square: NDArray[np.uint8] = np.ones((kernel_size, kernel_size), np.uint8)
        changed = [
            cv2.morphologyEx(np.ascontiguousarray(picture), _MORPHS[operation], square)
            for picture in image
        ]
        return (np.stack(changed).reshape(image.shape).astype(np.float32, copy=False),)


NODE_CLASS_MAPPINGS: dict[str, type] = {"Canny": Canny, "Morphology": Morphology}
NODE_DISPLAY_NAME_MAPPINGS = {"Morphology": "ImageMorphology"}
