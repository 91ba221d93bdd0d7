"""/system_stats and the engine's own routes under /engine."""

import os
import platform
import sys

from aiohttp import web

from comfyhouse_engine.server.engine import ENGINE
from comfyhouse_engine.switches import BadSwitch

COMFYUI_VERSION = "0.3.64"
"""The version whose protocol we speak."""

routes = web.RouteTableDef()


@routes.get("/system_stats")
async def show_system(request: web.Request) -> web.Response:
    """Answer versions, memory and devices; the one device is the CPU."""
    total, free = _memory_bytes()
    system = {
        "os": os.name,
        "ram_total": total,
        "ram_free": free,
        "comfyui_version": COMFYUI_VERSION,
        "required_frontend_version": "0",
        "installed_templates_version": "0",
        "required_templates_version": "0",
        "python_version": sys.version,
        "pytorch_version": "none",
        "embedded_python": False,
        "argv": ["comfyhouse-engine", *request.app[ENGINE].settings.argv],
    }
    device = {
        "name": f"cpu {platform.machine()} (sandbox, no model)",
        "type": "cpu",
        "index": None,
        "vram_total": total,
        "vram_free": free,
        "torch_vram_total": total,
        "torch_vram_free": free,
    }
    return web.json_response({"system": system, "devices": [device]})


def _memory_bytes() -> tuple[int, int]:
    page = os.sysconf("SC_PAGE_SIZE")
    return page * os.sysconf("SC_PHYS_PAGES"), page * os.sysconf("SC_AVPHYS_PAGES")


@routes.get("/engine/switches")
async def show_switches(request: web.Request) -> web.Response:
    """Answer all switches."""
    return web.json_response(request.app[ENGINE].switches.as_dict())


@routes.post("/engine/switches")
async def set_switches(request: web.Request) -> web.Response:
    """Set some switches, all or none; answers all. 400 names the known ones."""
    engine = request.app[ENGINE]
    try:
        values = await request.json()
    except ValueError:
        return _refuse("the body must be a JSON object of switches")
    if not isinstance(values, dict):
        return _refuse("the body must be a JSON object of switches")
    try:
        engine.switches.apply(values)
    except BadSwitch as error:
        return _refuse(str(error))
    engine.worker.notice_switches()
    return web.json_response(engine.switches.as_dict())


def _refuse(detail: str) -> web.Response:
    return web.json_response({"detail": detail}, status=400)


@routes.get("/engine/log")
async def show_log(request: web.Request) -> web.Response:
    """Answer the execution log as a list, from line `since` (default 0) on."""
    since = request.query.get("since", "0")
    if not since.isdecimal():
        return _refuse("since must be a line number, 0 or more")
    return web.json_response(request.app[ENGINE].log.read(int(since)))
