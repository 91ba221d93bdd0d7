"""The VAE's place in a graph: pixels into latents and back, for inpainting too."""

from typing import Any, ClassVar

import cv2
import numpy as np

from comfyhouse_engine.models import Vae
from comfyhouse_engine.nodes.conditioning import Conditioning
from comfyhouse_engine.nodes.latents import (
    Array,
    Latent,
    crop_to_eights,
    encode_pixels,
    fit_mask,
    get_pixels,
)

Inputs = dict[str, dict[str, tuple[Any, ...]]]


class VAEEncode:
    """Turns pixels into a latent."""

    RETURN_TYPES = ("LATENT",)
    FUNCTION = "encode"
    CATEGORY = "latent"

    @classmethod
    def INPUT_TYPES(cls) -> Inputs:
        return {"required": {"pixels": ("IMAGE",), "vae": ("VAE",)}}

    def encode(self, vae: Vae, pixels: Array) -> tuple[Latent]:
        return (encode_pixels(crop_to_eights(pixels)),)


class VAEEncodeForInpaint:
    """Turns pixels into a latent whose masked part is empty and may be repainted."""

    RETURN_TYPES = ("LATENT",)
    FUNCTION = "encode"
    CATEGORY = "latent/inpaint"

    @classmethod
    def INPUT_TYPES(cls) -> Inputs:
        grow = {"default": 6, "min": 0, "max": 64, "step": 1}
        return {
            "required": {
                "pixels": ("IMAGE",),
                "vae": ("VAE",),
                "mask": ("MASK",),
                "grow_mask_by": ("INT", grow),
            }
        }

    def encode(self, vae: Vae, pixels: Array, mask: Array, grow_mask_by: int = 6) -> tuple[Latent]:
        batch, height, width = pixels.shape[:3]
        whole = fit_mask(mask, batch, width, height)
        mask = crop_to_eights(whole[..., None])[..., 0]
        pixels = crop_to_eights(pixels)
        kernel = np.ones((max(1, grow_mask_by),) * 2, dtype=np.uint8)
        latent = encode_pixels(np.where(mask.round()[..., None] > 0, np.float32(0.5), pixels))
        latent["noise_mask"] = np.stack([cv2.dilate(one.round(), kernel) for one in mask])
        return (latent,)


class InpaintModelConditioning:
    """Prepares both prompts and the latent for an inpainting model."""

    RETURN_TYPES = ("CONDITIONING", "CONDITIONING", "LATENT")
    RETURN_NAMES = ("positive", "negative", "latent")
    FUNCTION = "encode"
    CATEGORY = "conditioning/inpaint"

    @classmethod
    def INPUT_TYPES(cls) -> Inputs:
        noise_mask = {"default": True, "tooltip": "Repaint inside the mask only."}
        return {
            "required": {
                "positive": ("CONDITIONING",),
                "negative": ("CONDITIONING",),
                "vae": ("VAE",),
                "pixels": ("IMAGE",),
                "mask": ("MASK",),
                "noise_mask": ("BOOLEAN", noise_mask),
            }
        }

    def encode(
        self,
        positive: Conditioning,
        negative: Conditioning,
        pixels: Array,
        vae: Vae,
        mask: Array,
        noise_mask: bool = True,
    ) -> tuple[Conditioning, Conditioning, Latent]:
        latent = encode_pixels(crop_to_eights(pixels))
        if noise_mask:
            batch, height, width = pixels.shape[:3]
            whole = fit_mask(mask, batch, width, height)
            latent["noise_mask"] = crop_to_eights(whole[..., None])[..., 0]
        return positive, negative, latent


class VAEDecode:
    """Turns a latent back into pixels."""

    RETURN_TYPES = ("IMAGE",)
    OUTPUT_TOOLTIPS: ClassVar[tuple[str, ...] | None] = ("The picture.",)
    FUNCTION = "decode"
    CATEGORY = "latent"
    DESCRIPTION = "Turns latents back into pictures."

    @classmethod
    def INPUT_TYPES(cls) -> Inputs:
        return {
            "required": {
                "samples": ("LATENT", {"tooltip": "The latent to decode."}),
                "vae": ("VAE", {"tooltip": "The VAE that decodes it."}),
            }
        }

    def decode(self, vae: Vae, samples: Latent) -> tuple[Array]:
        shape = samples["samples"].shape
        if shape[1] != vae.channels:
            # The words of the recorded error, so that clients recognise the mistake.
            raise RuntimeError(
                f"Given groups=1, weight of size [{vae.channels}, {vae.channels}, 1, 1], expected "
                f"input{list(shape)} to have {vae.channels} channels, "
                f"but got {shape[1]} channels instead"
            )
        return (get_pixels(samples),)


class VAEDecodeTiled(VAEDecode):
    """VAEDecode for big pictures; tiles change nothing here."""

    OUTPUT_TOOLTIPS = None
    FUNCTION = "decode_tiled"
    CATEGORY = "_for_testing"
    DESCRIPTION = ""

    @classmethod
    def INPUT_TYPES(cls) -> Inputs:
        frames = {"min": 4, "max": 4096, "step": 4, "tooltip": "For video only."}
        return {
            "required": {
                "samples": ("LATENT",),
                "vae": ("VAE",),
                "tile_size": ("INT", {"default": 512, "min": 64, "max": 4096, "step": 32}),
                "overlap": ("INT", {"default": 64, "min": 0, "max": 4096, "step": 32}),
                "temporal_size": ("INT", {"default": 64, **frames, "min": 8}),
                "temporal_overlap": ("INT", {"default": 8, **frames}),
            }
        }

    def decode_tiled(self, vae: Vae, samples: Latent, **tiling: int) -> tuple[Array]:
        return self.decode(vae, samples)


NODE_CLASS_MAPPINGS: dict[str, type] = {
    "VAEEncode": VAEEncode,
    "VAEEncodeForInpaint": VAEEncodeForInpaint,
    "InpaintModelConditioning": InpaintModelConditioning,
    "VAEDecode": VAEDecode,
    "VAEDecodeTiled": VAEDecodeTiled,
}
NODE_DISPLAY_NAME_MAPPINGS: dict[str, str] = {
    "VAEEncode": "VAE Encode",
    "VAEEncodeForInpaint": "VAE Encode (for Inpainting)",
    "VAEDecode": "VAE Decode",
    "VAEDecodeTiled": "VAE Decode (Tiled)",
}
