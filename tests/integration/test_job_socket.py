"""Following a job by WebSocket: the same events, the same refusals."""

import json
from typing import Any

import pytest
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import InvalidStatus

from tests.house import House

pytestmark = pytest.mark.asyncio(loop_scope="session")


def make_address(house: House, job_id: str, query: str = "") -> str:
    return f"{house.url.replace('http', 'ws', 1)}/api/v1/jobs/{job_id}/ws{query}"


async def read_all(socket: ClientConnection) -> list[dict[str, Any]]:
    return [json.loads(message) async for message in socket]


async def test_a_job_is_told_to_its_end_and_from_any_event_on(house: House) -> None:
    headers = {"Authorization": f"Bearer {await house.make_key()}"}
    job_id = await house.submit("a boat on a line")
    async with connect(make_address(house, job_id), additional_headers=headers) as socket:
        told = await read_all(socket)
        code = socket.close_code

    states = [one["type"] for one in told if one["id"] is not None]
    assert (states[0], states[-1], code) == ("job.queued", "job.succeeded", 1000)

    query = f"?after={told[0]['id']}"
    async with connect(make_address(house, job_id, query), additional_headers=headers) as socket:
        rest = await read_all(socket)
    assert [one["type"] for one in rest if one["id"] is not None] == states[1:]


async def test_a_browser_shows_a_client_token(house: House) -> None:
    job_id = await house.submit("a boat in a browser")
    token = (await house.client.post("/api/v1/client-tokens", json={})).json()["client_token"]
    async with connect(make_address(house, job_id, f"?token={token}")) as socket:
        told = await read_all(socket)

    assert told[-1]["type"] == "job.succeeded"


async def test_what_is_refused_is_a_problem_document(house: House) -> None:
    job_id = await house.submit("a private boat")
    key = await house.make_key()
    stranger = await house.make_key(account="stranger")
    refusals = [
        ("", "", 401, "key_missing"),
        ("", "sk_live_nonsense", 401, "key_unknown"),
        (f"?token={key}", "", 401, "key_unknown"),
        ("", stranger, 404, "job_not_found"),
        ("?after=yesterday", key, 422, "position_unreadable"),
    ]
    for query, shown, status, code in refusals:
        headers = {"Authorization": f"Bearer {shown}"} if shown else {}
        with pytest.raises(InvalidStatus) as refused:
            async with connect(make_address(house, job_id, query), additional_headers=headers):
                pass
        answer = refused.value.response
        assert answer.body is not None
        assert (answer.status_code, json.loads(answer.body)["code"]) == (status, code)


async def test_a_follower_that_leaves_disturbs_nobody(house: House) -> None:
    headers = {"Authorization": f"Bearer {await house.make_key()}"}
    job_id = await house.submit("sandbox:hang")
    await house.wait_state(job_id, "running")
    async with connect(make_address(house, job_id), additional_headers=headers) as socket:
        assert json.loads(await socket.recv())["type"] == "job.queued"

    async with connect(make_address(house, job_id), additional_headers=headers) as socket:
        await house.client.post(f"/api/v1/jobs/{job_id}/cancel")
        assert (await read_all(socket))[-1]["type"] == "job.canceled"
