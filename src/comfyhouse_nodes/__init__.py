"""Comfyhouse's node pack: loads from a ComfyUI's custom_nodes folder, and in our engine.

Inside ComfyUI it registers the fence, the boot id and the file clean-up on import. Imported
anywhere else it does nothing by itself. ComfyUI loads the folder under a name of its own
making, hence the relative imports; its Python may be as old as 3.9.
"""

from __future__ import annotations

import sys

from .comfyui import find_prompt_server, register

NODE_CLASS_MAPPINGS: dict[str, type] = {}
NODE_DISPLAY_NAME_MAPPINGS: dict[str, str] = {}

_prompt_server = find_prompt_server(sys.modules)
if _prompt_server is not None:
    register(_prompt_server, sys.modules["folder_paths"])
