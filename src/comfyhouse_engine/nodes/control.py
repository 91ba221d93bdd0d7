"""Control pictures: hung on a conditioning, to show through in the painting."""

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from comfyhouse_engine.models import ControlNet, Vae
from comfyhouse_engine.nodes.conditioning import Conditioning

Image = NDArray[np.float32]
Inputs = dict[str, dict[str, tuple[Any, ...]]]

_UNION_KINDS = [
    "auto",
    "openpose",
    "depth",
    "hed/pidi/scribble/ted",
    "canny/lineart/anime_lineart/mlsd",
    "normal",
    "segment",
    "tile",
    "repaint",
]


@dataclass(frozen=True, eq=False)
class ControlHint:
    """A picture [batch, height, width, channels] that shows through with `strength`.

    `start` and `end` are the part of the steps (0..1) in which it does.
    """

    image: Image
    strength: float
    control_net: str
    start: float = 0.0
    end: float = 1.0


def list_hints(conditioning: Conditioning) -> list[ControlHint]:
    """Return every control picture of a conditioning, each once."""
    found = [hint for entry in conditioning for hint in entry[1].get("control", [])]
    return list({id(hint): hint for hint in found}.values())


def _with_hint(conditioning: Conditioning, hint: ControlHint) -> Conditioning:
    return [
        [payload, {**known, "control": [*known.get("control", []), hint]}]
        for payload, known in conditioning
    ]


class ControlNetApply:
    """Lets a control picture show through (old form: one conditioning)."""

    RETURN_TYPES = ("CONDITIONING",)
    FUNCTION = "apply_controlnet"
    CATEGORY = "conditioning/controlnet"
    DEPRECATED = True

    @classmethod
    def INPUT_TYPES(cls) -> Inputs:
        strength = {"default": 1.0, "min": 0.0, "max": 10.0, "step": 0.01}
        return {
            "required": {
                "conditioning": ("CONDITIONING",),
                "control_net": ("CONTROL_NET",),
                "image": ("IMAGE",),
                "strength": ("FLOAT", strength),
            }
        }

    def apply_controlnet(
        self, conditioning: Conditioning, control_net: ControlNet, image: Image, strength: float
    ) -> tuple[Conditioning]:
        if strength == 0.0:
            return (conditioning,)
        return (_with_hint(conditioning, ControlHint(image, strength, control_net.kind)),)


class ControlNetApplyAdvanced:
    """Lets a control picture show through during part of the steps."""

    RETURN_TYPES = ("CONDITIONING", "CONDITIONING")
    RETURN_NAMES = ("positive", "negative")
    FUNCTION = "apply_controlnet"
    CATEGORY = "conditioning/controlnet"

    @classmethod
    def INPUT_TYPES(cls) -> Inputs:
        share = {"min": 0.0, "max": 1.0, "step": 0.001}
        strength = {"default": 1.0, "min": 0.0, "max": 10.0, "step": 0.01}
        return {
            "required": {
                "positive": ("CONDITIONING",),
                "negative": ("CONDITIONING",),
                "control_net": ("CONTROL_NET",),
                "image": ("IMAGE",),
                "strength": ("FLOAT", strength),
                "start_percent": ("FLOAT", {"default": 0.0, **share}),
                "end_percent": ("FLOAT", {"default": 1.0, **share}),
            },
            "optional": {"vae": ("VAE",)},
        }

    def apply_controlnet(
        self,
        positive: Conditioning,
        negative: Conditioning,
        control_net: ControlNet,
        image: Image,
        strength: float,
        start_percent: float,
        end_percent: float,
        vae: Vae | None = None,
    ) -> tuple[Conditioning, Conditioning]:
        if strength == 0.0:
            return positive, negative
        hint = ControlHint(image, strength, control_net.kind, start_percent, end_percent)
        return _with_hint(positive, hint), _with_hint(negative, hint)


class SetUnionControlNetType:
    """Says what a ControlNet that reads several kinds of picture shall read."""

    RELATIVE_PYTHON_MODULE = "comfy_extras.nodes_controlnet"
    RETURN_TYPES = ("CONTROL_NET",)
    FUNCTION = "set_controlnet_type"
    CATEGORY = "conditioning/controlnet"

    @classmethod
    def INPUT_TYPES(cls) -> Inputs:
        return {"required": {"control_net": ("CONTROL_NET",), "type": (_UNION_KINDS,)}}

    def set_controlnet_type(self, control_net: ControlNet, **chosen: str) -> tuple[ControlNet]:
        kind = chosen["type"]
        return (replace(control_net, mode="" if kind == "auto" else kind),)


NODE_CLASS_MAPPINGS: dict[str, type] = {
    "SetUnionControlNetType": SetUnionControlNetType,
    "ControlNetApply": ControlNetApply,
    "ControlNetApplyAdvanced": ControlNetApplyAdvanced,
}
NODE_DISPLAY_NAME_MAPPINGS: dict[str, str] = {
    "ControlNetApply": "Apply ControlNet (OLD)",
    "ControlNetApplyAdvanced": "Apply ControlNet",
}
