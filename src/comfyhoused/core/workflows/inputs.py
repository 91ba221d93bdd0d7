"""What one input of a node class takes, read from the server's `/object_info`."""

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from comfyhoused.core.workflows.graph import Scalar

SCALAR_TYPES = frozenset({"INT", "FLOAT", "STRING", "BOOLEAN", "COMBO"})
"""Types whose value may be written into the graph. Every other type needs a link."""

_SEEDS = ("seed", "noise_seed")
_UPLOAD_FLAGS = ("image_upload", "audio_upload", "video_upload", "file_upload", "image_folder")
_FOLDER_LISTINGS = frozenset(
    {
        ("LoadLatent", "latent"),
        ("LoadImageSetFromFolderNode", "folder"),
        ("LoadImageTextSetFromFolderNode", "folder"),
    }
)
_MEDIA_SUFFIXES = (
    *(".png", ".jpg", ".jpeg", ".webp", ".gif", ".bmp", ".tif", ".tiff", ".avif", ".heic"),
    *(".mp4", ".mov", ".webm", ".mkv", ".avi", ".mp3", ".wav", ".flac", ".ogg", ".opus"),
    *(".latent", ".glb", ".gltf", ".obj"),
)


@dataclass(frozen=True)
class InputSpec:
    """One input. `choices` is None where the server lists none, and always for files:
    those lists hold the names of strangers' uploads.

    `has_control` and `is_socket` are about ComfyUI's editor: whether a second value ("randomize")
    follows in its files, and whether it has no field for the value at all.
    """

    type: str
    required: bool
    choices: tuple[Scalar, ...] | None = None
    minimum: float | int | None = None
    maximum: float | int | None = None
    default: object = None
    is_file: bool = False
    has_control: bool = False
    is_socket: bool = False

    @property
    def is_widget(self) -> bool:
        """Tell whether the editor shows a field for it, and saves its value by position."""
        return self.type in SCALAR_TYPES and not self.is_socket


def parse_input(class_type: str, name: str, raw: object, *, required: bool) -> InputSpec | None:
    """Read one entry `[type or list of choices, options]`; None where it has no such shape."""
    if not isinstance(raw, list) or not raw:
        return None
    options = raw[1] if len(raw) > 1 and isinstance(raw[1], dict) else {}
    choices = _read_choices(raw[0], options)
    kind = "COMBO" if isinstance(raw[0], list) else raw[0]
    if not isinstance(kind, str):
        return None
    is_file = _is_file(class_type, name, choices or (), options)
    return InputSpec(
        type=kind,
        required=required,
        choices=None if is_file else choices,
        minimum=_read_bound(options.get("min")),
        maximum=_read_bound(options.get("max")),
        default=options.get("default"),
        is_file=is_file,
        has_control=bool(options.get("control_after_generate"))
        or (kind == "INT" and name in _SEEDS),
        is_socket=bool(options.get("forceInput")),
    )


def _read_choices(kind: object, options: Mapping[str, object]) -> tuple[Scalar, ...] | None:
    listed = kind if isinstance(kind, list) else options.get("options") if kind == "COMBO" else None
    if not isinstance(listed, list):
        return None
    return tuple(choice for choice in listed if isinstance(choice, str | int | float | bool))


def _read_bound(bound: object) -> float | int | None:
    if isinstance(bound, bool) or not isinstance(bound, int | float):
        return None
    return bound if isinstance(bound, int) or math.isfinite(bound) else None


def _is_file(
    class_type: str, name: str, choices: Iterable[Scalar], options: Mapping[str, object]
) -> bool:
    """Tell whether the input names a file of the server's folders.

    Core nodes say so by a flag. Custom nodes often only list the folder: then the
    endings give it away (a list of models has other ones).
    """
    if any(options.get(flag) for flag in _UPLOAD_FLAGS) or (class_type, name) in _FOLDER_LISTINGS:
        return True
    return any(isinstance(one, str) and one.lower().endswith(_MEDIA_SUFFIXES) for one in choices)
