"""Nodes that show what a value is."""

import json
from typing import Any, ClassVar

from comfyhouse_engine.context import current
from comfyhouse_engine.nodes.tensors import Floats, Inputs


class GetImageSize:
    """Gives width, height and batch size, and shows them as progress text."""

    RELATIVE_PYTHON_MODULE = "comfy_extras.nodes_images"
    RETURN_TYPES = ("INT", "INT", "INT")
    RETURN_NAMES = ("width", "height", "batch_size")
    FUNCTION = "get_size"
    CATEGORY = "image"
    DESCRIPTION = "Returns width and height of the image, and passes it through unchanged."

    @classmethod
    def INPUT_TYPES(cls) -> Inputs:
        return {"required": {"image": ("IMAGE",)}, "hidden": {"unique_id": "UNIQUE_ID"}}

    def get_size(self, image: Floats, unique_id: str | None = None) -> tuple[int, int, int]:
        batch, height, width = image.shape[:3]
        if unique_id:
            current().send_text(f"width: {width}, height: {height}\n batch size: {batch}")
        return width, height, batch


class PreviewAny:
    """Reports a value as text."""

    RELATIVE_PYTHON_MODULE = "comfy_extras.nodes_preview_any"
    RETURN_TYPES: ClassVar[tuple[str, ...]] = ()
    FUNCTION = "main"
    OUTPUT_NODE = True
    CATEGORY = "utils"

    @classmethod
    def INPUT_TYPES(cls) -> Inputs:
        return {"required": {"source": ("*", {})}}

    def main(self, source: Any = None) -> dict[str, Any]:
        return {"ui": {"text": (_as_text(source),)}}


def _as_text(value: Any) -> str:
    if value is None or isinstance(value, str | bool | int | float):
        return str(value)
    try:
        return json.dumps(value)
    except (TypeError, ValueError):
        return str(value)


NODE_CLASS_MAPPINGS: dict[str, type] = {"GetImageSize": GetImageSize, "PreviewAny": PreviewAny}
NODE_DISPLAY_NAME_MAPPINGS = {"GetImageSize": "Get Image Size", "PreviewAny": "Preview Any"}
