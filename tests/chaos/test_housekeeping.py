"""What the housekeeping of a worker stumbles over does not stop its jobs."""

from comfyhoused.kit.ids import make_job_id
from tests.conftest import MakeHouse
from tests.waiting import wait_until


async def test_a_broken_record_does_not_bring_the_worker_down(make_house: MakeHouse) -> None:
    house = await make_house()
    broken = make_job_id()
    await house.store.hset(f"ch:1:job:{broken}", "state", "succeeded")
    await house.store.zadd("ch:1:erasing", {broken: 1})
    worker = house.workers[0]
    await wait_until(lambda: not worker.is_alive or "is passed by" in worker.log.read_text())
    assert worker.is_alive
    job = await house.wait_state(await house.submit(), "succeeded")
    assert job["attempt"] == 1
