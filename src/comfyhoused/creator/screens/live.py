"""/creator/news: what happens to a user's edits while a page is open, as server-sent events."""

import asyncio
from collections.abc import AsyncIterator
from typing import Annotated

from fastapi import APIRouter, Depends, Request
from fastapi.sse import EventSourceResponse, ServerSentEvent

from comfyhoused.adapters.redis.client import StoreUnavailable
from comfyhoused.core.jobs.events import EventHub
from comfyhoused.creator.news import follow
from comfyhoused.creator.visitors import SignedInUser

router = APIRouter(prefix="/creator", include_in_schema=False)

_OUTAGE_PAUSE_SECONDS = 2.0


async def _find_stream(visitor: SignedInUser, request: Request) -> tuple[EventHub, str]:
    """Refuse before the stream begins, when a status can still be sent."""
    return request.app.state.hub, visitor.user.id


@router.get("/news", response_class=EventSourceResponse)
async def stream_news(
    found: Annotated[tuple[EventHub, str], Depends(_find_stream)],
) -> AsyncIterator[ServerSentEvent]:
    """Follow the user's news. `look` says: read again, something may have been missed."""
    hub, user_id = found
    yield ServerSentEvent(event="look", data={})
    while True:
        try:
            async for event in follow(hub, user_id):
                if event is None:
                    yield ServerSentEvent(comment="still here")
                else:
                    yield ServerSentEvent(event=event.type, data=event.data)
        except StoreUnavailable:
            yield ServerSentEvent(comment="still here")
            await asyncio.sleep(_OUTAGE_PAUSE_SECONDS)
