"""Ours before theirs: what is kept when a delivery is interrupted, and what is removed."""

import asyncio

import pytest

from comfyhoused.kit.ids import make_attempt_id
from tests.chaos.audit import check_outputs
from tests.chaos.stage import Stage, only_with_fence
from tests.job_cases import make_blank_graph
from tests.waiting import wait_until

pytestmark = [pytest.mark.chaos, pytest.mark.asyncio(loop_scope="session"), only_with_fence]


async def test_outputs_of_an_overtaken_attempt_do_not_stay(stage: Stage) -> None:
    """The loser wakes with a picture in its hands after the winner was settled."""
    sleeper = stage.begin()
    view = stage.proxy.hold("GET", "/view")
    job_id = await stage.submit()
    await view.wait_reached()
    sleeper.stop_signal()
    # The engine loses everything, so that another attempt is due, which is held meanwhile.
    stage.house.engine.hold("SaveImage")
    stage.proxy.answers["GET", "/view"] = 404
    stage.house.add_worker()
    await wait_until(lambda: make_attempt_id(job_id, 2) in stage.house.count_starts())
    stage.proxy.answers.clear()
    stage.house.engine.let_go()
    job = await stage.house.wait_state(job_id, "succeeded")
    assert job["attempt"] == 2

    view.open()
    await stage.wake(sleeper)

    await check_outputs(stage.house, {job_id: job})
    files = (await stage.house.client.get("/api/v1/files", params={"limit": 100})).json()["files"]
    assert len([one for one in files if one["job_id"] == job_id]) == 1


async def test_a_worker_killed_while_it_delivers_costs_no_second_run(stage: Stage) -> None:
    worker = stage.begin()
    view = stage.proxy.hold("GET", "/view")
    job_id = await stage.submit()
    await view.wait_reached()
    worker.kill()
    view.open()
    stage.house.add_worker()

    job = await stage.house.wait_state(job_id, "succeeded")

    assert job["attempt"] == 1
    assert stage.count_starts(job_id) == 1
    await check_outputs(stage.house, {job_id: job})


async def test_an_output_that_is_never_there_fails_the_job_in_the_end(stage: Stage) -> None:
    stage.begin()
    stage.proxy.answers["GET", "/view"] = 404
    job_id = await stage.submit()

    job = await stage.house.wait_state(job_id, "failed")
    stage.proxy.answers.clear()

    assert (job["error"]["code"], job["attempt"]) == ("output_missing", 3)
    assert stage.count_starts(job_id) == 3


async def test_a_cancellation_during_the_delivery_is_free_and_leaves_nothing(
    stage: Stage,
) -> None:
    stage.begin()
    view = stage.proxy.hold("GET", "/view")
    job_id = await stage.submit()
    await view.wait_reached()
    answer = await stage.house.client.post(f"/api/v1/jobs/{job_id}/cancel")
    assert answer.json()["canceling"] is True
    view.open()

    job = await stage.house.wait_state(job_id, "canceled")

    assert job["outputs"] == []
    await check_outputs(stage.house, {job_id: job})
    await wait_until(lambda: not _list_at_engine(stage))


def _list_at_engine(stage: Stage) -> list[str]:
    files = [p for p in stage.house.engine.data.rglob("*") if p.is_file()]
    return [p.name for p in files if p.parent.name == "ch" or p.name.startswith("ch_")]


async def test_an_engine_back_at_once_behind_a_proxy_is_noticed(stage: Stage) -> None:
    """No connection is ever refused, so only its memory tells that it died."""
    stage.begin()
    stage.house.engine.hold()
    job_id = await stage.house.submit("a boat")
    await stage.house.wait_state(job_id, "running")
    await asyncio.to_thread(stage.house.engine.restart)

    job = await stage.house.wait_state(job_id, "succeeded")

    assert job["attempt"] == 2
    assert await stage.house.store.hget(f"ch:1:job:{job_id}", "deaths") == "1"


async def test_workers_killed_while_they_finish_a_picture_leave_one_of_it(stage: Stage) -> None:
    """Each successor makes the same file at the same place."""
    worker = stage.begin()
    graph = make_blank_graph(2048, 2048, color=0x336699)
    body = {"workflow": graph, "output_format": "webp", "watermark": "by us"}
    views = [stage.proxy.hold("GET", "/view") for _ in range(2)]
    answer = await stage.house.client.post("/api/v1/jobs", json=body)
    job_id = str(answer.json()["job_id"])
    for view in views:
        await view.wait_reached()
        view.open()
        worker.kill()  # with the bytes on their way, in its hands or already in our storage
        worker = stage.house.add_worker()

    job = await stage.house.wait_state(job_id, "succeeded")

    assert job["attempt"] == 1
    assert stage.count_starts(job_id) == 1
    assert [one["content_type"] for one in job["outputs"]] == ["image/webp"]
    await check_outputs(stage.house, {job_id: job})
    folder = stage.house.data_dir / "files" / "jobs" / job_id
    assert len([path for path in folder.rglob("*") if path.is_file()]) == 1
    assert not [*(stage.house.data_dir / "spool").iterdir()]
