"""Nodes that part a picture from its alpha channel, and put them together again.

Masks are inverted alpha: 1 means transparent.
"""

from typing import ClassVar

import numpy as np

from comfyhouse_engine.nodes.resample import scale_mask
from comfyhouse_engine.nodes.tensors import Floats, Inputs, as_mask_batch

_MODULE = "comfy_extras.nodes_compositing"


class SplitImageWithAlpha:
    """Gives the colours and the inverted alpha; an RGB picture gives a mask of zeros."""

    RELATIVE_PYTHON_MODULE = _MODULE
    RETURN_TYPES = ("IMAGE", "MASK")
    FUNCTION = "execute"
    CATEGORY = "mask/compositing"
    IS_SCHEMA_NODE: ClassVar[bool] = True

    @classmethod
    def INPUT_TYPES(cls) -> Inputs:
        return {"required": {"image": ("IMAGE", {})}}

    def execute(self, image: Floats) -> tuple[Floats, Floats]:
        alpha = image[..., 3] if image.shape[-1] > 3 else np.ones_like(image[..., 0])
        return image[..., :3].copy(), 1 - alpha


class JoinImageWithAlpha:
    """Gives a picture an alpha channel; the shorter batch decides how many there are."""

    RELATIVE_PYTHON_MODULE = _MODULE
    RETURN_TYPES = ("IMAGE",)
    FUNCTION = "execute"
    CATEGORY = "mask/compositing"
    IS_SCHEMA_NODE: ClassVar[bool] = True

    @classmethod
    def INPUT_TYPES(cls) -> Inputs:
        return {"required": {"image": ("IMAGE", {}), "alpha": ("MASK", {})}}

    def execute(self, image: Floats, alpha: Floats) -> tuple[Floats]:
        height, width = image.shape[1:3]
        opacity = 1 - scale_mask(as_mask_batch(alpha), width, height)
        batch = min(len(image), len(opacity))
        return (np.concatenate([image[:batch, ..., :3], opacity[:batch, ..., None]], axis=-1),)


NODE_CLASS_MAPPINGS: dict[str, type] = {
    "SplitImageWithAlpha": SplitImageWithAlpha,
    "JoinImageWithAlpha": JoinImageWithAlpha,
}
NODE_DISPLAY_NAME_MAPPINGS = {
    "SplitImageWithAlpha": "Split Image with Alpha",
    "JoinImageWithAlpha": "Join Image with Alpha",
}
