"""Requests by pages of other addresses (CORS): allowed for the API, and never with cookies.

A preflight shows no token, so it cannot be told which pages may ask: every page may, and the
request itself is judged by what it shows (api/credentials.py).
"""

from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

_METHODS = "GET, POST, PUT, PATCH, DELETE"
_HEADERS = (
    "Authorization, Content-Type, Idempotency-Key, Prefer, Last-Event-ID, Range, If-None-Match, "
    "Comfyhouse-Test"
)
_EXPOSED = (
    "Location, Retry-After, Comfyhouse-Job, Comfyhouse-Engine, Idempotent-Replayed, "
    "RateLimit-Policy, RateLimit-Limit, RateLimit-Remaining, RateLimit-Reset, WWW-Authenticate"
)
_PREFLIGHT_SECONDS = 7200
_ANY = {"Access-Control-Allow-Origin": "*"}


class CrossOrigin:
    """Middleware: answers preflights below the paths, and lets pages read every answer there."""

    def __init__(self, app: ASGIApp, paths: tuple[str, ...]) -> None:
        self._app = app
        self._paths = paths

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a preflight, or pass the request on and have its answer readable."""
        if scope["type"] != "http" or not scope["path"].startswith(self._paths):
            await self._app(scope, receive, send)
            return
        headers = Headers(scope=scope)
        if "origin" not in headers:
            await self._app(scope, receive, send)
            return
        if scope["method"] == "OPTIONS" and "access-control-request-method" in headers:
            await _make_preflight()(scope, receive, send)
            return

        async def send_readable(message: Message) -> None:
            if message["type"] == "http.response.start":
                MutableHeaders(scope=message).update(
                    {**_ANY, "Access-Control-Expose-Headers": _EXPOSED}
                )
            await send(message)

        await self._app(scope, receive, send_readable)


def _make_preflight() -> Response:
    return Response(
        status_code=204,
        headers={
            **_ANY,
            "Access-Control-Allow-Methods": _METHODS,
            "Access-Control-Allow-Headers": _HEADERS,
            "Access-Control-Max-Age": str(_PREFLIGHT_SECONDS),
        },
    )
