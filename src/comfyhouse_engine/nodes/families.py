"""Nodes that belong to one model family: how SDXL and Flux read texts, how Flux spends steps."""

import math
from dataclasses import replace
from typing import Any

from comfyhouse_engine.models import Clip, Model
from comfyhouse_engine.nodes.conditioning import Conditioning, EncodedText

Inputs = dict[str, dict[str, tuple[Any, ...]]]

_TEXT = {"multiline": True, "dynamicPrompts": True}


class CLIPTextEncodeSDXL:
    """Reads a prompt for each of SDXL's two encoders; sizes are what the picture looks made for."""

    RELATIVE_PYTHON_MODULE = "comfy_extras.nodes_clip_sdxl"
    RETURN_TYPES = ("CONDITIONING",)
    FUNCTION = "encode"
    CATEGORY = "advanced/conditioning"
    IS_SCHEMA_NODE = True

    @classmethod
    def INPUT_TYPES(cls) -> Inputs:
        def side(default: int) -> tuple[Any, ...]:
            return ("INT", {"default": default, "min": 0, "max": 16384})

        return {
            "required": {
                "clip": ("CLIP", {}),
                "width": side(1024),
                "height": side(1024),
                "crop_w": side(0),
                "crop_h": side(0),
                "target_width": side(1024),
                "target_height": side(1024),
                "text_g": ("STRING", dict(_TEXT)),
                "text_l": ("STRING", dict(_TEXT)),
            }
        }

    def encode(self, clip: Clip, text_g: str, text_l: str, **sizes: int) -> tuple[Conditioning]:
        return (_encode(clip, text_g, text_l),)


class CLIPTextEncodeFlux:
    """Reads a prompt for each of Flux's two encoders and sets the guidance."""

    RELATIVE_PYTHON_MODULE = "comfy_extras.nodes_flux"
    RETURN_TYPES = ("CONDITIONING",)
    FUNCTION = "encode"
    CATEGORY = "advanced/conditioning/flux"
    IS_SCHEMA_NODE = True

    @classmethod
    def INPUT_TYPES(cls) -> Inputs:
        guidance = {"default": 3.5, "min": 0.0, "max": 100.0, "step": 0.1}
        return {
            "required": {
                "clip": ("CLIP", {}),
                "clip_l": ("STRING", dict(_TEXT)),
                "t5xxl": ("STRING", dict(_TEXT)),
                "guidance": ("FLOAT", guidance),
            }
        }

    def encode(self, clip: Clip, clip_l: str, t5xxl: str, guidance: float) -> tuple[Conditioning]:
        encoded = _encode(clip, clip_l, t5xxl)
        return ([[text, {**options, "guidance": guidance}] for text, options in encoded],)


def _encode(clip: Clip, *texts: str) -> Conditioning:
    words = ", ".join(dict.fromkeys(text for text in texts if text))
    return [[EncodedText(words, clip.loras, clip.stop_at_layer), {}]]


class ModelSamplingFlux:
    """Shifts Flux's steps towards the rough or the fine, by the picture's size."""

    RELATIVE_PYTHON_MODULE = "comfy_extras.nodes_model_advanced"
    RETURN_TYPES = ("MODEL",)
    FUNCTION = "patch"
    CATEGORY = "advanced/model"

    @classmethod
    def INPUT_TYPES(cls) -> Inputs:
        shift = {"min": 0.0, "max": 100.0, "step": 0.01}
        side = {"default": 1024, "min": 16, "max": 16384, "step": 8}
        return {
            "required": {
                "model": ("MODEL",),
                "max_shift": ("FLOAT", {"default": 1.15, **shift}),
                "base_shift": ("FLOAT", {"default": 0.5, **shift}),
                "width": ("INT", side),
                "height": ("INT", dict(side)),
            }
        }

    def patch(
        self, model: Model, max_shift: float, base_shift: float, width: int, height: int
    ) -> tuple[Model]:
        # Linear in the number of 16 x 16 patches: base at 256 of them, max at 4096.
        share = (width * height / 256 - 256) / (4096 - 256)
        shift = base_shift + (max_shift - base_shift) * share
        return (replace(model, shift=math.exp(min(shift, 20.0))),)


NODE_CLASS_MAPPINGS: dict[str, type] = {
    "CLIPTextEncodeSDXL": CLIPTextEncodeSDXL,
    "CLIPTextEncodeFlux": CLIPTextEncodeFlux,
    "ModelSamplingFlux": ModelSamplingFlux,
}
NODE_DISPLAY_NAME_MAPPINGS: dict[str, str] = {}
