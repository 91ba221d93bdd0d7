"""Nodes that write a batch as one animated file."""

import json
from typing import Any

from PIL import Image
from PIL.PngImagePlugin import PngInfo

from comfyhouse_engine.nodes.inputs import choice, integer, number
from comfyhouse_engine.nodes.places import get_folders
from comfyhouse_engine.nodes.save import HIDDEN
from comfyhouse_engine.nodes.save_path import SavePlan, plan_save
from comfyhouse_engine.nodes.tensors import Floats, Inputs, bytes_from_floats

_MODULE = "comfy_extras.nodes_images"
_WEBP_EFFORT = {"default": 4, "fastest": 0, "slowest": 6}
_EXIF_MODEL = 0x0110
_EXIF_MAKE = 0x010F


def _plan(prefix: str, images: Floats) -> SavePlan:
    return plan_save(prefix, get_folders().output, images.shape[2], images.shape[1])


def _as_frames(images: Floats) -> list[Image.Image]:
    return [Image.fromarray(bytes_from_floats(image)) for image in images]


class SaveAnimatedWEBP:
    """Writes WebP; the prompt goes into the EXIF tag Model, extra entries into Make and below."""

    RELATIVE_PYTHON_MODULE = _MODULE
    RETURN_TYPES: tuple[str, ...] = ()
    FUNCTION = "save_images"
    OUTPUT_NODE = True
    CATEGORY = "image/animation"

    @classmethod
    def INPUT_TYPES(cls) -> Inputs:
        return {
            "required": {
                "images": ("IMAGE",),
                "filename_prefix": ("STRING", {"default": "ComfyUI"}),
                "fps": number(6.0, 0.01, 1000.0, 0.01),
                "lossless": ("BOOLEAN", {"default": True}),
                "quality": integer(80, 0, 100, step=None),
                "method": choice(*_WEBP_EFFORT),
            },
            "hidden": dict(HIDDEN),
        }

    def save_images(
        self,
        images: Floats,
        fps: float,
        filename_prefix: str,
        lossless: bool,
        quality: int,
        method: str,
        prompt: Any = None,
        extra_pnginfo: dict[str, Any] | None = None,
    ) -> dict[str, Any]:
        plan, frames = _plan(filename_prefix, images), _as_frames(images)
        exif = frames[0].getexif()
        if prompt is not None:
            exif[_EXIF_MODEL] = f"prompt:{json.dumps(prompt)}"
        for offset, (key, value) in enumerate((extra_pnginfo or {}).items()):
            exif[_EXIF_MAKE - offset] = f"{key}:{json.dumps(value)}"
        name = plan.file_name("webp")
        frames[0].save(
            plan.folder / name,
            save_all=True,
            append_images=frames[1:],
            duration=int(1000.0 / fps),
            exif=exif,
            lossless=lossless,
            quality=quality,
            method=_WEBP_EFFORT.get(method, _WEBP_EFFORT["default"]),
        )
        entry = plan.entry(name, "output")
        return {"ui": {"images": [entry], "animated": (len(frames) != 1,)}}


class SaveAnimatedPNG:
    """Writes APNG; prompt and extra entries go into private `comf` chunks."""

    RELATIVE_PYTHON_MODULE = _MODULE
    RETURN_TYPES: tuple[str, ...] = ()
    FUNCTION = "save_images"
    OUTPUT_NODE = True
    CATEGORY = "image/animation"

    @classmethod
    def INPUT_TYPES(cls) -> Inputs:
        return {
            "required": {
                "images": ("IMAGE",),
                "filename_prefix": ("STRING", {"default": "ComfyUI"}),
                "fps": number(6.0, 0.01, 1000.0, 0.01),
                "compress_level": integer(4, 0, 9, step=None),
            },
            "hidden": dict(HIDDEN),
        }

    def save_images(
        self,
        images: Floats,
        fps: float,
        compress_level: int,
        filename_prefix: str = "ComfyUI",
        prompt: Any = None,
        extra_pnginfo: dict[str, Any] | None = None,
    ) -> dict[str, Any]:
        plan, frames = _plan(filename_prefix, images), _as_frames(images)
        name = plan.file_name("png")
        frames[0].save(
            plan.folder / name,
            pnginfo=_make_chunks(prompt, extra_pnginfo),
            compress_level=compress_level,
            save_all=True,
            duration=int(1000.0 / fps),
            append_images=frames[1:],
        )
        return {"ui": {"images": [plan.entry(name, "output")], "animated": (True,)}}


def _make_chunks(prompt: Any, extra_pnginfo: dict[str, Any] | None) -> PngInfo:
    entries = dict(extra_pnginfo or {})
    if prompt is not None:
        entries = {"prompt": prompt, **entries}
    chunks = PngInfo()
    for key, value in entries.items():
        # json.dumps writes ASCII only, so Latin-1 never fails on it.
        data = key.encode("latin-1", "replace") + b"\0" + json.dumps(value).encode("latin-1")
        chunks.add(b"comf", data, after_idat=True)
    return chunks


NODE_CLASS_MAPPINGS: dict[str, type] = {
    "SaveAnimatedWEBP": SaveAnimatedWEBP,
    "SaveAnimatedPNG": SaveAnimatedPNG,
}
