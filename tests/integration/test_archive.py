"""What becomes of jobs that ended long ago: they are shown as before, from storage."""

from comfyhoused.adapters.storage.local import LocalStorage
from comfyhoused.core.jobs.archive import archive_jobs, make_archive_key
from comfyhoused.core.jobs.counting import count_queue
from tests.conftest import MakeHouse
from tests.house import SECRET
from tests.waiting import wait_until


async def test_an_archived_job_is_shown_whole_and_can_be_erased(make_house: MakeHouse) -> None:
    house = await make_house()
    job_id = await house.submit("a red boat", metadata={"order": "17"})
    before = await house.wait_state(job_id, "succeeded")
    storage = LocalStorage(house.data_dir / "files", SECRET.encode())
    await wait_until(lambda: _is_due(house))
    assert await archive_jobs(house.store, storage, after_seconds=0) == 1
    assert not await house.store.exists(f"ch:1:job:{job_id}:spec", f"ch:1:job:{job_id}:events")

    after = await house.get_job(job_id)
    for volatile in (before, after):
        for picture in (*volatile["images"], *volatile["outputs"], volatile):
            picture.pop("url", None)
            picture.pop("image_url", None)
    assert after == before
    assert after["metadata"] == {"order": "17"}
    assert await archive_jobs(house.store, storage, after_seconds=0) == 0

    assert (await house.client.delete(f"/api/v1/jobs/{job_id}")).status_code == 204
    assert (await house.client.get(f"/api/v1/jobs/{job_id}")).status_code == 404
    assert [key async for key in storage.list_keys("")] == []
    assert make_archive_key(job_id).startswith("archive/")


async def _is_due(house) -> bool:
    return (await count_queue(house.store)).finished == 1
