"""How much body we read: counted while it arrives, whatever its length claims."""

import orjson
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from comfyhoused.api.problems import MEDIA_TYPE
from comfyhoused.kit.errors import TooLarge, make_problem


class BodyTooLarge(TooLarge):
    """The body is larger than this address takes."""

    code = "body_too_large"
    title = "The body is too large"


class BodyLimit:
    """Middleware: refuses bodies over a limit with 413. Uploads count for themselves."""

    def __init__(self, app: ASGIApp, max_bytes: int, unlimited_paths: tuple[str, ...] = ()) -> None:
        self._app = app
        self._max_bytes = max_bytes
        self._unlimited_paths = unlimited_paths

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on with a counted body."""
        if scope["type"] != "http" or scope["path"].startswith(self._unlimited_paths):
            await self._app(scope, receive, send)
            return
        declared = dict(scope["headers"]).get(b"content-length", b"0")
        if declared.isdigit() and int(declared) > self._max_bytes:
            await self._refuse(scope, send)
            return
        received = 0

        async def count() -> Message:
            nonlocal received
            message = await receive()
            received += len(message.get("body", b""))
            if received > self._max_bytes:
                raise self._make_error()
            return message

        await self._app(scope, count, send)

    def _make_error(self) -> BodyTooLarge:
        return BodyTooLarge(f"At most {self._max_bytes:,} bytes are taken here.")

    async def _refuse(self, scope: Scope, send: Send) -> None:
        error = self._make_error()
        body = orjson.dumps({**make_problem(error), "instance": scope["path"]})
        headers = [
            (b"content-type", MEDIA_TYPE.encode()),
            (b"content-length", str(len(body)).encode()),
            (b"connection", b"close"),
        ]
        await send({"type": "http.response.start", "status": error.status, "headers": headers})
        await send({"type": "http.response.body", "body": body})
