"""Every node class the engine offers, by ComfyUI's name.

`use_folders(Folders)` must be called once before nodes list, read or write files, and before
INPUT_TYPES of the loaders is asked for.

Beyond ComfyUI's own class attributes there is one, for /object_info alone: IS_SCHEMA_NODE marks a
node that ComfyUI declares in its newer way (see `inputs`).
"""

from comfyhouse_engine.nodes import (
    alpha,
    animation,
    batches,
    blend,
    blur,
    canvas,
    colour,
    composite,
    edges,
    latent_files,
    load,
    loaders,
    look,
    mask_shapes,
    masks,
    porter_duff,
    primitives,
    quantize,
    sampling,
    save,
    scaling,
    stitch,
    strings,
    transform,
    video,
)
from comfyhouse_engine.nodes.places import use_folders

__all__ = ["NODE_CLASS_MAPPINGS", "NODE_DISPLAY_NAME_MAPPINGS", "use_folders"]

_MODULES = (
    loaders,
    sampling,
    latent_files,
    load,
    save,
    animation,
    video,
    canvas,
    scaling,
    transform,
    stitch,
    batches,
    blend,
    blur,
    quantize,
    colour,
    edges,
    composite,
    porter_duff,
    alpha,
    masks,
    mask_shapes,
    look,
    primitives,
    strings,
)

NODE_CLASS_MAPPINGS: dict[str, type] = {
    name: node for module in _MODULES for name, node in module.NODE_CLASS_MAPPINGS.items()
}
NODE_DISPLAY_NAME_MAPPINGS: dict[str, str] = {
    name: shown
    for module in _MODULES
    for name, shown in getattr(module, "NODE_DISPLAY_NAME_MAPPINGS", {}).items()
}
