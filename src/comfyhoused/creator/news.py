"""News of a user's edits as they happen, for pages that are open. A hint: rows are the truth.

Kinds: `edit.changed` (`edit_id`, `state`), `edit.progress` (`edit_id`, `share` 0–1),
`delivery.changed` (`edit_id`, `state`), `photos.changed` (some were taken in, wait for the plan or
were skipped), `upload.changed` (`id`),
`bell` (something is new in the notifications).
"""

import asyncio
import json
from collections.abc import AsyncGenerator
from contextlib import suppress
from typing import Any, Literal

from comfyhoused.adapters.redis.client import Store, StoreUnavailable
from comfyhoused.core.jobs.events import Event, EventHub

_LOOK = Event(None, "look", {})

NewsKind = Literal[
    "edit.changed", "edit.progress", "delivery.changed", "photos.changed", "upload.changed", "bell"
]


def make_channel(user_id: str) -> str:
    """Return the name of the channel on which a user's news are passed on."""
    return f"ch:1:creator:{user_id}:news"


async def tell(store: Store, user_id: str, kind: NewsKind, data: dict[str, Any]) -> None:
    """Tell the user's open pages; after the commit. Where Redis is away they are not told."""
    body = json.dumps({"type": kind, **data})
    with suppress(StoreUnavailable):
        await store.publish(make_channel(user_id), json.dumps({"event": body}))


async def follow(
    hub: EventHub, user_id: str, *, idle_seconds: float = 15
) -> AsyncGenerator[Event | None, None]:
    """Yield the user's news from now on; `type` is the kind, `data` as it was told.

    The kind `look` comes first, once nothing is missed any more, and whenever something may have
    been missed: a page then reads its rows again. None: nothing happened for the idle period.
    Raises StoreUnavailable.
    """
    async with hub.follow_channel(make_channel(user_id)) as queue:
        yield _LOOK
        while True:
            try:
                async with asyncio.timeout(idle_seconds):
                    told = await queue.get()
            except TimeoutError:
                yield None
            else:
                yield told or _LOOK
