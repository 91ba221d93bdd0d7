"""Registered workflows over HTTP: kept, versioned, published, run; and the pictures finished."""

import asyncio
import base64
from collections.abc import AsyncIterator
from io import BytesIO
from typing import Any

import httpx
import jsonschema_rs
import pytest
import pytest_asyncio
from blake3 import blake3
from PIL import Image

from comfyhoused.api.keys import create_key
from comfyhoused.kit.ids import make_id
from tests.house import House
from tests.job_cases import make_blank_graph, make_invert_graph
from tests.pictures import encode, make_image
from tests.waiting import wait_until

pytestmark = pytest.mark.asyncio(loop_scope="session")

WORKFLOWS = "/api/v1/workflows"
JOBS = "/api/v1/jobs"
PICTURE = encode(make_image(64, 48))
COLOUR = {
    "title": "A plain colour",
    "workflow": make_blank_graph(64, 64, color=255),
    "inputs": {
        "color": {"type": "integer", "node_id": "1", "field": "color"},
        "side": {
            "type": "integer",
            "targets": [{"node_id": "1", "field": "width"}, {"node_id": "1", "field": "height"}],
            "minimum": 8,
            "maximum": 512,
            "step": 8,
            "default": 32,
        },
    },
    "max_units": 2,
}


@pytest_asyncio.fixture(loop_scope="session")
async def customer(house: House) -> AsyncIterator[httpx.AsyncClient]:
    """A client of an account that nobody else uses."""
    async with await house.make_client(account=make_id("acct", 8)) as client:
        yield client


async def put(client: httpx.AsyncClient, name: str, **changes: Any) -> dict[str, Any]:
    answer = await client.put(f"{WORKFLOWS}/{name}", json={**COLOUR, **changes})
    assert answer.status_code in (200, 201), answer.text
    return dict(answer.json())


async def run(
    client: httpx.AsyncClient, reference: str, inputs: dict[str, Any], **options: Any
) -> dict[str, Any]:
    """Run to the end; returns the job."""
    body = {"inputs": inputs, **options}
    answer = await client.post(f"{WORKFLOWS}/{reference}/jobs", json=body)
    assert answer.status_code == 202, answer.text
    job: dict[str, Any] = {}

    async def is_over() -> bool:
        nonlocal job
        job = (await client.get(f"{JOBS}/{answer.json()['job_id']}")).json()
        return job["status"] not in ("queued", "running")

    await wait_until(is_over)
    assert job["status"] == "succeeded", job
    return job


async def fetch(job: dict[str, Any]) -> bytes:
    async with httpx.AsyncClient() as stranger:
        return (await stranger.get(job["image_url"])).content


def get_colour(content: bytes) -> Any:
    return Image.open(BytesIO(content)).convert("RGB").getpixel((0, 0))


async def test_registered_run_and_shown(customer: httpx.AsyncClient) -> None:
    answer = await customer.put(f"{WORKFLOWS}/plain", json=COLOUR)
    assert answer.status_code == 201
    assert answer.headers["Location"] == f"{WORKFLOWS}/plain?version=1"
    registered = answer.json()
    assert (registered["version"], registered["versions"]) == (1, [1])
    assert registered["inputs"]["color"]["default"] == 255
    assert registered["inputs"]["color"]["maximum"] == 0xFFFFFF
    assert registered["warnings"] == []

    job = await run(customer, "plain", {"color": 0xFF0000, "side": 64})

    assert job["kind"] == "workflow"
    assert job["parameters"] == {
        "workflow": "plain",
        "version": 1,
        "inputs": {"color": 0xFF0000, "side": 64},
    }
    assert get_colour(await fetch(job)) == (255, 0, 0)
    assert (job["images"][0]["width"], job["images"][0]["height"]) == (64, 64)
    assert (await customer.get(f"{WORKFLOWS}/plain")).json() == registered


async def test_unchanged_stays_and_changed_is_the_next_version(
    customer: httpx.AsyncClient,
) -> None:
    first = await put(customer, "shade")
    again = await customer.put(f"{WORKFLOWS}/shade", json=COLOUR)
    assert (again.status_code, again.json()) == (200, first)
    second = await put(customer, "shade", workflow=make_blank_graph(64, 64, color=0x00FF00))
    assert (second["version"], second["versions"]) == (2, [1, 2])

    jobs = [await run(customer, one, {}) for one in ("shade", "shade@2", "shade@1")]

    assert [get_colour(await fetch(job)) for job in jobs] == [
        (0, 255, 0),
        (0, 255, 0),
        (0, 0, 255),
    ]
    assert [job["parameters"]["version"] for job in jobs] == [2, 2, 1]
    old = await customer.get(f"{WORKFLOWS}/shade", params={"version": 1})
    assert old.json()["workflow"]["1"]["inputs"]["color"] == 255
    for path, status in (("shade@1?version=1", 200), ("shade@1?version=2", 404), ("shade@9", 404)):
        assert (await customer.get(f"{WORKFLOWS}/{path}")).status_code == status


async def test_racing_registrations_each_get_a_version(customer: httpx.AsyncClient) -> None:
    answers = await asyncio.gather(
        *(
            customer.put(
                f"{WORKFLOWS}/raced", json={**COLOUR, "workflow": make_blank_graph(color=number)}
            )
            for number in range(8)
        )
    )
    assert {answer.status_code for answer in answers} == {201}
    assert sorted(answer.json()["version"] for answer in answers) == list(range(1, 9))


async def test_deleted_is_gone_and_numbers_go_on(customer: httpx.AsyncClient) -> None:
    await put(customer, "brief")
    job_id = (await run(customer, "brief", {}))["job_id"]

    assert (await customer.delete(f"{WORKFLOWS}/brief")).status_code == 204
    for call in (
        customer.get(f"{WORKFLOWS}/brief"),
        customer.delete(f"{WORKFLOWS}/brief"),
        customer.post(f"{WORKFLOWS}/brief/jobs", json={}),
        customer.get(f"{WORKFLOWS}/brief/schema"),
    ):
        answer = await call
        assert (answer.status_code, answer.json()["code"]) == (404, "workflow_not_found")
    assert (await customer.get(f"{JOBS}/{job_id}")).json()["status"] == "succeeded"
    assert (await put(customer, "brief"))["version"] == 2


async def test_listing_is_by_name_in_pages(customer: httpx.AsyncClient) -> None:
    for name in ("c", "a", "b"):
        await put(customer, name)
    first = (await customer.get(WORKFLOWS, params={"limit": 2})).json()
    second = (
        await customer.get(WORKFLOWS, params={"limit": 2, "cursor": first["next_cursor"]})
    ).json()
    assert [one["name"] for one in first["workflows"]] == ["a", "b"]
    assert [one["name"] for one in second["workflows"]] == ["c"]
    assert second["next_cursor"] is None
    assert "workflow" not in first["workflows"][0]
    bad = await customer.get(WORKFLOWS, params={"cursor": "bm8/"})
    assert (bad.status_code, bad.json()["code"]) == (400, "invalid_cursor")


async def test_strangers_and_test_mode_stay_apart(
    house: House, customer: httpx.AsyncClient
) -> None:
    await put(customer, "mine")
    async with await house.make_client(account=make_id("acct", 8)) as stranger:
        for path in ("mine", "mine@1", "mine/schema", "mine/openapi.json"):
            assert (await stranger.get(f"{WORKFLOWS}/{path}")).status_code == 404
        assert (await stranger.post(f"{WORKFLOWS}/mine/jobs", json={})).status_code == 404
        assert (await stranger.delete(f"{WORKFLOWS}/mine")).status_code == 404
        assert (await stranger.get(WORKFLOWS)).json()["workflows"] == []


@pytest.mark.parametrize("name", ["upscale", "A", "a_b", "-a", "a-", "a.b", "a" * 64, "ä"])
async def test_names_that_cannot_be(customer: httpx.AsyncClient, name: str) -> None:
    answer = await customer.put(f"{WORKFLOWS}/{name}", json=COLOUR)
    assert (answer.status_code, answer.json()["code"]) == (422, "workflow_name_invalid")


@pytest.mark.parametrize(
    ("change", "pointer"),
    [
        ({"workflow": {}}, "/workflow"),
        ({"workflow": {"1": {"class_type": "Nowhere", "inputs": {}}}}, "/workflow/1/class_type"),
        ({"inputs": {"a": {"type": "text", "node_id": "7", "field": "x"}}}, "/inputs/a/targets/0"),
        ({"inputs": {"a": {"type": "text", "node_id": "1"}}}, "/inputs/a"),
        ({"inputs": {"a": {"type": "text"}}}, "/inputs/a"),
        ({"inputs": {"a b": {"type": "text", "node_id": "1", "field": "x"}}}, "/inputs/a b"),
        ({"inputs": {"a": {"type": "poem", "node_id": "1", "field": "x"}}}, "/inputs/a/type"),
        ({"max_units": 0}, "/max_units"),
        ({"output_format": "tiff"}, "/output_format"),
        ({"colour": 1}, "/colour"),
    ],
)
async def test_registration_is_refused(
    customer: httpx.AsyncClient, change: dict[str, Any], pointer: str
) -> None:
    answer = await customer.put(f"{WORKFLOWS}/wrong", json={**COLOUR, **change})
    assert answer.status_code == 422, answer.text
    assert any(one["pointer"].startswith(pointer) for one in answer.json()["errors"]), answer.text
    assert (await customer.get(f"{WORKFLOWS}/wrong")).status_code == 404


async def test_graph_that_no_server_can_run_is_refused(customer: httpx.AsyncClient) -> None:
    graph = make_blank_graph()
    graph["1"]["inputs"]["batch_size"] = 0
    answer = await customer.put(f"{WORKFLOWS}/wrong", json={"workflow": graph})
    (error,) = answer.json()["errors"]
    assert (error["pointer"], error["class_type"]) == (
        "/workflow/1/inputs/batch_size",
        "EmptyImage",
    )


@pytest.mark.parametrize(
    ("inputs", "pointer"),
    [
        ({"color": -1}, "/inputs/color"),
        ({"color": "red"}, "/inputs/color"),
        ({"side": 100}, "/inputs/side"),
        ({"sides": 64}, "/inputs/sides"),
    ],
)
async def test_wrong_inputs_are_refused_before_anything_waits(
    customer: httpx.AsyncClient, inputs: dict[str, Any], pointer: str
) -> None:
    await put(customer, "typed")
    answer = await customer.post(f"{WORKFLOWS}/typed/jobs", json={"inputs": inputs})
    assert (answer.status_code, answer.json()["code"]) == (422, "invalid_inputs")
    assert [one["pointer"] for one in answer.json()["errors"]] == [pointer]
    assert (await customer.get(JOBS)).json()["jobs"] == []


async def test_pictures_by_id_and_data_uri_go_with_the_job(customer: httpx.AsyncClient) -> None:
    body = {
        "workflow": make_invert_graph("file_0000"),
        "inputs": {"photo": {"type": "image", "node_id": "1", "field": "image", "required": True}},
    }
    body["workflow"]["1"]["inputs"]["image"] = "example.png"
    assert (await customer.put(f"{WORKFLOWS}/invert", json=body)).status_code == 201
    upload = await customer.post(
        "/api/v1/files", content=PICTURE, headers={"Content-Type": "image/png"}
    )
    uri = "data:image/png;base64," + base64.b64encode(PICTURE).decode()

    jobs = [
        await run(customer, "invert", {"photo": one}) for one in (upload.json()["file_id"], uri)
    ]

    assert jobs[0]["images"][0]["hash"] == jobs[1]["images"][0]["hash"]
    carried = jobs[1]["parameters"]["inputs"]["photo"]
    assert (await customer.get(f"/api/v1/files/{carried}")).status_code == 200
    await customer.delete(f"{JOBS}/{jobs[1]['job_id']}")
    assert (await customer.get(f"/api/v1/files/{carried}")).status_code == 404
    for photo, code in (("file_99999999", "file_not_found"), ("a.png", "picture_unreadable")):
        answer = await customer.post(f"{WORKFLOWS}/invert/jobs", json={"inputs": {"photo": photo}})
        assert answer.json()["code"] == code
        assert answer.json()["errors"][0]["pointer"] == "/inputs/photo"


async def test_a_refused_run_leaves_no_picture_behind(customer: httpx.AsyncClient) -> None:
    body = {
        "workflow": make_invert_graph("file_0000"),
        "inputs": {"photo": {"type": "image", "node_id": "1", "field": "image", "required": True}},
    }
    body["workflow"]["1"]["inputs"]["image"] = "example.png"
    await customer.put(f"{WORKFLOWS}/invert", json=body)
    uri = "data:image/png;base64," + base64.b64encode(PICTURE).decode()
    inputs = {"photo": uri, "other": 1}
    answer = await customer.post(f"{WORKFLOWS}/invert/jobs", json={"inputs": inputs})
    assert answer.status_code == 422
    assert (await customer.get("/api/v1/files")).json()["files"] == []


async def test_one_key_one_job(customer: httpx.AsyncClient) -> None:
    await put(customer, "once")
    headers = {"Idempotency-Key": "once"}
    body = {"inputs": {"color": 1}}
    answers = await asyncio.gather(
        *(customer.post(f"{WORKFLOWS}/once/jobs", json=body, headers=headers) for _ in range(10))
    )
    assert len({answer.json()["job_id"] for answer in answers}) == 1
    other = await customer.post(
        f"{WORKFLOWS}/once/jobs", json={"inputs": {"color": 2}}, headers=headers
    )
    assert (other.status_code, other.json()["code"]) == (409, "idempotency_conflict")


async def test_by_name_in_post_jobs(customer: httpx.AsyncClient) -> None:
    await put(customer, "named")
    answer = await customer.post(JOBS, json={"workflow": "named@1", "inputs": {"side": 8}})
    assert answer.status_code == 202
    assert answer.json()["parameters"]["inputs"] == {"color": 255, "side": 8}
    stray = await customer.post(JOBS, json={"workflow": make_blank_graph(), "inputs": {"a": 1}})
    assert stray.json()["errors"][0]["pointer"] == "/inputs"


async def test_schema_is_valid_and_true(customer: httpx.AsyncClient) -> None:
    await put(customer, "schooled")
    answer = await customer.get(f"{WORKFLOWS}/schooled/schema")
    schema = answer.json()
    jsonschema_rs.meta.validate(schema)
    assert schema["$id"].endswith("/api/v1/workflows/schooled@1/schema")
    for inputs, is_valid in (({"color": 7}, True), ({"color": -1}, False), ({"x": 1}, False)):
        assert jsonschema_rs.is_valid(schema, inputs) is is_valid
        run = await customer.post(f"{WORKFLOWS}/schooled/jobs", json={"inputs": inputs})
        assert (run.status_code == 202) is is_valid


async def test_openapi_document_of_one_workflow(customer: httpx.AsyncClient) -> None:
    await put(customer, "documented", description="Fills a square.")
    document = (await customer.get(f"{WORKFLOWS}/documented/openapi.json")).json()

    (path,) = document["paths"]
    assert path == f"{WORKFLOWS}/documented@1/jobs"
    operation = document["paths"][path]["post"]
    assert (operation["summary"], operation["description"]) == ("A plain colour", "Fills a square.")
    schema = operation["requestBody"]["content"]["application/json"]["schema"]
    assert schema["properties"]["inputs"]["properties"]["side"]["multipleOf"] == 8
    text = str(document)
    for name in document["components"]["schemas"]:
        assert f"#/components/schemas/{name}" in text
    assert (await customer.post(path, json={"inputs": {"side": 8}})).status_code == 202


@pytest.mark.parametrize("kind", ["png", "jpeg", "webp"])
async def test_pictures_come_in_the_registered_format(
    house: House, customer: httpx.AsyncClient, kind: str
) -> None:
    await put(customer, "formed", output_format=kind, quality=70)
    job = await run(customer, "formed", {"side": 96})

    (image,), (output,) = job["images"], job["outputs"]
    content = await fetch(job)
    picture = Image.open(BytesIO(content))
    assert picture.format == kind.upper()
    assert picture.size == (image["width"], image["height"]) == (96, 96)
    assert image["content_type"] == output["content_type"] == f"image/{kind}"
    assert image["size_bytes"] == len(content)
    assert image["hash"] == blake3(content).hexdigest()
    (kept,) = (house.data_dir / "files" / "jobs" / job["job_id"]).rglob("0.*")
    assert kept.suffix == {"png": ".png", "jpeg": ".jpg", "webp": ".webp"}[kind]


async def test_request_overrides_the_registered_format_and_asks_for_a_mark(
    customer: httpx.AsyncClient,
) -> None:
    await put(customer, "formed", output_format="jpeg")
    job = await run(customer, "formed", {"side": 512}, output_format="png", watermark="by us")
    picture = Image.open(BytesIO(await fetch(job))).convert("RGB")
    assert picture.getpixel((0, 0)) == (0, 0, 255)
    assert len(picture.crop((256, 400, 512, 512)).getcolors() or []) > 10


async def test_raw_graph_with_a_format(customer: httpx.AsyncClient) -> None:
    body = {"workflow": make_blank_graph(64, 64, color=255), "output_format": "webp"}
    job_id = (await customer.post(JOBS, json=body)).json()["job_id"]

    async def is_over() -> bool:
        return bool((await customer.get(f"{JOBS}/{job_id}")).json()["status"] == "succeeded")

    await wait_until(is_over)
    job = (await customer.get(f"{JOBS}/{job_id}")).json()
    assert Image.open(BytesIO(await fetch(job))).format == "WEBP"


SAVED: dict[str, Any] = {
    "nodes": [
        {"id": 1, "type": "EmptyImage", "mode": 0, "inputs": [], "outputs": [{"links": [1]}],
         "widgets_values": [64, 64, 1, 255]},
        {"id": 2, "type": "SaveImage", "mode": 0, "widgets_values": ["x"],
         "inputs": [{"name": "images", "type": "IMAGE", "link": 1}]},
        {"id": 3, "type": "Note", "mode": 0, "widgets_values": ["words"]},
    ],
    "links": [[1, 1, 0, 2, 0, "IMAGE"]],
    "version": 0.4,
}  # fmt: skip


async def test_the_editors_save_format_is_converted(customer: httpx.AsyncClient) -> None:
    registered = await put(customer, "saved", workflow=SAVED)
    assert registered["workflow"] == {
        "1": {
            "class_type": "EmptyImage",
            "inputs": {"width": 64, "height": 64, "batch_size": 1, "color": 255},
        },
        "2": {"class_type": "SaveImage", "inputs": {"images": ["1", 0], "filename_prefix": "x"}},
    }
    assert get_colour(await fetch(await run(customer, "saved", {"color": 0xFF00}))) == (0, 255, 0)
    assert (await customer.post(JOBS, json={"workflow": SAVED})).status_code == 202


async def test_a_save_format_in_doubt_is_refused(customer: httpx.AsyncClient) -> None:
    nodes = [{**SAVED["nodes"][0], "widgets_values": [1, 2, 3, 4, 5]}, *SAVED["nodes"][1:]]
    for call in (
        customer.post(JOBS, json={"workflow": {**SAVED, "nodes": nodes}}),
        customer.put(f"{WORKFLOWS}/saved", json={"workflow": {**SAVED, "nodes": nodes}}),
    ):
        answer = await call
        assert (answer.status_code, answer.json()["code"]) == (422, "workflow_is_save_format")
        (error,) = answer.json()["errors"]
        assert (error["pointer"], error["class_type"]) == ("/workflow/nodes/0", "EmptyImage")


async def test_texts_are_outputs_like_any_other(customer: httpx.AsyncClient) -> None:
    graph = {
        **make_blank_graph(),
        "3": {"class_type": "PrimitiveString", "inputs": {"value": "grüße"}},
        "4": {"class_type": "PreviewAny", "inputs": {"source": ["3", 0]}},
    }
    await customer.put(f"{WORKFLOWS}/told", json={"workflow": graph})
    job = await run(customer, "told", {})

    found = {one["node_id"]: one for one in job["outputs"]}
    assert (found["2"]["kind"], found["4"]["kind"]) == ("images", "text")
    assert found["4"]["content_type"] == "text/plain"
    async with httpx.AsyncClient() as stranger:
        assert (await stranger.get(found["4"]["url"])).text == "grüße"
    assert len(job["images"]) == 1


async def test_a_text_alone_is_a_result(customer: httpx.AsyncClient) -> None:
    graph = {
        "3": {"class_type": "PrimitiveInt", "inputs": {"value": 42}},
        "4": {"class_type": "PreviewAny", "inputs": {"source": ["3", 0]}},
    }
    await customer.put(f"{WORKFLOWS}/counted", json={"workflow": graph})
    job = await run(customer, "counted", {})
    assert [one["size_bytes"] for one in job["outputs"]] == [2]
    assert (job["images"], job["image_url"]) == ([], None)


async def test_an_answer_that_waits_for_the_end(customer: httpx.AsyncClient) -> None:
    await put(customer, "awaited")
    waiting = {"Prefer": "wait=60"}
    done = await customer.post(f"{WORKFLOWS}/awaited/jobs", json={}, headers=waiting)
    assert (done.status_code, done.json()["status"]) == (200, "succeeded")
    assert get_colour(await fetch(done.json())) == (0, 0, 255)
    at_once = await customer.post(f"{WORKFLOWS}/awaited/jobs", json={})
    assert at_once.status_code == 202


async def test_pictures_of_a_plan_with_a_mark(house: House, customer: httpx.AsyncClient) -> None:
    account = make_id("acct", 8)
    _, secret = await create_key(house.store, account=account, mode="live", plan="free")
    body = {"workflow": make_blank_graph(256, 256, color=255), "output_format": "png"}
    contents = []
    async with httpx.AsyncClient(
        base_url=house.url, headers={"Authorization": f"Bearer {secret}"}, timeout=60
    ) as small:
        for client in (small, customer):
            job_id = (await client.post(JOBS, json=body)).json()["job_id"]

            async def is_over(client: httpx.AsyncClient = client, job_id: str = job_id) -> bool:
                job = (await client.get(f"{JOBS}/{job_id}")).json()
                return bool(job["status"] == "succeeded")

            await wait_until(is_over)
            contents.append(await fetch((await client.get(f"{JOBS}/{job_id}")).json()))
        marked, plain = (Image.open(BytesIO(one)).convert("RGB") for one in contents)
        assert plain.getcolors() == [(256 * 256, (0, 0, 255))]
        assert len(marked.getcolors(10**6) or []) > 10
        lacking = await small.put(f"{WORKFLOWS}/mine", json=COLOUR)
        assert (lacking.status_code, lacking.json()["code"]) == (403, "plan_lacks_feature")
