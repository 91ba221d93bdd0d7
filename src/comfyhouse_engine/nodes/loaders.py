"""Nodes that take a model from the shelf: checkpoints, LoRAs, VAEs, ControlNets, upscalers."""

from dataclasses import replace
from typing import Any, ClassVar

from comfyhouse_engine import residence
from comfyhouse_engine.context import current
from comfyhouse_engine.models import Clip, ControlNet, Model, UpscaleModel, Vae, list_models

Inputs = dict[str, dict[str, tuple[Any, ...]]]

_STRENGTH = {"default": 1.0, "min": -100.0, "max": 100.0, "step": 0.01}
_CLIP_KINDS = [
    "stable_diffusion",
    "stable_cascade",
    "sd3",
    "stable_audio",
    "mochi",
    "ltxv",
    "pixart",
    "cosmos",
    "lumina2",
    "wan",
    "hidream",
    "chroma",
    "ace",
    "omnigen2",
    "qwen_image",
    "hunyuan_image",
]
_DUAL_CLIP_KINDS = ["sdxl", "sd3", "flux", "hunyuan_video", "hidream", "hunyuan_image"]
_DEVICE = (["default", "cpu"], {"advanced": True})


class CheckpointLoaderSimple:
    """Takes a checkpoint from the shelf."""

    RETURN_TYPES = ("MODEL", "CLIP", "VAE")
    OUTPUT_TOOLTIPS = ("Paints the picture.", "Reads the text.", "Turns latents into pixels.")
    FUNCTION = "load_checkpoint"
    CATEGORY = "loaders"
    DESCRIPTION = "Takes a checkpoint: the model, its text encoder and its VAE."

    @classmethod
    def INPUT_TYPES(cls) -> Inputs:
        choice = (list_models("checkpoints"), {"tooltip": "Which checkpoint."})
        return {"required": {"ckpt_name": choice}}

    def load_checkpoint(self, ckpt_name: str) -> tuple[Model, Clip, Vae]:
        residence.load(ckpt_name, current())
        return Model(ckpt_name), Clip(ckpt_name), Vae(ckpt_name)


class LoraLoader:
    """Adds a LoRA to a model and its text encoder."""

    RETURN_TYPES = ("MODEL", "CLIP")
    OUTPUT_TOOLTIPS = ("The model with the LoRA.", "The text encoder with the LoRA.")
    FUNCTION = "load_lora"
    CATEGORY = "loaders"
    DESCRIPTION = "Shifts the style of a model. Several can follow one another."

    @classmethod
    def INPUT_TYPES(cls) -> Inputs:
        return {
            "required": {
                "model": ("MODEL", {"tooltip": "The model to change."}),
                "clip": ("CLIP", {"tooltip": "The text encoder to change."}),
                "lora_name": (list_models("loras"), {"tooltip": "Which LoRA."}),
                "strength_model": ("FLOAT", {**_STRENGTH, "tooltip": "Effect on the model."}),
                "strength_clip": ("FLOAT", {**_STRENGTH, "tooltip": "Effect on the words."}),
            }
        }

    def load_lora(
        self, model: Model, clip: Clip, lora_name: str, strength_model: float, strength_clip: float
    ) -> tuple[Model, Clip]:
        return (
            replace(model, loras=(*model.loras, (lora_name, strength_model))),
            replace(clip, loras=(*clip.loras, (lora_name, strength_clip))),
        )


class LoraLoaderModelOnly:
    """Adds a LoRA to a model alone."""

    RETURN_TYPES = ("MODEL",)
    OUTPUT_TOOLTIPS = LoraLoader.OUTPUT_TOOLTIPS
    FUNCTION = "load_lora_model_only"
    CATEGORY = "loaders"
    DESCRIPTION = LoraLoader.DESCRIPTION

    @classmethod
    def INPUT_TYPES(cls) -> Inputs:
        return {
            "required": {
                "model": ("MODEL",),
                "lora_name": (list_models("loras"),),
                "strength_model": ("FLOAT", dict(_STRENGTH)),
            }
        }

    def load_lora_model_only(
        self, model: Model, lora_name: str, strength_model: float
    ) -> tuple[Model]:
        return (replace(model, loras=(*model.loras, (lora_name, strength_model))),)


class VAELoader:
    """Takes a VAE from the shelf."""

    RETURN_TYPES = ("VAE",)
    FUNCTION = "load_vae"
    CATEGORY = "loaders"

    @classmethod
    def INPUT_TYPES(cls) -> Inputs:
        # ComfyUI offers "pixel_space" last, whatever the folder holds.
        return {"required": {"vae_name": ([*list_models("vae"), "pixel_space"],)}}

    def load_vae(self, vae_name: str) -> tuple[Vae]:
        return (Vae(vae_name),)


class ControlNetLoader:
    """Takes a ControlNet from the shelf."""

    RETURN_TYPES = ("CONTROL_NET",)
    FUNCTION = "load_controlnet"
    CATEGORY = "loaders"

    @classmethod
    def INPUT_TYPES(cls) -> Inputs:
        return {"required": {"control_net_name": (list_models("controlnet"),)}}

    def load_controlnet(self, control_net_name: str) -> tuple[ControlNet]:
        return (ControlNet(control_net_name),)


class UpscaleModelLoader:
    """Takes an upscaling model from the shelf."""

    RETURN_TYPES = ("UPSCALE_MODEL",)
    FUNCTION = "load_model"
    CATEGORY = "loaders"
    IS_SCHEMA_NODE: ClassVar[bool] = True
    RELATIVE_PYTHON_MODULE = "comfy_extras.nodes_upscale_model"

    @classmethod
    def INPUT_TYPES(cls) -> Inputs:
        options = {"multiselect": False, "options": list_models("upscale_models")}
        return {"required": {"model_name": ("COMBO", options)}}

    def load_model(self, model_name: str) -> tuple[UpscaleModel]:
        return (UpscaleModel(model_name),)


class UNETLoader:
    """Takes a diffusion model without text encoder and VAE."""

    RETURN_TYPES = ("MODEL",)
    FUNCTION = "load_unet"
    CATEGORY = "advanced/loaders"

    @classmethod
    def INPUT_TYPES(cls) -> Inputs:
        precisions = ["default", "fp8_e4m3fn", "fp8_e4m3fn_fast", "fp8_e5m2"]
        names = list_models("diffusion_models")
        return {"required": {"unet_name": (names,), "weight_dtype": (precisions,)}}

    def load_unet(self, unet_name: str, weight_dtype: str) -> tuple[Model]:
        residence.load(unet_name, current())
        return (Model(unet_name),)


class CLIPLoader:
    """Takes a text encoder from the shelf."""

    RETURN_TYPES = ("CLIP",)
    FUNCTION = "load_clip"
    CATEGORY = "advanced/loaders"
    DESCRIPTION = "Takes one text encoder; the type says which model family it is for."

    @classmethod
    def INPUT_TYPES(cls) -> Inputs:
        return {
            "required": {"clip_name": (list_models("text_encoders"),), "type": (_CLIP_KINDS,)},
            "optional": {"device": _DEVICE},
        }

    def load_clip(self, clip_name: str, **hints: str) -> tuple[Clip]:
        return (Clip(clip_name),)


class DualCLIPLoader:
    """Takes two text encoders that work together."""

    RETURN_TYPES = ("CLIP",)
    FUNCTION = "load_clip"
    CATEGORY = "advanced/loaders"
    DESCRIPTION = "Takes two text encoders; the type says which model family they are for."

    @classmethod
    def INPUT_TYPES(cls) -> Inputs:
        names = list_models("text_encoders")
        return {
            "required": {
                "clip_name1": (names,),
                "clip_name2": (names,),
                "type": (_DUAL_CLIP_KINDS,),
            },
            "optional": {"device": _DEVICE},
        }

    def load_clip(self, clip_name1: str, clip_name2: str, **hints: str) -> tuple[Clip]:
        return (Clip(f"{clip_name1}+{clip_name2}"),)


NODE_CLASS_MAPPINGS: dict[str, type] = {
    "CheckpointLoaderSimple": CheckpointLoaderSimple,
    "LoraLoader": LoraLoader,
    "LoraLoaderModelOnly": LoraLoaderModelOnly,
    "VAELoader": VAELoader,
    "ControlNetLoader": ControlNetLoader,
    "UpscaleModelLoader": UpscaleModelLoader,
    "UNETLoader": UNETLoader,
    "CLIPLoader": CLIPLoader,
    "DualCLIPLoader": DualCLIPLoader,
}
NODE_DISPLAY_NAME_MAPPINGS: dict[str, str] = {
    "CheckpointLoaderSimple": "Load Checkpoint",
    "LoraLoader": "Load LoRA",
    "VAELoader": "Load VAE",
    "ControlNetLoader": "Load ControlNet Model",
    "UpscaleModelLoader": "Load Upscale Model",
    "UNETLoader": "Load Diffusion Model",
    "CLIPLoader": "Load CLIP",
}
