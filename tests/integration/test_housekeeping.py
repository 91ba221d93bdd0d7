"""What the housekeeping of a worker stumbles over does not stop its jobs."""

import pytest

from comfyhoused.kit.ids import make_job_id
from tests.house import House
from tests.waiting import wait_until

pytestmark = pytest.mark.asyncio(loop_scope="session")


async def test_a_broken_record_does_not_bring_the_worker_down(house: House) -> None:
    broken = make_job_id()
    await house.store.hset(f"ch:1:job:{broken}", "state", "succeeded")
    await house.store.zadd("ch:1:erasing", {broken: 1})
    for worker in house.workers:
        await wait_until(
            lambda one=worker: not one.is_alive or "is passed by" in one.log.read_text()
        )
        assert worker.is_alive
    job = await house.wait_state(await house.submit(), "succeeded")
    assert job["attempt"] == 1
    await house.store.zrem("ch:1:erasing", broken)
    await house.store.delete(f"ch:1:job:{broken}")
