"""How much body we read: counted while it arrives, whatever its length claims."""

import asyncio

import orjson
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from comfyhoused.api.credentials import looks_like_credential
from comfyhoused.api.problems import MEDIA_TYPE
from comfyhoused.kit.errors import TooLarge, make_problem

_ANONYMOUS_BYTES = 65_536
_DRAIN_SECONDS = 5
_DRAIN_TIMES = 5  # as many times the limit


class BodyTooLarge(TooLarge):
    """The body is larger than this address takes."""

    code = "body_too_large"
    title = "The body is too large"


class BodyLimit:
    """Middleware: takes bodies in up to a limit, refuses others with 413.

    Uploads are streamed and count for themselves. Who shows no key that can be one has little
    to say: the body is read before the key is looked up. A refusal first takes in what the sender
    is still writing, within limits: most clients never see an answer that comes with a reset.
    """

    def __init__(self, app: ASGIApp, max_bytes: int, unlimited_paths: tuple[str, ...] = ()) -> None:
        self._app = app
        self._max_bytes = max_bytes
        self._unlimited_paths = unlimited_paths

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on with its whole body, or refuse it."""
        is_free = scope["type"] != "http" or scope["method"] in ("GET", "HEAD", "OPTIONS")
        if is_free or scope["path"].startswith(self._unlimited_paths):
            await self._app(scope, receive, send)
            return
        max_bytes = self._max_bytes if _shows_key(scope) else _ANONYMOUS_BYTES
        body, size = await _read(receive, max_bytes)
        if size > max_bytes:
            if _has_more(body[-1]):
                await _drain(receive, _DRAIN_TIMES * self._max_bytes)
            await _refuse(scope, send, max_bytes)
            return
        await self._app(scope, _replay(body, receive), send)


def _shows_key(scope: Scope) -> bool:
    header: bytes = dict(scope["headers"]).get(b"authorization", b"")
    return looks_like_credential(header.decode("latin-1").partition(" ")[2])


async def _refuse(scope: Scope, send: Send, max_bytes: int) -> None:
    who = "without an API key" if max_bytes == _ANONYMOUS_BYTES else "here"
    error = BodyTooLarge(f"At most {max_bytes:,} bytes are taken {who}.")
    body = orjson.dumps({**make_problem(error), "instance": scope["path"]})
    headers = [
        (b"content-type", MEDIA_TYPE.encode()),
        (b"content-length", str(len(body)).encode()),
        (b"connection", b"close"),
    ]
    await send({"type": "http.response.start", "status": error.status, "headers": headers})
    await send({"type": "http.response.body", "body": body})


async def _read(receive: Receive, max_bytes: int) -> tuple[list[Message], int]:
    """Return the messages of a body and its size; stops where it becomes too large."""
    messages: list[Message] = []
    size = 0
    while size <= max_bytes:
        message = await receive()
        messages.append(message)
        size += len(message.get("body", b""))
        if not _has_more(message):
            break
    return messages, size


def _has_more(message: Message) -> bool:
    return message["type"] == "http.request" and bool(message.get("more_body", False))


def _replay(messages: list[Message], receive: Receive) -> Receive:
    async def receive_again() -> Message:
        return messages.pop(0) if messages else await receive()

    return receive_again


async def _drain(receive: Receive, max_bytes: int) -> None:
    """Drop the rest of a body, unless it is endless."""
    try:
        async with asyncio.timeout(_DRAIN_SECONDS):
            while max_bytes > 0:
                message = await receive()
                max_bytes -= len(message.get("body", b""))
                if not _has_more(message):
                    return
    except TimeoutError:
        return
