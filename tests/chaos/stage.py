"""A house behind a proxy, on which tests play with single workers."""

import pytest

from comfyhoused.kit.ids import make_attempt_id
from tests.chaos.proxy import Proxy
from tests.house import House, WorkerProcess
from tests.job_cases import make_invert_graph
from tests.pictures import encode, make_image
from tests.waiting import wait_until

#: For tests that the fence alone can pass; otherwise each runs without the node pack, too.
only_with_fence = pytest.mark.parametrize("stage", [True], indirect=True, ids=["fence"])


class Stage:
    """A house behind a proxy, and jobs that have an input file."""

    def __init__(self, house: House, proxy: Proxy) -> None:
        self.house = house
        self.proxy = proxy

    def begin(self) -> WorkerProcess:
        """Return a fresh worker, which is the only one."""
        for worker in self.house.workers:
            worker.kill()
        self.proxy.seen.clear()
        return self.house.add_worker()

    async def submit(self) -> str:
        answer = await self.house.client.post(
            "/api/v1/files",
            content=encode(make_image(64, 64)),
            headers={"Content-Type": "image/png"},
        )
        body = {"workflow": make_invert_graph(answer.json()["file_id"])}
        job = await self.house.client.post("/api/v1/jobs", json=body)
        assert job.status_code == 202, job.text
        return str(job.json()["job_id"])

    async def wait_taken_over(self, job_id: str, sleeper: WorkerProcess) -> None:
        """Wait until another worker than this one holds the job, or has ended it."""

        async def is_elsewhere() -> bool:
            holder = await self.house.store.hget(f"ch:1:job:{job_id}", "worker")
            return holder != sleeper.name

        await wait_until(is_elsewhere)

    async def wake(self, sleeper: WorkerProcess) -> None:
        """Let it go on, and wait until it has done all that it still meant to do."""
        sleeper.continue_()
        for other in self.house.workers:
            if other is not sleeper:
                other.stop()
        # It works alone now: when it has done another job, nothing of the old one is left.
        await self.house.wait_state(await self.submit(), "succeeded")

    def count_starts(self, job_id: str) -> int:
        ours = {make_attempt_id(job_id, number) for number in range(1, 9)}
        return sum(n for prompt_id, n in self.house.count_starts().items() if prompt_id in ours)
