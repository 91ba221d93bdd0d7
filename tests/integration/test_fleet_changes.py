"""Servers join and leave while the house runs."""

from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from comfyhoused.core.fleet.added import add_backend, remove_backend
from comfyhoused.core.fleet.backends import BackendStatus, list_statuses, make_backend_id
from tests.conftest import MakeEngine
from tests.house import House
from tests.waiting import wait_until

pytestmark = pytest.mark.asyncio(loop_scope="module")


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def house(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[House]:
    """One worker: with two, one might still see the fleet as it was."""
    async with House(tmp_path_factory.mktemp("a changing fleet")) as one:
        yield one


async def find_status(house: House, backend_id: str) -> BackendStatus | None:
    return next((one for one in await list_statuses(house.store) if one.id == backend_id), None)


async def serves(house: House, backend_id: str, *modes: str) -> bool:
    status = await find_status(house, backend_id)
    return status is not None and status.is_ready and status.modes == modes


async def test_an_added_server_takes_live_work_from_the_engine(
    house: House, make_engine: MakeEngine
) -> None:
    await wait_until(lambda: serves(house, "engine", "live", "test"))
    server = make_engine()
    added = make_backend_id(server.url)
    await add_backend(house.store, server.url)
    await wait_until(lambda: serves(house, added, "live"))
    await wait_until(lambda: serves(house, "engine", "test"))

    job = await house.wait_state(await house.submit(), "succeeded")
    assert job["engine"] == "comfyui"
    assert sum(event["event"] == "start" for event in server.executions()) == 1
    assert not house.count_starts()

    async with await house.make_client("test") as tester:
        answer = await tester.post("/api/v1/generate", json={"prompt": "a red boat", "steps": 1})
    assert answer.json()["engine"] == "sandbox"
    await remove_backend(house.store, added)
    await wait_until(lambda: serves(house, "engine", "live", "test"))


async def test_work_of_a_server_that_leaves_is_done_elsewhere(
    house: House, make_engine: MakeEngine
) -> None:
    server = make_engine("--switch", "node_seconds=30")
    added = make_backend_id(server.url)
    await add_backend(house.store, server.url)
    await wait_until(lambda: serves(house, added, "live"))
    await wait_until(lambda: serves(house, "engine", "test"))
    job_id = await house.submit()
    await wait_until(lambda: server.executions())

    await remove_backend(house.store, added)
    job = await house.wait_state(job_id, "succeeded")
    assert (job["engine"], job["attempt"]) == ("sandbox", 2)
    assert await find_status(house, added) is None
