"""Parts of the house that are away: quick and honest answers, and work that goes on after."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack

import httpx
import pytest
import pytest_asyncio

from tests.house import House
from tests.job_cases import make_generate
from tests.waiting import PATIENCE_SECONDS, wait_until

pytestmark = pytest.mark.asyncio(loop_scope="module")

JOBS = "/api/v1/jobs"


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def house(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[House]:
    """A house of this module's own, for its parts are taken away."""
    async with House(tmp_path_factory.mktemp("outages")) as one:
        yield one


async def call_all(client: httpx.AsyncClient) -> list[httpx.Response]:
    return [
        await client.post(JOBS, json=make_generate()),
        await client.post("/api/v1/generate", json=make_generate()),
        await client.get(JOBS),
        await client.get(f"{JOBS}/some"),
        await client.get(f"{JOBS}/some/events"),
        await client.post(f"{JOBS}/some/cancel"),
        await client.delete(f"{JOBS}/some"),
        await client.get("/api/v1/models"),
        await client.get("/api/v1/files"),
        await client.get("/api/v1/metrics"),
    ]


async def test_without_redis_every_call_is_answered_and_then_all_goes_on(house: House) -> None:
    house.engine.hold()
    running = await house.submit("a running boat")
    await house.wait_state(running, "running")
    queued = await house.submit("a queued boat")
    house.valkey.kill()

    async with asyncio.timeout(PATIENCE_SECONDS):  # answered, not timed out one after the other
        answers = await call_all(house.client)

    assert {one.status_code for one in answers} == {503}
    assert {one.headers["Content-Type"] for one in answers} == {"application/problem+json"}
    assert {one.json()["code"] for one in answers} == {"store_unavailable"}
    assert all(one.json()["retryable"] and "Retry-After" in one.headers for one in answers)
    ready = await house.client.get("/api/v1/ready")
    assert (ready.status_code, ready.json()["store"]) == (503, False)
    assert (await house.client.get("/api/v1/health")).status_code == 200

    await asyncio.to_thread(house.valkey.start)
    house.engine.let_go()

    assert (await house.wait_state(running, "succeeded"))["attempt"] == 1
    assert (await house.wait_state(queued, "succeeded"))["attempt"] == 1
    assert (await house.client.post("/api/v1/generate", json=make_generate())).status_code == 200
    assert house.workers[0].is_alive
    assert set(house.count_starts().values()) == {1}


async def test_a_run_that_ends_while_redis_is_away_is_delivered_after(house: House) -> None:
    house.engine.hold()
    job_id = await house.submit("a boat")
    await house.wait_state(job_id, "running")
    house.valkey.kill()
    ends = len(_list_ends(house))
    house.engine.let_go()
    await wait_until(lambda: len(_list_ends(house)) > ends)
    await asyncio.to_thread(house.valkey.start)

    job = await house.wait_state(job_id, "succeeded")

    assert job["attempt"] == 1
    assert house.count_starts()[_list_ends(house)[-1]] == 1


def _list_ends(house: House) -> list[str]:
    return [one["prompt_id"] for one in house.executions() if one["event"] == "end"]


async def test_who_waits_for_a_picture_waits_through_an_outage(house: House) -> None:
    house.engine.hold()
    waiting = asyncio.create_task(house.client.post("/api/v1/generate", json=make_generate()))
    await _wait_any_running(house)
    house.valkey.kill()
    await asyncio.to_thread(house.valkey.start)
    house.engine.let_go()

    answer = await waiting

    assert (answer.status_code, answer.json()["attempt"]) == (200, 1)


async def test_what_was_accepted_is_not_said_to_be_refused(house: House) -> None:
    """Else the customer would send it again, and pay twice."""
    for seconds in (1, 4, 16):  # on a busy machine the outage may come when the wait is over
        house.engine.hold()
        headers = {"Prefer": f"wait={seconds}"}
        waiting = asyncio.create_task(
            house.client.post("/api/v1/generate", json=make_generate(), headers=headers)
        )
        await _wait_any_running(house)
        house.valkey.kill()
        answer = await waiting
        await asyncio.to_thread(house.valkey.start)
        house.engine.let_go()
        if answer.status_code != 202:
            break
        await house.wait_state(answer.json()["job_id"], "succeeded")

    assert (answer.status_code, answer.json()["code"]) == (503, "job_unseen")
    job = await house.wait_state(answer.headers["Comfyhouse-Job"], "succeeded")
    assert answer.headers["Location"] == f"{JOBS}/{job['job_id']}"


async def _wait_any_running(house: House) -> None:
    async def is_any_running() -> bool:
        return bool((await house.client.get(JOBS, params={"status": "running"})).json()["jobs"])

    await wait_until(is_any_running)


async def test_a_stream_lives_through_an_outage(house: House) -> None:
    """It is cut or goes on; resumed with the last id it misses nothing."""
    house.engine.hold()
    job_id = await house.submit(steps=4)
    await house.wait_state(job_id, "running")
    ids: list[str] = []
    states: list[str] = []

    async def follow() -> None:
        headers = {"Last-Event-ID": ids[-1]} if ids else {}
        async with house.client.stream("GET", f"{JOBS}/{job_id}/events", headers=headers) as answer:
            async for line in answer.aiter_lines():
                name, _, value = line.partition(": ")
                if name == "event" and value not in ("job.progress", "job.preview"):
                    states.append(value)
                if name == "id":
                    ids.append(value)

    following = asyncio.create_task(follow())
    await wait_until(lambda: len(states) == 2)
    house.valkey.kill()
    await asyncio.to_thread(house.valkey.start)
    house.engine.let_go()
    async with asyncio.timeout(PATIENCE_SECONDS):
        await asyncio.gather(following, return_exceptions=True)
        while states[-1] != "job.succeeded":
            try:
                await follow()
            except httpx.TransportError:
                continue

    assert states == ["job.queued", "job.running", "job.succeeded"]


async def test_two_hundred_followers_live_through_an_outage(house: House) -> None:
    job_id = await house.submit("sandbox:hang")
    await house.wait_state(job_id, "running")
    opened = 0
    door = asyncio.Semaphore(20)

    async def follow(client: httpx.AsyncClient) -> str:
        nonlocal opened
        async with AsyncExitStack() as stack:
            async with door:
                request = client.stream("GET", f"{JOBS}/{job_id}/events")
                answer = await stack.enter_async_context(request)
            opened += 1
            body = "".join([text async for text in answer.aiter_text()])
            return f"{answer.status_code} {body}"

    limits = httpx.Limits(max_connections=250)
    headers = house.client.headers
    async with httpx.AsyncClient(
        base_url=house.url, headers=headers, limits=limits, timeout=PATIENCE_SECONDS
    ) as crowd:
        following = [asyncio.create_task(follow(crowd)) for _ in range(200)]
        await wait_until(lambda: opened == 200)
        await asyncio.to_thread(house.valkey.restart)
        await wait_until(lambda: _is_canceled(house, job_id))
        streams = await asyncio.gather(*following)

    assert [one for one in streams if "event: job.canceled" not in one] == []
    assert all(one.count("event: job.running") == 1 for one in streams)
    assert "Traceback" not in house.api.log.read_text()


async def _is_canceled(house: House, job_id: str) -> bool:
    return (await house.client.post(f"{JOBS}/{job_id}/cancel")).status_code == 200


async def test_full_redis_takes_no_new_jobs_but_finishes_what_runs(house: House) -> None:
    """`noeviction`: admission is refused, scripts that end something are not."""
    house.engine.hold()
    running = await house.submit("a running boat", steps=4)
    await house.wait_state(running, "running")
    waiting = await house.submit("a patient boat", steps=4)
    canceled = await house.submit("a canceled boat")
    await house.store.config_set("maxmemory", "1mb")
    try:
        refused = await house.client.post(JOBS, json=make_generate())
        cancel = await house.client.post(f"{JOBS}/{canceled}/cancel")
        house.engine.let_go()
        jobs = [
            await house.wait_state(running, "succeeded"),
            await house.wait_state(waiting, "succeeded"),
            await house.wait_state(canceled, "canceled"),
        ]
    finally:
        await house.store.config_set("maxmemory", "0")

    assert (refused.status_code, refused.json()["code"]) == (503, "store_full")
    assert cancel.status_code == 200
    assert [job["attempt"] for job in jobs[:2]] == [1, 1]
    assert house.workers[0].is_alive
    assert (await house.client.post("/api/v1/generate", json=make_generate())).status_code == 200


async def test_a_worker_that_is_asked_to_leave_hands_its_jobs_over(house: House) -> None:
    house.engine.hold()
    job_id = await house.submit("a boat")
    await house.wait_state(job_id, "running")
    leaving = house.workers[0]
    await asyncio.to_thread(leaving.stop)
    assert leaving.process is not None
    assert leaving.process.returncode == 0, "it left, it was not killed"
    house.add_worker()
    house.engine.let_go()

    job = await house.wait_state(job_id, "succeeded")

    assert job["attempt"] == 1
    assert max(house.count_starts().values()) == 1


async def test_api_and_worker_may_start_before_redis(house: House) -> None:
    house.valkey.kill()
    house.add_api()
    house.add_worker()
    for worker in house.workers[:-1]:
        worker.kill()
    await asyncio.to_thread(house.apis[-1].wait_ready)
    early = await house.client.post(f"{house.apis[-1].url}{JOBS}", json=make_generate())
    assert (early.status_code, early.json()["code"]) == (503, "store_unavailable")
    await wait_until(lambda: "waiting for Redis" in house.workers[-1].log.read_text())
    await asyncio.to_thread(house.valkey.start)

    answer = await house.client.post(f"{house.apis[-1].url}/api/v1/generate", json=make_generate())

    assert answer.status_code == 200, answer.text
