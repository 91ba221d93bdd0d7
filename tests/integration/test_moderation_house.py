"""Content judged by the operator: before a job is accepted, and before its outputs are given."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx
import pytest
import pytest_asyncio
from aiohttp import web
from blake3 import blake3

from comfyhoused.kit.ids import make_id
from tests.house import House
from tests.job_cases import make_blank_graph, make_generate, make_invert_graph
from tests.pictures import encode, make_image
from tests.waiting import wait_until

pytestmark = pytest.mark.asyncio(loop_scope="module")

JOBS = "/api/v1/jobs"
STOP_AFTER = 3


class Judge:
    """Refuses boats by their word, and outputs while it is told to; silent while it is asleep."""

    def __init__(self) -> None:
        self.questions: list[dict[str, Any]] = []
        self.contents: list[bytes] = []
        self.refuses_outputs = False
        self.is_asleep = False
        self.url = ""

    async def handle(self, request: web.Request) -> web.Response:
        question = await request.json()
        if self.is_asleep:
            return web.Response(status=500)
        self.questions.append(question)
        if question["stage"] == "after":
            async with httpx.AsyncClient() as client:
                links = [one["url"] for one in question["outputs"]]
                self.contents = [(await client.get(link)).content for link in links]
            return web.json_response({"allowed": not self.refuses_outputs, "reason": "not this"})
        has_boat = any("boat" in one["text"] for one in question["texts"])
        return web.json_response({"allowed": not has_boat, "reason": "no boats here"})

    def find(self, stage: str) -> list[dict[str, Any]]:
        return [one for one in self.questions if one["stage"] == stage]


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def judge() -> AsyncIterator[Judge]:
    judge = Judge()
    app = web.Application()
    app.router.add_post("/judge", judge.handle)
    runner = web.AppRunner(app)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    judge.url = f"http://127.0.0.1:{runner.addresses[0][1]}/judge"
    yield judge
    await runner.cleanup()


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def judged(judge: Judge, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[House]:
    environment = {
        "CH_MODERATION_URL": judge.url,
        "CH_MODERATION_STOP_AFTER": str(STOP_AFTER),
        "CH_MODERATION_TIMEOUT_SECONDS": "20",
    }
    folder = tmp_path_factory.mktemp("the judged house")
    async with House(folder, environment=environment) as house:
        # The worker's links lead to the API, whose port was not known when it was told.
        for worker in house.workers:
            worker.environment["CH_PUBLIC_URL"] = house.url
            worker.restart()
        await house.wait_ready()
        yield house


@pytest_asyncio.fixture(loop_scope="module")
async def customer(judged: House, judge: Judge) -> AsyncIterator[httpx.AsyncClient]:
    judge.questions.clear()
    judge.refuses_outputs = judge.is_asleep = False
    async with await judged.make_client(account=make_id("acct", 8)) as client:
        yield client


async def wait_end(client: httpx.AsyncClient, job_id: str) -> dict[str, Any]:
    job: dict[str, Any] = {}

    async def is_over() -> bool:
        nonlocal job
        job = (await client.get(f"{JOBS}/{job_id}")).json()
        return job["status"] not in ("queued", "running")

    await wait_until(is_over)
    return job


async def submit(client: httpx.AsyncClient, body: dict[str, Any]) -> str:
    answer = await client.post(JOBS, json=body)
    assert answer.status_code == 202, answer.text
    return str(answer.json()["job_id"])


def list_files(house: House, job_id: str) -> list[Path]:
    return [path for path in house.data_dir.rglob(f"*{job_id}*/**/*") if path.is_file()]


async def test_both_questions_hold_what_a_judge_needs(
    customer: httpx.AsyncClient, judge: Judge
) -> None:
    picture = encode(make_image(64, 64))
    upload = await customer.post(
        "/api/v1/files", content=picture, headers={"Content-Type": "image/png"}
    )
    file_id = upload.json()["file_id"]

    job = await wait_end(customer, await submit(customer, {"workflow": make_invert_graph(file_id)}))

    assert job["status"] == "succeeded"
    (before,), (after,) = judge.find("before"), judge.find("after")
    assert [one["file_id"] for one in before["files"]] == [file_id]
    async with httpx.AsyncClient() as stranger:
        assert (await stranger.get(before["files"][0]["url"])).content == picture
    assert after["job_id"] == job["job_id"]
    assert [one["hash"] for one in after["outputs"]] == [one["hash"] for one in job["outputs"]]
    assert [blake3(one).hexdigest() for one in judge.contents] == [job["outputs"][0]["hash"]]


async def test_words_of_every_kind_of_request_are_told(
    customer: httpx.AsyncClient, judge: Judge
) -> None:
    body = make_generate("a red house", negative_prompt="fog")
    assert (await wait_end(customer, await submit(customer, body)))["status"] == "succeeded"
    (before,) = judge.find("before")
    texts = {one["text"] for one in before["texts"]}
    assert {"a red house", "fog"} <= texts


async def test_refused_before_is_no_job(customer: httpx.AsyncClient) -> None:
    answer = await customer.post(JOBS, json=make_generate("a red boat"))
    assert (answer.status_code, answer.json()["code"]) == (422, "content_refused")
    assert answer.json()["detail"] == "no boats here"
    assert (await customer.get(JOBS)).json()["jobs"] == []


async def test_refused_after_fails_free_and_leaves_no_file(
    judged: House, customer: httpx.AsyncClient, judge: Judge
) -> None:
    judge.refuses_outputs = True
    job = await wait_end(customer, await submit(customer, {"workflow": make_blank_graph()}))

    assert (job["status"], job["error"]["code"]) == ("failed", "content_refused")
    assert (job["outputs"], job["cost"]["images_used"]) == ([], 0)
    assert job["attempt"] == 1
    await wait_until(lambda: not list_files(judged, job["job_id"]))
    assert (await customer.get("/api/v1/files")).json()["files"] == []


async def test_too_many_refusals_stop_the_account(
    customer: httpx.AsyncClient, judge: Judge
) -> None:
    judge.refuses_outputs = True
    job_id = await submit(customer, {"workflow": make_blank_graph()})
    await wait_end(customer, job_id)
    for _ in range(STOP_AFTER - 1):
        answer = await customer.post(JOBS, json=make_generate("a boat"))
        assert answer.json()["code"] in ("content_refused", "account_stopped")

    async def is_stopped() -> bool:
        answer = await customer.post(JOBS, json=make_generate("a house"))
        return bool(answer.json().get("code") == "account_stopped")

    await wait_until(is_stopped)
    assert (await customer.get(f"{JOBS}/{job_id}")).status_code == 200


async def test_nothing_is_made_while_the_judge_is_asleep(
    customer: httpx.AsyncClient, judge: Judge
) -> None:
    judge.is_asleep = True
    answer = await customer.post(JOBS, json=make_generate("a house"))
    assert (answer.status_code, answer.json()["code"]) == (503, "moderation_down")
    assert int(answer.headers["Retry-After"]) > 0
    assert (await customer.get(JOBS)).json()["jobs"] == []


async def test_outputs_that_nobody_judged_are_not_handed_over(
    judged: House, customer: httpx.AsyncClient, judge: Judge
) -> None:
    judged.engine.hold("SaveImage")
    job_id = await submit(customer, {"workflow": make_blank_graph()})
    judge.is_asleep = True
    judged.engine.let_go()
    job = await wait_end(customer, job_id)
    assert (job["status"], job["error"]["code"]) == ("failed", "outputs_unjudged")
    assert job["attempt"] == 1


async def test_refusals_by_many_at_once_are_each_counted_once(
    judged: House, customer: httpx.AsyncClient
) -> None:
    answers = await asyncio.gather(
        *(customer.post(JOBS, json=make_generate("a boat")) for _ in range(STOP_AFTER - 1))
    )
    assert {answer.json()["code"] for answer in answers} == {"content_refused"}
    assert (await customer.post(JOBS, json=make_generate("a house"))).status_code == 202
