"""Workflows registered before any server was seen, and how many of them are kept."""

import asyncio
from pathlib import Path
from typing import Any

import httpx
import pytest

from comfyhoused.adapters.redis.client import Store
from comfyhoused.api.keys import create_key
from comfyhoused.core.workflows.registered import records
from comfyhoused.core.workflows.registered.definition import Definition
from tests.api_process import LoneApi
from tests.job_cases import make_blank_graph
from tests.processes import ServerProcess
from tests.waiting import PATIENCE_SECONDS

WORKFLOWS = "/api/v1/workflows"
BODY: dict[str, Any] = {
    "workflow": make_blank_graph(),
    "inputs": {"color": {"type": "integer", "node_id": "1", "field": "color", "maximum": 9}},
}


async def test_form_is_checked_and_a_warning_says_so(
    tmp_path: Path, redis: Store, valkey_url: str, started: list[ServerProcess]
) -> None:
    api = LoneApi(tmp_path / "api", valkey_url)
    started.append(api)
    await asyncio.to_thread(api.start)
    _, secret = await create_key(redis, account="early", mode="live", plan="business")
    headers = {"Authorization": f"Bearer {secret}"}
    async with httpx.AsyncClient(
        base_url=api.url, headers=headers, timeout=PATIENCE_SECONDS
    ) as client:
        answer = await client.put(f"{WORKFLOWS}/early", json=BODY)
        schema = (await client.get(f"{WORKFLOWS}/early/schema")).json()
        run = await client.post(f"{WORKFLOWS}/early/jobs", json={})
        wrong = [
            await client.put(f"{WORKFLOWS}/early", json=body)
            for body in ({"workflow": {}}, {**BODY, "workflow": {"2": BODY["workflow"]["2"]}})
        ]
        saved = await client.put(f"{WORKFLOWS}/early", json={"workflow": {"nodes": []}})

    assert answer.status_code == 201, answer.text
    assert "No server was known" in answer.json()["warnings"][0]
    assert schema["properties"]["color"]["maximum"] == 9
    assert (run.status_code, run.json()["code"]) == (503, "no_backend_yet")
    assert {(one.status_code, one.json()["code"]) for one in wrong} == {(422, "invalid_workflow")}
    assert saved.json()["code"] == "workflow_is_save_format"


def make_definition(number: int, size: int = 0) -> Definition:
    return Definition({"1": {"class_type": "A", "inputs": {"n": number, "t": "x" * size}}}, ())


async def test_workflows_are_limited(redis: Store) -> None:
    for number in range(records.MOST_WORKFLOWS):
        await records.register(redis, "account:a", f"w{number}", make_definition(0))
    with pytest.raises(records.TooManyWorkflows, match="delete one"):
        await records.register(redis, "account:a", "more", make_definition(0))
    assert await records.register(redis, "account:a", "w1", make_definition(1)) == (2, True)
    assert await records.register(redis, "account:b", "more", make_definition(0)) == (1, True)
    await records.drop_registration(redis, "account:a", "w2")
    assert await records.register(redis, "account:a", "more", make_definition(0)) == (1, True)


async def test_versions_are_limited(redis: Store) -> None:
    for number in range(records.MOST_VERSIONS):
        answer = await records.register(redis, "account:a", "w", make_definition(number))
        assert answer == (number + 1, True)
    with pytest.raises(records.TooManyWorkflows, match="100 versions"):
        await records.register(redis, "account:a", "w", make_definition(-1))
    same = await records.register(redis, "account:a", "w", make_definition(number))
    assert same == (records.MOST_VERSIONS, False)
    oldest = await records.get_registration(redis, "account:a", "w", 1)
    assert oldest.definition == make_definition(0)
    assert oldest.versions == tuple(range(1, 101))


async def test_bytes_are_limited_and_given_back(redis: Store) -> None:
    size = records.MOST_BYTES // 2 - 10_000
    for number in range(2):
        await records.register(redis, "account:a", f"w{number}", make_definition(0, size))
    with pytest.raises(records.TooManyWorkflows, match="50 MB"):
        await records.register(redis, "account:a", "w2", make_definition(0, 30_000))
    for number in range(2):
        await records.drop_registration(redis, "account:a", f"w{number}")
    assert await redis.get("ch:1:owner:account:a:workflows:bytes") == "0"
    await records.register(redis, "account:a", "w2", make_definition(0, 30_000))


@pytest.mark.parametrize("name", ["", "a@1", "A", "../a", "a\n"])
async def test_what_was_never_a_name_is_not_found(redis: Store, name: str) -> None:
    with pytest.raises(records.WorkflowNotFound):
        await records.get_registration(redis, "account:a", name)
    with pytest.raises(records.WorkflowNotFound):
        await records.drop_registration(redis, "account:a", name)


@pytest.mark.parametrize("text", ["a@", "a@0", "a@-1", "a@1.5", "a@1@2", "@1", "a@9999999999"])
def test_what_is_no_reference(text: str) -> None:
    with pytest.raises(records.WorkflowNotFound):
        records.read_reference(text)
