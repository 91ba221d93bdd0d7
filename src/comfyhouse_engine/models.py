"""The models this engine offers, and the values that run along MODEL, CLIP and VAE links.

There are no weights. A name on the shelf is all a model is; the painter derives a style from it.
"""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from comfyhouse_engine.switches import Switches

FOLDERS = (
    "checkpoints",
    "configs",
    "loras",
    "vae",
    "text_encoders",
    "diffusion_models",
    "clip_vision",
    "style_models",
    "embeddings",
    "diffusers",
    "vae_approx",
    "controlnet",
    "gligen",
    "upscale_models",
    "custom_nodes",
    "hypernetworks",
    "photomaker",
    "classifiers",
    "model_patches",
    "audio_encoders",
)
"""Folder names in the order in which ComfyUI's GET /models lists them."""

_DEFAULTS: Mapping[str, tuple[str, ...]] = {
    "checkpoints": ("sandbox-painter.safetensors", "sandbox-xl-painter.safetensors"),
    "loras": ("blue-hour.safetensors", "warm-light.safetensors"),
    "vae": ("sandbox-flux-vae.safetensors", "sandbox-vae.safetensors"),
    "text_encoders": (
        "sandbox-flux-words-l.safetensors",
        "sandbox-flux-words-t5.safetensors",
        "sandbox-words-g.safetensors",
        "sandbox-words.safetensors",
    ),
    "diffusion_models": ("sandbox-flux-painter.safetensors", "sandbox-painter.safetensors"),
    "controlnet": (
        "sandbox-canny.safetensors",
        "sandbox-depth.safetensors",
        "sandbox-flux-canny.safetensors",
        "sandbox-openpose.safetensors",
        "sandbox-scribble.safetensors",
        "sandbox-xl-union.safetensors",
    ),
    "upscale_models": ("sandbox-2x.pth", "sandbox-4x.pth"),
}

Loras = tuple[tuple[str, float], ...]
"""(file name, strength) in the order in which they were applied."""


class BadShelf(Exception):
    """The shelf file is not an object of folder names and lists of file names."""


@dataclass(frozen=True)
class Model:
    """What runs along a MODEL link. `shift` is what ModelSamplingFlux set, if it did."""

    name: str
    loras: Loras = ()
    shift: float | None = None


@dataclass(frozen=True)
class Clip:
    """What runs along a CLIP link; `stop_at_layer` is -1 (last) to -24."""

    name: str
    loras: Loras = ()
    stop_at_layer: int = -1


@dataclass(frozen=True)
class Vae:
    """What runs along a VAE link; it decodes latents of `channels` channels."""

    name: str
    channels: int = 4


@dataclass(frozen=True)
class ControlNet:
    """What runs along a CONTROL_NET link; `mode` is what a union of several was set to."""

    name: str
    mode: str = ""

    @property
    def kind(self) -> str:
        """What it reads: a union tells it by its mode, any other one by its name."""
        return self.mode or self.name


@dataclass(frozen=True)
class UpscaleModel:
    """What runs along an UPSCALE_MODEL link; `scale` is the factor it enlarges by."""

    name: str

    @property
    def scale(self) -> int:
        """The factor that the name speaks of (`2x`, `x4`), else 4."""
        found = re.search(r"(\d)x|x(\d)", self.name.lower())
        return int(found[1] or found[2]) if found else 4


@dataclass(frozen=True)
class ModelShelf:
    """File names by folder."""

    folders: Mapping[str, tuple[str, ...]] = field(default_factory=lambda: _DEFAULTS)

    @classmethod
    def from_json(cls, path: Path) -> "ModelShelf":
        """Read `{"checkpoints": ["a.safetensors"], ...}`; folders not named are empty.

        Raises BadShelf, OSError.
        """
        try:
            loaded = json.loads(path.read_text(encoding="utf-8"))
        except ValueError as error:
            raise BadShelf(f"{path.name} is not JSON: {error}") from error
        if not isinstance(loaded, dict):
            raise BadShelf(f"{path.name} must hold an object of folder names")
        for folder, names in loaded.items():
            if not isinstance(names, list) or not all(isinstance(name, str) for name in names):
                raise BadShelf(f"{path.name}: {folder!r} must hold a list of file names")
        return cls({folder: tuple(names) for folder, names in loaded.items()})


_PAINTERS = ("checkpoints", "diffusion_models")
_shelf = ModelShelf()
_switches = Switches()


def set_shelf(shelf: ModelShelf, switches: Switches | None = None) -> None:
    """Make `shelf` the one that every loader offers; `switches.no_checkpoints` can empty it."""
    global _shelf, _switches
    _shelf = shelf
    _switches = switches or Switches()


def list_folders() -> list[str]:
    """Return ComfyUI's folder names, then those that only this shelf has."""
    return [*FOLDERS, *(name for name in _shelf.folders if name not in FOLDERS)]


def list_models(folder: str) -> list[str]:
    """Return the file names in `folder`; none for an unknown folder."""
    if folder in _PAINTERS and _switches.no_checkpoints:
        return []
    return list(_shelf.folders.get(folder, ()))
