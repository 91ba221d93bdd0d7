"""The one subscription that all followers of a process share."""

import asyncio
from collections.abc import AsyncIterator

import anyio
import pytest
from redis.asyncio import Redis

from comfyhoused.adapters.redis.client import open_store
from comfyhoused.core.jobs.events import EventHub, Reporter
from tests.waiting import PATIENCE_SECONDS, wait_until


@pytest.fixture
async def hub(redis: Redis, valkey_url: str) -> AsyncIterator[EventHub]:
    async with open_store(valkey_url) as store:
        one = EventHub(store)
        yield one
        await one.close()


async def follow_for_ever(hub: EventHub, job_id: str) -> None:
    async with hub.follow(job_id):
        await asyncio.Event().wait()


@pytest.mark.parametrize("moments", [*range(8), 12, 20, 50])
async def test_followers_cut_off_at_any_moment_leave_nothing(
    hub: EventHub, redis: Redis, moments: int
) -> None:
    """A web server cancels again and again until the request's task has ended."""
    async with anyio.create_task_group() as requests:
        for number in range(10):
            requests.start_soon(follow_for_ever, hub, str(number % 7))
        for _ in range(moments):
            await asyncio.sleep(0)
        requests.cancel_scope.cancel()

    async def is_silent() -> bool:
        return await redis.pubsub_channels("ch:1:job:*") == []

    await wait_until(is_silent)
    assert hub.count_followed() == 0


async def test_a_job_can_be_followed_again_while_it_is_left(hub: EventHub, valkey_url: str) -> None:
    async with open_store(valkey_url) as store:
        for _ in range(20):
            async with hub.follow("a") as queue:
                await Reporter(store, "a").report("job.progress", {})
                event = await asyncio.wait_for(queue.get(), PATIENCE_SECONDS)
            assert event is not None
            assert event.type == "job.progress"
