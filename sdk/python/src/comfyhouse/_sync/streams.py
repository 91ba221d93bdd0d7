# Written from comfyhouse/_async by `make docs`: change it there.
"""Server-sent events that go on behind the last one where the connection breaks."""

from __future__ import annotations

import time
import json
from collections.abc import Iterator, Set

from httpx_sse import EventSource

from comfyhouse._sync.transport import Transport
from comfyhouse.answers import Event
from comfyhouse.errors import ConnectionFailed, ServerUnavailable

_QUIET_SECONDS = 60.0


def follow_stream(transport: Transport, path: str, last_types: Set[str]) -> Iterator[Event]:
    """Yield events until one of the last types came.

    After a reconnection nothing is missed or told twice, but for what comes only live.
    """
    seen: str | None = None
    failures = 0
    while True:
        try:
            for event in _read_stream(transport, path, seen):
                failures = 0
                seen = event.id or seen
                yield event
                if event.type in last_types:
                    return
        except (ConnectionFailed, ServerUnavailable):
            failures += 1
            if failures > transport.retries.most_retries:
                raise
        time.sleep(transport.retries.get_pause(max(failures - 1, 0), None))


def _read_stream(transport: Transport, path: str, seen: str | None) -> Iterator[Event]:
    headers = {"Accept": "text/event-stream"}
    if seen is not None:
        headers["Last-Event-ID"] = seen
    with transport.stream("GET", path, headers=headers, timeout=_QUIET_SECONDS) as response:
        for event in EventSource(response).iter_sse():
            yield Event(type=event.event, id=event.id or None, data=json.loads(event.data))
