"""Chores of the worker: one broken record holds up nothing, and what is kept has an end."""

import json
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from comfyhoused.adapters.redis.client import Store
from comfyhoused.adapters.storage.local import LocalStorage
from comfyhoused.core.jobs.archive import archive_jobs, mark_old_jobs
from comfyhoused.core.jobs.batch_admission import BatchApplication, admit_batch
from comfyhoused.core.jobs.batches import cancel_batch
from comfyhoused.core.jobs.cancel import cancel_job, mark_erasing
from comfyhoused.core.jobs.erasing import erase_marked_jobs
from comfyhoused.kit.http.guard import Guard, make_policy, resolve_name
from comfyhoused.kit.ids import make_id
from comfyhoused.resources import Resources
from comfyhoused.settings import Settings
from tests.integration.test_batch_scripts import make_job
from tests.job_desks import admit_job
from tests.webhook_stage import OWNER, open_clean_store


@pytest.fixture
async def store(valkey_url: str) -> AsyncIterator[Store]:
    async with open_clean_store(valkey_url) as one:
        yield one


@pytest.fixture
def storage(tmp_path: Path) -> LocalStorage:
    return LocalStorage(tmp_path / "files", b"a secret")


async def end_job(store: Store, *, is_broken: bool) -> str:
    job_id = await admit_job(store, OWNER)
    await cancel_job(store, OWNER, job_id)
    if is_broken:
        await store.hset(f"ch:1:job:{job_id}", "facts", "{cut off")
    return job_id


async def test_a_broken_record_holds_up_no_archiving(store: Store, storage: LocalStorage) -> None:
    broken = await end_job(store, is_broken=True)
    others = [await end_job(store, is_broken=False) for _ in range(150)]
    assert await archive_jobs(store, storage, after_seconds=-1) == len(others)
    assert await store.zrange("ch:1:finished", 0, -1) == [broken]


async def test_a_broken_record_holds_up_no_forgetting(store: Store) -> None:
    ids = [await end_job(store, is_broken=number == 0) for number in range(3)]
    await store.zadd("ch:1:archived", dict.fromkeys(ids, 0))
    assert await mark_old_jobs(store, after_days=1) == 2
    assert set(await store.zrange("ch:1:erasing", 0, -1)) == set(ids[1:])


async def test_a_broken_record_holds_up_no_erasing(
    store: Store, storage: LocalStorage, valkey_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CH_REDIS_URL", valkey_url)
    guard = Guard(make_policy([]), resolve_name)
    resources = Resources(Settings.load(), store, storage, guard)
    ids = [await end_job(store, is_broken=number == 0) for number in range(3)]
    for job_id in ids:
        await mark_erasing(store, OWNER, job_id)
    assert await erase_marked_jobs(resources) == 2
    assert [await store.exists(f"ch:1:job:{job_id}") for job_id in ids] == [1, 0, 0]


async def test_a_batch_goes_some_time_after_its_jobs(store: Store, storage: LocalStorage) -> None:
    batch_id = make_id("batch")
    jobs = [make_job(batch_id, number) for number in range(2)]
    await admit_batch(store, BatchApplication(batch_id, jobs, metadata={"a": json.dumps("b")}))
    await cancel_batch(store, OWNER, batch_id)
    assert await archive_jobs(store, storage, after_seconds=-1) == 2
    assert await store.ttl(f"ch:1:batch:{batch_id}") == -1
    for job in jobs:
        await store.zincrby("ch:1:archived", -2 * 86_400_000, job.job_id)
    assert await mark_old_jobs(store, after_days=1) == 2
    keys = [key async for key in store.scan_iter(f"ch:1:batch:{batch_id}*")]
    assert len(keys) == 2
    assert all([await store.ttl(key) > 0 for key in keys])
