"""Requests that ComfyUI accepts and then dies of: the engine dies in the same way.

A client that judges health by HTTP alone would wait for ever here.
"""

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import suppress
from pathlib import Path

import pytest
from aiohttp import ClientConnectionError, ClientSession

from tests.contract.conformance.cases import SOURCE, Death, read_deaths
from tests.contract.conformance.graphs import make_noop
from tests.contract.conformance.stage import Stage, start_engine
from tests.processes import EngineProcess
from tests.waiting import wait_until

CASES = read_deaths(SOURCE)
DEADLY = [case for case in CASES if case.process_survives and not case.worker_survives]
HARMLESS = [case for case in CASES if case.worker_survives]
ENDINGS = [case for case in CASES if not case.process_survives]


@pytest.fixture
async def stage(tmp_path: Path) -> AsyncIterator[Stage]:
    engine = await asyncio.to_thread(start_engine, tmp_path)
    async with ClientSession() as session:
        yield Stage(engine, session)
    engine.stop()


@pytest.fixture(scope="module")
def shared_engine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[EngineProcess]:
    engine = start_engine(tmp_path_factory.mktemp("engine"))
    yield engine
    engine.stop()


async def wait_for_worker_death(stage: Stage) -> None:
    """The executor thread's own last words are in the process's output."""
    await wait_until(lambda: "Exception in thread executor" in stage.engine.log.read_text())


async def assert_is_deaf(stage: Stage, running: list[str]) -> None:
    """HTTP answers, `running` is shown for ever, and what is queued stays where it is."""
    waiting = await stage.queue(make_noop(99))
    queue = await stage.get("queue")
    assert [item[1] for item in queue["queue_running"]] == running
    assert waiting in [item[1] for item in queue["queue_pending"]]
    assert await stage.get(f"history/{waiting}") == {}
    stage.engine.restart()
    assert (await stage.get("queue")) == {"queue_running": [], "queue_pending": []}
    await stage.run(make_noop(100))


@pytest.mark.parametrize("case", DEADLY, ids=lambda case: case.name)
async def test_worker_dies_while_http_answers(stage: Stage, case: Death) -> None:
    answer = await stage.post("prompt", case.body)
    await wait_for_worker_death(stage)
    await assert_is_deaf(stage, [answer["prompt_id"]])


@pytest.mark.parametrize("case", ENDINGS, ids=lambda case: case.name)
async def test_process_ends(stage: Stage, case: Death) -> None:
    # It may be gone before it has answered.
    with suppress(ClientConnectionError):
        await stage.post("prompt", case.body)
    await wait_until(lambda: not stage.engine.is_alive)


@pytest.mark.parametrize("case", HARMLESS, ids=lambda case: case.name)
async def test_worker_survives(shared_engine: EngineProcess, case: Death) -> None:
    async with ClientSession() as session:
        stage = Stage(shared_engine, session)
        answer = await stage.post("prompt", case.body)
        entry = await stage.wait_for_history(answer["prompt_id"])
        assert entry["status"]["status_str"] == case.outcome
        await stage.run(make_noop(101))


async def test_same_number_and_id_break_the_heap(stage: Stage) -> None:
    await stage.start_slow(seed=1)
    statuses = []
    for color in (1, 2, 3):
        body = {"prompt": make_noop(color), "number": 5, "prompt_id": "same-id"}
        async with stage.session.post(f"{stage.engine.url}/prompt", json=body) as response:
            statuses.append(response.status)
    assert statuses == [200, 500, 500]
    assert [item[1] for item in (await stage.get("queue"))["queue_pending"]] == ["same-id"] * 3
    await stage.post("interrupt", {})
    await wait_for_worker_death(stage)
    await assert_is_deaf(stage, [])


def test_all_cases_are_here() -> None:
    assert (len(DEADLY), len(ENDINGS), len(HARMLESS)) == (3, 1, 5)
