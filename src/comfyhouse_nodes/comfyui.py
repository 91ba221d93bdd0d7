"""Registers the pack in a real ComfyUI, which loads its folder from custom_nodes/."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from types import ModuleType
from typing import Any, Protocol

from aiohttp import web

from .cleanup import Folders
from .fence import Fence
from .routes import HELLO_PATH, make_routes


class PromptServer(Protocol):
    """What we use of ComfyUI's server object (`server.PromptServer.instance`)."""

    routes: web.RouteTableDef

    def add_on_prompt_handler(self, handler: Callable[[Any], Any]) -> None: ...


def find_prompt_server(modules: Mapping[str, ModuleType]) -> PromptServer | None:
    """Return ComfyUI's server object, or None in a process that is not ComfyUI.

    ComfyUI has imported its `server` before it loads custom nodes. Looking into the loaded
    modules instead of importing keeps us from running somebody's file that is called so.
    """
    server_class = getattr(modules.get("server"), "PromptServer", None)
    prompt_server: PromptServer | None = getattr(server_class, "instance", None)
    return prompt_server


def register(prompt_server: PromptServer, folder_paths: Any) -> Fence | None:
    """Add fence and routes to the server; `folder_paths` is ComfyUI's module of that name.

    Returns None when another copy of the pack is registered already: two routes for one
    path would keep ComfyUI from starting.
    """
    if any(getattr(route, "path", None) == HELLO_PATH for route in prompt_server.routes):
        return None

    def get_folders() -> Folders:
        return {
            "input": Path(folder_paths.get_input_directory()),
            "output": Path(folder_paths.get_output_directory()),
            "temp": Path(folder_paths.get_temp_directory()),
        }

    fence = Fence()
    prompt_server.add_on_prompt_handler(fence.admit)
    for route in make_routes(get_folders, fence):
        # Without its options: ComfyUI repeats every route under /api and breaks on any.
        prompt_server.routes.route(route.method, route.path)(route.handler)
    return fence
