"""Catalogues of servers with models of our choice, from what the engine's nodes declare."""

import json
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from comfyhouse_engine.context import Folders
from comfyhouse_engine.models import ModelShelf, set_shelf
from comfyhouse_engine.nodes import NODE_CLASS_MAPPINGS, places
from comfyhoused.core.workflows.catalogue import Catalogue, parse_catalogue

SD15 = "v1-5-pruned-emaonly.safetensors"
SDXL = "sd_xl_base_1.0.safetensors"
FLUX = "flux1-schnell.safetensors"
FLUX_DEV = "flux1-dev-fp8.safetensors"

SHELF: Mapping[str, tuple[str, ...]] = {
    "checkpoints": (SD15, SDXL, FLUX_DEV, "sd3.5_medium.safetensors"),
    "diffusion_models": (FLUX, "wan2.1.safetensors"),
    "text_encoders": ("clip_l.safetensors", "t5xxl_fp8.safetensors"),
    "vae": ("ae.safetensors", "vae-ft-mse.safetensors"),
    "loras": ("detail_sd15.safetensors", "offset_sdxl.safetensors", "warm.safetensors"),
    "controlnet": (
        "control_v11p_sd15_canny.pth",
        "control_v11p_sd15_openpose.pth",
        "controlnet-union-sdxl-promax.safetensors",
        "diffusers_xl_depth.safetensors",
        "flux-canny-controlnet-v3.safetensors",
    ),
    "upscale_models": ("4x-UltraSharp.pth", "RealESRGAN_x2plus.pth", "mystery.pth"),
}


def make_object_info(shelf: Mapping[str, tuple[str, ...]] = SHELF) -> dict[str, Any]:
    """Return what GET /object_info of a server with these models would answer."""
    set_shelf(ModelShelf(shelf))
    with tempfile.TemporaryDirectory() as folder:
        places.use_folders(Folders(Path(folder), Path(folder), Path(folder)))
        info = {name: _describe(node) for name, node in NODE_CLASS_MAPPINGS.items()}
    set_shelf(ModelShelf())
    return dict(json.loads(json.dumps(info)))


def _describe(node: Any) -> dict[str, Any]:
    return {
        "input": node.INPUT_TYPES(),
        "output": node.RETURN_TYPES,
        "output_node": getattr(node, "OUTPUT_NODE", False),
    }


def make_catalogue(
    without: tuple[str, ...] = (),
    extra: Mapping[str, Any] | None = None,
    **folders: tuple[str, ...],
) -> Catalogue:
    """Return the catalogue; `folders` replace those of the shelf, `without` lacks node classes."""
    info = {**make_object_info({**SHELF, **folders}), **(extra or {})}
    return parse_catalogue({name: raw for name, raw in info.items() if name not in without})
