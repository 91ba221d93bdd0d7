"""The connection to Redis: a task that waits for it can be stopped at any moment."""

import asyncio

import pytest

from comfyhoused.adapters.redis.client import Store, StoreUnavailable, open_store
from comfyhoused.adapters.storage.storage import StorageUnavailable
from comfyhoused.core.jobs.settlement import Ending, read_outbox
from tests.ports import take_port


async def _ask_and_stay(store: Store) -> None:
    await store.ping()
    await asyncio.Event().wait()


@pytest.mark.parametrize("is_warm", [False, True])
async def test_a_cancellation_is_never_swallowed(valkey_url: str, is_warm: bool) -> None:
    stopped = 0
    for moments in range(25):
        store = open_store(valkey_url)
        if is_warm:
            await store.ping()
        task = asyncio.create_task(_ask_and_stay(store))
        for _ in range(moments):
            await asyncio.sleep(0)
        task.cancel()
        done, _ = await asyncio.wait([task], timeout=60)
        stopped += task in done and task.cancelled()
        await store.aclose()
    assert stopped == 25


async def test_a_store_that_is_away_is_told_in_one_word() -> None:
    store = open_store(f"redis://127.0.0.1:{take_port()}/0")
    with pytest.raises(StoreUnavailable) as told:
        await store.ping()
    assert (told.value.status, told.value.headers) == (503, {"Retry-After": "2"})
    await store.aclose()


async def test_an_unreadable_ending_does_not_hold_up_the_others(
    redis: object, valkey_url: str
) -> None:
    store = open_store(valkey_url)
    good = {"job": "b", "owner": "account:a", "mode": "live", "state": "failed", "units": "1"}
    await store.xadd("ch:1:outbox", {"job": "a", "state": "nonsense"})
    await store.xadd("ch:1:outbox", good)
    handled: list[Ending] = []

    async def handle(ending: Ending) -> None:
        handled.append(ending)

    assert await read_outbox(store, "test", "reader", handle, idle_ms=0) == 2
    assert [ending.job_id for ending in handled] == ["b"]
    assert await store.xlen("ch:1:outbox") == 0
    assert await store.xlen("ch:1:outbox:unreadable") == 1
    await store.aclose()


async def test_an_ending_that_cannot_be_handled_now_does_not_hold_up_the_others(
    redis: object, valkey_url: str
) -> None:
    store = open_store(valkey_url)
    for job in "abc":
        fields = {"job": job, "owner": "account:a", "mode": "live", "state": "failed", "units": "1"}
        await store.xadd("ch:1:outbox", fields)
    handled: list[str] = []

    async def handle(ending: Ending) -> None:
        if ending.job_id == "a" and "a" not in handled:
            handled.append("a")
            raise StorageUnavailable("not this one, not now")
        handled.append(ending.job_id)

    with pytest.raises(StorageUnavailable):
        await read_outbox(store, "test", "reader", handle, idle_ms=0)
    assert handled == ["a", "b", "c"]
    assert await read_outbox(store, "test", "reader", handle, idle_ms=0) == 1
    assert handled == ["a", "b", "c", "a"]
    assert await store.xlen("ch:1:outbox") == 0
    await store.aclose()


async def test_an_ending_that_meets_a_fault_of_ours_does_not_hold_up_the_others(
    redis: object, valkey_url: str
) -> None:
    store = open_store(valkey_url)
    for job in "abc":
        fields = {"job": job, "owner": "account:a", "mode": "live", "state": "failed", "units": "1"}
        await store.xadd("ch:1:outbox", fields)
    handled: list[str] = []

    async def handle(ending: Ending) -> None:
        if ending.job_id == "a":
            raise KeyError("a record that nobody can read")
        handled.append(ending.job_id)

    for _ in range(2):
        await read_outbox(store, "test", "reader", handle, idle_ms=0)
    assert handled == ["b", "c"]
    # It is kept: a house that is mended settles it.
    assert await store.xlen("ch:1:outbox") == 1
    await store.aclose()
