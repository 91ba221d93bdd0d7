"""The node pack keeps its promises in every program that carries it.

The same cases run against the built-in engine and, if CH_TEST_COMFYUI_URL names one, against
a real ComfyUI into which the pack was installed.
"""

import asyncio
import os
import uuid
from collections.abc import AsyncIterator
from typing import Any

import pytest
from aiohttp import ClientSession, FormData

from comfyhouse_nodes.version import PACK_VERSION
from tests.conftest import MakeEngine
from tests.waiting import wait_until

Json = dict[str, Any]
RACERS = 20


@pytest.fixture(params=["engine", "comfyui"])
async def http(
    request: pytest.FixtureRequest, make_engine: MakeEngine
) -> AsyncIterator[ClientSession]:
    url = make_engine().url if request.param == "engine" else os.environ.get("CH_TEST_COMFYUI_URL")
    if not url:
        pytest.skip("CH_TEST_COMFYUI_URL is not set")
    async with ClientSession(url.rstrip("/") + "/") as session:
        yield session


def make_body(attempt: str) -> Json:
    """A prompt as our server sends it: marked, and writing under the attempt's own name."""
    graph = {
        "1": {
            "class_type": "EmptyImage",
            "inputs": {"width": 64, "height": 64, "batch_size": 1, "color": 0},
        },
        "2": {
            "class_type": "SaveImage",
            "inputs": {"images": ["1", 0], "filename_prefix": f"ch/{attempt}"},
        },
    }
    mark = {"comfyhouse": {"attempt": attempt}}
    return {"prompt": graph, "prompt_id": attempt, "client_id": "tests", "extra_data": mark}


async def get_json(http: ClientSession, path: str) -> Any:
    async with http.get(path) as answer:
        assert answer.status == 200
        return await answer.json()


async def post_prompt(http: ClientSession, body: Json) -> tuple[int, Json]:
    async with http.post("prompt", json=body) as answer:
        return answer.status, await answer.json()


async def delete(http: ClientSession, *refs: Json) -> Json:
    async with http.post("comfyhouse/files/delete", json={"files": refs}) as answer:
        assert answer.status == 200
        counts: Json = await answer.json()
        return counts


async def find_outputs(http: ClientSession, prompt_id: str) -> list[Json]:
    """Wait for the run to end; return its images as references that clean-up understands."""
    history: Json = {}

    async def look() -> bool:
        history.update(await get_json(http, f"history/{prompt_id}"))
        return prompt_id in history

    await wait_until(look)
    return [
        {"name": image["filename"], "subfolder": image["subfolder"], "type": image["type"]}
        for output in history[prompt_id]["outputs"].values()
        for image in output["images"]
    ]


async def get_view_status(http: ClientSession, ref: Json) -> int:
    query = {"filename": ref["name"], "subfolder": ref["subfolder"], "type": ref["type"]}
    async with http.get("view", params=query) as answer:
        return answer.status


def make_upload(name: str) -> FormData:
    form = FormData()
    form.add_field("image", b"any bytes", filename=name)
    form.add_field("overwrite", "true")
    return form


async def test_hello(http: ClientSession) -> None:
    said = await get_json(http, "comfyhouse/hello")

    assert str(uuid.UUID(said["boot_id"])) == said["boot_id"]
    assert (said["pack"], said["fence"], said["cleanup"]) == (PACK_VERSION, True, True)
    assert await get_json(http, "comfyhouse/hello") == said


async def test_of_many_posts_of_one_attempt_one_is_queued(http: ClientSession) -> None:
    attempt = str(uuid.uuid4())
    before = await get_json(http, "comfyhouse/hello")

    posts = [post_prompt(http, make_body(attempt)) for _ in range(RACERS)]
    answers = await asyncio.gather(*posts)

    refusals = [body["error"]["type"] for status, body in answers if status == 400]
    assert [status for status, _ in answers].count(200) == 1
    assert refusals == ["no_prompt"] * (RACERS - 1)
    after = await get_json(http, "comfyhouse/hello")
    assert after["attempts_refused"] == before["attempts_refused"] + RACERS - 1
    outputs = await find_outputs(http, attempt)
    assert [ref["name"] for ref in outputs] == [f"{attempt}_00001_.png"], "one run, one file"
    assert (await delete(http, *outputs))["deleted"] == 1


async def test_a_closed_attempt_never_runs(http: ClientSession) -> None:
    attempt = str(uuid.uuid4())
    body = make_body(attempt)
    closing = {"extra_data": body["extra_data"]}

    answers = [await post_prompt(http, closing), await post_prompt(http, body)]

    assert [(status, body["error"]["type"]) for status, body in answers] == [(400, "no_prompt")] * 2
    queue = await get_json(http, "queue")
    assert attempt not in {item[1] for items in queue.values() for item in items}
    assert await get_json(http, f"history/{attempt}") == {}


async def test_outputs_can_be_deleted(http: ClientSession) -> None:
    attempt = str(uuid.uuid4())
    await post_prompt(http, make_body(attempt))
    outputs = await find_outputs(http, attempt)
    assert [await get_view_status(http, ref) for ref in outputs] == [200]

    counts = [await delete(http, *outputs) for _ in range(2)]

    assert [(count["deleted"], count["missing"]) for count in counts] == [(1, 0), (0, 1)]
    assert [await get_view_status(http, ref) for ref in outputs] == [404]


@pytest.mark.parametrize(
    ("name", "outcome", "status"),
    [
        ("ch_00112233445566778899aabbccddeeff.png", "deleted", 404),
        ("comfyhouse-test-of-a-foreign-file.png", "refused", 200),
    ],
)
async def test_of_inputs_only_ours_can_be_deleted(
    http: ClientSession, name: str, outcome: str, status: int
) -> None:
    async with http.post("upload/image", data=make_upload(name)) as answer:
        assert answer.status == 200
        ref = await answer.json()

    counts = await delete(http, ref)

    assert counts[outcome] == 1
    assert await get_view_status(http, ref) == status
