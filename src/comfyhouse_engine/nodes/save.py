"""Nodes that write pictures, or send them over the socket."""

import io
import json
import random
import time
from typing import Any, ClassVar

import numpy as np
from PIL import Image
from PIL.PngImagePlugin import PngInfo

from comfyhouse_engine.context import current
from comfyhouse_engine.nodes.places import get_folders
from comfyhouse_engine.nodes.save_path import plan_save
from comfyhouse_engine.nodes.tensors import Floats, Inputs, as_mask_batch, bytes_from_floats

HIDDEN = {"prompt": "PROMPT", "extra_pnginfo": "EXTRA_PNGINFO"}
SOCKET_PNG = 2
_NAME_LETTERS = "abcdefghijklmnopqrstupvxyz"


def make_png_text(prompt: Any, extra_pnginfo: dict[str, Any] | None) -> PngInfo:
    """Return the text chunks that ComfyUI writes: the whole prompt and each extra entry."""
    text = PngInfo()
    if prompt is not None:
        text.add_text("prompt", json.dumps(prompt))
    for key, value in (extra_pnginfo or {}).items():
        text.add_text(key, json.dumps(value))
    return text


class SaveImage:
    """Writes each picture of a batch as PNG."""

    TYPE: ClassVar[str] = "output"
    COMPRESS_LEVEL: ClassVar[int] = 4
    RETURN_TYPES: tuple[str, ...] = ()
    FUNCTION = "save_images"
    OUTPUT_NODE = True
    CATEGORY = "image"
    DESCRIPTION = "Saves the input images to your ComfyUI output directory."

    def __init__(self) -> None:
        self.name_suffix = ""

    @classmethod
    def INPUT_TYPES(cls) -> Inputs:
        prefix = {
            "default": "ComfyUI",
            "tooltip": "The prefix for the file to save. This may include formatting information "
            "such as %date:yyyy-MM-dd% or %Empty Latent Image.width% to include values from nodes.",
        }
        return {
            "required": {
                "images": ("IMAGE", {"tooltip": "The images to save."}),
                "filename_prefix": ("STRING", prefix),
            },
            "hidden": dict(HIDDEN),
        }

    def save_images(
        self,
        images: Floats,
        filename_prefix: str = "ComfyUI",
        prompt: Any = None,
        extra_pnginfo: dict[str, Any] | None = None,
    ) -> dict[str, Any]:
        height, width = images[0].shape[:2]
        root = getattr(get_folders(), self.TYPE)
        plan = plan_save(filename_prefix + self.name_suffix, root, width, height)
        text = make_png_text(prompt, extra_pnginfo)
        entries = []
        for number, image in enumerate(images):
            name = plan.file_name("png", number)
            picture = Image.fromarray(bytes_from_floats(image))
            picture.save(plan.folder / name, pnginfo=text, compress_level=self.COMPRESS_LEVEL)
            entries.append(plan.entry(name, self.TYPE))
        return {"ui": {"images": entries}}


class PreviewImage(SaveImage):
    """Writes pictures into temp/, which the next start empties."""

    TYPE = "temp"
    COMPRESS_LEVEL = 1

    def __init__(self) -> None:
        # Two preview nodes in one graph must not share names.
        self.name_suffix = "_temp_" + "".join(random.choices(_NAME_LETTERS, k=5))

    @classmethod
    def INPUT_TYPES(cls) -> Inputs:
        return {"required": {"images": ("IMAGE",)}, "hidden": dict(HIDDEN)}


class MaskPreview(PreviewImage):
    """Writes masks as grey pictures into temp/."""

    RELATIVE_PYTHON_MODULE = "comfy_extras.nodes_mask"
    COMPRESS_LEVEL = 4
    FUNCTION = "execute"
    CATEGORY = "mask"

    @classmethod
    def INPUT_TYPES(cls) -> Inputs:
        return {"required": {"mask": ("MASK",)}, "hidden": dict(HIDDEN)}

    def execute(
        self,
        mask: Floats,
        filename_prefix: str = "ComfyUI",
        prompt: Any = None,
        extra_pnginfo: dict[str, Any] | None = None,
    ) -> dict[str, Any]:
        grey = np.repeat(as_mask_batch(mask)[..., None], 3, axis=-1)
        return self.save_images(grey, filename_prefix, prompt, extra_pnginfo)


class SaveImageWebsocket:
    """Sends each picture as a binary frame and writes no file."""

    RELATIVE_PYTHON_MODULE = "custom_nodes.websocket_image_save"
    RETURN_TYPES: tuple[str, ...] = ()
    FUNCTION = "save_images"
    OUTPUT_NODE = True
    CATEGORY = "api/image"

    @classmethod
    def INPUT_TYPES(cls) -> Inputs:
        return {"required": {"images": ("IMAGE",)}}

    @classmethod
    def IS_CHANGED(cls, images: Any) -> float:
        return time.time()

    def save_images(self, images: Floats) -> dict[str, Any]:
        context = current()
        for number, image in enumerate(images):
            context.report_progress(number, len(images), None)
            file = io.BytesIO()
            Image.fromarray(bytes_from_floats(image)).save(file, "PNG", compress_level=1)
            context.send_image(file.getvalue(), SOCKET_PNG)
        return {}


NODE_CLASS_MAPPINGS: dict[str, type] = {
    "SaveImage": SaveImage,
    "PreviewImage": PreviewImage,
    "MaskPreview": MaskPreview,
    "SaveImageWebsocket": SaveImageWebsocket,
}
NODE_DISPLAY_NAME_MAPPINGS = {"SaveImage": "Save Image", "PreviewImage": "Preview Image"}
