"""What tests of deliveries share: an owner, a worker's postman, ways to tell and to wait."""

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Any

from comfyhoused.adapters.redis.client import Store, open_store
from comfyhoused.core.webhooks.deliveries import Delivery, DeliveryState, list_deliveries
from comfyhoused.core.webhooks.delivering import Post
from comfyhoused.core.webhooks.endpoints import Endpoint, create_endpoint
from comfyhoused.core.webhooks.events import Event, emit, make_event_id
from comfyhoused.core.webhooks.postman import Postman
from comfyhoused.core.webhooks.schedule import Pace
from comfyhoused.kit.http.guard import Guard, make_policy, resolve_name
from tests.waiting import wait_until

SECRET = b"a secret of the house, long enough for anybody"
OWNER = "account:alice"
QUICK = Pace(timeout_seconds=1, factor=0.00002)
GUARD = Guard(make_policy(["127.0.0.0/8"]), resolve_name)


@asynccontextmanager
async def open_clean_store(url: str) -> AsyncIterator[Store]:
    """A client of an emptied Valkey."""
    client = open_store(url)
    await client.flushdb()
    try:
        yield client
    finally:
        await client.aclose()


async def render(event: Event) -> Mapping[str, Any] | None:
    return None if event.subject == "gone" else {"job_id": event.subject}


async def allow(owner: str) -> bool:
    return owner != "account:downgraded"


@asynccontextmanager
async def working(store: Store, pace: Pace = QUICK) -> AsyncIterator[None]:
    """A worker's postman, ended as by SIGKILL: what it holds stays in its hands."""
    task = asyncio.create_task(Postman(Post(store, GUARD, SECRET, render, allow, pace)).work())
    try:
        yield
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


async def make_endpoint(store: Store, url: str, *events: str, owner: str = OWNER) -> Endpoint:
    return await create_endpoint(store, owner, url, description="", events=events, most=10)


async def tell(store: Store, subject: str, kind: str = "job.succeeded", **more: Any) -> int:
    owner = more.pop("owner", OWNER)
    event_id = make_event_id(kind, subject)
    return await emit(store, owner, kind, event_id, keep_days=7, subject=subject, **more)


async def list_all(store: Store, owner: str = OWNER) -> list[Delivery]:
    return list((await list_deliveries(store, owner, limit=1000, cursor=None)).items)


async def wait_for(store: Store, state: DeliveryState, count: int = 1) -> list[Delivery]:
    found: list[Delivery] = []

    async def are_there() -> bool:
        nonlocal found
        found = [one for one in await list_all(store) if one.state is state]
        return len(found) >= count

    await wait_until(are_there)
    assert len(found) == count
    return found
