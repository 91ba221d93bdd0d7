"""Comfyhouse's node pack: loads from a ComfyUI's custom_nodes folder, and in our engine.

Inside ComfyUI it registers the fence, the boot id, the file clean-up and the photo nodes on
import. Imported anywhere else it does nothing by itself. ComfyUI loads the folder under a name of
its own making, hence the relative imports; its Python may be as old as 3.9.
"""

from __future__ import annotations

import logging
import sys

from .comfyui import find_prompt_server, register

NODE_CLASS_MAPPINGS: dict[str, type] = {}
NODE_DISPLAY_NAME_MAPPINGS: dict[str, str] = {}

_prompt_server = find_prompt_server(sys.modules)
if _prompt_server is not None:
    register(_prompt_server, sys.modules["folder_paths"])
    # Only here: a program of ours that installs the pack shall not load OpenCV for it.
    try:
        from .photo import nodes as _photo
    except ModuleNotFoundError as error:
        if error.name not in {"cv2", "numpy"}:
            raise
        logging.getLogger(__name__).warning(
            "Comfyhouse's photo nodes are off: %s is missing. Into ComfyUI's Python install "
            "opencv-python-headless, then restart.",
            error.name,
        )
    else:
        NODE_CLASS_MAPPINGS.update(_photo.NODE_CLASS_MAPPINGS)
        NODE_DISPLAY_NAME_MAPPINGS.update(_photo.NODE_DISPLAY_NAME_MAPPINGS)
