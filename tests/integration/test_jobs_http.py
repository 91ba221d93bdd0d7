"""Jobs over HTTP: submit, wait, look, list, cancel, erase, and never twice by one key."""

import asyncio
import base64
from collections.abc import AsyncIterator
from io import BytesIO
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import pytest
import pytest_asyncio
from PIL import Image

from comfyhoused.core.jobs.books import make_books_key
from comfyhoused.kit.ids import make_id
from comfyhoused.kit.periods import get_period
from tests.house import House
from tests.job_cases import make_blank_graph, make_generate, make_invert_graph
from tests.pictures import encode, make_image
from tests.waiting import wait_until

pytestmark = pytest.mark.asyncio(loop_scope="session")

JOBS = "/api/v1/jobs"
GENERATE = "/api/v1/generate"
PICTURE = encode(make_image(64, 64))


@pytest_asyncio.fixture(loop_scope="session")
async def customer(house: House) -> AsyncIterator[httpx.AsyncClient]:
    """A client of an account that nobody else uses."""
    async with await house.make_client(account=make_id("acct", 8)) as client:
        yield client


async def wait_end(client: httpx.AsyncClient, job_id: str) -> dict[str, Any]:
    job: dict[str, Any] = {}

    async def is_over() -> bool:
        nonlocal job
        job = (await client.get(f"{JOBS}/{job_id}")).json()
        return job["status"] not in ("queued", "running")

    await wait_until(is_over)
    return job


async def submit(client: httpx.AsyncClient, body: dict[str, Any], **headers: str) -> str:
    answer = await client.post(JOBS, json=body, headers=headers)
    assert answer.status_code == 202, answer.text
    assert answer.headers["Location"] == f"{JOBS}/{answer.json()['job_id']}"
    return str(answer.json()["job_id"])


async def wait_running(client: httpx.AsyncClient, job_id: str) -> None:
    async def is_running() -> bool:
        return bool((await client.get(f"{JOBS}/{job_id}")).json()["status"] == "running")

    await wait_until(is_running)


async def is_any_running(client: httpx.AsyncClient) -> bool:
    return bool((await client.get(JOBS, params={"status": "running"})).json()["jobs"])


def read_pixels(data: bytes) -> np.ndarray:
    return np.asarray(Image.open(BytesIO(data)).convert("RGB"), np.int16)


def list_files(house: House, job_id: str) -> list[Path]:
    return [p for p in house.data_dir.rglob(f"*{job_id}*/**/*") if p.is_file()]


async def test_generate_waits_and_answers_with_the_picture(customer: httpx.AsyncClient) -> None:
    answer = await customer.post(GENERATE, json=make_generate(width=128, seed=7))

    assert answer.status_code == 200
    job = answer.json()
    assert (job["status"], job["attempt"], job["engine"]) == ("succeeded", 1, "sandbox")
    assert answer.headers["Comfyhouse-Job"] == job["job_id"]
    assert answer.headers["Comfyhouse-Engine"] == "sandbox"
    assert job["cost"]["images_used"] == 1
    (image,) = job["images"]
    assert (image["width"], image["height"], image["seed"]) == (128, 64, 7)
    async with httpx.AsyncClient() as stranger:
        content = (await stranger.get(job["image_url"])).content
    assert len(content) == image["size_bytes"]
    assert Image.open(BytesIO(content)).size == (128, 64)


async def test_generate_that_shall_not_wait_is_accepted(customer: httpx.AsyncClient) -> None:
    answer = await customer.post(
        GENERATE, json=make_generate(), headers={"Prefer": "respond-async"}
    )

    assert answer.status_code == 202
    job = await wait_end(customer, answer.json()["job_id"])
    assert job["status"] == "succeeded"


async def test_generate_gives_up_waiting_but_not_the_job(
    house: House, customer: httpx.AsyncClient
) -> None:
    house.engine.hold()
    answer = await customer.post(GENERATE, json=make_generate(), headers={"Prefer": "wait=1"})
    house.engine.let_go()

    assert answer.status_code == 202
    assert answer.json()["status"] in ("queued", "running")
    assert (await wait_end(customer, answer.json()["job_id"]))["status"] == "succeeded"


async def test_a_dropped_connection_does_not_cancel(
    house: House, customer: httpx.AsyncClient
) -> None:
    key = {"Idempotency-Key": "dropped"}
    body = make_generate("a dropped boat")
    house.engine.hold()
    dropped = asyncio.create_task(customer.post(GENERATE, json=body, headers=key))
    await wait_until(lambda: is_any_running(customer))
    dropped.cancel()
    await asyncio.gather(dropped, return_exceptions=True)
    house.engine.let_go()

    again = await customer.post(GENERATE, json=body, headers=key)

    assert again.status_code == 200
    assert again.headers["Idempotent-Replayed"] == "true"
    assert again.json()["attempt"] == 1
    assert len((await customer.get(JOBS)).json()["jobs"]) == 1


async def test_workflow_job(customer: httpx.AsyncClient) -> None:
    job_id = await submit(
        customer, {"workflow": make_blank_graph(96, 32, color=255), "metadata": {"a": "b"}}
    )

    job = await wait_end(customer, job_id)

    assert (job["status"], job["kind"], job["metadata"]) == ("succeeded", "workflow", {"a": "b"})
    (output,) = job["outputs"]
    assert (output["node_id"], output["kind"]) == ("2", "images")
    picture = Image.open(BytesIO((await customer.get(output["url"])).content))
    assert picture.convert("RGB").getpixel((0, 0)) == (0, 0, 255)
    assert not picture.info, "the prompt stays inside"


async def test_image_to_image_by_file_id_and_by_data_uri(customer: httpx.AsyncClient) -> None:
    upload = await customer.post(
        "/api/v1/files", content=PICTURE, headers={"Content-Type": "image/png"}
    )
    uri = "data:image/png;base64," + base64.b64encode(PICTURE).decode()

    answers = [
        await customer.post(GENERATE, json=make_generate(init_image=image, strength=0.4, seed=1))
        for image in (upload.json()["file_id"], uri)
    ]

    assert [one.status_code for one in answers] == [200, 200]
    first, second = (one.json()["images"][0]["hash"] for one in answers)
    assert first == second, "the same picture gives the same picture"


async def test_many_jobs_may_use_one_file_at_once(customer: httpx.AsyncClient) -> None:
    """Two workers share a backend: none may clear away what another one's job still reads."""
    upload = await customer.post(
        "/api/v1/files", content=PICTURE, headers={"Content-Type": "image/png"}
    )
    body = {"workflow": make_invert_graph(upload.json()["file_id"])}
    ids = await asyncio.gather(*(submit(customer, body) for _ in range(40)))

    jobs = [await wait_end(customer, job_id) for job_id in ids]

    assert {job["status"] for job in jobs} == {"succeeded"}
    assert [job["job_id"] for job in jobs if job["attempt"] != 1] == []
    expected = 255 - read_pixels(PICTURE)
    for job in (jobs[0], jobs[-1]):
        pixels = read_pixels((await customer.get(job["image_url"])).content)
        assert np.abs(pixels - expected).max() <= 1


async def test_inputs_and_outputs_leave_the_backend(
    house: House, customer: httpx.AsyncClient
) -> None:
    uri = "data:image/png;base64," + base64.b64encode(encode(make_image(64, 64, seed=9))).decode()
    answer = await customer.post(GENERATE, json=make_generate(init_image=uri))
    assert answer.status_code == 200, answer.text

    def is_clean() -> bool:
        files = [p for p in (house.engine.data).rglob("*") if p.is_file()]
        return not [p for p in files if p.parent.name == "ch" or p.name.startswith("ch_")]

    await wait_until(is_clean)


async def test_list_is_newest_first_in_pages_and_by_state(customer: httpx.AsyncClient) -> None:
    ids = [await submit(customer, make_generate(priority=n % 3)) for n in range(7)]
    failing = await submit(customer, make_generate("sandbox:fail"))
    for job_id in (*ids, failing):
        await wait_end(customer, job_id)

    pages, cursor = [], None
    while True:
        query = {"limit": 3} | ({"cursor": cursor} if cursor else {})
        page = (await customer.get(JOBS, params=query)).json()
        pages.append([job["job_id"] for job in page["jobs"]])
        cursor = page["next_cursor"]
        if cursor is None:
            break

    assert [one for page in pages for one in page] == [failing, *reversed(ids)]
    assert all(len(page) <= 3 for page in pages)
    failed = (await customer.get(JOBS, params={"status": "failed"})).json()
    assert [job["job_id"] for job in failed["jobs"]] == [failing]


@pytest.mark.parametrize(
    "cursor", ["nonsense", "wrLCsg", "LTE", "MWUz", "%00", "MTIzNDU2Nzg5MA" * 12]
)
async def test_cursor_of_nobody(customer: httpx.AsyncClient, cursor: str) -> None:
    answer = await customer.get(JOBS, params={"cursor": cursor})

    assert answer.status_code == 400, answer.text
    assert answer.headers["Content-Type"] == "application/problem+json"


async def test_cancel_while_it_waits_runs_and_is_over(
    house: House, customer: httpx.AsyncClient
) -> None:
    running = await submit(customer, make_generate("sandbox:hang"))
    await wait_running(customer, running)
    others = [await submit(customer, make_generate(f"sandbox:hang {n}")) for n in range(4)]

    for job_id in reversed(others):  # one of them is staged, the rest wait
        assert (await customer.post(f"{JOBS}/{job_id}/cancel")).status_code == 200
    answer = await customer.post(f"{JOBS}/{running}/cancel")
    assert answer.status_code == 200
    for job_id in (*others, running):
        job = await wait_end(customer, job_id)
        assert (job["status"], job["cost"]["images_used"]) == ("canceled", 0)
        assert job["canceling"] is False

    again = await customer.post(f"{JOBS}/{running}/cancel")
    assert (again.status_code, again.json()["status"]) == (200, "canceled")
    # Nothing of it is left on the backend, and the next one runs.
    assert (await customer.post(GENERATE, json=make_generate())).status_code == 200


async def test_cancel_of_a_finished_job_changes_nothing(customer: httpx.AsyncClient) -> None:
    job = (await customer.post(GENERATE, json=make_generate())).json()

    answer = await customer.post(f"{JOBS}/{job['job_id']}/cancel")

    assert answer.status_code == 200
    assert answer.json()["status"] == "succeeded"
    assert answer.json()["images"][0]["hash"] == job["images"][0]["hash"]


async def test_sync_wait_ends_when_the_job_is_canceled(customer: httpx.AsyncClient) -> None:
    waiting = asyncio.create_task(customer.post(GENERATE, json=make_generate("sandbox:hang")))
    await wait_until(lambda: is_any_running(customer))
    job_id = (await customer.get(JOBS)).json()["jobs"][0]["job_id"]
    await customer.post(f"{JOBS}/{job_id}/cancel")

    answer = await waiting
    assert (answer.status_code, answer.json()["code"]) == (409, "job_canceled")


async def test_erase_removes_record_request_and_files(
    house: House, customer: httpx.AsyncClient
) -> None:
    uri = "data:image/png;base64," + base64.b64encode(encode(make_image(64, 64, seed=5))).decode()
    job = (await customer.post(GENERATE, json=make_generate(init_image=uri))).json()
    job_id, url = job["job_id"], job["image_url"]
    assert list_files(house, job_id)

    assert (await customer.delete(f"{JOBS}/{job_id}")).status_code == 204

    assert list_files(house, job_id) == []
    assert (await customer.get(url)).status_code == 404
    assert (await customer.get(f"{JOBS}/{job_id}")).status_code == 404
    assert (await customer.get(f"{JOBS}/{job_id}/events")).status_code == 404
    assert (await customer.delete(f"{JOBS}/{job_id}")).status_code == 404
    assert (await customer.get(JOBS)).json()["jobs"] == []
    assert (await customer.get("/api/v1/files")).json()["files"] == []
    left = [key async for key in house.store.scan_iter(f"*{job_id}*")]
    assert left == []


async def test_erase_of_a_running_job_cancels_and_then_forgets_it(
    house: House, customer: httpx.AsyncClient
) -> None:
    job_id = await submit(customer, make_generate("sandbox:hang"))
    await wait_running(customer, job_id)

    assert (await customer.delete(f"{JOBS}/{job_id}")).status_code == 204
    assert (await customer.get(f"{JOBS}/{job_id}")).status_code == 404

    async def is_forgotten() -> bool:
        return [key async for key in house.store.scan_iter(f"*{job_id}*")] == []

    await wait_until(is_forgotten)
    assert list_files(house, job_id) == []


async def test_an_erasure_that_fails_does_not_hold_up_the_others(
    house: House, customer: httpx.AsyncClient
) -> None:
    marked, stubborn = "ch:1:erasing", "a" * 300  # no disk takes so long a name
    await house.store.zadd(marked, {stubborn: 1})
    try:
        job_id = await submit(customer, make_generate("sandbox:hang"))
        await wait_running(customer, job_id)
        assert (await customer.delete(f"{JOBS}/{job_id}")).status_code == 204

        async def is_forgotten() -> bool:
            return await house.store.zrange(marked, 0, -1) == [stubborn]

        await wait_until(is_forgotten)
        assert list_files(house, job_id) == []
    finally:
        await house.store.zrem(marked, stubborn)


def make_usage_key(account: str) -> str:
    return make_books_key("usage", f"account:{account}", get_period())


async def test_erased_at_once_is_charged_all_the_same(
    house: House, customer: httpx.AsyncClient
) -> None:
    """The picture was delivered: taking it away again does not make it free."""
    account = make_id("acct", 8)
    async with await house.make_client(account=account) as client:
        for _ in range(5):
            job = (await client.post(GENERATE, json=make_generate())).json()
            await client.delete(f"{JOBS}/{job['job_id']}")

        async def is_settled() -> bool:
            usage = await house.store.hgetall(make_usage_key(account))
            return usage.get("reserved") == "0"

        await wait_until(is_settled)
        assert await house.store.hget(make_usage_key(account), "settled") == "5"


async def test_another_accounts_job_is_not_there(house: House, customer: httpx.AsyncClient) -> None:
    job_id = (await customer.post(GENERATE, json=make_generate())).json()["job_id"]
    async with await house.make_client(account="stranger") as stranger:
        answers = [
            await stranger.get(f"{JOBS}/{job_id}"),
            await stranger.get(f"{JOBS}/{job_id}/events"),
            await stranger.post(f"{JOBS}/{job_id}/cancel"),
            await stranger.delete(f"{JOBS}/{job_id}"),
        ]
        assert job_id not in (await stranger.get(JOBS)).text
    assert [(one.status_code, one.json()["code"]) for one in answers] == [
        (404, "job_not_found")
    ] * 4
    assert (await customer.get(f"{JOBS}/{job_id}")).json()["status"] == "succeeded"


async def test_test_mode_is_apart_from_live_and_free(house: House) -> None:
    account = make_id("acct", 8)
    async with (
        await house.make_client("test", account) as test,
        await house.make_client("live", account) as live,
    ):
        job = (await test.post(GENERATE, json=make_generate())).json()

        assert job["status"] == "succeeded"
        assert job["cost"]["images_used"] == 0
        assert (await live.get(f"{JOBS}/{job['job_id']}")).status_code == 404
    assert await house.store.hgetall(make_usage_key(f"{account}:test")) == {}


async def test_idempotency_key(customer: httpx.AsyncClient) -> None:
    first = await submit(customer, make_generate(seed=None), **{"Idempotency-Key": "order-12"})

    again = await customer.post(
        JOBS, json=make_generate(seed=None), headers={"Idempotency-Key": "order-12"}
    )
    other = await customer.post(
        JOBS, json=make_generate("another boat"), headers={"Idempotency-Key": "order-12"}
    )

    assert (again.status_code, again.json()["job_id"]) == (202, first)
    assert again.headers["Idempotent-Replayed"] == "true"
    assert (other.status_code, other.json()["code"]) == (409, "idempotency_conflict")
    assert len((await customer.get(JOBS)).json()["jobs"]) == 1


async def test_fifty_identical_posts_at_once_make_one_job(
    house: House, customer: httpx.AsyncClient
) -> None:
    uri = "data:image/png;base64," + base64.b64encode(PICTURE).decode()
    body = make_generate("fifty boats", init_image=uri)

    answers = await asyncio.gather(
        *(customer.post(JOBS, json=body, headers={"Idempotency-Key": "same"}) for _ in range(50))
    )

    assert {one.status_code for one in answers} == {202}
    assert len({one.json()["job_id"] for one in answers}) == 1
    assert sum("Idempotent-Replayed" not in one.headers for one in answers) == 1
    await wait_end(customer, answers[0].json()["job_id"])
    files = (await customer.get("/api/v1/files", params={"limit": 100})).json()["files"]
    inputs = [one for one in files if one["purpose"] == "input"]
    assert len(inputs) == 1, "what the replayed requests carried is kept by nobody"


@pytest.mark.parametrize(
    ("prompt", "code", "status"),
    [("sandbox:fail", "node_failed", 422), ("sandbox:out-of-memory", "out_of_memory", 502)],
)
async def test_magic_words_fail_as_documented(
    customer: httpx.AsyncClient, prompt: str, code: str, status: int
) -> None:
    answer = await customer.post(GENERATE, json=make_generate(prompt))

    assert answer.status_code == status
    assert answer.headers["Content-Type"] == "application/problem+json"
    problem = answer.json()
    assert problem["code"] == code
    assert problem["errors"][0]["class_type"] == "KSampler"
    job = (await customer.get(f"{JOBS}/{problem['job_id']}")).json()
    assert job["status"] == "failed"
    assert job["error"]["code"] == code
    assert job["cost"]["images_used"] == 0
    assert "Traceback" not in answer.text


async def test_a_job_that_runs_too_long_times_out(customer: httpx.AsyncClient) -> None:
    answer = await customer.post(GENERATE, json=make_generate("sandbox:hang", timeout_seconds=1))

    assert answer.json()["code"] == "job_timed_out"
    assert answer.json()["retryable"] is False
    # The backend is free again.
    assert (await customer.post(GENERATE, json=make_generate())).status_code == 200


async def test_a_job_that_waits_too_long_expires(house: House, customer: httpx.AsyncClient) -> None:
    running = await submit(customer, make_generate("sandbox:hang"))
    await wait_running(customer, running)
    staged = await submit(customer, make_generate())
    waiting = await submit(customer, make_generate(expires_in_seconds=1))

    job = await wait_end(customer, waiting)

    assert (job["status"], job["error"]["code"]) == ("expired", "job_expired")
    assert job["cost"]["images_used"] == 0
    await customer.post(f"{JOBS}/{running}/cancel")
    assert (await wait_end(customer, staged))["status"] == "succeeded"
    assert (await wait_end(customer, running))["status"] == "canceled"
