"""One GPU run, whatever worker sleeps: SIGSTOP between look and POST, POSTs that come late."""

from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from comfyhoused.kit.ids import make_attempt_id
from tests.chaos.proxy import Proxy, run_proxy
from tests.house import House, WorkerProcess
from tests.job_cases import make_generate, make_invert_graph
from tests.pictures import encode, make_image
from tests.waiting import wait_until

pytestmark = [pytest.mark.chaos, pytest.mark.asyncio(loop_scope="module")]


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

        await wait_until(is_elsewhere, 20)

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


@pytest_asyncio.fixture(
    scope="module", loop_scope="module", params=[True, False], ids=["fence", "lease"]
)
async def stage(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[Stage]:
    """With the node pack on the backend, and without it."""
    folder = tmp_path_factory.mktemp("stage")
    async with (
        run_proxy(has_pack=request.param) as proxy,
        House(folder / "house", workers=0, proxy=proxy) as house,
    ):
        house.add_worker()
        await house.wait_ready()
        yield Stage(house, proxy)


only_with_fence = pytest.mark.parametrize("stage", [True], indirect=True, ids=["fence"])


async def test_house_with_a_proxy_makes_pictures(stage: Stage) -> None:
    """The proxy itself: previews and progress pass, or the other tests would prove little."""
    stage.begin()
    answer = await stage.house.client.post("/api/v1/generate", json=make_generate(steps=3))

    assert answer.status_code == 200, answer.text
    assert stage.proxy.count("GET", "/ws") == 1
    assert stage.proxy.count("POST", "/prompt") == 1


async def test_stopped_between_upload_and_post(stage: Stage) -> None:
    sleeper = stage.begin()
    upload = stage.proxy.hold("POST", "/upload/image")
    job_id = await stage.submit()
    await upload.wait_reached()
    sleeper.stop_signal()
    upload.open()
    stage.house.add_worker()
    await stage.wait_taken_over(job_id, sleeper)
    job = await stage.house.wait_state(job_id, "succeeded")

    await stage.wake(sleeper)

    assert stage.count_starts(job_id) == 1
    assert job["attempt"] == 1
    assert (await stage.house.get_job(job_id))["outputs"] != []


async def test_stopped_between_look_and_post(stage: Stage) -> None:
    """The second worker adopts, looks, finds nothing – and sleeps before it acts on that."""
    first = stage.begin()
    upload = stage.proxy.hold("POST", "/upload/image")
    job_id = await stage.submit()
    await upload.wait_reached()
    first.kill()
    upload.open()
    look = stage.proxy.hold("GET", f"/history/{make_attempt_id(job_id, 1)}")
    sleeper = stage.house.add_worker()
    await look.wait_reached()
    sleeper.stop_signal()
    look.open()
    stage.house.add_worker()
    await stage.wait_taken_over(job_id, sleeper)
    await stage.house.wait_state(job_id, "succeeded")

    await stage.wake(sleeper)

    assert stage.count_starts(job_id) == 1


@only_with_fence
async def test_a_post_that_comes_late_finds_the_fence(stage: Stage) -> None:
    """The POST itself is on its way while its worker sleeps and the job is taken over."""
    sleeper = stage.begin()
    post = stage.proxy.hold("POST", "/prompt", before=True)
    job_id = await stage.submit()
    await post.wait_reached()
    sleeper.stop_signal()
    stage.house.add_worker()
    job = await stage.house.wait_state(job_id, "succeeded")

    posts = stage.proxy.count("POST", "/prompt")
    post.open()
    await stage.wake(sleeper)

    assert posts == 2
    assert job["attempt"] == 1
    assert stage.count_starts(job_id) == 1


@only_with_fence
async def test_a_post_that_comes_after_the_cancellation_runs_nothing(stage: Stage) -> None:
    sleeper = stage.begin()
    post = stage.proxy.hold("POST", "/prompt", before=True)
    job_id = await stage.submit()
    await post.wait_reached()
    sleeper.stop_signal()
    answer = await stage.house.client.post(f"/api/v1/jobs/{job_id}/cancel")
    assert answer.json()["canceling"] is True
    stage.house.add_worker()
    await stage.house.wait_state(job_id, "canceled")

    post.open()
    await stage.wake(sleeper)

    assert stage.count_starts(job_id) == 0


@only_with_fence
async def test_a_worker_that_slept_through_the_run_leaves_nothing(stage: Stage) -> None:
    """It wakes with the end of a run in its socket that another has delivered and settled."""
    house = stage.house
    sleeper = stage.begin()
    job_id = await house.submit("sandbox:slow=2 a boat")
    await house.wait_state(job_id, "running")
    sleeper.stop_signal()
    house.add_worker()
    await house.wait_state(job_id, "succeeded")
    assert (await house.client.delete(f"/api/v1/jobs/{job_id}")).status_code == 204

    await stage.wake(sleeper)

    assert stage.count_starts(job_id) == 1
    assert [p for p in house.data_dir.rglob(f"*{job_id}*/**/*") if p.is_file()] == []


@only_with_fence
async def test_a_slow_backend_gets_one_run_of_each_job(stage: Stage) -> None:
    """It takes prompts later than we like to wait for an answer."""
    house = stage.house
    stage.begin()
    before = sum(house.count_starts().values())
    house.engine.set_switch(latency_seconds=1.2)  # a POST without the fence is given 1 s
    ids = [await house.submit(f"boat {number}") for number in range(1)]
    jobs = [await house.wait_state(job_id, "succeeded", seconds=60) for job_id in ids]
    house.engine.set_switch(latency_seconds=0)

    assert [job["attempt"] for job in jobs] == [1]
    assert sum(house.count_starts().values()) == before + 1
