"""The connection to the store: more requests at once than connections is no outage."""

import asyncio

from comfyhoused.adapters.redis.client import open_store


async def test_a_crowd_waits_for_connections_and_is_not_turned_away(valkey_url: str) -> None:
    store = open_store(valkey_url, max_connections=5)

    answers = await asyncio.gather(*(store.blpop(["nothing"], timeout=0.05) for _ in range(50)))

    assert answers == [None] * 50
    await store.aclose()
