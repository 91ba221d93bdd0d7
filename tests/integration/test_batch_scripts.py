"""Batches on a real Valkey: all or none, over with the last job, retried once, erased for good."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest

from comfyhoused.adapters.redis.client import Store
from comfyhoused.core.jobs.admission import Application, QuotaExceeded
from comfyhoused.core.jobs.assignment import finish, start
from comfyhoused.core.jobs.batch_admission import (
    BatchApplication,
    Retrial,
    StagingLost,
    admit_batch,
    retry_items,
)
from comfyhoused.core.jobs.batches import (
    BatchNotFound,
    cancel_batch,
    erase_batch,
    find_batch,
    get_batch,
    list_items,
)
from comfyhoused.core.jobs.record import get_spec
from comfyhoused.core.jobs.scripts import SCRIPTS
from comfyhoused.core.jobs.states import JobState
from comfyhoused.kit.ids import make_id, make_job_id
from tests.job_desks import claim_next
from tests.webhook_stage import OWNER, open_clean_store


@pytest.fixture
async def store(valkey_url: str) -> AsyncIterator[Store]:
    async with open_clean_store(valkey_url) as one:
        yield one


def make_job(batch_id: str, number: int = 0, **changes: Any) -> Application:
    fields: dict[str, Any] = {
        "job_id": make_job_id(),
        "owner": OWNER,
        "mode": "live",
        "plan_class": "free",
        "kind": "generate",
        "spec": {"graph": {}, "number": number},
        "facts": {"item": number},
        "batch": batch_id,
        "period": "2026-11",
        "day": "2026-11-22",
    }
    return Application(**{**fields, **changes})


def make_batch(count: int, **changes: Any) -> BatchApplication:
    batch_id = make_id("batch")
    jobs = [make_job(batch_id, number, **changes) for number in range(count)]
    return BatchApplication(batch_id, jobs)


async def end_next(store: Store, state: JobState) -> None:
    assignment = await claim_next(store)
    assert assignment is not None
    await start(store, assignment)
    assert await finish(store, assignment, state) is state


async def list_keys(store: Store) -> set[str]:
    keys = {str(key) async for key in store.scan_iter("ch:1:*")}
    return keys - {"ch:1:seq", "ch:1:rung:live"}


async def test_a_batch_is_over_with_its_last_job(store: Store) -> None:
    batch = make_batch(3)
    admission = await admit_batch(store, batch)
    assert (admission.batch_id, admission.is_replayed) == (batch.batch_id, False)
    assert (await admit_batch(store, batch)).is_replayed
    for state in (JobState.SUCCEEDED, JobState.FAILED):
        await end_next(store, state)
        assert (await get_batch(store, OWNER, batch.batch_id)).finished_at is None
    await end_next(store, JobState.SUCCEEDED)
    found = await get_batch(store, OWNER, batch.batch_id)
    assert found.finished_at is not None
    assert found.counts == {"succeeded": 2, "failed": 1}
    assert len(found.due) == 2
    items = (await list_items(store, batch.batch_id, limit=10)).items
    assert [item.job_id for item in items] == [job.job_id for job in batch.jobs]
    assert [(await get_spec(store, item.job_id))["number"] for item in items] == [0, 1, 2]


async def test_a_request_that_was_lost_on_the_way_accepts_nothing(store: Store) -> None:
    batch = make_batch(3)

    class Forgetful:
        """The store, in which one of the staged requests goes before the batch is admitted."""

        def __getattr__(self, name: str) -> Any:
            return getattr(store, name)

        async def evalsha(self, *arguments: Any) -> Any:
            await store.delete(f"ch:1:job:{batch.jobs[1].job_id}:spec")
            return await store.evalsha(*arguments)

    with pytest.raises(StagingLost):
        await admit_batch(Forgetful(), batch)  # type: ignore[arg-type]
    assert await list_keys(store) == set()


async def test_of_racing_batches_exactly_what_fits_is_admitted(store: Store) -> None:
    batches = [make_batch(4, units=2, limit=20) for _ in range(10)]
    answers = await asyncio.gather(
        *(admit_batch(store, batch) for batch in batches), return_exceptions=True
    )
    refused = [one for one in answers if isinstance(one, QuotaExceeded)]
    assert (len(answers) - len(refused), len(refused)) == (2, 8)
    assert {one.units_left for one in refused} == {4}
    kept = [key for key in await list_keys(store) if key.endswith(":spec")]
    assert len(kept) == 8


async def test_an_item_is_tried_again_once(store: Store) -> None:
    batch = make_batch(3, units=1, limit=3)
    await admit_batch(store, batch)
    await cancel_batch(store, OWNER, batch.batch_id)
    for number in range(3):  # as settlement does
        job = batch.jobs[number]
        await SCRIPTS.run(store, "settle", OWNER, job.job_id, "release", 0, job.period)

    def make_retrials() -> list[Retrial]:
        return [
            Retrial(number, batch.jobs[number].job_id, make_job(batch.batch_id, number, limit=3))
            for number in (0, 2)
        ]

    answers = await asyncio.gather(
        *(retry_items(store, OWNER, batch.batch_id, make_retrials()) for _ in range(6))
    )
    assert sorted(count for count, _ in answers) == [0, 0, 0, 0, 0, 2]
    found = await get_batch(store, OWNER, batch.batch_id)
    assert found.counts == {"canceled": 1, "queued": 2}
    assert (found.finished_at, found.rounds, found.reserved_units) == (None, 1, 2)
    for _ in range(2):
        await end_next(store, JobState.SUCCEEDED)
    assert (await get_batch(store, OWNER, batch.batch_id)).finished_at is not None
    with pytest.raises(BatchNotFound):
        await retry_items(store, "account:bob", batch.batch_id, make_retrials())


async def test_a_job_that_ends_after_its_batch_was_erased(store: Store) -> None:
    batch = make_batch(2)
    await admit_batch(store, batch)
    assignment = await claim_next(store)
    assert assignment is not None
    await start(store, assignment)
    await erase_batch(store, OWNER, batch.batch_id)
    await finish(store, assignment, JobState.SUCCEEDED)
    assert await find_batch(store, batch.batch_id) is None
    assert [key for key in await list_keys(store) if "batch" in key] == []
    marked = await store.zrange("ch:1:erasing", 0, -1)
    assert set(marked) == {job.job_id for job in batch.jobs}
    with pytest.raises(BatchNotFound):
        await erase_batch(store, OWNER, batch.batch_id)
    with pytest.raises(BatchNotFound):
        await cancel_batch(store, "account:bob", batch.batch_id)


async def test_jobs_of_two_months_keep_the_limit_of_one(store: Store) -> None:
    admitted = 0
    for _ in range(6):
        batch_id = make_id("batch")
        months = ["2026-11", *["2026-12"] * 4]
        jobs = [make_job(batch_id, number, period=month, day=f"{month}-01", limit=10)
                for number, month in enumerate(months)]  # fmt: skip
        try:
            await admit_batch(store, BatchApplication(batch_id, jobs))
        except QuotaExceeded:
            continue
        admitted += 1
    books = [f"ch:1:usage:{OWNER}:{month}" for month in ("2026-11", "2026-12")]
    reserved = [int(str(await store.hget(key, "reserved") or 0)) for key in books]
    assert (admitted, reserved) == (2, [0, 10])
