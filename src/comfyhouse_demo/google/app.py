"""The demo as an aiohttp application: its routes, its faults and its log."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

from aiohttp import web

from comfyhouse_demo.google import (
    change_routes,
    consent_routes,
    demo_routes,
    drive_routes,
    openid_routes,
    page_routes,
    upload_routes,
)
from comfyhouse_demo.google.answering import answer_refusal
from comfyhouse_demo.google.failures import Refusal
from comfyhouse_demo.google.faults import Fault
from comfyhouse_demo.google.house import GOOGLE, Google
from comfyhouse_demo.google.logbook import LOGBOOK, Logbook, note
from comfyhouse_demo.google.pushing import keep_pushing

_LARGEST_BODY_BYTES = 1024**3
_PAGES = ("/drive/1", "/file/", "/bin/", "/disconnect/", "/o/")

_UNANSWERED = ("drop", "lose")

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


def make_app(google: Google) -> web.Application:
    """Return the application."""
    app = web.Application(
        client_max_size=_LARGEST_BODY_BYTES,
        middlewares=[_keep_log, consent_routes.explain, _refuse, _fail_on_demand],
    )
    app[GOOGLE] = google
    app[LOGBOOK] = Logbook()
    app.cleanup_ctx.append(keep_pushing)
    for routes in (
        change_routes.ROUTES,
        consent_routes.ROUTES,
        demo_routes.ROUTES,
        drive_routes.ROUTES,
        openid_routes.ROUTES,
        upload_routes.ROUTES,
        page_routes.ROUTES,
    ):
        app.add_routes(routes)
    return app


@web.middleware
async def _keep_log(request: web.Request, handler: Handler) -> web.StreamResponse:
    status = 500
    try:
        response = await handler(request)
        status = response.status
    except web.HTTPException as error:
        status = error.status
        raise
    except (asyncio.CancelledError, OSError):
        status = 0  # whoever asked has hung up
        raise
    finally:
        fault = request.get("fault", "")
        note(request, 0 if fault in _UNANSWERED else status, fault)
    return response


@web.middleware
async def _refuse(request: web.Request, handler: Handler) -> web.StreamResponse:
    try:
        return await handler(request)
    except Refusal as refusal:
        if request.path.startswith(_PAGES):
            return page_routes.explain_refusal(refusal)
        return answer_refusal(request, refusal)


@web.middleware
async def _fail_on_demand(request: web.Request, handler: Handler) -> web.StreamResponse:
    if request.path.startswith("/_demo"):
        return await handler(request)
    fault = request.app[GOOGLE].faults.take(request)
    if fault is None:
        return await handler(request)
    request["fault"] = fault.action
    return await _strike(request, handler, fault)


async def _strike(request: web.Request, handler: Handler, fault: Fault) -> web.StreamResponse:
    if fault.action == "refuse":
        raise fault.make_refusal()
    if fault.action == "drop":
        return _hang_up(request)
    if fault.action == "lose":
        await handler(request)
        return _hang_up(request)
    request["cut_bytes"] = fault.cut_bytes
    return await handler(request)


def _hang_up(request: web.Request) -> web.StreamResponse:
    if request.transport is not None:
        request.transport.abort()
    return web.Response(status=500)


def list_routes(app: web.Application) -> list[tuple[str, str]]:
    """Return method and path of every route."""
    found: list[tuple[str, Any]] = [
        (route.method, route.resource) for route in app.router.routes() if route.resource
    ]
    return [(method, resource.canonical) for method, resource in found]
