"""Deliveries on a real Valkey to a receiver that is down, slow, failing or lying."""

import asyncio
from collections.abc import AsyncIterator

import pytest

from comfyhoused.adapters.redis.client import Store
from comfyhoused.core.webhooks.claiming import claim
from comfyhoused.core.webhooks.deliveries import (
    DeliveryState,
    get_delivery,
    list_attempts,
    list_deliveries,
)
from comfyhoused.core.webhooks.delivering import Post, deliver
from comfyhoused.core.webhooks.endpoints import (
    change_endpoint,
    delete_endpoint,
    get_endpoint,
    list_endpoint_secrets,
    list_notices,
    list_owner_secrets,
)
from comfyhoused.core.webhooks.events import erase_subject, make_event_id, sweep_events
from comfyhoused.core.webhooks.schedule import SCHEDULE, Pace
from tests.receiver import Receiver, answer, answer_raw, drip, flood
from tests.waiting import wait_until
from tests.webhook_stage import (
    GUARD,
    OWNER,
    SECRET,
    allow,
    list_all,
    make_endpoint,
    open_clean_store,
    render,
    tell,
    wait_for,
    working,
)


@pytest.fixture
async def store(valkey_url: str) -> AsyncIterator[Store]:
    async with open_clean_store(valkey_url) as one:
        yield one


@pytest.fixture
async def receiver() -> AsyncIterator[Receiver]:
    async with Receiver() as one:
        yield one


async def test_an_event_arrives_signed_once(store: Store, receiver: Receiver) -> None:
    endpoint = await make_endpoint(store, receiver.url())
    assert await tell(store, "one") == 1
    assert await tell(store, "one") == 0
    async with working(store):
        (delivery,) = await wait_for(store, DeliveryState.DELIVERED)
    (request,) = receiver.received
    (live,) = await list_endpoint_secrets(store, SECRET, OWNER, endpoint.id)
    assert request.verify(live.secret) == request.json
    assert request.id == make_event_id("job.succeeded", "one") == delivery.event_id
    assert request.headers["content-type"] == "application/json"
    assert request.json["type"] == "job.succeeded"
    assert request.json["data"] == {"job_id": "one"}
    assert delivery.body is not None
    assert delivery.body.encode() == request.body
    (attempt,) = await list_attempts(store, delivery.id)
    assert (attempt.number, attempt.status, attempt.answer) == (1, 200, "ok")


async def test_filters_and_owners_are_kept_apart(store: Store, receiver: Receiver) -> None:
    await make_endpoint(store, receiver.url("/all"))
    await make_endpoint(store, receiver.url("/failed"), "job.failed", "job.expired")
    await make_endpoint(store, receiver.url("/bob"), owner="account:bob")
    off = await make_endpoint(store, receiver.url("/off"))
    await change_endpoint(store, OWNER, off.id, is_enabled=False)
    assert await tell(store, "one") == 1
    assert await tell(store, "two", "job.failed") == 2
    assert await tell(store, "three", owner="account:nobody") == 0
    async with working(store):
        await wait_for(store, DeliveryState.DELIVERED, 3)
    assert sorted(one.path for one in receiver.received) == ["/all", "/all", "/failed"]


async def test_an_address_of_its_own_is_signed_with_the_owners_secret(
    store: Store, receiver: Receiver
) -> None:
    record = {"owner": OWNER, "webhook_url": receiver.url("/mine?x=1")}
    await store.hset("ch:1:job:one", mapping=record)
    assert await tell(store, "one", record="ch:1:job:one") == 1
    async with working(store):
        await wait_for(store, DeliveryState.DELIVERED)
    (live,) = await list_owner_secrets(store, SECRET, OWNER)
    assert receiver.received[0].verify(live.secret)
    assert receiver.received[0].path == "/mine?x=1"


async def test_a_failing_receiver_is_tried_by_the_whole_schedule(
    store: Store, receiver: Receiver
) -> None:
    endpoint = await make_endpoint(store, receiver.url())
    receiver.behaviours["/hook"] = answer(500, b"out of order")
    await tell(store, "one")
    async with working(store):
        (delivery,) = await wait_for(store, DeliveryState.FAILED)
    assert len(receiver.received) == len(SCHEDULE) + 1 == delivery.attempts
    assert {one.id for one in receiver.received} == {delivery.event_id}
    (live,) = await list_endpoint_secrets(store, SECRET, OWNER, endpoint.id)
    assert all(one.verify(live.secret) for one in receiver.received)
    attempts = await list_attempts(store, delivery.id)
    assert [one.number for one in attempts] == list(range(1, 14))
    assert {(one.status, one.answer) for one in attempts} == {(500, "out of order")}
    assert delivery.reason == "exhausted"
    assert (await get_endpoint(store, OWNER, endpoint.id)).is_enabled


async def test_a_receiver_that_is_down_gets_it_when_it_is_back(
    store: Store, receiver: Receiver
) -> None:
    await make_endpoint(store, receiver.url())
    await receiver.stop()
    await tell(store, "one")
    async with working(store):

        async def was_refused() -> bool:
            (delivery,) = await list_all(store)
            attempts = await list_attempts(store, delivery.id)
            return bool(attempts) and attempts[0].error_code == "url_unreachable"

        await wait_until(was_refused)
        await receiver.start()
        await wait_for(store, DeliveryState.DELIVERED)
    assert len(receiver.received) == 1


LIES = {
    "redirect to the inside": answer(302, Location="http://169.254.169.254/latest"),
    "redirect to itself": answer(307, Location="/hook"),
    "not http": answer_raw(b"SSH-2.0-OpenSSH_9.2\r\n"),
    "nothing": answer_raw(b""),
    "status of words": answer_raw(b"HTTP/1.1 fine OK\r\nContent-Length: 0\r\n\r\n"),
    "informational": answer_raw(b"HTTP/1.1 304 Not Modified\r\n\r\n"),
    "endless head": drip,
    "longer than said": answer_raw(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nfine and more"),
    "huge header": answer_raw(b"HTTP/1.1 200 OK\r\nX-Huge: " + b"a" * 100_000 + b"\r\n\r\n"),
}


@pytest.mark.parametrize("lie", LIES)
async def test_what_is_no_success_is_tried_again(
    store: Store, receiver: Receiver, lie: str
) -> None:
    await make_endpoint(store, receiver.url())
    receiver.behaviours["/hook"] = LIES[lie]
    await tell(store, "one")
    async with working(store, Pace(timeout_seconds=0.4, factor=0.00002)):
        await wait_until(lambda: len(receiver.received) >= 2)
        receiver.behaviours["/hook"] = answer(204, b"")
        (delivery,) = await wait_for(store, DeliveryState.DELIVERED)
    assert {one.path for one in receiver.received} == {"/hook"}
    attempts = await list_attempts(store, delivery.id)
    assert [one.status for one in attempts].count(204) == 1
    assert attempts[-1].status == 204


SUCCESSES = {
    "flood": flood,
    "shorter than said": answer_raw(b"HTTP/1.1 201 OK\r\nContent-Length: 200\r\n\r\nfine"),
    "binary": answer(202, bytes(range(256)) * 20),
}


@pytest.mark.parametrize("kind", SUCCESSES)
async def test_an_accepting_status_counts_whatever_its_body(
    store: Store, receiver: Receiver, kind: str
) -> None:
    await make_endpoint(store, receiver.url())
    receiver.behaviours["/hook"] = SUCCESSES[kind]
    await tell(store, "one")
    async with working(store):
        (delivery,) = await wait_for(store, DeliveryState.DELIVERED)
    (attempt,) = await list_attempts(store, delivery.id)
    assert len(attempt.answer) <= 2000
    assert len(receiver.received) == 1


async def test_gone_disables_the_endpoint_and_ends_what_waits(
    store: Store, receiver: Receiver
) -> None:
    endpoint = await make_endpoint(store, receiver.url())
    receiver.behaviours["/hook"] = answer(410)
    await tell(store, "one")
    async with working(store):
        (delivery,) = await wait_for(store, DeliveryState.FAILED)
    assert (delivery.attempts, delivery.reason) == (1, "gone")
    found = await get_endpoint(store, OWNER, endpoint.id)
    assert (found.is_enabled, found.disabled_reason) == (False, "gone")
    assert [one.id for one in await list_notices(store)] == [endpoint.id]
    assert await tell(store, "two") == 0
    again = await change_endpoint(store, OWNER, endpoint.id, is_enabled=True)
    assert (again.is_enabled, again.disabled_reason) == (True, "")
    assert await list_notices(store) == []


async def test_days_of_failing_disable_an_endpoint(store: Store, receiver: Receiver) -> None:
    endpoint = await make_endpoint(store, receiver.url())
    receiver.behaviours["/hook"] = answer(500)
    # A day of this pace is far shorter than its schedule, a silence of two is not.
    pace = Pace(timeout_seconds=1, factor=0.00002, disable_days=0.5, silence_days=200)
    for number in range(5):
        await tell(store, str(number))
    async with working(store, pace):

        async def is_disabled() -> bool:
            return not (await get_endpoint(store, OWNER, endpoint.id)).is_enabled

        await wait_until(is_disabled)

        async def are_over() -> bool:
            return all(one.state is not DeliveryState.PENDING for one in await list_all(store))

        await wait_until(are_over)
    found = await get_endpoint(store, OWNER, endpoint.id)
    assert found.disabled_reason == "failing"
    assert [one.id for one in await list_notices(store)] == [endpoint.id]
    assert len(receiver.received) >= len(SCHEDULE) + 1
    reasons = {one.reason for one in await list_all(store)}
    assert reasons <= {"exhausted", "endpoint_disabled"}


async def test_a_dead_endpoint_does_not_keep_another_waiting(
    store: Store, receiver: Receiver
) -> None:
    await make_endpoint(store, receiver.url("/dead"), owner="account:mallory")
    await make_endpoint(store, receiver.url("/well"))
    receiver.behaviours["/dead"] = drip
    for number in range(200):
        await tell(store, f"dead {number}", owner="account:mallory")
    # Nothing at the dead one ends before the test does.
    async with working(store, Pace(timeout_seconds=300)):
        await wait_until(lambda: receiver.open_now["/dead"] == 8)
        for number in range(20):
            await tell(store, f"well {number}")
        await wait_for(store, DeliveryState.DELIVERED, 20)
        assert receiver.open_now["/dead"] == 8
    assert len(receiver.at("/well")) == 20
    assert receiver.most_open["/dead"] == 8


async def test_many_dead_endpoints_leave_hands_for_those_that_answer(
    store: Store, receiver: Receiver
) -> None:
    pace = Pace(timeout_seconds=0.3, factor=0.02)
    for number in range(12):
        owner = f"account:mallory{number}"
        receiver.behaviours[f"/dead{number}"] = drip
        await make_endpoint(store, receiver.url(f"/dead{number}"), owner=owner)
        for event in range(10):
            await tell(store, f"dead {number}/{event}", owner=owner)
    await make_endpoint(store, receiver.url("/well"))
    async with working(store, pace):
        await wait_until(lambda: all(receiver.at(f"/dead{number}") for number in range(12)))
        for number in range(50):
            await tell(store, f"well {number}")
        await wait_for(store, DeliveryState.DELIVERED, 50)
    # Each dead lane was given up after a few tries; from then on one of its deliveries probes.
    assert len(receiver.at("/well")) == 50


async def test_a_failing_lane_is_probed_by_one_delivery(store: Store, receiver: Receiver) -> None:
    await make_endpoint(store, receiver.url())
    receiver.behaviours["/hook"] = answer(503)
    for number in range(30):
        await tell(store, str(number))
    # Pauses of 10 s and more: after its first failures the lane rests for the whole test.
    async with working(store, Pace(timeout_seconds=5)):
        await wait_until(lambda: len(receiver.received) >= 8)
        await wait_until(lambda: receiver.open_now["/hook"] == 0)
    assert 8 <= len(receiver.received) < 30


async def test_a_dead_worker_loses_nothing(store: Store, receiver: Receiver) -> None:
    await make_endpoint(store, receiver.url())
    receiver.behaviours["/hook"] = drip
    pace = Pace(timeout_seconds=1, factor=0.00002)
    for number in range(3):
        await tell(store, str(number))
    async with working(store, pace):
        await wait_until(lambda: receiver.open_now["/hook"] == 3)
    assert {one.state for one in await list_all(store)} == {DeliveryState.PENDING}
    receiver.behaviours["/hook"] = answer(200)
    async with working(store, pace), working(store, pace):
        delivered = await wait_for(store, DeliveryState.DELIVERED, 3)
    assert {one.id for one in receiver.received} == {one.event_id for one in delivered}
    assert len({one.id for one in receiver.received}) == 3


async def test_a_worker_that_was_asleep_writes_nothing(store: Store, receiver: Receiver) -> None:
    await make_endpoint(store, receiver.url())
    gate = asyncio.Event()

    async def wait_then_fail(writer: asyncio.StreamWriter) -> None:
        await gate.wait()
        await answer(500)(writer)

    receiver.behaviours["/hook"] = wait_then_fail
    await tell(store, "one")
    # The sleeper's lease is far too short for what it does.
    post = Post(store, GUARD, SECRET, render, allow, Pace(timeout_seconds=60))
    (claimed,) = await claim(store, "swift", most=9, pace=Pace(timeout_seconds=0.001, factor=0))
    sleeper = asyncio.create_task(deliver(post, claimed))
    await wait_until(lambda: len(receiver.received) == 1)
    receiver.behaviours["/hook"] = answer(200)
    async with working(store):
        await wait_for(store, DeliveryState.DELIVERED)
    gate.set()
    assert await sleeper is False
    (delivery,) = await list_all(store)
    assert delivery.state is DeliveryState.DELIVERED
    assert [one.status for one in await list_attempts(store, delivery.id)] == [200]


async def test_what_waits_for_a_deleted_endpoint_is_not_sent(
    store: Store, receiver: Receiver
) -> None:
    endpoint = await make_endpoint(store, receiver.url())
    await tell(store, "one")
    await delete_endpoint(store, OWNER, endpoint.id)
    async with working(store):
        (delivery,) = await wait_for(store, DeliveryState.CANCELED)
    assert delivery.reason == "endpoint_deleted"
    assert receiver.received == []


async def test_an_erased_subject_leaves_no_body(store: Store, receiver: Receiver) -> None:
    await make_endpoint(store, receiver.url())
    await tell(store, "sent")
    async with working(store):
        await wait_for(store, DeliveryState.DELIVERED)
        await receiver.stop()
        record = {"owner": OWNER, "webhook_url": receiver.url("/secret-path")}
        await store.hset("ch:1:job:waiting", mapping=record)
        await tell(store, "waiting", record="ch:1:job:waiting")

        async def was_tried() -> bool:
            return all([await list_attempts(store, one.id) for one in await list_all(store)])

        await wait_until(was_tried)
        await erase_subject(store, "sent")
        await erase_subject(store, "waiting")
        await receiver.start()
    keys = [key async for key in store.scan_iter("ch:1:webhook:*")]
    hashes = [await store.hgetall(key) for key in keys if await store.type(key) == "hash"]
    kept = "".join(str(fields) for fields in hashes)
    assert "secret-path" not in kept
    assert "job_id" not in kept
    states = sorted((one.state, one.is_erased) for one in await list_all(store))
    assert states == [("canceled", True), ("canceled", True), ("delivered", True)]
    assert await list_attempts(store, (await list_all(store))[0].id) == []


async def test_an_event_without_its_subject_is_not_told(store: Store, receiver: Receiver) -> None:
    await make_endpoint(store, receiver.url())
    assert await tell(store, "one", record="ch:1:job:none") == 0
    await store.hset("ch:1:job:marked", mapping={"owner": OWNER, "erasing": "1"})
    assert await tell(store, "two", record="ch:1:job:marked") == 0
    await tell(store, "gone")
    async with working(store):
        (delivery,) = await wait_for(store, DeliveryState.CANCELED)
    assert (delivery.reason, receiver.received) == ("erased", [])


async def test_an_owner_whose_plan_has_no_webhooks_any_more(
    store: Store, receiver: Receiver
) -> None:
    owner = "account:downgraded"
    await make_endpoint(store, receiver.url(), owner=owner)
    await tell(store, "one", owner=owner)
    async with working(store):

        async def is_canceled() -> bool:
            (delivery,) = await list_all(store, owner)
            return delivery.reason == "plan_lacks_feature"

        await wait_until(is_canceled)
    assert receiver.received == []


async def test_the_log_is_forgotten_in_time(store: Store, receiver: Receiver) -> None:
    endpoint = await make_endpoint(store, receiver.url())
    await tell(store, "over")
    async with working(store):
        (over,) = await wait_for(store, DeliveryState.DELIVERED)
    await tell(store, "pending")
    assert await sweep_events(store) == 0
    events = await store.zrange("ch:1:webhook:kept", 0, -1)
    await store.zadd("ch:1:webhook:kept", dict.fromkeys(events, 1))
    assert await sweep_events(store) == 1
    assert [one.state for one in await list_all(store)] == [DeliveryState.PENDING]
    page = await list_deliveries(store, OWNER, limit=5, cursor=None, endpoint=endpoint.id)
    assert [one.id for one in page.items] == [one.id for one in await list_all(store)]
    left = [key async for key in store.scan_iter(f"*{over.id}*")]
    assert left == [key async for key in store.scan_iter(f"*{over.event_id}*")] == []


async def test_pages_of_the_log(store: Store, receiver: Receiver) -> None:
    await make_endpoint(store, receiver.url())
    for number in range(5):
        await tell(store, str(number))
    first = await list_deliveries(store, OWNER, limit=3, cursor=None)
    rest = await list_deliveries(store, OWNER, limit=3, cursor=first.next_cursor)
    found = [one.event_id for one in (*first.items, *rest.items)]
    assert found == [make_event_id("job.succeeded", str(number)) for number in (4, 3, 2, 1, 0)]
    assert rest.next_cursor is None
    for one in await list_all(store):
        assert (await get_delivery(store, OWNER, one.id)).id == one.id
