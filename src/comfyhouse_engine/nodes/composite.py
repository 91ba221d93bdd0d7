"""Nodes that lay one picture, or one mask, over another at a position."""

from collections.abc import Callable

import numpy as np

from comfyhouse_engine.nodes.inputs import LARGEST_SIDE, choice, integer
from comfyhouse_engine.nodes.resample import scale_image, scale_mask
from comfyhouse_engine.nodes.tensors import (
    Floats,
    Inputs,
    as_mask_batch,
    repeat_to_batch,
    with_channels_of,
)


def lay_over(
    below: Floats, above: Floats, left: int, top: int, mask: Floats | None = None
) -> Floats:
    """Return `below` with `above` at (`left`, `top`); what sticks out is cut.

    `mask` is scaled to `above`, 1 shows it. Batches go by `below`.
    """
    above = repeat_to_batch(with_channels_of(below, above), len(below))
    height, width = above.shape[1:3]
    if mask is None:
        share = np.ones((len(below), height, width, 1), np.float32)
    else:
        scaled = scale_mask(as_mask_batch(mask), width, height)
        share = repeat_to_batch(scaled, len(below))[..., None]
    left, top = min(left, below.shape[2]), min(top, below.shape[1])
    bottom, right = min(top + height, below.shape[1]), min(left + width, below.shape[2])
    share = share[:, : bottom - top, : right - left]
    visible = above[:, : bottom - top, : right - left]
    result = below.copy()
    result[:, top:bottom, left:right] *= 1 - share
    result[:, top:bottom, left:right] += share * visible
    return result


class ImageCompositeMasked:
    """Lays `source` over `destination`, where the mask chooses it."""

    RELATIVE_PYTHON_MODULE = "comfy_extras.nodes_mask"
    RETURN_TYPES = ("IMAGE",)
    FUNCTION = "composite"
    CATEGORY = "image"

    @classmethod
    def INPUT_TYPES(cls) -> Inputs:
        return {
            "required": {
                "destination": ("IMAGE",),
                "source": ("IMAGE",),
                "x": integer(0, 0, LARGEST_SIDE),
                "y": integer(0, 0, LARGEST_SIDE),
                "resize_source": ("BOOLEAN", {"default": False}),
            },
            "optional": {"mask": ("MASK",)},
        }

    def composite(
        self,
        destination: Floats,
        source: Floats,
        x: int,
        y: int,
        resize_source: bool,
        mask: Floats | None = None,
    ) -> tuple[Floats]:
        if resize_source:
            height, width = destination.shape[1:3]
            source = scale_image(source, width, height, "bilinear")
        return (lay_over(destination, source, x, y, mask),)


def _logical(
    operation: Callable[[np.ndarray, np.ndarray], np.ndarray],
) -> Callable[[Floats, Floats], Floats]:
    def apply(below: Floats, above: Floats) -> Floats:
        chosen = operation(np.round(below).astype(bool), np.round(above).astype(bool))
        return chosen.astype(np.float32)

    return apply


_OPERATIONS: dict[str, Callable[[Floats, Floats], Floats]] = {
    "multiply": lambda below, above: below * above,
    "add": lambda below, above: below + above,
    "subtract": lambda below, above: below - above,
    "and": _logical(np.logical_and),
    "or": _logical(np.logical_or),
    "xor": _logical(np.logical_xor),
}


class MaskComposite:
    """Combines `source` with the part of `destination` that it covers."""

    RELATIVE_PYTHON_MODULE = "comfy_extras.nodes_mask"
    RETURN_TYPES = ("MASK",)
    FUNCTION = "combine"
    CATEGORY = "mask"

    @classmethod
    def INPUT_TYPES(cls) -> Inputs:
        return {
            "required": {
                "destination": ("MASK",),
                "source": ("MASK",),
                "x": integer(0, 0, LARGEST_SIDE),
                "y": integer(0, 0, LARGEST_SIDE),
                "operation": choice(*_OPERATIONS),
            }
        }

    def combine(
        self, destination: Floats, source: Floats, x: int, y: int, operation: str
    ) -> tuple[Floats]:
        output, above = as_mask_batch(destination).copy(), as_mask_batch(source)
        covered = (slice(None), slice(y, y + above.shape[1]), slice(x, x + above.shape[2]))
        below = output[covered]
        visible = above[:, : below.shape[1], : below.shape[2]]
        output[covered] = _OPERATIONS[operation](below, visible)
        return (np.clip(output, 0, 1),)


NODE_CLASS_MAPPINGS: dict[str, type] = {
    "ImageCompositeMasked": ImageCompositeMasked,
    "MaskComposite": MaskComposite,
}
