"""Pictures inside a request: by https address and as data URI, through the whole API."""

import asyncio
import base64
from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest
import pytest_asyncio
from blake3 import blake3

from comfyhoused.kit.ids import make_id
from tests.house import House
from tests.job_cases import make_generate
from tests.outside import INNER, PUBLIC, Handler, Request, Server, answer, make_head
from tests.pictures import encode, make_image
from tests.waiting import wait_until

pytestmark = pytest.mark.asyncio(loop_scope="session")

JOBS, FILES = "/api/v1/jobs", "/api/v1/files"
KINDS = {"PNG": "image/png", "JPEG": "image/jpeg", "WEBP": "image/webp"}
PICTURES = {kind: encode(make_image(64, 64, seed=3), kind) for kind in KINDS}
PNG = PICTURES["PNG"]


@pytest_asyncio.fixture(loop_scope="session")
async def customer(house: House) -> AsyncIterator[httpx.AsyncClient]:
    """A client of an account that nobody else uses."""
    async with await house.make_client(account=make_id("acct", 8)) as client:
        yield client


@pytest_asyncio.fixture(loop_scope="session")
async def outside() -> AsyncIterator[Server]:
    """A server of pictures, where the house may go."""
    server = Server(PUBLIC)
    await server.start()
    yield server
    await server.stop()


@pytest_asyncio.fixture(loop_scope="session")
async def inner() -> AsyncIterator[Server]:
    """A server of our own network, where it may not."""
    server = Server(INNER)
    await server.start()
    yield server
    await server.stop()


def url(server: Server, path: str = "/a.png") -> str:
    return f"http://{server.host}:{server.port}{path}"


async def list_files(customer: httpx.AsyncClient) -> list[dict[str, Any]]:
    files: list[dict[str, Any]] = (await customer.get(FILES)).json()["files"]
    return [file for file in files if file.get("purpose", "input") == "input"]


async def submit(customer: httpx.AsyncClient, **fields: Any) -> httpx.Response:
    return await customer.post(JOBS, json=make_generate(**fields))


async def expect_problem(
    customer: httpx.AsyncClient, picture: str, status: int, code: str
) -> dict[str, Any]:
    """Submit; the picture is refused, named as the field that is wrong, and nothing is kept."""
    problem: dict[str, Any] = (await submit(customer, init_image=picture)).json()
    assert (problem["status"], problem["code"]) == (status, code), problem
    assert [error["pointer"] for error in problem["errors"]] == ["/init_image"]
    assert await list_files(customer) == []
    return problem


@pytest.mark.parametrize("kind", KINDS)
async def test_a_picture_is_fetched_and_kept_like_an_upload(
    customer: httpx.AsyncClient, outside: Server, kind: str
) -> None:
    """What the server calls it does not matter; what it is does."""
    headers = {"Content-Type": "text/plain"}
    outside.routes["/a.png"] = answer(body=PICTURES[kind], headers=headers)
    sent = await submit(customer, init_image=url(outside, "/a.png?sig=a%2Fb"))
    assert sent.status_code == 202, sent.text
    (file,) = await list_files(customer)
    assert file["content_type"] == KINDS[kind]
    assert (file["width"], file["height"]) == (64, 64)
    assert file["hash"] == blake3(PICTURES[kind]).hexdigest()
    assert [request.target for request in outside.requests] == ["/a.png?sig=a%2Fb"]


async def test_a_fetched_picture_goes_with_its_job(
    customer: httpx.AsyncClient, outside: Server
) -> None:
    outside.routes["/a.png"] = answer(body=PNG)
    sent = await submit(customer, init_image=url(outside))
    (file,) = await list_files(customer)
    await customer.delete(f"{JOBS}/{sent.json()['job_id']}")

    async def is_gone() -> bool:
        return bool((await customer.get(f"{FILES}/{file['file_id']}")).status_code == 404)

    await wait_until(is_gone)


@pytest.mark.parametrize("form", ["base64", "percent"])
async def test_a_data_uri_is_kept_like_an_upload(customer: httpx.AsyncClient, form: str) -> None:
    written = base64.b64encode(PNG).decode()
    text = "".join(f"%{byte:02x}" for byte in PNG)
    uri = f"data:image/png;base64,{written}" if form == "base64" else f"data:,{text}"
    assert (await submit(customer, init_image=uri)).status_code == 202
    (file,) = await list_files(customer)
    assert file["hash"] == blake3(PNG).hexdigest()


async def test_a_picture_of_another_size_than_a_page_of_memory(
    customer: httpx.AsyncClient, outside: Server
) -> None:
    large = encode(make_image(1500, 1500))
    assert len(large) > 5_000_000
    outside.routes["/a.png"] = answer(body=large)
    assert (await submit(customer, init_image=url(outside))).status_code == 202
    assert [file["size_bytes"] for file in await list_files(customer)] == [len(large)]


@pytest.mark.parametrize(
    ("picture", "status", "code"),
    [
        ("https://127.0.0.2/a.png", 400, "url_refused"),
        ("https://169.254.169.254/latest/meta-data/", 400, "url_refused"),
        ("https://2130706433/a.png", 400, "url_refused"),
        ("https://[::ffff:127.0.0.1]/a.png", 400, "url_refused"),
        ("https://localhost/a.png", 400, "url_refused"),
        ("https://user:secret@example.com/a.png", 400, "url_refused"),
        ("http://example.com/a.png", 400, "url_refused"),
        ("https://example.com:22/a.png", 400, "url_refused"),
        ("ftp://example.com/a.png", 400, "url_refused"),
        ("file:///etc/passwd", 400, "url_refused"),
        ("https://no-such-name.invalid/a.png", 400, "url_refused"),
        ("//example.com/a.png", 422, "picture_unreadable"),
        ("a.png", 422, "picture_unreadable"),
        ("/etc/passwd", 422, "picture_unreadable"),
        ("file_../../etc/passwd", 422, "picture_unreadable"),
        ("file_00000000000000000000000", 404, "file_not_found"),
        ("data:image/png;base64,####", 422, "data_uri_unreadable"),
        ("data:image/png,%", 422, "data_uri_unreadable"),
        ("data:text/html;base64,AAAA", 415, "not_an_image"),
        ("data:,hello", 415, "not_an_image"),
        ("data:image/png;base64,", 400, "empty_file"),
    ],
)
async def test_what_is_refused_names_the_field(
    customer: httpx.AsyncClient, picture: str, status: int, code: str
) -> None:
    await expect_problem(customer, picture, status, code)


@pytest.mark.parametrize(
    ("handler", "status", "code"),
    [
        (answer(404), 422, "url_failed"),
        (answer(body=b"<html>no</html>" * 99, headers={"Content-Type": "image/png"}), 415, ""),
        (answer(body=b"GIF89a" + bytes(99)), 415, "not_an_image"),
        (answer(), 400, "empty_file"),
        (answer(body=PNG[:20]), 422, "truncated_image"),
        (answer(body=PNG[:-40]), 422, "truncated_image"),
        (answer(body=PNG[:-40], headers={"Content-Length": str(len(PNG))}), 422, "url_failed"),
        (answer(body=PNG, headers={"Content-Encoding": "gzip"}), 422, "url_failed"),
        (answer(body=PNG, headers={"Content-Length": "100000001"}), 413, "url_too_large"),
        (answer(302, headers={"Location": "file:///etc/passwd"}), 400, "url_refused"),
        (answer(302, headers={"Location": "/a.png"}), 422, "url_failed"),
    ],
    ids=range(11),
)
async def test_what_the_server_does_wrong_names_the_field(
    customer: httpx.AsyncClient, outside: Server, handler: Handler, status: int, code: str
) -> None:
    outside.routes["/a.png"] = handler
    await expect_problem(customer, url(outside), status, code or "not_an_image")


async def test_a_web_page_is_not_read_to_its_end(
    customer: httpx.AsyncClient, outside: Server
) -> None:
    sent = 0

    async def pour(_: Request, writer: asyncio.StreamWriter) -> None:
        nonlocal sent
        writer.write(make_head(200, {"Content-Type": "image/png", "Connection": "close"}))
        while True:
            writer.write(b"<html>" * 10_000)
            await writer.drain()
            sent += 60_000

    outside.routes["/a.png"] = pour
    await expect_problem(customer, url(outside), 415, "not_an_image")
    assert sent < 50_000_000


async def test_a_redirect_inside_is_not_followed(
    customer: httpx.AsyncClient, outside: Server, inner: Server
) -> None:
    outside.routes["/a.png"] = answer(302, headers={"Location": url(inner)})
    direct = await expect_problem(customer, f"https://{INNER}/a.png", 400, "url_refused")
    outside.routes["/b.png"] = answer(302, headers={"Location": f"https://{INNER}/a.png"})
    led = await expect_problem(customer, url(outside, "/b.png"), 400, "url_refused")
    await expect_problem(customer, url(outside), 400, "url_refused")
    assert direct["detail"] == led["detail"]
    assert inner.connections == 0


async def test_what_came_is_dropped_when_another_field_is_wrong(
    customer: httpx.AsyncClient, outside: Server
) -> None:
    outside.routes["/a.png"] = answer(body=PNG)
    refused = await submit(customer, init_image=url(outside), mask_image=url(outside, "/none"))
    problem = refused.json()
    assert (problem["code"], problem["errors"][0]["pointer"]) == ("url_failed", "/mask_image")
    assert await list_files(customer) == []
    assert len(outside.requests) == 2
