"""What was asked and answered, for tests to count and to hold against Google's description."""

from collections import deque
from dataclasses import dataclass, field
from typing import Any

from aiohttp import web

_MOST = 10_000
_HEADERS = ("Content-Range", "Content-Type", "Range", "X-Upload-Content-Length")


@dataclass(frozen=True, slots=True)
class Logbook:
    """The last requests."""

    lines: deque[dict[str, Any]] = field(default_factory=lambda: deque(maxlen=_MOST))


LOGBOOK = web.AppKey("logbook", Logbook)


def note(request: web.Request, status: int, fault: str) -> None:
    """Note a request of an app. `fault`: what was made of it on demand, '' where nothing was."""
    if request.path.startswith(("/_demo", "/drive/1", "/file/", "/bin/")):
        return
    headers = {name: request.headers[name] for name in _HEADERS if name in request.headers}
    request.app[LOGBOOK].lines.append(
        {
            "method": request.method,
            "path": request.path,
            "query": dict(request.query),
            "headers": headers,
            "body": request.get("body"),
            "scopes": request.get("scopes", []),
            "status": status,
            "answer": request.get("answer"),
            "fault": fault,
        }
    )
