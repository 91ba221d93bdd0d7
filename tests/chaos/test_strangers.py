"""Others use the same ComfyUI server: they press stop, clear the queue, and queue their own."""

import asyncio
import random
from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from comfyhoused.kit.ids import make_attempt_id
from tests.chaos.audit import check_runs
from tests.house import House
from tests.waiting import wait_until

pytestmark = [pytest.mark.chaos, pytest.mark.asyncio(loop_scope="module")]


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def house(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[House]:
    async with House(tmp_path_factory.mktemp("strangers")) as one:
        yield one


async def list_at_engine(house: House) -> list[str]:
    queue = (await house.client.get(f"{house.engine.url}/queue")).json()
    return [row[1] for row in (*queue["queue_running"], *queue["queue_pending"])]


async def wait_at_engine(house: House, job_id: str) -> None:
    async def is_there() -> bool:
        return make_attempt_id(job_id, 1) in await list_at_engine(house)

    await wait_until(is_there)


async def test_a_stop_that_nobody_of_ours_asked_for_is_a_retry(house: House) -> None:
    house.engine.hold()
    job_id = await house.submit("a stopped boat")
    await house.wait_state(job_id, "running")

    await house.client.post(f"{house.engine.url}/interrupt", json={})
    house.engine.let_go()

    assert (await house.wait_state(job_id, "succeeded"))["attempt"] == 2
    assert await house.store.hget(f"ch:1:job:{job_id}", "deaths") == "0"


async def test_a_queue_that_somebody_cleared_loses_nothing(house: House) -> None:
    house.engine.hold()
    running = await house.submit("a running boat")
    await house.wait_state(running, "running")
    staged = await house.submit("a staged boat")
    await wait_at_engine(house, staged)

    await house.client.post(f"{house.engine.url}/queue", json={"clear": True})
    house.engine.let_go()

    assert (await house.wait_state(running, "succeeded"))["attempt"] == 1
    assert (await house.wait_state(staged, "succeeded"))["attempt"] == 2
    assert check_runs(house, [running, staged]) == 2


async def test_a_cancellation_hits_its_own_job_only(house: House) -> None:
    """Canceled at about the moment when it ends and the next one begins."""
    chance = random.Random(3)
    house.engine.set_switch(step_seconds=0.02)
    others = []
    for number in range(15):
        first = await house.submit(f"boat {number}", steps=4)
        others.append(await house.submit(f"innocent boat {number}", steps=4))
        await asyncio.sleep(chance.uniform(0.05, 0.25))
        await house.client.post(f"/api/v1/jobs/{first}/cancel")
    house.engine.set_switch(step_seconds=0)

    jobs = [await house.wait_state(one, "succeeded") for one in others]

    assert {job["attempt"] for job in jobs} == {1}
    ends = {line["prompt_id"]: line["outcome"] for line in house.executions()}
    assert {ends[make_attempt_id(one, 1)] for one in others} == {"success"}
