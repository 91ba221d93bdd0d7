"""Files go when the plan's days are over: from storage too, and their job says so."""

import io
from datetime import datetime, timedelta
from typing import Any

import httpx
import numpy
import pytest
from PIL import Image

from comfyhoused.adapters.redis.client import Store
from comfyhoused.adapters.storage.local import LocalStorage
from comfyhoused.core.files.records import get_file, hold_files
from comfyhoused.core.files.sweep import sweep_files
from comfyhoused.core.jobs.archive import archive_jobs, load_document, mark_old_jobs
from comfyhoused.core.jobs.record import get_job
from comfyhoused.kit.clock import get_now, get_now_ms
from tests.customers import Customer, make_customer
from tests.house import SECRET, House
from tests.job_cases import make_generate, make_invert_graph
from tests.pictures import encode, make_image
from tests.waiting import wait_until

pytestmark = pytest.mark.asyncio(loop_scope="session")

WEEK = timedelta(days=7)
PICTURE = encode(make_image(64, 64))


def open_storage(house: House) -> LocalStorage:
    return LocalStorage(house.data_dir / "files", SECRET.encode())


async def age_file(store: Store, file_id: str, days: float) -> None:
    """Let so many days pass for a file."""
    await store.zincrby("ch:1:files:expiring", -days * 86_400_000, file_id)
    ends = int(str(await store.hget(f"ch:1:file:{file_id}", "expires_at")))
    await store.hset(f"ch:1:file:{file_id}", "expires_at", str(ends - int(days * 86_400_000)))


async def age_job(store: Store, job_id: str, days: float) -> None:
    """Let so many days pass for a job that is over."""
    await store.hincrby(f"ch:1:job:{job_id}", "finished_at", -int(days * 86_400_000))


async def make_picture(customer: Customer) -> dict[str, Any]:
    answer = await customer.client.post("/api/v1/generate", json=make_generate())
    assert answer.status_code == 200, answer.text
    job: dict[str, Any] = answer.json()
    return job


async def upload(customer: Customer) -> dict[str, Any]:
    answer = await customer.client.post(
        "/api/v1/files", content=PICTURE, headers={"Content-Type": "image/png"}
    )
    assert answer.status_code == 201, answer.text
    file: dict[str, Any] = answer.json()
    return file


def is_about(text: str, instant: datetime) -> bool:
    return abs(datetime.fromisoformat(text) - instant) < timedelta(minutes=10)


async def test_results_and_uploads_are_kept_as_long_as_the_plan_says(house: House) -> None:
    async with await make_customer(house, "small") as customer:
        job = await make_picture(customer)
        for one in (*job["outputs"], *job["images"], await upload(customer)):
            assert is_about(one["expires_at"], get_now() + WEEK)
            assert one["url"]


async def test_an_expired_result_is_gone_and_the_job_says_so(house: House) -> None:
    async with await make_customer(house, "small") as customer:
        job = await make_picture(customer)
        (output,) = job["outputs"]
        await age_file(house.store, output["file_id"], 7.1)
        await age_job(house.store, job["job_id"], 7.1)

        async def is_told() -> dict[str, Any]:
            shown = (await customer.client.get(f"/api/v1/jobs/{job['job_id']}")).json()
            assert shown["status"] == "succeeded"
            assert shown["image_url"] is None
            for one in (*shown["outputs"], *shown["images"]):
                assert one["url"] is None
                assert datetime.fromisoformat(one["expires_at"]) < get_now()
            assert [one["hash"] for one in shown["outputs"]] == [output["hash"]]
            assert len(shown["images"]) == 1
            return shown

        before = await is_told()  # at once, whenever the sweeper comes
        answer = await customer.client.get(f"/api/v1/files/{output['file_id']}")
        assert answer.status_code == 404
        await sweep_files(house.store, open_storage(house))
        objects = [key async for key in open_storage(house).list_keys(f"jobs/{job['job_id']}")]
        assert objects == []
        assert await is_told() == before
        async with httpx.AsyncClient() as stranger:
            assert (await stranger.get(output["url"])).status_code == 404


async def test_a_result_that_was_deleted_is_not_shown_at_all(house: House) -> None:
    async with await make_customer(house, "small") as customer:
        job = await make_picture(customer)
        await customer.client.delete(f"/api/v1/files/{job['outputs'][0]['file_id']}")
        shown = (await customer.client.get(f"/api/v1/jobs/{job['job_id']}")).json()
        assert (shown["outputs"], shown["images"]) == ([], [])


async def test_a_job_finds_its_inputs_though_their_time_runs_out(house: House) -> None:
    """Accepted is kept: what a waiting job uses stays until the job is over at the latest."""
    async with await make_customer(house, "small") as customer:
        file = await upload(customer)
        await age_file(house.store, file["file_id"], 6.99)
        body = {"workflow": make_invert_graph(file["file_id"]), "expires_in_seconds": 604_800}
        answer = await customer.client.post("/api/v1/jobs", json=body)
        assert answer.status_code == 202, answer.text
        kept = await get_file(house.store, customer.owner, file["file_id"])
        assert kept.expires_at is not None
        assert kept.expires_at > get_now() + WEEK

        await hold_files(house.store, [file["file_id"], "file_unknown"], get_now())
        assert (await get_file(house.store, customer.owner, file["file_id"])) == kept
        assert not await house.store.exists("ch:1:file:file_unknown")


async def test_jobs_are_forgotten_after_their_days_and_stay_charged(house: House) -> None:
    async with await make_customer(house, "small") as customer:
        job = await make_picture(customer)
        job_id = job["job_id"]

        async def is_settled() -> bool:
            usage = (await customer.client.get("/api/v1/usage")).json()
            return (usage["used"], usage["reserved"]) == (1, 0)

        await wait_until(is_settled)
        storage = open_storage(house)
        old = get_now_ms() - 401 * 86_400_000
        await house.store.hset(f"ch:1:job:{job_id}", "finished_at", str(old))
        await house.store.zadd("ch:1:finished", {job_id: old})
        while not (await get_job(house.store, customer.owner, job_id)).is_archived:
            await archive_jobs(house.store, storage, after_seconds=400 * 86_400)
        shown = await load_document(storage, await get_job(house.store, customer.owner, job_id))
        assert shown.outputs
        assert await mark_old_jobs(house.store, after_days=402) == 0
        assert await mark_old_jobs(house.store, after_days=400) == 1
        assert (await customer.client.get(f"/api/v1/jobs/{job_id}")).status_code == 404

        async def is_forgotten() -> bool:
            return not await house.store.exists(f"ch:1:job:{job_id}")

        await wait_until(is_forgotten)
        assert await house.store.zscore("ch:1:archived", job_id) is None
        assert [key async for key in storage.list_keys(f"jobs/{job_id}")] == []
        assert await is_settled()


async def test_uploads_stop_where_the_room_ends_and_results_do_not(house: House) -> None:
    async with await make_customer(house, "cramped") as customer:  # room for 10,000 bytes
        noise = numpy.random.default_rng(1).integers(0, 256, (48, 48, 3), dtype=numpy.uint8)
        stream = io.BytesIO()
        Image.fromarray(noise).save(stream, "PNG")
        body, headers = stream.getvalue(), {"Content-Type": "image/png"}
        assert 5_000 < len(body) < 10_000
        first = await customer.client.post("/api/v1/files", content=body, headers=headers)
        second = await customer.client.post("/api/v1/files", content=body, headers=headers)
        stored = int(str(await house.store.get(f"ch:1:stored:{customer.owner}")))
        await customer.client.delete(f"/api/v1/files/{first.json()['file_id']}")
        third = await customer.client.post("/api/v1/files", content=body, headers=headers)

        assert (first.status_code, second.status_code, third.status_code) == (201, 403, 201)
        assert second.json()["code"] == "storage_full"
        assert stored == len(body)

        picture = {"prompt": "a boat", "width": 128, "height": 128, "steps": 1}
        made = await customer.client.post("/api/v1/generate", json=picture)
        assert made.status_code == 200
        refused = await customer.client.post("/api/v1/files", content=body, headers=headers)
        assert refused.status_code == 403
