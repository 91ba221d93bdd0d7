"""Short spellings of ComfyUI's input declarations.

Nodes written against ComfyUI's newer schema answer /object_info in a slightly different shape:
`("IMAGE", {})` for `("IMAGE",)` and `("COMBO", {"options": [...]})` for `([...],)`. Such classes
set IS_SCHEMA_NODE and use the `schema_` functions.
"""

from typing import Any

Declared = tuple[Any, ...]

LARGEST_SIDE = 16384
SCALE_METHODS = ("nearest-exact", "bilinear", "area", "bicubic", "lanczos")


def integer(default: int, low: int, high: int, step: int | None = 1, **more: Any) -> Declared:
    """Declare an INT from `low` to `high`."""
    options: dict[str, Any] = {"default": default, "min": low, "max": high}
    if step is not None:
        options["step"] = step
    return ("INT", {**options, **more})


def number(default: float, low: float, high: float, step: float, **more: Any) -> Declared:
    """Declare a FLOAT from `low` to `high`."""
    return ("FLOAT", {"default": default, "min": low, "max": high, "step": step, **more})


def choice(*options: str, **more: Any) -> Declared:
    """Declare a choice among `options`."""
    return (list(options), more) if more else (list(options),)


def schema_choice(*options: str, **more: Any) -> Declared:
    """Declare a choice the way newer nodes do."""
    return ("COMBO", {"multiselect": False, "options": list(options), **more})
