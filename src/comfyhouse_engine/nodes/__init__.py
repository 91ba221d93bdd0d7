"""Every node class the engine offers, by ComfyUI's name.

`use_folders(Folders)` must be called once before nodes list, read or write files, and before
INPUT_TYPES of the loaders is asked for.
"""

from comfyhouse_engine.nodes import (
    blur,
    canvas,
    load,
    loaders,
    save,
    scaling,
)
from comfyhouse_engine.nodes.places import use_folders

__all__ = ["NODE_CLASS_MAPPINGS", "NODE_DISPLAY_NAME_MAPPINGS", "use_folders"]

_MODULES = (blur, canvas, load, loaders, save, scaling)

NODE_CLASS_MAPPINGS: dict[str, type] = {
    name: node for module in _MODULES for name, node in module.NODE_CLASS_MAPPINGS.items()
}
NODE_DISPLAY_NAME_MAPPINGS: dict[str, str] = {
    name: shown
    for module in _MODULES
    for name, shown in getattr(module, "NODE_DISPLAY_NAME_MAPPINGS", {}).items()
}
