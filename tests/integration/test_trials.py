"""Test mode: the header that asks for a failure, for every code there is."""

from collections.abc import AsyncIterator

import httpx
import pytest
import pytest_asyncio

from comfyhoused.api.trials import HEADER, TRIALS
from comfyhoused.kit.ids import make_id
from tests.house import House
from tests.integration.test_jobs_refusals import check_problem
from tests.job_cases import make_blank_graph, make_generate
from tools.reference import list_documented_errors

pytestmark = pytest.mark.asyncio(loop_scope="session")

JOBS = "/api/v1/jobs"
GENERATE = "/api/v1/generate"
#: Errors that only a house with Creator knows: none of them can meet a customer of the API.
OTHER_DOOR = ("comfyhoused.creator.", "comfyhoused.adapters.google.", "comfyhoused.core.photos.")
ERRORS = {
    error.code: error
    for error in list_documented_errors()
    if not error.__module__.startswith((*OTHER_DOOR, "comfyhoused.adapters.postgres."))
}


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def tester(house: House) -> AsyncIterator[httpx.AsyncClient]:
    async with await house.make_client("test", make_id("acct", 8)) as client:
        yield client


async def count_jobs(client: httpx.AsyncClient) -> int:
    return len((await client.get(JOBS, params={"limit": 100})).json()["jobs"])


@pytest.mark.parametrize("code", [code for code in ERRORS if code not in TRIALS])
async def test_every_error_there_is_can_be_had(tester: httpx.AsyncClient, code: str) -> None:
    before = await count_jobs(tester)
    answer = await tester.post(JOBS, json=make_generate(), headers={HEADER: code})
    problem = check_problem(answer, ERRORS[code].status, code)
    assert problem["retryable"] is ERRORS[code].retryable
    assert ("retry-after" in answer.headers) is (answer.status_code in (429, 502, 503))
    assert await count_jobs(tester) == before


@pytest.mark.parametrize("code", ["node_failed", "out_of_memory", "job_timed_out", "job_canceled"])
async def test_a_job_comes_to_the_end_that_was_asked_for(
    house: House, tester: httpx.AsyncClient, code: str
) -> None:
    prompt = make_generate()["prompt"]
    headers = {HEADER: code}
    problem = check_problem(
        await tester.post(GENERATE, json=make_generate(), headers=headers),
        ERRORS[code].status,
        code,
    )
    job = (await tester.get(f"{JOBS}/{problem['job_id']}")).json()
    assert job["status"] == ("canceled" if code == "job_canceled" else "failed")
    assert job["parameters"]["prompt"] == prompt, "shown as it was sent"
    assert job["cost"]["images_used"] == 0


async def test_a_slow_job_succeeds(tester: httpx.AsyncClient) -> None:
    answer = await tester.post(GENERATE, json=make_generate(), headers={HEADER: "slow"})
    assert answer.status_code == 200


async def test_reading_fails_on_demand_as_well(tester: httpx.AsyncClient) -> None:
    answer = await tester.get(JOBS, headers={HEADER: "store_unavailable"})
    check_problem(answer, 503, "store_unavailable")
    assert (await tester.get(JOBS)).status_code == 200


async def test_a_live_key_tries_nothing_out(house: House) -> None:
    async with await house.make_client(account=make_id("acct", 8)) as client:
        for code in ("rate_limited", "node_failed", "nonsense"):
            answer = await client.post(GENERATE, json=make_generate(), headers={HEADER: code})
            check_problem(answer, 403, "test_key_needed")
        assert await count_jobs(client) == 0


async def test_what_cannot_be_tried_is_said(tester: httpx.AsyncClient) -> None:
    answer = await tester.post(GENERATE, json=make_generate(), headers={HEADER: "nonsense"})
    assert "node_failed" in check_problem(answer, 422, "trial_unknown")["detail"]
    body = {"workflow": make_blank_graph()}
    answer = await tester.post(JOBS, json=body, headers={HEADER: "node_failed"})
    check_problem(answer, 422, "trial_unknown")
