"""Latents: empty, resized, masked, taken from and repeated in batches.

There is no neural VAE. `samples` hold eighth-size colours so that latents can be saved, blended
and shown; the full picture travels beside them as `pixels`, which makes encode → decode exact.
"""

from typing import Any, Required, TypedDict

import cv2
import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float32]
Inputs = dict[str, dict[str, tuple[Any, ...]]]

_GAIN = 4.0
_METHODS = ["nearest-exact", "bilinear", "area", "bicubic", "bislerp"]
_SIDE = {"default": 512, "min": 16, "max": 16384, "step": 8}
_FLAGS = {
    "nearest-exact": cv2.INTER_NEAREST_EXACT,
    "area": cv2.INTER_AREA,
    "bicubic": cv2.INTER_CUBIC,
}


class Latent(TypedDict, total=False):
    """samples [B, C, H/8, W/8]; pixels [B, H, W, 3] in 0..1; noise_mask [B, H, W], 1 = repaint;
    batch_index: which image of the first batch each one is (its seed is seed + index)."""

    samples: Required[Array]
    pixels: Array
    noise_mask: Array
    batch_index: list[int]


def encode_pixels(pixels: Array) -> Latent:
    """Return the latent of `pixels` [B, H, W, 3]; sides must be multiples of 8."""
    height, width = pixels.shape[1] // 8, pixels.shape[2] // 8
    small = np.stack([cv2.resize(one, (width, height), interpolation=cv2.INTER_AREA)
                      for one in pixels])  # fmt: skip
    light = small.mean(axis=3, keepdims=True)
    channels = (np.concatenate([small, light], axis=3) - 0.5) * _GAIN
    samples = np.ascontiguousarray(channels.transpose(0, 3, 1, 2), dtype=np.float32)
    return {"samples": samples, "pixels": pixels}


def decode_samples(samples: Array) -> Array:
    """Return soft pixels [B, H, W, 3] for a latent that carries none."""
    height, width = samples.shape[2] * 8, samples.shape[3] * 8
    colours = np.clip(samples[:, :3].transpose(0, 2, 3, 1) / _GAIN + 0.5, 0.0, 1.0)
    return np.stack([_resize(one, width, height, "bicubic") for one in colours])


def get_pixels(latent: Latent) -> Array:
    """Return the picture that a latent stands for."""
    pixels = latent.get("pixels")
    return decode_samples(latent["samples"]) if pixels is None else pixels


def crop_to_eights(pixels: Array) -> Array:
    """Cut [B, H, W, C] round its middle to sides that are multiples of 8, and to RGB."""
    top, left = pixels.shape[1] % 8 // 2, pixels.shape[2] % 8 // 2
    height, width = pixels.shape[1] // 8 * 8, pixels.shape[2] // 8 * 8
    return np.ascontiguousarray(pixels[:, top : top + height, left : left + width, :3])


def fit_mask(mask: Array, batch: int, width: int, height: int) -> Array:
    """Return `mask` as [batch, height, width]; one of the right size stays exact."""
    layers = mask.reshape((-1, mask.shape[-2], mask.shape[-1]))
    fitted = [_resize(one, width, height, "bilinear") for one in layers]
    return np.stack([fitted[index % len(fitted)] for index in range(batch)])


def _resize(picture: Array, width: int, height: int, method: str) -> Array:
    if picture.shape[:2] == (height, width):
        return picture
    flag = _FLAGS.get(method, cv2.INTER_LINEAR)
    resized = cv2.resize(picture, (width, height), interpolation=flag)
    return np.clip(resized, 0.0, 1.0).astype(np.float32)


def _resize_latent(latent: Latent, method: str, width: int, height: int, crop: bool) -> Latent:
    """Resize the pictures to `width` x `height` pixels, cropped to that shape first if asked."""
    pixels = get_pixels(latent)
    if crop:
        pixels = _crop_to_shape(pixels, width / height)
    resized = encode_pixels(np.stack([_resize(one, width, height, method) for one in pixels]))
    if "batch_index" in latent:
        resized["batch_index"] = latent["batch_index"]
    if "noise_mask" in latent:
        resized["noise_mask"] = fit_mask(latent["noise_mask"], len(pixels), width, height)
    return resized


def _crop_to_shape(pixels: Array, shape: float) -> Array:
    height, width = pixels.shape[1:3]
    left = max(0, round((width - height * shape) / 2))
    top = max(0, round((height - width / shape) / 2))
    return pixels[:, top : height - top, left : width - left]


def _pick(latent: Latent, indices: list[int]) -> Latent:
    """Return the images of a latent at `indices`, in that order."""
    count = len(latent["samples"])
    picked: Latent = {"samples": latent["samples"][indices]}
    if "pixels" in latent:
        picked["pixels"] = latent["pixels"][indices]
    if "noise_mask" in latent:
        mask = latent["noise_mask"]
        picked["noise_mask"] = mask[[index % len(mask) for index in indices]]
    known = latent.get("batch_index", list(range(count)))
    picked["batch_index"] = [known[index] for index in indices]
    return picked


class EmptyLatentImage:
    """An empty batch to paint on."""

    RETURN_TYPES = ("LATENT",)
    OUTPUT_TOOLTIPS = ("The empty batch.",)
    FUNCTION = "generate"
    CATEGORY = "latent"
    DESCRIPTION = "An empty batch for the sampler to paint on."

    @classmethod
    def INPUT_TYPES(cls) -> Inputs:
        count = {"default": 1, "min": 1, "max": 4096, "tooltip": "How many pictures."}
        return {
            "required": {
                "width": ("INT", {**_SIDE, "tooltip": "Width in pixels."}),
                "height": ("INT", {**_SIDE, "tooltip": "Height in pixels."}),
                "batch_size": ("INT", count),
            }
        }

    def generate(self, width: int, height: int, batch_size: int = 1) -> tuple[Latent]:
        shape = (batch_size, 4, height // 8, width // 8)
        return ({"samples": np.zeros(shape, dtype=np.float32)},)


class EmptySD3LatentImage:
    """An empty batch with the 16 channels that newer models use."""

    RETURN_TYPES = ("LATENT",)
    FUNCTION = "generate"
    CATEGORY = "latent/sd3"
    IS_SCHEMA_NODE = True
    RELATIVE_PYTHON_MODULE = "comfy_extras.nodes_sd3"

    @classmethod
    def INPUT_TYPES(cls) -> Inputs:
        side = {"default": 1024, "min": 16, "max": 16384, "step": 16}
        count = {"default": 1, "min": 1, "max": 4096}
        return {
            "required": {
                "width": ("INT", side),
                "height": ("INT", dict(side)),
                "batch_size": ("INT", count),
            }
        }

    def generate(self, width: int, height: int, batch_size: int = 1) -> tuple[Latent]:
        shape = (batch_size, 16, height // 8, width // 8)
        return ({"samples": np.zeros(shape, dtype=np.float32)},)


class LatentUpscale:
    """Resizes a latent to a given size."""

    RETURN_TYPES = ("LATENT",)
    FUNCTION = "upscale"
    CATEGORY = "latent"

    @classmethod
    def INPUT_TYPES(cls) -> Inputs:
        side = {"default": 512, "min": 0, "max": 16384, "step": 8}
        return {
            "required": {
                "samples": ("LATENT",),
                "upscale_method": (_METHODS,),
                "width": ("INT", side),
                "height": ("INT", dict(side)),
                "crop": (["disabled", "center"],),
            }
        }

    def upscale(
        self, samples: Latent, upscale_method: str, width: int, height: int, crop: str
    ) -> tuple[Latent]:
        rows, columns = samples["samples"].shape[2:]
        if width == 0 and height == 0:
            return (samples,)
        # A side of 0 follows the other one; ComfyUI never goes below 64 then.
        width = width or max(64, round(columns * max(64, height) / rows))
        height = height or max(64, round(rows * max(64, width) / columns))
        width, height = max(8, width // 8 * 8), max(8, height // 8 * 8)
        return (_resize_latent(samples, upscale_method, width, height, crop == "center"),)


class LatentUpscaleBy:
    """Resizes a latent by a factor."""

    RETURN_TYPES = ("LATENT",)
    FUNCTION = "upscale"
    CATEGORY = "latent"

    @classmethod
    def INPUT_TYPES(cls) -> Inputs:
        factor = {"default": 1.5, "min": 0.01, "max": 8.0, "step": 0.01}
        return {
            "required": {
                "samples": ("LATENT",),
                "upscale_method": (_METHODS,),
                "scale_by": ("FLOAT", factor),
            }
        }

    def upscale(self, samples: Latent, upscale_method: str, scale_by: float) -> tuple[Latent]:
        rows, columns = samples["samples"].shape[2:]
        width, height = (max(1, round(side * scale_by)) * 8 for side in (columns, rows))
        return (_resize_latent(samples, upscale_method, width, height, crop=False),)


class LatentFromBatch:
    """Takes some images of a batch; they keep their seeds."""

    RETURN_TYPES = ("LATENT",)
    FUNCTION = "frombatch"
    CATEGORY = "latent/batch"

    @classmethod
    def INPUT_TYPES(cls) -> Inputs:
        return {
            "required": {
                "samples": ("LATENT",),
                "batch_index": ("INT", {"default": 0, "min": 0, "max": 63}),
                "length": ("INT", {"default": 1, "min": 1, "max": 64}),
            }
        }

    def frombatch(self, samples: Latent, batch_index: int, length: int) -> tuple[Latent]:
        count = len(samples["samples"])
        first = min(count - 1, batch_index)
        return (_pick(samples, list(range(first, min(count, first + length)))),)


class RepeatLatentBatch:
    """Repeats a batch; each repetition gets seeds of its own."""

    RETURN_TYPES = ("LATENT",)
    FUNCTION = "repeat"
    CATEGORY = "latent/batch"

    @classmethod
    def INPUT_TYPES(cls) -> Inputs:
        amount = {"default": 1, "min": 1, "max": 64}
        return {"required": {"samples": ("LATENT",), "amount": ("INT", amount)}}

    def repeat(self, samples: Latent, amount: int) -> tuple[Latent]:
        count = len(samples["samples"])
        repeated = _pick(samples, list(range(count)) * amount)
        known = samples.get("batch_index", list(range(count)))
        span = max(known) - min(known) + 1
        repeated["batch_index"] = [known[i % count] + span * (i // count)
                                   for i in range(count * amount)]  # fmt: skip
        return (repeated,)


class SetLatentNoiseMask:
    """Says which part of a latent the sampler may repaint."""

    RETURN_TYPES = ("LATENT",)
    FUNCTION = "set_mask"
    CATEGORY = "latent/inpaint"

    @classmethod
    def INPUT_TYPES(cls) -> Inputs:
        return {"required": {"samples": ("LATENT",), "mask": ("MASK",)}}

    def set_mask(self, samples: Latent, mask: Array) -> tuple[Latent]:
        masked = samples.copy()
        masked["noise_mask"] = mask.reshape((-1, mask.shape[-2], mask.shape[-1]))
        return (masked,)


NODE_CLASS_MAPPINGS: dict[str, type] = {
    "EmptyLatentImage": EmptyLatentImage,
    "EmptySD3LatentImage": EmptySD3LatentImage,
    "LatentUpscale": LatentUpscale,
    "LatentUpscaleBy": LatentUpscaleBy,
    "LatentFromBatch": LatentFromBatch,
    "RepeatLatentBatch": RepeatLatentBatch,
    "SetLatentNoiseMask": SetLatentNoiseMask,
}
NODE_DISPLAY_NAME_MAPPINGS: dict[str, str] = {
    "EmptyLatentImage": "Empty Latent Image",
    "LatentUpscale": "Upscale Latent",
    "LatentUpscaleBy": "Upscale Latent By",
    "LatentFromBatch": "Latent From Batch",
    "RepeatLatentBatch": "Repeat Latent Batch",
    "SetLatentNoiseMask": "Set Latent Noise Mask",
}
