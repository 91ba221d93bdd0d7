"""How many jobs of an owner are at work at once: never more than the plan says, nobody waits."""

import asyncio
from collections.abc import AsyncIterator

import pytest

from comfyhoused.adapters.redis.client import Store, open_store
from comfyhoused.core.jobs.assignment import Assignment, finish, requeue
from comfyhoused.core.jobs.cancel import cancel_job
from comfyhoused.core.jobs.counting import count_queue
from comfyhoused.core.jobs.outlook import get_outlook
from comfyhoused.core.jobs.states import JobState
from comfyhoused.core.jobs.sweep import sweep_deadlines
from tests.job_desks import admit_job, claim_next, make_desk

WIDE = make_desk(slots=99)


@pytest.fixture
async def store(valkey_url: str) -> AsyncIterator[Store]:
    client = open_store(valkey_url)
    await client.flushdb()
    yield client
    await client.aclose()


async def claim_all(store: Store) -> list[Assignment]:
    taken = []
    while (one := await claim_next(store, WIDE)) is not None:
        taken.append(one)
    return taken


async def count_owners(store: Store, taken: list[Assignment]) -> dict[str, int]:
    counts: dict[str, int] = {}
    for one in taken:
        owner = str(await store.hget(f"ch:1:job:{one.job_id}", "owner"))
        counts[owner] = counts.get(owner, 0) + 1
    return counts


async def test_no_more_than_the_cap_are_at_work_and_others_go_on(store: Store) -> None:
    for _ in range(10):
        await admit_job(store, "account:a", concurrency=2)
    for _ in range(3):
        await admit_job(store, "account:b")
    taken = await claim_all(store)
    assert await count_owners(store, taken) == {"account:a": 2, "account:b": 3}
    assert (await count_queue(store)).waiting == 8


async def test_a_crowd_of_capped_owners_hides_nobody(store: Store) -> None:
    """More of them than are looked at in one go stand in front of the one who may."""
    for number in range(30):
        for _ in range(2):
            await admit_job(store, f"account:capped-{number}", concurrency=1)
    assert len(await claim_all(store)) == 30
    await admit_job(store, "account:late", concurrency=1)
    taken = await claim_all(store)
    assert await count_owners(store, taken) == {"account:late": 1}


async def test_the_line_goes_on_when_one_ends_is_given_back_or_leaves_its_slot(
    store: Store,
) -> None:
    for _ in range(5):
        await admit_job(store, concurrency=1)
    (first,) = await claim_all(store)
    await finish(store, first, JobState.FAILED)
    (second,) = await claim_all(store)
    assert await requeue(store, second, is_blamed=False) == "queued"
    (third,) = await claim_all(store)
    assert third.job_id == second.job_id
    fourth = await claim_next(store, WIDE, ended=[third.job_id])
    assert fourth is not None
    assert await claim_all(store) == []
    await finish(store, third, JobState.FAILED)
    assert await claim_all(store) == []
    await finish(store, fourth, JobState.FAILED)
    assert len(await claim_all(store)) == 1


async def test_a_parked_line_can_be_canceled_expire_and_be_refilled(store: Store) -> None:
    at_work = await admit_job(store, concurrency=1)
    (one,) = await claim_all(store)
    assert one.job_id == at_work
    waiting = await admit_job(store, concurrency=1)
    late = await admit_job(store, concurrency=1, expires_in_seconds=0)
    assert await claim_all(store) == []
    await cancel_job(store, "account:a", waiting)
    assert await sweep_deadlines(store) == (1, 0)
    assert (await count_queue(store)).waiting == 0
    assert await store.keys("ch:1:parked:*") == []
    await finish(store, one, JobState.FAILED)
    assert await claim_all(store) == []

    again = await admit_job(store, concurrency=1)
    (two,) = await claim_all(store)
    assert two.job_id == again != late


async def test_a_larger_plan_counts_at_once(store: Store) -> None:
    for _ in range(4):
        await admit_job(store, concurrency=1)
    assert len(await claim_all(store)) == 1
    await admit_job(store, concurrency=3)
    assert len(await claim_all(store)) == 2
    await admit_job(store)
    assert len(await claim_all(store)) == 3


async def test_racing_workers_keep_the_cap(store: Store) -> None:
    for _ in range(60):
        await admit_job(store, concurrency=7)
    desks = [make_desk(worker=f"worker_{n}", backend=f"backend_{n}", slots=9) for n in range(6)]
    taken = await asyncio.gather(*(claim_next(store, desk) for desk in desks for _ in range(5)))
    assert sum(one is not None for one in taken) == 7
    assert await store.scard("ch:1:owner:account:a:assigned") == 7


async def test_nothing_of_a_cap_is_left_when_all_is_over(store: Store) -> None:
    for _ in range(6):
        await admit_job(store, concurrency=2)
    while taken := await claim_all(store):
        assert len(taken) <= 2
        for one in taken:
            await finish(store, one, JobState.FAILED)
    for pattern in ("ch:1:parked:*", "ch:1:owner:*:assigned", "ch:1:queue:*"):
        assert await store.keys(pattern) == []


async def test_the_outlook_counts_who_goes_before(store: Store) -> None:
    """In one's own class: others as often as oneself; other classes by weight; own jobs first."""
    for _ in range(100):
        await admit_job(store, "account:flood")
    assert await read_before(store, "account:new") == 1
    for _ in range(3):
        await admit_job(store, "account:new")
    assert await read_before(store, "account:new") == 3 + 4
    for _ in range(100):
        await admit_job(store, "account:rich", plan_class="business")
    assert await read_before(store, "account:newest") == 1 + 1 + 24


async def read_before(store: Store, owner: str) -> int:
    outlook = await get_outlook(
        store, mode="live", plan_class="free", owner=owner, run_kind="unknown"
    )
    return outlook.jobs_before
