"""The pack's two HTTP routes, as aiohttp handlers: ComfyUI and the engine mount the same ones."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable

from aiohttp import web

from .boot import hello
from .cleanup import Folders, delete_files
from .fence import Fence

HELLO_PATH = "/comfyhouse/hello"
DELETE_PATH = "/comfyhouse/files/delete"
MAX_BODY_BYTES = 1024 * 1024
MAX_FILES = 10_000


def make_routes(get_folders: Callable[[], Folders], fence: Fence) -> list[web.RouteDef]:
    """Return the routes; `get_folders` is asked at each call, for ComfyUI may move its folders."""

    async def say_hello(request: web.Request) -> web.Response:
        return web.json_response(hello(fence), headers={"Cache-Control": "no-store"})

    async def delete(request: web.Request) -> web.Response:
        refs = await read_refs(request)
        # A slow disk must not hold up the loop that sends progress frames.
        counts = await asyncio.to_thread(delete_files, get_folders(), refs)
        return web.json_response(counts)

    return [web.get(HELLO_PATH, say_hello), web.post(DELETE_PATH, delete)]


async def read_refs(request: web.Request) -> list[object]:
    """Return the list under "files" of the JSON body, its entries unchecked.

    Answers 415 unless the body is declared as JSON (a foreign web page cannot send that
    without asking first), 413 over 1 MiB, 400 for anything else that is not understood.
    """
    if request.content_type != "application/json":
        raise web.HTTPUnsupportedMediaType(text="Send application/json.")
    # ComfyUI's own limit is 100 MB, far more than a list of names needs.
    capped = request.clone(client_max_size=MAX_BODY_BYTES)
    try:
        body = await capped.json()
    except (json.JSONDecodeError, UnicodeDecodeError, RecursionError, LookupError) as error:
        raise web.HTTPBadRequest(text="The body is not JSON.") from error
    files = body.get("files") if isinstance(body, dict) else None
    if not isinstance(files, list) or len(files) > MAX_FILES:
        raise web.HTTPBadRequest(text=f'"files" must be a list of at most {MAX_FILES} entries.')
    return files
