"""Backends that misbehave without dying: what is blamed, what is tried again, what waits."""

import asyncio
from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from comfyhoused.kit.ids import make_attempt_id
from tests.chaos.audit import check_runs
from tests.house import House
from tests.job_cases import make_blank_graph
from tests.waiting import wait_until

pytestmark = [pytest.mark.chaos, pytest.mark.asyncio(loop_scope="module")]

_QUIET = {
    "hold_at_node": None,
    "node_seconds": 0,
    "step_seconds": 0,
    "drop_socket": 0,
    "silent": False,
    "lose_history": False,
    "dead_worker": False,
    "refuse_prompts": False,
    "slow_view_bytes_per_second": 0,
}


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def shared(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[House]:
    async with House(tmp_path_factory.mktemp("faults")) as one:
        yield one


@pytest_asyncio.fixture(loop_scope="module")
async def house(shared: House) -> AsyncIterator[House]:
    """The house with an engine that behaves, before and after."""
    yield shared
    if not shared.engine.is_alive:
        await asyncio.to_thread(shared.engine.start)
    shared.engine.set_switch(**_QUIET)


async def wait_queued_at_engine(house: House, job_id: str) -> None:
    """Wait until the first attempt of the job has been submitted, begun or not."""
    attempt_id = make_attempt_id(job_id, 1)

    async def is_there() -> bool:
        queue = (await house.client.get(f"{house.engine.url}/queue")).json()
        rows = [*queue["queue_running"], *queue["queue_pending"]]
        return attempt_id in [row[1] for row in rows]

    await wait_until(is_there)


async def list_at_engine(house: House) -> list[str]:
    queue = (await house.client.get(f"{house.engine.url}/queue")).json()
    return [row[1] for row in (*queue["queue_running"], *queue["queue_pending"])]


async def test_one_job_is_staged_and_the_others_wait(house: House) -> None:
    """And a staged one is taken back when its owner cancels it."""
    running, *others = [await house.submit("sandbox:hang") for _ in range(5)]
    await house.wait_state(running, "running")
    await wait_until(lambda: _has_length(house, 2))
    staged = [one for one in others if make_attempt_id(one, 1) in await list_at_engine(house)]
    assert len(staged) == 1

    for job_id in (*staged, *(one for one in others if one not in staged), running):
        await house.client.post(f"/api/v1/jobs/{job_id}/cancel")
    for job_id in (running, *others):
        await house.wait_state(job_id, "canceled")

    starts = house.count_starts()
    began = [one for one in (running, *others) if starts.get(make_attempt_id(one, 1))]
    assert began[0] == running
    assert await list_at_engine(house) == []


async def _has_length(house: House, length: int) -> bool:
    return len(await list_at_engine(house)) == length


async def test_only_the_running_job_is_blamed_when_the_engine_dies(house: House) -> None:
    house.engine.hold()
    running = await house.submit("a running boat")
    await house.wait_state(running, "running")
    staged = await house.submit("a staged boat")
    await wait_queued_at_engine(house, staged)

    house.engine.kill()
    await asyncio.to_thread(house.engine.start)

    for job_id in (running, staged):
        assert (await house.wait_state(job_id, "succeeded"))["attempt"] == 2
    deaths = [await house.store.hget(f"ch:1:job:{one}", "deaths") for one in (running, staged)]
    assert deaths == ["1", "0"]
    assert check_runs(house, [running, staged]) == 3


async def test_a_job_that_kills_two_engines_is_not_tried_again(house: House) -> None:
    job_id = await house.submit("sandbox:hang")
    for attempt in (1, 2):
        await wait_until(
            lambda attempt=attempt: make_attempt_id(job_id, attempt) in house.count_starts()
        )
        await house.wait_state(job_id, "running")
        house.engine.kill()
        await asyncio.to_thread(house.engine.start)

    job = await house.wait_state(job_id, "failed")

    assert job["error"]["code"] == "job_poisonous"
    assert (job["attempt"], job["cost"]["images_used"]) == (2, 0)


async def test_an_engine_that_is_quickly_back_gets_one_more_run_only(house: House) -> None:
    """Its new boot must not be taken for another death of the next attempt."""
    house.engine.hold()
    job_ids = [await house.submit("a running boat")]
    await house.wait_state(job_ids[0], "running")
    job_ids.append(await house.submit("a staged boat"))
    await wait_queued_at_engine(house, job_ids[1])
    house.engine.restart()

    jobs = [await house.wait_state(one, "succeeded") for one in job_ids]

    assert [job["attempt"] for job in jobs] == [2, 2]
    assert check_runs(house, job_ids) == 3


async def test_jobs_wait_while_the_backend_is_down(house: House) -> None:
    house.engine.kill()
    job_ids = [await house.submit(f"patient boat {number}") for number in range(3)]
    ready = await house.client.get("/api/v1/ready")
    assert ready.status_code == 200

    await asyncio.to_thread(house.engine.start)

    for job_id in job_ids:
        job = await house.wait_state(job_id, "succeeded")
        assert job["cost"]["images_used"] == 1
    assert check_runs(house, job_ids) == 3


@pytest.mark.parametrize(
    "switch", [{"drop_socket": 3}, {"silent": True}, {"slow_view_bytes_per_second": 20_000}]
)
async def test_weak_connections_change_nothing(house: House, switch: dict[str, object]) -> None:
    house.engine.set_switch(step_seconds=0.05, **switch)
    job_ids = [await house.submit(f"boat {number} {switch}", steps=4) for number in range(3)]

    jobs = [await house.wait_state(job_id, "succeeded") for job_id in job_ids]

    assert {job["attempt"] for job in jobs} == {1}
    assert check_runs(house, job_ids) == 3


async def test_a_lost_history_is_no_death(house: House) -> None:
    """It ran, nobody knows how it ended: a few tries, then an honest failure."""
    house.engine.set_switch(lose_history=True)
    job_id = await house.submit("a forgotten boat")

    job = await house.wait_state(job_id, "failed")

    assert job["error"]["code"] == "result_lost"
    assert job["error"]["retryable"] is True
    assert await house.store.hget(f"ch:1:job:{job_id}", "deaths") == "0"
    house.engine.set_switch(lose_history=False)
    assert (await house.wait_state(await house.submit(), "succeeded"))["attempt"] == 1


async def test_a_backend_that_refuses_every_prompt_fails_them(house: House) -> None:
    house.engine.set_switch(refuse_prompts=True)
    job = await house.wait_state(await house.submit(), "failed")

    assert job["error"]["code"] == "backend_broken"
    assert job["attempt"] == 3
    assert "Traceback" not in str(job["error"])


async def test_a_stuck_engine_gets_no_more_jobs_until_it_is_restarted(house: House) -> None:
    house.engine.set_switch(dead_worker=True)
    job_ids = [await house.submit("a boat that is said to run")]
    await wait_queued_at_engine(house, job_ids[0])
    job_ids += [await house.submit(f"stuck boat {number}") for number in range(2)]

    async def is_stuck() -> bool:
        backends = (await house.client.get("/api/v1/ready")).json()["backends"]
        return [one["state"] for one in backends] == ["stuck"]

    await wait_until(is_stuck)
    await asyncio.to_thread(house.engine.restart)

    for job_id in job_ids:
        await house.wait_state(job_id, "succeeded")
    deaths = [await house.store.hget(f"ch:1:job:{one}", "deaths") for one in job_ids]
    # The one that was said to run may be what stopped the worker; the others cannot.
    assert deaths == ["1", "0", "0"]
    assert check_runs(house, job_ids) == 3


async def test_strays_are_taken_off_after_a_reconnect(house: House) -> None:
    """A prompt of this house that no job is assigned to must not use the GPU."""
    name = str(await house.store.get("ch:1:house"))
    house.engine.hold()
    running = await house.submit("a running boat")
    await house.wait_state(running, "running")
    stray = make_attempt_id(running, 99)
    foreign = make_attempt_id(running, 98)
    for prompt_id, client_id in ((stray, f"ch-{name}-gone"), (foreign, "somebody else")):
        body = {
            "prompt": make_blank_graph(),
            "prompt_id": prompt_id,
            "client_id": client_id,
            "extra_data": {},
        }
        assert (await house.client.post(f"{house.engine.url}/prompt", json=body)).is_success

    house.workers[0].restart()
    await wait_until(lambda: _lacks(house, stray))
    assert await list_at_engine(house) == [make_attempt_id(running, 1), foreign]
    house.engine.let_go()

    await house.wait_state(running, "succeeded")
    await wait_until(lambda: foreign in house.count_starts())
    assert stray not in house.count_starts()
    assert check_runs(house, [running]) == 1


async def _lacks(house: House, prompt_id: str) -> bool:
    return prompt_id not in await list_at_engine(house)
