"""A small catalogue and graphs for tests of workflows: distilled from what ComfyUI answers."""

from copy import deepcopy
from typing import Any

from comfyhoused.core.workflows.catalogue import parse_catalogue
from comfyhoused.core.workflows.policy import NodePolicy

CHECKPOINT = "painter.safetensors"
SAMPLERS = ["euler", "heun", "dpmpp_2m", *(f"sampler_{number}" for number in range(60))]
_SIZE = {"default": 512, "min": 16, "max": 16384, "step": 8}
_PIXELS = {"default": 512, "min": 0, "max": 16384, "step": 1}
_STRENGTH = {"default": 1.0, "min": -100.0, "max": 100.0, "step": 0.01}


def _describe(
    required: dict[str, Any],
    output: list[Any],
    *,
    optional: dict[str, Any] | None = None,
    **extra: Any,
) -> dict[str, Any]:
    inputs = {"required": required, "optional": optional or {}, "hidden": {"prompt": "PROMPT"}}
    return {"input": inputs, "output": output, "output_node": False, **extra}


def _describe_output(required: dict[str, Any], **extra: Any) -> dict[str, Any]:
    return {**_describe(required, []), "output_node": True, **extra}


OBJECT_INFO: dict[str, Any] = {
    "CheckpointLoaderSimple": _describe(
        {"ckpt_name": [[CHECKPOINT, "photo.ckpt"]]}, ["MODEL", "CLIP", "VAE"]
    ),
    "LoraLoader": _describe(
        {
            "model": ["MODEL"],
            "clip": ["CLIP"],
            "lora_name": [["warm.safetensors", "cold.safetensors"]],
            "strength_model": ["FLOAT", _STRENGTH],
            "strength_clip": ["FLOAT", _STRENGTH],
        },
        ["MODEL", "CLIP"],
    ),
    "CLIPTextEncode": _describe(
        {"text": ["STRING", {"multiline": True}], "clip": ["CLIP"]}, ["CONDITIONING"]
    ),
    "EmptyLatentImage": _describe(
        {
            "width": ["INT", _SIZE],
            "height": ["INT", _SIZE],
            "batch_size": ["INT", {"default": 1, "min": 1, "max": 4096}],
        },
        ["LATENT"],
    ),
    "KSampler": _describe(
        {
            "model": ["MODEL"],
            "seed": ["INT", {"default": 0, "min": 0, "max": 2**64 - 1}],
            "steps": ["INT", {"default": 20, "min": 1, "max": 10000}],
            "cfg": ["FLOAT", {"default": 8.0, "min": 0.0, "max": 100.0}],
            "sampler_name": [SAMPLERS],
            "scheduler": [["simple", "karras", "normal"]],
            "positive": ["CONDITIONING"],
            "negative": ["CONDITIONING"],
            "latent_image": ["LATENT"],
            "denoise": ["FLOAT", {"default": 1.0, "min": 0.0, "max": 1.0}],
        },
        ["LATENT"],
    ),
    "VAEDecode": _describe({"samples": ["LATENT"], "vae": ["VAE"]}, ["IMAGE"]),
    "VAEEncode": _describe({"pixels": ["IMAGE"], "vae": ["VAE"]}, ["LATENT"]),
    "RepeatLatentBatch": _describe(
        {"samples": ["LATENT"], "amount": ["INT", {"default": 1, "min": 1, "max": 64}]}, ["LATENT"]
    ),
    "EmptyImage": _describe(
        {
            "width": ["INT", {**_PIXELS, "min": 1}],
            "height": ["INT", {**_PIXELS, "min": 1}],
            "batch_size": ["INT", {"default": 1, "min": 1, "max": 4096}],
            "color": ["INT", {"default": 0, "min": 0, "max": 0xFFFFFF}],
        },
        ["IMAGE"],
    ),
    "LoadImage": _describe(
        {"image": [["stranger.png", "other.jpg"], {"image_upload": True}]}, ["IMAGE", "MASK"]
    ),
    "ImageScale": _describe(
        {
            "image": ["IMAGE"],
            "upscale_method": [["nearest-exact", "bilinear", "area", "bicubic", "lanczos"]],
            "width": ["INT", _PIXELS],
            "height": ["INT", _PIXELS],
            "crop": [["disabled", "center"]],
        },
        ["IMAGE"],
    ),
    "ImageInvert": _describe({"image": ["IMAGE"]}, ["IMAGE"]),
    "ImageCompositeMasked": _describe(
        {
            "destination": ["IMAGE"],
            "source": ["IMAGE"],
            "x": ["INT", _PIXELS],
            "y": ["INT", _PIXELS],
            "resize_source": ["BOOLEAN", {"default": False}],
        },
        ["IMAGE"],
        optional={"mask": ["MASK"]},
    ),
    "SolidMask": _describe({"value": ["FLOAT", {"min": 0.0, "max": 1.0}]}, ["MASK"]),
    "MaskToImage": _describe({"mask": ["MASK"]}, ["IMAGE"]),
    "PrimitiveString": _describe({"value": ["STRING", {}]}, ["STRING"]),
    "PrimitiveInt": _describe({"value": ["INT", {}]}, ["INT"]),
    "PrimitiveFloat": _describe({"value": ["FLOAT", {}]}, ["FLOAT"]),
    "LatentCut": _describe(
        {"samples": ["LATENT"], "dim": ["COMBO", {"multiselect": False, "options": ["x", "y"]}]},
        ["LATENT"],
    ),
    "UpscaleModelLoader": _describe({"model_name": ["COMBO", {"options": []}]}, ["UPSCALE_MODEL"]),
    "ControlNetLoader": _describe({"control_net_name": [["canny.safetensors"]]}, ["CONTROL_NET"]),
    "SaveImage": _describe_output(
        {"images": ["IMAGE"], "filename_prefix": ["STRING", {"default": "ComfyUI"}]}
    ),
    "PreviewImage": _describe_output({"images": ["IMAGE"]}),
    "MaskPreview": _describe_output({"mask": ["MASK"]}),
    "PreviewAny": _describe_output({"source": ["*", {}]}),
    "SaveImageWebsocket": _describe_output({"images": ["IMAGE"]}),
    "SaveLatent": _describe_output({"samples": ["LATENT"], "filename_prefix": ["STRING", {}]}),
    "LoadLatent": _describe({"latent": [["secret.latent"]]}, ["LATENT"]),
    "LoadImageSetFromFolderNode": _describe({"folder": [["private"], {}]}, ["IMAGE"]),
    "LoadImageOutput": _describe(
        {"image": ["COMBO", {"image_upload": True, "image_folder": "output", "remote": {}}]},
        ["IMAGE", "MASK"],
    ),
    "PaidPainter": _describe({"prompt": ["STRING", {}]}, ["IMAGE"], api_node=True),
    "StrangersFilter": _describe({"image": ["IMAGE"]}, ["IMAGE"]),
    "StrangersLoader": _describe({"video": [["a.MP4", "b.webm"]]}, ["IMAGE"]),
    "StrangersAnything": _describe({"source": ["*"]}, ["*"]),
    "StrangersChoice": _describe(
        {"level": [[1, 2, True]]}, [["x"]], optional={"unlisted": ["COMBO", {}]}
    ),
    "StrangersOutput": {
        **_describe({"images": ["IMAGE"]}, [], optional={"filename_prefix": ["STRING", {}]}),
        "output_node": True,
    },
    "ComfyhousePortrait": _describe({"image": ["IMAGE"]}, ["IMAGE"]),
}
"""As GET /object_info answers it, shortened; the Strangers' classes stand for custom nodes."""

CATALOGUE = parse_catalogue(OBJECT_INFO)
POLICY = NodePolicy()
STRANGERS = frozenset(name for name in OBJECT_INFO if name.startswith("Strangers"))

_TEXT_TO_IMAGE: dict[str, Any] = {
    "4": {"class_type": "CheckpointLoaderSimple", "inputs": {"ckpt_name": CHECKPOINT}},
    "5": {"class_type": "EmptyLatentImage", "inputs": {"width": 64, "height": 64, "batch_size": 1}},
    "6": {"class_type": "CLIPTextEncode", "inputs": {"text": "a cat", "clip": ["4", 1]}},
    "7": {"class_type": "CLIPTextEncode", "inputs": {"text": "bad", "clip": ["4", 1]}},
    "3": {
        "class_type": "KSampler",
        "inputs": {
            "seed": 1,
            "steps": 2,
            "cfg": 7.0,
            "sampler_name": "euler",
            "scheduler": "normal",
            "denoise": 1.0,
            "model": ["4", 0],
            "positive": ["6", 0],
            "negative": ["7", 0],
            "latent_image": ["5", 0],
        },
    },
    "8": {"class_type": "VAEDecode", "inputs": {"samples": ["3", 0], "vae": ["4", 2]}},
    "9": {"class_type": "SaveImage", "inputs": {"images": ["8", 0], "filename_prefix": "t2i"}},
}


def make_text_graph(**changes: dict[str, Any] | None) -> dict[str, Any]:
    """Return the classic seven nodes, 3 to 9. `_5={"width": 1}` changes inputs of node 5,
    a value of None removes the input.
    """
    graph = deepcopy(_TEXT_TO_IMAGE)
    for name, inputs in changes.items():
        for key, value in (inputs or {}).items():
            if value is None:
                del graph[name.lstrip("_")]["inputs"][key]
            else:
                graph[name.lstrip("_")]["inputs"][key] = value
    return graph


def make_image_graph(**more: Any) -> dict[str, Any]:
    """Return EmptyImage 1 → SaveImage 2, and further nodes by id (`_3={...}`)."""
    empty = {"width": 64, "height": 64, "batch_size": 1, "color": 0}
    return {
        "1": {"class_type": "EmptyImage", "inputs": empty},
        "2": {"class_type": "SaveImage", "inputs": {"images": ["1", 0], "filename_prefix": "x"}},
        **{name.lstrip("_"): deepcopy(node) for name, node in more.items()},
    }
