"""Nodes that write and read latents, as safetensors files like ComfyUI's.

Format: 8 bytes length, JSON header, raw little-endian data
(https://huggingface.co/docs/safetensors). Our files carry one tensor more, the painter's pixels.
"""

import json
import math
import struct
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from comfyhouse_engine.nodes.places import (
    get_folders,
    has_file,
    hash_file,
    list_input_files,
    locate_file,
)
from comfyhouse_engine.nodes.save import HIDDEN
from comfyhouse_engine.nodes.save_path import plan_save
from comfyhouse_engine.nodes.tensors import Floats, Inputs

_SAMPLES = "latent_tensor"
_VERSION = "latent_format_version_0"
_PIXELS = "comfyhouse_pixels"
_OLD_SCALE = 1.0 / 0.18215
"""Files without the version mark hold latents divided by SD 1's scale factor."""

_DTYPES = {"F32": "<f4", "F16": "<f2", "F64": "<f8"}
_LARGEST_HEADER = 100 * 1024 * 1024


class UnreadableLatent(Exception):
    """The file is not a safetensors file with a latent in it."""


class SaveLatent:
    """Writes a latent."""

    RETURN_TYPES: tuple[str, ...] = ()
    FUNCTION = "save"
    OUTPUT_NODE = True
    CATEGORY = "_for_testing"

    @classmethod
    def INPUT_TYPES(cls) -> Inputs:
        return {
            "required": {
                "samples": ("LATENT",),
                "filename_prefix": ("STRING", {"default": "latents/ComfyUI"}),
            },
            "hidden": dict(HIDDEN),
        }

    def save(
        self,
        samples: dict[str, Any],
        filename_prefix: str = "ComfyUI",
        prompt: Any = None,
        extra_pnginfo: dict[str, Any] | None = None,
    ) -> dict[str, Any]:
        plan = plan_save(filename_prefix, get_folders().output)
        name = plan.file_name("latent")
        tensors: dict[str, Floats] = {
            _SAMPLES: samples["samples"],
            _VERSION: np.zeros(0, np.float32),
        }
        if samples.get("pixels") is not None:
            tensors[_PIXELS] = samples["pixels"]
        texts = {"prompt": json.dumps(prompt)} if prompt is not None else {}
        texts |= {key: json.dumps(value) for key, value in (extra_pnginfo or {}).items()}
        _write_tensors(plan.folder / name, tensors, texts)
        return {"ui": {"latents": [plan.entry(name, "output")]}}


class LoadLatent:
    """Reads a latent from the input folder."""

    RETURN_TYPES = ("LATENT",)
    FUNCTION = "load"
    CATEGORY = "_for_testing"

    @classmethod
    def INPUT_TYPES(cls) -> Inputs:
        files = [name for name in list_input_files() if name.endswith(".latent")]
        return {"required": {"latent": (files,)}}

    @classmethod
    def IS_CHANGED(cls, latent: str) -> str:
        return hash_file(latent)

    @classmethod
    def VALIDATE_INPUTS(cls, latent: str) -> bool | str:
        return has_file(latent) or f"Invalid latent file: {latent}"

    def load(self, latent: str) -> tuple[dict[str, Floats]]:
        tensors = _read_tensors(locate_file(latent))
        if _SAMPLES not in tensors:
            raise UnreadableLatent(f"{latent} holds no {_SAMPLES}")
        scale = 1.0 if _VERSION in tensors else _OLD_SCALE
        loaded = {"samples": tensors[_SAMPLES] * np.float32(scale)}
        if _PIXELS in tensors:
            loaded["pixels"] = tensors[_PIXELS]
        return (loaded,)


def _write_tensors(path: Path, tensors: dict[str, Floats], texts: dict[str, str]) -> None:
    header: dict[str, Any] = {"__metadata__": texts} if texts else {}
    data = bytearray()
    for name, tensor in tensors.items():
        start = len(data)
        data += np.ascontiguousarray(tensor, "<f4").tobytes()
        offsets = [start, len(data)]
        header[name] = {"dtype": "F32", "shape": list(tensor.shape), "data_offsets": offsets}
    text = json.dumps(header).encode()
    text += b" " * (-len(text) % 8)
    path.write_bytes(struct.pack("<Q", len(text)) + text + data)


def _read_tensors(path: Path) -> dict[str, Floats]:
    content = path.read_bytes()
    try:
        (length,) = struct.unpack_from("<Q", content)
        if length > _LARGEST_HEADER:
            raise ValueError("header too long")
        header = json.loads(content[8 : 8 + length])
        data = memoryview(content)[8 + length :]
        return {
            name: _read_tensor(entry, data)
            for name, entry in header.items()
            if name != "__metadata__"
        }
    except (struct.error, ValueError, KeyError, TypeError, AttributeError) as error:
        raise UnreadableLatent(f"Error while deserializing header of {path.name}") from error


def _read_tensor(entry: dict[str, Any], data: memoryview) -> Floats:
    start, _ = entry["data_offsets"]
    shape = entry["shape"]
    values: NDArray[Any] = np.frombuffer(
        data, _DTYPES[entry["dtype"]], count=math.prod(shape), offset=start
    )
    return values.astype(np.float32).reshape(shape)


NODE_CLASS_MAPPINGS: dict[str, type] = {"SaveLatent": SaveLatent, "LoadLatent": LoadLatent}
