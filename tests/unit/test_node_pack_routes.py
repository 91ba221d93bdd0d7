"""The pack's routes over real HTTP."""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from aiohttp import ClientSession, web
from aiohttp.test_utils import TestServer

from comfyhouse_nodes.fence import Fence
from comfyhouse_nodes.routes import MAX_BODY_BYTES, MAX_FILES, make_routes
from comfyhouse_nodes.version import PACK_VERSION

OURS = "ch_0123456789abcdef.png"
DELETE = "/comfyhouse/files/delete"


@pytest.fixture
def fence() -> Fence:
    return Fence()


@pytest.fixture
async def http(tmp_path: Path, fence: Fence) -> AsyncIterator[ClientSession]:
    app = web.Application(client_max_size=100 * 1024 * 1024)  # as large as ComfyUI's
    app.add_routes(make_routes(lambda: {"input": tmp_path}, fence))
    async with TestServer(app) as server, ClientSession(server.make_url("/")) as session:
        yield session


async def say_hello(http: ClientSession) -> Any:
    async with http.get("/comfyhouse/hello") as answer:
        assert answer.status == 200
        return await answer.json()


async def test_hello_tells_version_boot_and_abilities(http: ClientSession) -> None:
    said = await say_hello(http)

    assert str(UUID(said.pop("boot_id"))) == (await say_hello(http))["boot_id"]
    assert said == {"pack": PACK_VERSION, "fence": True, "cleanup": True, "attempts_refused": 0}


async def test_hello_counts_what_the_fence_refused(http: ClientSession, fence: Fence) -> None:
    for _ in range(3):
        fence.admit({"prompt": {}, "extra_data": {"comfyhouse": {"attempt": "a"}}})

    assert (await say_hello(http))["attempts_refused"] == 2


async def test_delete_answers_counts(http: ClientSession, tmp_path: Path) -> None:
    (tmp_path / OURS).write_bytes(b"x")
    (tmp_path / "example.png").write_bytes(b"x")
    refs = [
        {"name": OURS, "subfolder": "", "type": "input"},
        {"name": OURS, "subfolder": "", "type": "input"},
        {"name": "example.png", "subfolder": "", "type": "input"},
    ]

    async with http.post(DELETE, json={"files": refs}) as answer:
        assert answer.status == 200
        assert await answer.json() == {"deleted": 1, "missing": 1, "refused": 1, "failed": 0}
    assert [path.name for path in tmp_path.iterdir()] == ["example.png"]


@pytest.mark.parametrize(
    ("body", "content_type", "status"),
    [
        (b"", "application/json", 400),
        (b"{", "application/json", 400),
        (b"\xff\xfe", "application/json", 400),
        (b"[" * 100_000, "application/json", 400),
        (b"{}", "application/json; charset=no-such", 400),
        (b"null", "application/json", 400),
        (b"[]", "application/json", 400),
        (b"{}", "application/json", 400),
        (b'{"files": {}}', "application/json", 400),
        (b'{"files": [' + b"0," * MAX_FILES + b"0]}", "application/json", 400),
        (b'{"files": []}', "text/plain", 415),
        (b'{"files": []}' + b" " * MAX_BODY_BYTES, "application/json", 413),
        (b'{"files": []}', "application/json; charset=utf-8", 200),
    ],
)
async def test_bodies_that_are_not_understood(
    http: ClientSession, body: bytes, content_type: str, status: int
) -> None:
    async with http.post(DELETE, data=body, headers={"Content-Type": content_type}) as answer:
        assert answer.status == status
