"""From the JSON Schema of declared inputs to the fields of a form."""

from collections.abc import Mapping
from typing import Any

from comfyhoused.api.console.controls import SWITCHED_ON, Control, ControlKind, Option

_LABELS = {
    "prompt": "Describe the picture",
    "negative_prompt": "What to keep out",
    "image": "The picture",
    "init_image": "The picture to start from",
    "mask_image": "The mask",
    "control_image": "The picture to follow",
    "controlnet_type": "What that picture shows",
    "controlnet_strength": "How closely to follow it",
    "controlnet_preprocess": "Make the map from it",
    "strength": "How much to change",
    "num_images": "Pictures",
    "cfg_scale": "How closely to follow the words",
    "sampler_name": "Sampler",
    "factor": "How many times larger",
    "output_format": "Format",
    "watermark": "Mark",
    "loras": "LoRAs",
}
_HINTS = {
    "mask_image": "White is painted anew; where it is black, not one pixel changes.",
    "watermark": "A text, written small into a corner.",
    "loras": "A name a line, and how strongly it acts: `film 0.8`.",
}
_PLACEHOLDERS = {"seed": "A new one", "watermark": "None", "negative_prompt": "Nothing"}
#: Beside what a template needs, these stand open; the rest is folded away.
_OPEN = ("strength", "width", "height", "seed", "num_images", "factor")
_SHORT_TEXT = 300


def list_controls(
    schema: Mapping[str, Any], *, root: str = "", folds: bool = False
) -> tuple[Control, ...]:
    """Return a control for each property; pointers begin with `root`.

    `folds`: what is neither needed nor among the usual ones is marked as extra.
    """
    needed = schema.get("required", ())
    return tuple(
        _make_control(name, part, root, name in needed, folds)
        for name, part in schema["properties"].items()
        if part.get("type") != "array" or part["items"]["properties"]["name"]["enum"]
    )


def _make_control(
    name: str, schema: Mapping[str, Any], root: str, is_needed: bool, folds: bool
) -> Control:
    kind = _choose_kind(name, schema)
    default = schema.get("default")
    hint = schema.get("description", "") if not folds else _HINTS.get(name, "")
    return Control(
        name=name,
        kind=kind,
        pointer=f"{root}/{name}",
        label=_label(name, schema, folds),
        hint=hint,
        is_required=is_needed,
        is_extra=folds and not is_needed and name not in _OPEN,
        value=_write_default(kind, default),
        placeholder="" if is_needed else _PLACEHOLDERS.get(name, "The default"),
        is_whole="integer" in _list_types(schema),
        options=_list_options(schema),
        longest=schema.get("maxLength"),
    )


def _write_default(kind: ControlKind, default: object) -> str:
    if kind == "switch":
        return SWITCHED_ON if default else ""
    return "" if default in (None, False) or isinstance(default, list) else _write(default)


def _label(name: str, schema: Mapping[str, Any], folds: bool) -> str:
    if not folds and schema.get("title"):
        return str(schema["title"])
    return _LABELS.get(name, name.replace("_", " ").capitalize())


def _choose_kind(name: str, schema: Mapping[str, Any]) -> ControlKind:
    types = _list_types(schema)
    if schema.get("contentMediaType") or schema.get("x-input-type") in ("image", "mask"):
        return "picture"
    if "enum" in schema or ("boolean" in types and "default" not in schema):
        return "choice"
    if types == ["boolean"]:
        return "switch"
    if "integer" in types or "number" in types:
        return "number"
    if "array" in types:
        return "loras"
    is_long = (schema.get("maxLength") or 0) > _SHORT_TEXT and name != "watermark"
    return "text" if is_long else "line"


def _list_types(schema: Mapping[str, Any]) -> list[str]:
    kinds = schema.get("type", [])
    return [kinds] if isinstance(kinds, str) else list(kinds)


def _list_options(schema: Mapping[str, Any]) -> tuple[Option, ...]:
    values = schema.get("enum", (True, False) if schema.get("type") == "boolean" else ())
    return tuple(Option(_write(value), value) for value in values)


def _write(value: object) -> str:
    if isinstance(value, bool):
        return "Yes" if value else "No"
    return f"{value:g}" if isinstance(value, float) else str(value)
