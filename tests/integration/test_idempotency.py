"""One Idempotency-Key, one job: however many ask at once, and whatever has changed meanwhile."""

import asyncio
import base64
from collections import Counter

import pytest
import pytest_asyncio

from comfyhoused.core.jobs.books import read_usage
from comfyhoused.kit.ids import make_id
from comfyhoused.kit.periods import get_period
from tests.customers import Customer, make_customer
from tests.house import House
from tests.job_cases import make_blank_graph, make_generate
from tests.pictures import encode, make_image

pytestmark = pytest.mark.asyncio(loop_scope="session")

JOBS = "/api/v1/jobs"
PICTURE = "data:image/png;base64," + base64.b64encode(encode(make_image(64, 64))).decode()


@pytest_asyncio.fixture(loop_scope="session", scope="session")
async def pair(house: House) -> House:
    """The shared house with a second API process."""
    if len(house.apis) < 2:
        api = house.add_api()
        await asyncio.to_thread(api.wait_ready)
    return house


async def list_jobs(customer: Customer) -> list[str]:
    answer = await customer.client.get(JOBS, params={"limit": 100})
    return [one["job_id"] for one in answer.json()["jobs"]]


async def list_files(customer: Customer) -> list[str]:
    answer = await customer.client.get("/api/v1/files", params={"limit": 100})
    return [one["file_id"] for one in answer.json()["files"]]


@pytest.mark.parametrize(
    "count", [pytest.param(100, id="tenth"), pytest.param(1000, marks=pytest.mark.soak, id="full")]
)
async def test_identical_posts_at_once_make_one_job(pair: House, count: int) -> None:
    async with await make_customer(pair, "business") as customer:
        headers = {"Idempotency-Key": make_id("order")}
        body = {"workflow": make_blank_graph(), "max_units": 3}
        answers = await asyncio.gather(
            *(customer.clients[n % 2].post(JOBS, json=body, headers=headers) for n in range(count))
        )
        assert Counter(one.status_code for one in answers) == {202: count}
        (job_id,) = {one.json()["job_id"] for one in answers}
        replays = [one for one in answers if one.headers.get("Idempotent-Replayed") == "true"]
        assert len(replays) == count - 1
        assert await list_jobs(customer) == [job_id]
        usage = await read_usage(pair.store, customer.owner, get_period())
        assert usage.reserved + usage.jobs in (1, 3)  # charged for one job, or about to be


async def test_a_replay_brings_no_file_and_asks_nothing_again(pair: House) -> None:
    """The first answer stands, though by now the very same request would be refused."""
    async with await make_customer(pair, "small") as customer:
        client, headers = customer.client, {"Idempotency-Key": make_id("order")}
        body = make_generate(num_images=4, init_image=PICTURE)
        first = await client.post(JOBS, json=body, headers=headers)
        assert first.status_code == 202, first.text
        inputs = await list_files(customer)
        fresh = await client.post(JOBS, json=body)
        assert fresh.json()["code"] == "quota_exceeded"

        again = await client.post(JOBS, json=body, headers=headers)
        assert (again.status_code, again.headers["Idempotent-Replayed"]) == (202, "true")
        assert again.json()["job_id"] == first.json()["job_id"]
        brought = [one for one in await list_files(customer) if one not in inputs]
        shown = (await client.get(f"{JOBS}/{first.json()['job_id']}")).json()
        assert set(brought) <= {one["file_id"] for one in shown["outputs"]}


async def test_a_refused_request_releases_its_key(pair: House) -> None:
    async with await make_customer(pair, "small") as customer:
        client, headers = customer.client, {"Idempotency-Key": make_id("order")}
        body = {"workflow": make_blank_graph(), "max_units": 6}
        refused = await client.post(JOBS, json=body, headers=headers)
        assert refused.json()["code"] == "quota_exceeded"
        invalid = await client.post(JOBS, json=make_generate(width=7), headers=headers)
        assert invalid.status_code == 422
        accepted = await client.post(JOBS, json={**body, "max_units": 5}, headers=headers)
        assert accepted.status_code == 202
        assert "Idempotent-Replayed" not in accepted.headers
        other = await client.post(JOBS, json=body, headers=headers)
        assert (other.status_code, other.json()["code"]) == (409, "idempotency_conflict")


async def test_a_key_is_the_accounts_own(pair: House) -> None:
    async with (
        await make_customer(pair, "small") as one,
        await make_customer(pair, "small") as other,
    ):
        headers = {"Idempotency-Key": "the same for both"}
        first = await one.client.post(JOBS, json=make_generate(), headers=headers)
        second = await other.client.post(JOBS, json=make_generate(steps=2), headers=headers)
        assert (first.status_code, second.status_code) == (202, 202)
        assert first.json()["job_id"] != second.json()["job_id"]
