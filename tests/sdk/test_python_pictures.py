"""Pictures and jobs through the Python SDK, asynchronous and synchronous."""

import asyncio
from pathlib import Path

import pytest

from comfyhouse import (
    AsyncClient,
    AuthenticationFailed,
    Client,
    InvalidRequest,
    JobFailed,
    NotFound,
)
from tests.house import House

pytestmark = pytest.mark.asyncio(loop_scope="session")
SMALL = {"width": 64, "height": 64, "steps": 1}


async def test_a_picture_comes_in_one_call(house: House) -> None:
    async with AsyncClient(await house.make_key("test"), base_url=house.url) as client:
        job = await client.generate("a red boat", seed=7, **SMALL)

    assert (job.status, job.images[0].seed, job.images[0].width) == ("succeeded", 7, 64)


async def test_the_synchronous_client_does_the_same(house: House, tmp_path: Path) -> None:
    key = await house.make_key("test")

    def work() -> int:
        with Client(key, base_url=house.url) as client:
            job = client.generate("a red boat", seed=7, **SMALL)
            return client.files.download(job.outputs[0].file_id, tmp_path / "boat.png")

    size = await asyncio.to_thread(work)

    assert size == (tmp_path / "boat.png").stat().st_size > 0
    assert (tmp_path / "boat.png").read_bytes().startswith(b"\x89PNG")


async def test_a_job_is_followed_to_its_end(house: House) -> None:
    async with AsyncClient(await house.make_key("test"), base_url=house.url) as client:
        job = await client.jobs.submit("a followed boat", **SMALL)
        kinds = [event.type async for event in client.jobs.follow(job.job_id)]

    assert (kinds[0], kinds[-1]) == ("job.queued", "job.succeeded")


async def test_what_is_wrong_comes_as_a_class(house: House) -> None:
    async with AsyncClient(await house.make_key("test"), base_url=house.url) as client:
        with pytest.raises(InvalidRequest) as refused:
            await client.generate("a boat", width=7)
        with pytest.raises(NotFound) as missing:
            await client.jobs.get("6e0ab1c2-2f0e-4a53-9d0e-0b64b7b5a8f1")
        with pytest.raises(JobFailed) as failed:
            await client.generate("sandbox:fail", **SMALL)
    async with AsyncClient("sk_test_wrong", base_url=house.url) as stranger:
        with pytest.raises(AuthenticationFailed):
            await stranger.jobs.list()

    assert refused.value.errors[0]["pointer"] == "/width"
    assert missing.value.code == "job_not_found"
    assert failed.value.job_id is not None
