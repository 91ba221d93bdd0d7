"""Nodes that turn text into conditioning and combine it.

CONDITIONING is a list of `[EncodedText, options]`. Options the sampler reads: `guidance` (float)
and `control`, a list of `control.ControlHint`.
"""

from dataclasses import dataclass, replace
from typing import Any

from comfyhouse_engine.models import Clip, Loras

Inputs = dict[str, dict[str, tuple[Any, ...]]]


@dataclass(frozen=True)
class EncodedText:
    """A prompt as the painter gets it."""

    text: str
    loras: Loras = ()
    stop_at_layer: int = -1


Conditioning = list[list[Any]]


def read_text(conditioning: Conditioning) -> EncodedText:
    """Return all texts of a conditioning as one; empty for an empty one."""
    encoded: list[EncodedText] = [entry[0] for entry in conditioning]
    if not encoded:
        return EncodedText("")
    words = ", ".join(dict.fromkeys(one.text for one in encoded if one.text))
    return replace(encoded[0], text=words)


def find_guidance(conditioning: Conditioning) -> float | None:
    """Return the guidance that FluxGuidance set, if any."""
    values = (entry[1].get("guidance") for entry in conditioning)
    return next((float(value) for value in values if value is not None), None)


def _with_option(conditioning: Conditioning, **options: object) -> Conditioning:
    return [[payload, {**known, **options}] for payload, known in conditioning]


class CLIPTextEncode:
    """Reads a prompt."""

    RETURN_TYPES = ("CONDITIONING",)
    OUTPUT_TOOLTIPS = ("The words that guide the sampler.",)
    FUNCTION = "encode"
    CATEGORY = "conditioning"
    DESCRIPTION = "Reads a prompt into a conditioning that guides the sampler."

    @classmethod
    def INPUT_TYPES(cls) -> Inputs:
        text = {"multiline": True, "dynamicPrompts": True, "tooltip": "The words to read."}
        clip = {"tooltip": "The text encoder that reads them."}
        return {"required": {"text": ("STRING", text), "clip": ("CLIP", clip)}}

    def encode(self, text: str, clip: Clip) -> tuple[Conditioning]:
        return ([[EncodedText(text, clip.loras, clip.stop_at_layer), {}]],)


class CLIPSetLastLayer:
    """Stops a text encoder before its last layer ("clip skip")."""

    RETURN_TYPES = ("CLIP",)
    FUNCTION = "set_last_layer"
    CATEGORY = "conditioning"

    @classmethod
    def INPUT_TYPES(cls) -> Inputs:
        layer = {"default": -1, "min": -24, "max": -1, "step": 1}
        return {"required": {"clip": ("CLIP",), "stop_at_clip_layer": ("INT", layer)}}

    def set_last_layer(self, clip: Clip, stop_at_clip_layer: int) -> tuple[Clip]:
        return (replace(clip, stop_at_layer=stop_at_clip_layer),)


class ConditioningCombine:
    """Lets two prompts guide side by side."""

    RETURN_TYPES = ("CONDITIONING",)
    FUNCTION = "combine"
    CATEGORY = "conditioning"

    @classmethod
    def INPUT_TYPES(cls) -> Inputs:
        link = ("CONDITIONING",)
        return {"required": {"conditioning_1": link, "conditioning_2": link}}

    def combine(
        self, conditioning_1: Conditioning, conditioning_2: Conditioning
    ) -> tuple[Conditioning]:
        return (conditioning_1 + conditioning_2,)


class ConditioningConcat:
    """Appends the words of one prompt to another."""

    RETURN_TYPES = ("CONDITIONING",)
    FUNCTION = "concat"
    CATEGORY = "conditioning"

    @classmethod
    def INPUT_TYPES(cls) -> Inputs:
        link = ("CONDITIONING",)
        return {"required": {"conditioning_to": link, "conditioning_from": link}}

    def concat(
        self, conditioning_to: Conditioning, conditioning_from: Conditioning
    ) -> tuple[Conditioning]:
        added = read_text(conditioning_from).text
        joined = [
            [replace(payload, text=f"{payload.text}, {added}".strip(", ")), options]
            for payload, options in conditioning_to
        ]
        return (joined,)


class ConditioningAverage:
    """Mixes two prompts: the stronger one's words come first and decide the subject."""

    RETURN_TYPES = ("CONDITIONING",)
    FUNCTION = "average"
    CATEGORY = "conditioning"

    @classmethod
    def INPUT_TYPES(cls) -> Inputs:
        strength = {"default": 1.0, "min": 0.0, "max": 1.0, "step": 0.01}
        return {
            "required": {
                "conditioning_to": ("CONDITIONING",),
                "conditioning_from": ("CONDITIONING",),
                "conditioning_to_strength": ("FLOAT", strength),
            }
        }

    def average(
        self,
        conditioning_to: Conditioning,
        conditioning_from: Conditioning,
        conditioning_to_strength: float,
    ) -> tuple[Conditioning]:
        if conditioning_to_strength >= 1.0:
            return (conditioning_to,)
        if conditioning_to_strength <= 0.0:
            return (conditioning_from,)
        first, second = conditioning_to, conditioning_from
        if conditioning_to_strength < 0.5:
            first, second = second, first
        return ConditioningConcat().concat(first, second)


class ConditioningZeroOut:
    """Forgets the words, keeps the rest."""

    RETURN_TYPES = ("CONDITIONING",)
    FUNCTION = "zero_out"
    CATEGORY = "advanced/conditioning"

    @classmethod
    def INPUT_TYPES(cls) -> Inputs:
        return {"required": {"conditioning": ("CONDITIONING",)}}

    def zero_out(self, conditioning: Conditioning) -> tuple[Conditioning]:
        return ([[replace(payload, text=""), options] for payload, options in conditioning],)


class FluxGuidance:
    """Sets the guidance of distilled models, which run with cfg 1."""

    RETURN_TYPES = ("CONDITIONING",)
    FUNCTION = "append"
    CATEGORY = "advanced/conditioning/flux"
    IS_SCHEMA_NODE = True
    RELATIVE_PYTHON_MODULE = "comfy_extras.nodes_flux"

    @classmethod
    def INPUT_TYPES(cls) -> Inputs:
        guidance = {"default": 3.5, "min": 0.0, "max": 100.0, "step": 0.1}
        link: tuple[Any, ...] = ("CONDITIONING", {})
        return {"required": {"conditioning": link, "guidance": ("FLOAT", guidance)}}

    def append(self, conditioning: Conditioning, guidance: float) -> tuple[Conditioning]:
        return (_with_option(conditioning, guidance=guidance),)


NODE_CLASS_MAPPINGS: dict[str, type] = {
    "CLIPTextEncode": CLIPTextEncode,
    "CLIPSetLastLayer": CLIPSetLastLayer,
    "ConditioningCombine": ConditioningCombine,
    "ConditioningConcat": ConditioningConcat,
    "ConditioningAverage": ConditioningAverage,
    "ConditioningZeroOut": ConditioningZeroOut,
    "FluxGuidance": FluxGuidance,
}
NODE_DISPLAY_NAME_MAPPINGS: dict[str, str] = {
    "CLIPTextEncode": "CLIP Text Encode (Prompt)",
    "CLIPSetLastLayer": "CLIP Set Last Layer",
    "ConditioningCombine": "Conditioning (Combine)",
    "ConditioningConcat": "Conditioning (Concat)",
}
