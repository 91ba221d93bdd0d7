"""Whose turn it is: classes by weight, owners by GPU time, warmth within bounds."""

from collections import Counter

import pytest

from comfyhoused.adapters.redis.client import Store, open_store
from comfyhoused.core.jobs.assignment import finish, requeue
from comfyhoused.core.jobs.states import JobState
from tests.job_desks import admit_job, claim_next, make_desk


@pytest.fixture
async def store(redis: object, valkey_url: str) -> Store:
    """The session's Valkey, emptied."""
    return open_store(valkey_url)


async def _run_all(store: Store, count: int) -> list[str]:
    """Claim and finish one job after the other; returns the owners in the order of their turns."""
    owners = []
    for _ in range(count):
        assignment = await claim_next(store)
        assert assignment is not None
        owners.append(str(await store.hget(f"ch:1:job:{assignment.job_id}", "owner")))
        await finish(store, assignment, JobState.FAILED)
    return owners


async def test_nothing_to_do_and_no_slot_give_no_assignment(store: Store) -> None:
    assert await claim_next(store) is None
    for _ in range(3):
        await admit_job(store)
    claimed = [await claim_next(store) for _ in range(3)]
    assert [one is not None for one in claimed] == [True, True, False]


async def test_one_owner_is_served_in_order_and_priority_reorders_only_their_own(
    store: Store,
) -> None:
    first, second = await admit_job(store), await admit_job(store)
    urgent = await admit_job(store, priority=5)
    other = await admit_job(store, "account:b", priority=-100)
    order = []
    for _ in range(4):
        assignment = await claim_next(store, make_desk(slots=9))
        assert assignment is not None
        order.append(assignment.job_id)
    assert [one for one in order if one != other] == [urgent, first, second]
    assert order.index(other) <= 1  # a low priority never puts an owner behind another


async def test_a_flood_of_one_owner_delays_another_by_one_turn_at_most(store: Store) -> None:
    for _ in range(200):
        await admit_job(store, "account:flood")
    await _run_all(store, 5)
    await admit_job(store, "account:late")
    assert "account:late" in await _run_all(store, 2)


async def test_classes_share_by_weight(store: Store) -> None:
    for plan_class in ("free", "starter", "pro", "business"):
        for _ in range(80):
            await admit_job(store, f"account:{plan_class}", plan_class=plan_class)
    turns = Counter()
    for _ in range(75):
        assignment = await claim_next(store)
        assert assignment is not None
        job = f"ch:1:job:{assignment.job_id}"
        turns[str(await store.hget(job, "class"))] += 1
        # Every run is as long as every other: a second of GPU time.
        now = (await store.time())[0] * 1000
        await store.hset(job, mapping={"state": "running", "started_at": str(now - 1000)})
        await finish(store, assignment, JobState.FAILED)
    assert turns["business"] > turns["pro"] > turns["starter"] > turns["free"] > 0
    assert 35 <= turns["business"] <= 45


async def test_who_comes_back_does_not_spend_what_was_saved_meanwhile(store: Store) -> None:
    for _ in range(50):
        await admit_job(store, "account:busy")
    await _run_all(store, 20)
    for _ in range(20):
        await admit_job(store, "account:idle")
    owners = await _run_all(store, 10)
    assert 3 <= owners.count("account:busy") <= 7


async def test_a_loaded_model_is_preferred_but_only_so_long(store: Store) -> None:
    cold = await admit_job(store, "account:a", model="cold")
    warm = await admit_job(store, "account:b", model="warm")
    first = await claim_next(store, loaded_models=["warm"])
    assert first is not None
    assert first.job_id == warm
    # The one that was passed over has waited its minute by now.
    await store.hset(f"ch:1:job:{cold}", "passed_over_at", "1")
    await admit_job(store, "account:c", model="warm")
    second = await claim_next(store, loaded_models=["warm"])
    assert second is not None
    assert second.job_id == cold


async def test_modes_do_not_mix(store: Store) -> None:
    test_job = await admit_job(store, mode="test")
    assert await claim_next(store) is None
    claimed = await claim_next(store, make_desk(modes=("test",)))
    assert claimed is not None
    assert claimed.job_id == test_job


async def test_a_job_given_back_keeps_its_place(store: Store) -> None:
    first = await admit_job(store)
    await admit_job(store)
    assignment = await claim_next(store)
    assert assignment is not None
    assert await requeue(store, assignment, is_blamed=False) == "queued"
    again = await claim_next(store)
    assert again is not None
    assert (again.job_id, again.attempt) == (first, 2)
    assert again.fence > assignment.fence


async def test_a_slot_is_free_when_the_run_has_left_the_backend(store: Store) -> None:
    for _ in range(3):
        await admit_job(store)
    first = await claim_next(store)
    await claim_next(store)
    assert first is not None
    assert await claim_next(store) is None
    assert await claim_next(store, make_desk(worker="worker_b"), ended=[first.job_id]) is None
    assert await claim_next(store, ended=[first.job_id]) is not None
