"""Sending again: one delivery, a stretch of time, what was never sent."""

from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any

import pytest

from comfyhoused.adapters.redis.client import Store
from comfyhoused.core.webhooks.deliveries import DeliveryState, list_attempts
from comfyhoused.core.webhooks.endpoints import (
    EndpointDisabled,
    EndpointNotFound,
    change_endpoint,
    list_endpoint_secrets,
    rotate_endpoint_secret,
)
from comfyhoused.core.webhooks.events import erase_subject, make_event_id
from comfyhoused.core.webhooks.replay import (
    DeliveryErased,
    Replay,
    replay_delivery,
    replay_events,
)
from comfyhoused.kit.clock import get_now
from comfyhoused.kit.errors import NotFound
from tests.receiver import Receiver, answer
from tests.waiting import wait_until
from tests.webhook_stage import (
    OWNER,
    SECRET,
    list_all,
    make_endpoint,
    open_clean_store,
    tell,
    wait_for,
    working,
)

HOUR = timedelta(hours=1)


@pytest.fixture
async def store(valkey_url: str) -> AsyncIterator[Store]:
    async with open_clean_store(valkey_url) as one:
        yield one


@pytest.fixture
async def receiver() -> AsyncIterator[Receiver]:
    async with Receiver() as one:
        yield one


async def replay(store: Store, endpoint_id: str, **more: Any) -> Replay:
    now = get_now()
    times = {"since": now - HOUR, "until": now + HOUR, **more}
    return await replay_events(store, OWNER, endpoint_id, **times)


async def test_a_replay_has_the_same_id_and_a_fresh_signature(
    store: Store, receiver: Receiver
) -> None:
    endpoint = await make_endpoint(store, receiver.url())
    await tell(store, "one")
    async with working(store):
        (delivery,) = await wait_for(store, DeliveryState.DELIVERED)
        await rotate_endpoint_secret(store, OWNER, endpoint.id, overlap_seconds=60)
        assert (await replay_delivery(store, OWNER, delivery.id)).state is DeliveryState.PENDING
        await wait_until(lambda: len(receiver.received) == 2)
        await wait_for(store, DeliveryState.DELIVERED)
    first, second = receiver.received
    assert (first.id, first.json) == (second.id, second.json)
    new, old = await list_endpoint_secrets(store, SECRET, OWNER, endpoint.id)
    assert first.verify(old.secret) == second.verify(old.secret) == second.verify(new.secret)
    assert [one.number for one in await list_attempts(store, delivery.id)] == [1, 2]


async def test_a_failed_delivery_gets_the_whole_schedule_again(
    store: Store, receiver: Receiver
) -> None:
    await make_endpoint(store, receiver.url())
    receiver.behaviours["/hook"] = answer(500)
    await tell(store, "one")
    async with working(store):
        (delivery,) = await wait_for(store, DeliveryState.FAILED)
        await replay_delivery(store, OWNER, delivery.id)
        await wait_until(lambda: len(receiver.received) >= 15)
        receiver.behaviours["/hook"] = answer(200)
        await wait_for(store, DeliveryState.DELIVERED)


async def test_what_happened_while_it_was_disabled_is_sent_on_request(
    store: Store, receiver: Receiver
) -> None:
    endpoint = await make_endpoint(store, receiver.url(), "job.succeeded")
    await tell(store, "before")
    async with working(store):
        await wait_for(store, DeliveryState.DELIVERED)
        await change_endpoint(store, OWNER, endpoint.id, is_enabled=False)
        for number in range(120):
            assert await tell(store, str(number)) == 0
        await tell(store, "other", "job.failed")
        with pytest.raises(EndpointDisabled):
            await replay(store, endpoint.id)
        await change_endpoint(store, OWNER, endpoint.id, is_enabled=True)
        assert await replay(store, endpoint.id) == Replay(sent=120, is_whole=True)
        await wait_for(store, DeliveryState.DELIVERED, 121)
        assert await replay(store, endpoint.id) == Replay(sent=0, is_whole=True)
        assert (await replay(store, endpoint.id, only_missed=False)).sent == 121
        await wait_until(lambda: len(receiver.received) == 242)
    assert len({one.id for one in receiver.received}) == 121


async def test_only_what_lies_in_the_stretch_is_sent(store: Store, receiver: Receiver) -> None:
    endpoint = await make_endpoint(store, receiver.url())
    now = get_now()
    for hours in range(5):
        await tell(store, str(hours))
        stamp = int((now - hours * HOUR).timestamp() * 1000)
        event_id = make_event_id("job.succeeded", str(hours))
        await store.zadd(f"ch:1:webhook:owner:{OWNER}:events", {event_id: stamp})
    async with working(store):
        await wait_for(store, DeliveryState.DELIVERED, 5)
        stretch = {"since": now - 3.5 * HOUR, "until": now - 1.5 * HOUR, "only_missed": False}
        assert (await replay(store, endpoint.id, **stretch)).sent == 2
        await wait_until(lambda: len(receiver.received) == 7)
    again = {one.json["data"]["job_id"] for one in receiver.received[5:]}
    assert again == {"2", "3"}


async def test_what_cannot_be_sent_again(store: Store, receiver: Receiver) -> None:
    endpoint = await make_endpoint(store, receiver.url())
    await tell(store, "one")
    async with working(store):
        (delivery,) = await wait_for(store, DeliveryState.DELIVERED)
    with pytest.raises(NotFound):
        await replay_delivery(store, "account:bob", delivery.id)
    with pytest.raises(EndpointNotFound):
        await replay_events(store, "account:bob", endpoint.id, since=get_now(), until=get_now())
    await change_endpoint(store, OWNER, endpoint.id, is_enabled=False)
    with pytest.raises(EndpointDisabled):
        await replay_delivery(store, OWNER, delivery.id)
    await change_endpoint(store, OWNER, endpoint.id, is_enabled=True)
    await erase_subject(store, "one")
    with pytest.raises(DeliveryErased):
        await replay_delivery(store, OWNER, delivery.id)
    assert (await replay(store, endpoint.id, only_missed=False)).sent == 0
    assert [one.state for one in await list_all(store)] == [DeliveryState.DELIVERED]


async def test_the_log_of_a_delivery_that_is_sent_for_ever_does_not_grow_for_ever(
    store: Store, receiver: Receiver
) -> None:
    await make_endpoint(store, receiver.url())
    await tell(store, "one")
    async with working(store):
        (delivery,) = await wait_for(store, DeliveryState.DELIVERED)
        log = f"ch:1:webhook:delivery:{delivery.id}:attempts"
        first = str(await store.lindex(log, 0))
        await store.rpush(log, *[first] * 500)
        await replay_delivery(store, OWNER, delivery.id)
        await wait_until(lambda: len(receiver.received) == 2)
        await wait_for(store, DeliveryState.DELIVERED)
    attempts = await list_attempts(store, delivery.id)
    assert (len(attempts), attempts[-1].number) == (100, 2)


async def test_that_a_lane_failed_is_forgotten_in_time(store: Store, receiver: Receiver) -> None:
    receiver.behaviours["/hook"] = answer(500)
    endpoint = await make_endpoint(store, receiver.url())
    await tell(store, "one")
    async with working(store):
        await wait_for(store, DeliveryState.FAILED)
    # Customers choose the hosts that jobs bring along: each is a lane of its own.
    assert await store.ttl(f"ch:1:webhook:lane:{endpoint.id}:state") > 86_400
