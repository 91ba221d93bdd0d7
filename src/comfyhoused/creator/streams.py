"""The streams of news that are open in this process: each ends with its session, and a user has
only so many.

A stream lasts as long as its page. Whoever signs out, is signed out elsewhere or has their account
deleted hears nothing more: all sessions behind open streams are looked for every other second, in
one query for them all.
"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Literal

from comfyhoused.adapters.postgres.database import Database, DatabaseUnavailable
from comfyhoused.creator.sessions import list_live_sessions
from comfyhoused.kit.log import get_logger

log = get_logger(__name__)

#: Of one user in one process; a page follows the news only while it is looked at.
MOST_STREAMS = 12
_LOOK_SECONDS = 2.0

#: `ended`: its session is over; `rest`: the user has opened too many since.
Reason = Literal["ended", "rest"]


@dataclass(eq=False, slots=True)
class OpenStream:
    """A stream. `over` is done when it has to end, with the reason."""

    user_id: str
    session_digest: str
    over: asyncio.Future[Reason] = field(default_factory=asyncio.Future)

    def end(self, reason: Reason) -> None:
        """Have it end; once more: nothing happens."""
        if not self.over.done():
            self.over.set_result(reason)


class NewsStreams:
    """All open streams of this process, the oldest of each user first."""

    def __init__(self) -> None:
        self._streams: dict[str, list[OpenStream]] = {}
        self._looking: asyncio.Task[None] | None = None

    def count(self, user_id: str) -> int:
        """Return how many streams of the user are open."""
        return len(self._streams.get(user_id, ()))

    @asynccontextmanager
    async def open(
        self, database: Database, user_id: str, session_digest: str
    ) -> AsyncIterator[OpenStream]:
        """Open a stream for the block; where there are too many, the user's oldest has to end."""
        stream = OpenStream(user_id, session_digest)
        own = self._streams.setdefault(user_id, [])
        own.append(stream)
        for oldest in own[:-MOST_STREAMS]:
            oldest.end("rest")
        if self._looking is None:
            self._looking = asyncio.create_task(self._look_on(database))
        try:
            yield stream
        finally:
            own.remove(stream)
            if not own:
                del self._streams[user_id]
            if not self._streams and self._looking is not None:
                self._looking.cancel()
                self._looking = None

    async def _look_on(self, database: Database) -> None:
        while True:
            await asyncio.sleep(_LOOK_SECONDS)
            try:
                await self._end_those_without_session(database)
            except DatabaseUnavailable:
                continue  # nobody can be signed out meanwhile either
            except Exception:  # the border of a task: streams must not outlive it unwatched
                log.exception("looking for ended sessions met a fault of ours")

    async def _end_those_without_session(self, database: Database) -> None:
        streams = [stream for own in self._streams.values() for stream in own]
        live = await list_live_sessions(database, {one.session_digest for one in streams})
        for stream in streams:
            if stream.session_digest not in live:
                stream.end("ended")
