"""One GPU run, whatever worker sleeps: SIGSTOP between look and POST, POSTs that come late."""

import pytest

from comfyhoused.kit.ids import make_attempt_id
from tests.chaos.stage import Stage, only_with_fence
from tests.job_cases import make_generate

pytestmark = [pytest.mark.chaos, pytest.mark.asyncio(loop_scope="session")]


async def test_house_with_a_proxy_makes_pictures(stage: Stage) -> None:
    """The proxy itself: previews and progress pass, or the other tests would prove little."""
    stage.begin()
    answer = await stage.house.client.post("/api/v1/generate", json=make_generate(steps=3))

    assert answer.status_code == 200, answer.text
    assert stage.proxy.count("GET", "/ws") >= 1
    assert stage.proxy.count("POST", "/prompt") >= 1


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

    assert posts >= 2
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
    house.engine.hold()
    job_id = await house.submit("a boat")
    await house.wait_state(job_id, "running")
    sleeper.stop_signal()
    house.engine.let_go()
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
    stage.proxy.delays["POST", "/prompt"] = 1.5  # without the fence a POST is given 1 s
    job = await house.wait_state(await house.submit("a slow boat"), "succeeded")
    stage.proxy.delays.clear()

    assert job["attempt"] == 1
    assert sum(house.count_starts().values()) == before + 1
