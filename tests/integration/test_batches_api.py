"""Batches over HTTP: all or nothing, counts, order, cancel, retry, one ZIP, erasure."""

import asyncio
import json
import zipfile
from collections.abc import AsyncIterator
from io import BytesIO
from typing import Any

import httpx
import pytest
import pytest_asyncio
from PIL import Image

from comfyhoused.api.accounts import create_account
from comfyhoused.api.keys import create_key
from comfyhoused.core.jobs.books import make_books_key
from comfyhoused.kit.ids import make_id
from comfyhoused.kit.periods import get_period
from tests.house import House
from tests.job_cases import make_blank_graph, make_generate
from tests.waiting import wait_until

pytestmark = pytest.mark.asyncio(loop_scope="session")

BATCHES = "/api/v1/batches"
JOBS = "/api/v1/jobs"


@pytest_asyncio.fixture(loop_scope="session")
async def customer(house: House) -> AsyncIterator[httpx.AsyncClient]:
    """A client of an account that nobody else uses."""
    async with await house.make_client(account=make_id("acct", 8)) as client:
        yield client


def make_blank(**more: Any) -> dict[str, Any]:
    """A job that is over at once."""
    return {"workflow": make_blank_graph(), **more}


async def submit(client: httpx.AsyncClient, body: Any, **headers: str) -> dict[str, Any]:
    answer = await client.post(BATCHES, json=body, headers=headers)
    assert answer.status_code == 202, answer.text
    batch: dict[str, Any] = answer.json()
    assert answer.headers["Location"] == f"{BATCHES}/{batch['batch_id']}"
    return batch


async def look(client: httpx.AsyncClient, batch_id: str) -> dict[str, Any]:
    answer = await client.get(f"{BATCHES}/{batch_id}")
    assert answer.status_code == 200, answer.text
    batch: dict[str, Any] = answer.json()
    return batch


async def wait_completed(client: httpx.AsyncClient, batch_id: str) -> dict[str, Any]:
    batch: dict[str, Any] = {}

    async def is_over() -> bool:
        nonlocal batch
        batch = await look(client, batch_id)
        return bool(batch["status"] == "completed")

    await wait_until(is_over)
    return batch


async def list_jobs(client: httpx.AsyncClient, batch_id: str, **params: Any) -> list[Any]:
    jobs: list[Any] = []
    cursor: str | None = None
    while True:
        sent = {"limit": 100, **params, **({"cursor": cursor} if cursor else {})}
        page = (await client.get(f"{BATCHES}/{batch_id}/jobs", params=sent)).json()
        jobs += page["jobs"]
        cursor = page["next_cursor"]
        if cursor is None:
            return jobs


async def fetch_zip(client: httpx.AsyncClient, batch_id: str) -> zipfile.ZipFile:
    answer = await client.get(f"{BATCHES}/{batch_id}/archive")
    assert answer.status_code == 200, answer.text
    assert answer.headers["content-type"] == "application/zip"
    archive = zipfile.ZipFile(BytesIO(answer.content))
    assert archive.testzip() is None
    return archive


async def test_a_list_of_jobs_of_all_kinds(customer: httpx.AsyncClient) -> None:
    jobs = [
        make_generate(seed=1, metadata={"name": "first boat"}),
        make_blank(metadata={"filename": "../../etc/pass wd.png"}),
        make_generate(seed=3, num_images=2),
    ]
    batch = await submit(customer, {"jobs": jobs, "metadata": {"order": "7"}})
    assert (batch["status"], batch["total"], batch["retries"]) == ("running", 3, 0)
    assert batch["metadata"] == {"order": "7"}
    done = await wait_completed(customer, batch["batch_id"])
    assert done["counts"] == {**dict.fromkeys(done["counts"], 0), "succeeded": 3}
    assert done["units"] == {"reserved": 0, "used": 4}
    shown = await list_jobs(customer, batch["batch_id"])
    assert [job["item"] for job in shown] == [0, 1, 2]
    assert {job["batch_id"] for job in shown} == {batch["batch_id"]}
    assert [job["kind"] for job in shown] == ["generate", "workflow", "generate"]

    archive = await fetch_zip(customer, batch["batch_id"])
    names = ["0000-first-boat.png", "0001-etc-pass-wd.png.png", "0002-1.png", "0002-2.png"]
    assert archive.namelist() == [*names, "manifest.json"]
    for name in names:
        assert Image.open(archive.open(name)).size == (64, 64)
    manifest = json.loads(archive.read("manifest.json"))
    assert [row["status"] for row in manifest["jobs"]] == ["succeeded"] * 3
    assert [one["name"] for row in manifest["jobs"] for one in row["files"]] == names
    assert manifest["metadata"] == {"order": "7"}
    single = (await customer.get(f"{JOBS}/{shown[0]['job_id']}")).json()
    assert (single["batch_id"], single["item"]) == (batch["batch_id"], 0)


async def test_a_template_and_inputs(customer: httpx.AsyncClient) -> None:
    template = make_generate(seed=5, metadata={"shop": "north", "name": "x"}, num_images=1)
    template.pop("prompt")
    inputs = [
        {"prompt": "a lighthouse", "metadata": {"name": "one"}},
        {"prompt": "a mill", "seed": 9, "metadata": {"name": None}},
    ]
    batch = await submit(customer, {"template": template, "inputs": inputs})
    await wait_completed(customer, batch["batch_id"])
    one, two = await list_jobs(customer, batch["batch_id"])
    assert (one["parameters"]["prompt"], one["parameters"]["seed"]) == ("a lighthouse", 5)
    assert (two["parameters"]["prompt"], two["parameters"]["seed"]) == ("a mill", 9)
    assert one["metadata"] == {"shop": "north", "name": "one"}
    assert two["metadata"] == {"shop": "north"}


FAULTS: dict[str, tuple[dict[str, Any], list[str]]] = {
    "an unknown field": (
        {"jobs": [make_generate(), make_generate(promt="x")]},
        ["/jobs/1/promt"],
    ),
    "a number that is none": (
        {"jobs": [make_generate(), make_generate(), make_generate(width="wide")]},
        ["/jobs/2/width"],
    ),
    "a size that cannot be": (
        {"jobs": [make_generate(), make_generate(width=65, height=67)]},
        ["/jobs/1/width", "/jobs/1/height"],
    ),
    "a graph with a fault": (
        {"jobs": [make_generate(), {"workflow": {"1": {"class_type": "Nope", "inputs": {}}}}]},
        ["/jobs/1/workflow/1/class_type"],
    ),
    "a file that is not there": (
        {"jobs": [make_generate(), make_generate(init_image="file_0000000000")]},
        ["/jobs/1/init_image"],
    ),
    "a template that is wrong": (
        {"template": {"width": 65}, "inputs": [{"prompt": "a"}, {"prompt": "b"}]},
        ["/template/width"],
    ),
    "an input that is wrong": (
        {"template": make_generate(), "inputs": [{"seed": 1}, {"seed": -1}]},
        ["/inputs/1/seed"],
    ),
    "an input without its prompt": (
        {"template": {"width": 64}, "inputs": [{"prompt": "a"}, {}]},
        ["/inputs/1/prompt"],
    ),
    "an input of the wrong kind": (
        {"template": make_generate(), "inputs": [{"steps": "many"}]},
        ["/inputs/0/steps"],
    ),
    "both": ({"jobs": [make_generate()], "template": {}, "inputs": [{}]}, [""]),
    "neither": ({}, [""]),
    "a template alone": ({"template": {}}, [""]),
    "no jobs": ({"jobs": []}, ["/jobs"]),
    "too many": ({"jobs": [make_generate()] * 1001}, ["/jobs"]),
    "an address of ours": (
        {"jobs": [make_generate(), make_generate(webhook_url="https://10.0.0.1/")]},
        ["/jobs/1/webhook_url"],
    ),
}


@pytest.mark.parametrize("fault", FAULTS)
async def test_one_fault_refuses_all(customer: httpx.AsyncClient, fault: str) -> None:
    body, pointers = FAULTS[fault]
    refused = await customer.post(BATCHES, json=body)
    assert refused.status_code == 422, refused.text
    found = [one["pointer"] for one in refused.json()["errors"]]
    assert found[: len(pointers)] == pointers, refused.text
    assert (await customer.get(JOBS)).json()["jobs"] == []
    assert (await customer.get(BATCHES)).json() == {"batches": [], "next_cursor": None}
    assert (await customer.get("/api/v1/files")).json()["files"] == []


async def test_a_batch_that_the_quota_does_not_pay_for(house: House) -> None:
    account = await create_account(house.store, plan="free")
    _, secret = await create_key(house.store, account=account.id, mode="live")
    headers = {"Authorization": f"Bearer {secret}"}
    async with httpx.AsyncClient(base_url=house.url, headers=headers, timeout=60) as client:
        body = {"jobs": [make_generate(num_images=4)] * 13}
        refused = await client.post(BATCHES, json=body)
        assert (refused.status_code, refused.json()["code"]) == (429, "quota_exceeded")
        assert "52 units" in refused.json()["detail"]
        crowd = await client.post(BATCHES, json={"jobs": [make_blank()] * 51})
        assert (crowd.status_code, crowd.json()["code"]) == (429, "too_many_jobs")
        assert (await client.get(JOBS)).json()["jobs"] == []
    books = make_books_key("usage", f"account:{account.id}", get_period())
    assert int(str(await house.store.hget(books, "reserved") or 0)) == 0
    specs = [key async for key in house.store.scan_iter("ch:1:job:*:spec")]
    records = [key.removesuffix(":spec") for key in specs]
    assert all([await house.store.exists(key) for key in records])


async def test_the_same_key_makes_one_batch(customer: httpx.AsyncClient) -> None:
    body = {"jobs": [make_blank()] * 3}
    headers = {"Idempotency-Key": "mine"}
    answers = await asyncio.gather(
        *(customer.post(BATCHES, json=body, headers=headers) for _ in range(8))
    )
    assert {one.status_code for one in answers} == {202}
    assert len({one.json()["batch_id"] for one in answers}) == 1
    assert [one.headers.get("Idempotent-Replayed") for one in answers].count(None) == 1
    other = await customer.post(BATCHES, json={"jobs": [make_blank()]}, headers=headers)
    assert (other.status_code, other.json()["code"]) == (409, "idempotency_conflict")
    job = await customer.post(JOBS, json=make_blank(), headers=headers)
    assert job.json()["code"] == "idempotency_conflict"
    assert len((await customer.get(BATCHES)).json()["batches"]) == 1
    assert len((await customer.get(JOBS)).json()["jobs"]) == 3


async def test_a_thousand_jobs(house: House, customer: httpx.AsyncClient) -> None:
    house.engine.hold("SaveImage")
    try:
        inputs = [{"metadata": {"name": str(number)}} for number in range(1000)]
        batch = await submit(customer, {"template": make_blank(), "inputs": inputs})
        assert batch["total"] == 1000
        assert batch["units"] == {"reserved": 1000, "used": 0}
        jobs = await list_jobs(customer, batch["batch_id"])
        assert [job["item"] for job in jobs] == list(range(1000))
        assert [job["metadata"]["name"] for job in jobs] == [str(n) for n in range(1000)]
        assert len({job["job_id"] for job in jobs}) == 1000
        canceled = await customer.post(f"{BATCHES}/{batch['batch_id']}/cancel")
        assert canceled.status_code == 200
    finally:
        house.engine.let_go()
    done = await wait_completed(customer, batch["batch_id"])
    assert sum(done["counts"].values()) == 1000
    assert done["counts"]["canceled"] >= 990
    again = await customer.post(f"{BATCHES}/{batch['batch_id']}/cancel")
    assert again.json()["counts"] == done["counts"]
    assert (await customer.delete(f"{BATCHES}/{batch['batch_id']}")).status_code == 204


async def test_partial_results_and_retry(house: House, customer: httpx.AsyncClient) -> None:
    jobs = [
        make_blank(),
        make_generate(prompt="sandbox:fail"),
        make_blank(expires_in_seconds=3600),
        make_generate(prompt="sandbox:fail", metadata={"name": "bad"}),
    ]
    batch_id = (await submit(customer, {"jobs": jobs}))["batch_id"]
    done = await wait_completed(customer, batch_id)
    assert (done["counts"]["succeeded"], done["counts"]["failed"]) == (2, 2)
    before = await list_jobs(customer, batch_id)
    failed = await list_jobs(customer, batch_id, status="failed")
    assert [job["item"] for job in failed] == [1, 3]
    manifest = json.loads((await fetch_zip(customer, batch_id)).read("manifest.json"))
    assert [row["status"] for row in manifest["jobs"]] == [
        "succeeded",
        "failed",
        "succeeded",
        "failed",
    ]
    assert manifest["jobs"][1]["error"]["code"] == "node_failed"

    retries = await asyncio.gather(
        *(customer.post(f"{BATCHES}/{batch_id}/retry") for _ in range(3))
    )
    assert {one.status_code for one in retries} == {202}
    assert sorted(one.json()["retried"] for one in retries)[-1] == 2
    done = await wait_completed(customer, batch_id)
    assert done["retries"] >= 1
    assert done["total"] == sum(done["counts"].values()) == 4
    after = await list_jobs(customer, batch_id)
    assert [job["item"] for job in after] == [0, 1, 2, 3]
    same = [old["job_id"] == new["job_id"] for old, new in zip(before, after, strict=True)]
    assert same == [True, False, True, False]
    assert after[3]["metadata"] == {"name": "bad"}
    assert after[1]["parameters"] == before[1]["parameters"]
    old = (await customer.get(f"{JOBS}/{before[1]['job_id']}")).json()
    assert (old["status"], old["item"]) == ("failed", 1)


async def test_canceled_jobs_are_tried_again_and_delivered(
    house: House, customer: httpx.AsyncClient
) -> None:
    house.engine.hold("SaveImage")
    try:
        batch_id = (await submit(customer, {"jobs": [make_blank()] * 5}))["batch_id"]
        await customer.post(f"{BATCHES}/{batch_id}/cancel")
    finally:
        house.engine.let_go()
    first = await wait_completed(customer, batch_id)
    assert first["units"] == {"reserved": 0, "used": first["counts"]["succeeded"]}
    retried = (await customer.post(f"{BATCHES}/{batch_id}/retry")).json()["retried"]
    assert retried == first["counts"]["canceled"] >= 1
    done = await wait_completed(customer, batch_id)
    assert (done["counts"]["succeeded"], done["units"]["used"]) == (5, 5)
    assert (await customer.post(f"{BATCHES}/{batch_id}/retry")).json()["retried"] == 0
    archive = await fetch_zip(customer, batch_id)
    assert len(archive.namelist()) == 6


async def test_an_erased_job_leaves_its_place(customer: httpx.AsyncClient) -> None:
    batch_id = (await submit(customer, {"jobs": [make_blank()] * 3}))["batch_id"]
    await wait_completed(customer, batch_id)
    jobs = await list_jobs(customer, batch_id)
    assert (await customer.delete(f"{JOBS}/{jobs[1]['job_id']}")).status_code == 204
    assert [job["item"] for job in await list_jobs(customer, batch_id)] == [0, 2]
    batch = await look(customer, batch_id)
    assert (batch["counts"]["succeeded"], batch["counts"]["erased"]) == (2, 1)
    archive = await fetch_zip(customer, batch_id)
    assert archive.namelist() == ["0000.png", "0002.png", "manifest.json"]
    manifest = json.loads(archive.read("manifest.json"))
    assert manifest["jobs"][1] == {"item": 1, "job_id": jobs[1]["job_id"], "status": "erased"}


async def test_a_file_that_is_gone_is_named_in_the_manifest(customer: httpx.AsyncClient) -> None:
    batch_id = (await submit(customer, {"jobs": [make_blank()] * 2}))["batch_id"]
    await wait_completed(customer, batch_id)
    jobs = await list_jobs(customer, batch_id)
    file_id = jobs[0]["outputs"][0]["file_id"]
    assert (await customer.delete(f"/api/v1/files/{file_id}")).status_code == 204
    archive = await fetch_zip(customer, batch_id)
    assert archive.namelist() == ["0001.png", "manifest.json"]
    manifest = json.loads(archive.read("manifest.json"))
    assert manifest["jobs"][0]["missing"] == [file_id]


async def test_erasing_a_batch_erases_its_jobs(house: House, customer: httpx.AsyncClient) -> None:
    jobs = [make_blank(metadata={"word": "hapax"}), make_generate(prompt="sandbox:fail")]
    batch_id = (await submit(customer, {"jobs": jobs}))["batch_id"]
    await wait_completed(customer, batch_id)
    await customer.post(f"{BATCHES}/{batch_id}/retry")
    shown = await list_jobs(customer, batch_id)
    url = shown[0]["image_url"]
    assert (await customer.delete(f"{BATCHES}/{batch_id}")).status_code == 204
    for path in ("", "/jobs", "/archive", "/events"):
        gone = await customer.get(f"{BATCHES}/{batch_id}{path}")
        assert (gone.status_code, gone.json()["code"]) == (404, "batch_not_found")
    assert (await customer.get(JOBS)).json()["jobs"] == []
    assert (await customer.get(BATCHES)).json()["batches"] == []

    async def is_gone() -> bool:
        left = [key async for key in house.store.scan_iter(f"*{shown[0]['job_id']}*")]
        hangs_on = [key for key in left if key.startswith("ch:1:job:")]
        return not hangs_on and (await customer.get(url)).status_code in (404, 410)

    await wait_until(is_gone)
    assert [key async for key in house.store.scan_iter(f"*{batch_id}*")] == []


async def test_strangers_find_nothing(house: House, customer: httpx.AsyncClient) -> None:
    batch_id = (await submit(customer, {"jobs": [make_blank()]}))["batch_id"]
    path = f"{BATCHES}/{batch_id}"
    async with await house.make_client(account=make_id("acct", 8)) as stranger:
        answers = [
            *[await stranger.get(f"{path}{part}") for part in ("", "/jobs", "/archive", "/events")],
            await stranger.post(f"{path}/cancel"),
            await stranger.post(f"{path}/retry"),
            await stranger.delete(path),
            await stranger.get(f"{path}:items"),
            await stranger.post(f"{path}:items/cancel"),
        ]
        assert {one.status_code for one in answers} == {404}
        assert (await stranger.get(BATCHES)).json()["batches"] == []
    done = await wait_completed(customer, batch_id)
    assert done["counts"]["succeeded"] == 1


async def test_batches_are_listed_newest_first(customer: httpx.AsyncClient) -> None:
    made = [(await submit(customer, {"jobs": [make_blank()]}))["batch_id"] for _ in range(5)]
    first = (await customer.get(BATCHES, params={"limit": 3})).json()
    sent = {"limit": 3, "cursor": first["next_cursor"]}
    rest = (await customer.get(BATCHES, params=sent)).json()
    found = [one["batch_id"] for one in (*first["batches"], *rest["batches"])]
    assert found == made[::-1]
    assert rest["next_cursor"] is None


async def test_a_batch_is_followed_to_its_end(house: House, customer: httpx.AsyncClient) -> None:
    house.engine.hold("SaveImage")
    events: list[tuple[str, dict[str, Any]]] = []
    try:
        batch_id = (await submit(customer, {"jobs": [make_blank()] * 3}))["batch_id"]
        async with customer.stream("GET", f"{BATCHES}/{batch_id}/events") as stream:
            name = ""
            async for line in stream.aiter_lines():
                if line.startswith("event: "):
                    name = line.removeprefix("event: ")
                elif line.startswith("data: "):
                    events.append((name, json.loads(line.removeprefix("data: "))))
                    house.engine.let_go()
    finally:
        house.engine.let_go()
    assert events[0][0] == "batch.progress"
    assert events[-1][0] == "batch.completed"
    assert events[-1][1]["counts"]["succeeded"] == 3
