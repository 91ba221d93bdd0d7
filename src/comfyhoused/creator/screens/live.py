"""/creator/news: what happens to a user's edits while a page is open, as server-sent events.

The last event says why a stream ends: `ended` (signed out, here or elsewhere), after which the
browser's next try is refused; `rest`, where the user has very many pages open: this one tries
again after a minute.
"""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import aclosing
from typing import Annotated, Any, NamedTuple

from fastapi import APIRouter, Depends, Request
from fastapi.sse import EventSourceResponse, ServerSentEvent

from comfyhoused.adapters.postgres.database import Database
from comfyhoused.adapters.redis.client import StoreUnavailable
from comfyhoused.core.jobs.events import Event, EventHub
from comfyhoused.creator.news import follow
from comfyhoused.creator.sessions import COOKIE
from comfyhoused.creator.streams import NewsStreams, Reason
from comfyhoused.creator.visitors import SignedInUser
from comfyhoused.kit.crypto import make_digest

router = APIRouter(prefix="/creator", include_in_schema=False)

_OUTAGE_PAUSE_SECONDS = 2.0
_REST_MS = 60_000


class _Asked(NamedTuple):
    """Whose news are followed, and as what session."""

    streams: NewsStreams
    database: Database
    hub: EventHub
    user_id: str
    session_digest: str


async def _find_asked(visitor: SignedInUser, request: Request) -> _Asked:
    """Refuse before the stream begins, when a status can still be sent."""
    state = request.app.state
    digest = make_digest(COOKIE.read(request))
    return _Asked(state.news_streams, visitor.house.database, state.hub, visitor.user.id, digest)


@router.get("/news", response_class=EventSourceResponse)
async def stream_news(
    asked: Annotated[_Asked, Depends(_find_asked)],
) -> AsyncIterator[ServerSentEvent]:
    """Follow the user's news. `look` says: read again, something may have been missed."""
    streams, database, hub, user_id, digest = asked
    async with streams.open(database, user_id, digest) as stream:
        async with aclosing(_follow_on(hub, user_id, stream.over)) as news:
            async for event in news:
                if event is None:
                    yield ServerSentEvent(comment="still here")
                else:
                    yield ServerSentEvent(event=event.type, data=event.data)
        reason = await stream.over
        yield ServerSentEvent(event=reason, data={}, retry=_REST_MS if reason == "rest" else None)


async def _follow_on(
    hub: EventHub, user_id: str, over: asyncio.Future[Reason]
) -> AsyncGenerator[Event | None, None]:
    """Yield the news, through outages of the store, until the stream is over."""
    while not over.done():
        try:
            async with aclosing(follow(hub, user_id)) as news:
                while not over.done():
                    coming: asyncio.Future[Event | None] = asyncio.ensure_future(anext(news))
                    try:
                        both: set[asyncio.Future[Any]] = {coming, over}
                        await asyncio.wait(both, return_when=asyncio.FIRST_COMPLETED)
                    finally:
                        coming.cancel()
                        await asyncio.wait({coming})
                    if not coming.cancelled():
                        yield coming.result()
        except StoreUnavailable:
            yield None
            await asyncio.wait({over}, timeout=_OUTAGE_PAUSE_SECONDS)
