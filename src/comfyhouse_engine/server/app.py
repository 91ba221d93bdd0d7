"""The HTTP application: routes, each also under /api, and what stands in front of them."""

import asyncio
import ipaddress
from collections.abc import Awaitable, Callable
from pathlib import Path
from urllib.parse import urlsplit

from aiohttp import web

from comfyhouse_engine.server import (
    catalogue_routes,
    history_routes,
    prompt_routes,
    system_routes,
    upload_routes,
    view_routes,
)
from comfyhouse_engine.server.engine import ENGINE, Engine, queue_status
from comfyhouse_engine.server.hub import MAX_UPLOAD_BYTES
from comfyhouse_nodes.routes import make_routes

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]
_TABLES = (
    prompt_routes.routes,
    history_routes.routes,
    catalogue_routes.routes,
    system_routes.routes,
    upload_routes.routes,
    view_routes.routes,
)


def make_app(engine: Engine) -> web.Application:
    """Return the application of an engine; its worker starts and stops with it."""
    app = web.Application(
        client_max_size=MAX_UPLOAD_BYTES, middlewares=[refuse_strangers, answer_late]
    )
    app[ENGINE] = engine
    for route in _list_routes(engine):
        app.add_routes([route, web.RouteDef(route.method, "/api" + route.path, route.handler, {})])
    app.router.add_get("/{anything:.*}", answer_unknown)
    return app


def _list_routes(engine: Engine) -> list[web.RouteDef]:
    def get_folders() -> dict[str, Path]:
        folders = engine.folders
        return {"input": folders.input, "output": folders.output, "temp": folders.temp}

    own = [route for table in _TABLES for route in table if isinstance(route, web.RouteDef)]
    return [*own, web.get("/ws", serve_socket), *make_routes(get_folders, engine.fence)]


async def serve_socket(request: web.Request) -> web.StreamResponse:
    """Run a WebSocket."""
    engine = request.app[ENGINE]
    return await engine.hub.serve(request, queue_status(engine.queue))


async def answer_unknown(request: web.Request) -> web.StreamResponse:
    """Answer as ComfyUI's static files do: 404, chunked, empty (http/014)."""
    return web.StreamResponse(status=404)


@web.middleware
async def refuse_strangers(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Answer 403 to a page of another origin that talks to a loopback address (http/021)."""
    host, origin = request.headers.get("Host", ""), request.headers.get("Origin", "")
    if host and origin and _is_loopback(host) and urlsplit(origin).netloc.lower() != host.lower():
        return web.Response(status=403)
    if request.method == "OPTIONS":
        return web.Response()
    return await handler(request)


def _is_loopback(host: str) -> bool:
    name = urlsplit(f"//{host}").hostname or ""
    try:
        return ipaddress.ip_address(name).is_loopback
    except ValueError:
        return name == "localhost"


@web.middleware
async def answer_late(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Let the switch `latency_seconds` pass first; the switches themselves stay quick."""
    seconds = request.app[ENGINE].switches.latency_seconds
    if seconds and not request.path.endswith("/engine/switches"):
        await asyncio.sleep(seconds)
    return await handler(request)
