"""Server-sent events that go on behind the last one where the connection breaks."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Set

from httpx_sse import EventSource

from comfyhouse._async.transport import AsyncTransport
from comfyhouse.answers import Event
from comfyhouse.errors import ConnectionFailed, ServerUnavailable

_QUIET_SECONDS = 60.0


async def follow_stream(
    transport: AsyncTransport, path: str, last_types: Set[str]
) -> AsyncIterator[Event]:
    """Yield events until one of the last types came.

    After a reconnection nothing is missed or told twice, but for what comes only live.
    """
    seen: str | None = None
    failures = 0
    while True:
        try:
            async for event in _read_stream(transport, path, seen):
                failures = 0
                seen = event.id or seen
                yield event
                if event.type in last_types:
                    return
        except (ConnectionFailed, ServerUnavailable):
            failures += 1
            if failures > transport.retries.most_retries:
                raise
        await asyncio.sleep(transport.retries.get_pause(max(failures - 1, 0), None))


async def _read_stream(
    transport: AsyncTransport, path: str, seen: str | None
) -> AsyncIterator[Event]:
    headers = {"Accept": "text/event-stream"}
    if seen is not None:
        headers["Last-Event-ID"] = seen
    async with transport.stream("GET", path, headers=headers, timeout=_QUIET_SECONDS) as response:
        async for event in EventSource(response).aiter_sse():
            yield Event(type=event.event, id=event.id or None, data=json.loads(event.data))
