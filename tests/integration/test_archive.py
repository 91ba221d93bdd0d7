"""What becomes of jobs that ended long ago: they are shown as before, from storage."""

from collections.abc import AsyncIterable, Awaitable, Callable
from pathlib import Path

import pytest

from comfyhoused.adapters.redis.client import open_store
from comfyhoused.adapters.storage.local import LocalStorage
from comfyhoused.adapters.storage.storage import Stored
from comfyhoused.core.jobs.archive import archive_jobs, make_archive_key
from comfyhoused.core.jobs.cancel import cancel_job, forget_job, mark_erasing
from tests.house import SECRET, House
from tests.job_desks import admit_job


@pytest.mark.asyncio(loop_scope="session")
async def test_an_archived_job_is_shown_whole_and_can_be_erased(house: House) -> None:
    job_id = await house.submit("a red boat", metadata={"order": "17"})
    before = await house.wait_state(job_id, "succeeded")
    storage = LocalStorage(house.data_dir / "files", SECRET.encode())
    while await archive_jobs(house.store, storage, after_seconds=0):
        pass
    assert not await house.store.exists(f"ch:1:job:{job_id}:spec", f"ch:1:job:{job_id}:events")

    after = await house.get_job(job_id)
    for volatile in (before, after):
        for picture in (*volatile["images"], *volatile["outputs"], volatile):
            picture.pop("url", None)
            picture.pop("image_url", None)
    assert after == before
    assert after["metadata"] == {"order": "17"}

    assert (await house.client.delete(f"/api/v1/jobs/{job_id}")).status_code == 204
    assert (await house.client.get(f"/api/v1/jobs/{job_id}")).status_code == 404
    assert [key async for key in storage.list_keys("") if job_id in key] == []
    assert make_archive_key(job_id).startswith("archive/")


class _Meanwhile(LocalStorage):
    """A store in which something else happens while an object is on its way."""

    meanwhile: Callable[[], Awaitable[object]]

    async def put(
        self, key: str, chunks: AsyncIterable[bytes], *, content_type: str, max_bytes: int
    ) -> Stored:
        await self.meanwhile()
        return await super().put(key, chunks, content_type=content_type, max_bytes=max_bytes)


@pytest.mark.parametrize("is_forgotten", [True, False])
async def test_a_job_erased_while_it_is_archived_leaves_no_document(
    valkey_url: str, tmp_path: Path, is_forgotten: bool
) -> None:
    store = open_store(valkey_url)
    await store.flushdb()
    storage = _Meanwhile(tmp_path / "files", b"a secret")
    job_id = await admit_job(store, "account:a")
    await cancel_job(store, "account:a", job_id)

    async def erase() -> None:
        await mark_erasing(store, "account:a", job_id)
        await storage.delete(make_archive_key(job_id))
        if is_forgotten:
            await forget_job(store, job_id)

    storage.meanwhile = erase
    assert await archive_jobs(store, storage, after_seconds=-1) == 1
    assert [key async for key in storage.list_keys("")] == []
    await store.aclose()
