"""/files over real HTTP: in, listed, fetched by link, out; and every way to get it wrong."""

import asyncio
import json
import ssl
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

import httpx
import psutil
import pytest
from blake3 import blake3

from comfyhoused.adapters.redis.client import Store, open_store
from comfyhoused.adapters.storage.local import LocalStorage
from comfyhoused.api.keys import create_key, revoke_key
from comfyhoused.kit.crypto import make_digest
from comfyhoused.settings import DEVELOPMENT_SECRET
from tests.api_process import LoneApi
from tests.pictures import encode, make_image
from tests.s3_server import S3Process
from tests.unit.test_files_verification import make_bomb
from tests.waiting import wait_until

MEGABYTE = 1024 * 1024
PICTURE = encode(make_image(120, 80))
FILES = "/api/v1/files"
TLS = ssl.create_default_context()  # unused, but every client would read the certificates anew


@pytest.fixture(scope="module")
def api(valkey_url: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[LoneApi]:
    server = LoneApi(
        tmp_path_factory.mktemp("api of the files"), valkey_url, CH_MAX_UPLOAD_BYTES=30 * MEGABYTE
    )
    server.start()
    yield server
    server.stop()


@pytest.fixture
async def store(valkey_url: str) -> AsyncIterator[Store]:
    client = open_store(valkey_url)
    await client.flushdb()
    yield client
    await client.aclose()


@dataclass
class Customer:
    """Somebody with a key."""

    http: httpx.AsyncClient
    key_id: str
    secret: str

    async def send(self, data: bytes = PICTURE, content_type: str = "image/png") -> httpx.Response:
        return await self.http.post(FILES, content=data, headers={"Content-Type": content_type})


async def make_customer(store: Store, url: str, account: str) -> Customer:
    key, secret = await create_key(store, account=account, mode="live", plan="business")
    headers = {"Authorization": f"Bearer {secret}"}
    return Customer(
        httpx.AsyncClient(base_url=url, headers=headers, timeout=60, verify=TLS), key.id, secret
    )


@pytest.fixture
async def alice(store: Store, api: LoneApi) -> AsyncIterator[Customer]:
    customer = await make_customer(store, api.url, "alice")
    async with customer.http:
        yield customer


@pytest.fixture
async def bob(store: Store, api: LoneApi) -> AsyncIterator[Customer]:
    customer = await make_customer(store, api.url, "bob")
    async with customer.http:
        yield customer


def get_storage(api: LoneApi) -> LocalStorage:
    return LocalStorage(api.folder / "data" / "files", DEVELOPMENT_SECRET.encode())


async def list_keys(api: LoneApi) -> list[str]:
    return [key async for key in get_storage(api).list_keys("")]


def check_problem(answer: httpx.Response, status: int, code: str) -> None:
    assert (answer.status_code, answer.json()["code"]) == (status, code), answer.text
    assert answer.headers["content-type"] == "application/problem+json"


async def fetch(link: str, method: str = "GET", **headers: str) -> httpx.Response:
    """Follow a link as a stranger: no key."""
    async with httpx.AsyncClient(verify=TLS) as client:
        return await client.request(method, link, headers=headers)


async def test_a_picture_goes_in_and_comes_back(alice: Customer) -> None:
    answer = await alice.send()
    file = answer.json()
    assert answer.status_code == 201
    assert answer.headers["location"] == f"{FILES}/{file['file_id']}"
    described = {name: file[name] for name in ("purpose", "content_type", "width", "height")}
    assert described == {
        "purpose": "input",
        "content_type": "image/png",
        "width": 120,
        "height": 80,
    }
    assert (file["size_bytes"], file["hash"]) == (len(PICTURE), blake3(PICTURE).hexdigest())
    assert (await fetch(file["url"])).content == PICTURE
    again = (await alice.http.get(answer.headers["location"])).json()
    assert {**again, "url": ""} == {**file, "url": ""}


@pytest.mark.parametrize("content_type", ["", "application/octet-stream", "image/webp"])
async def test_the_bytes_decide_what_it_is(alice: Customer, content_type: str) -> None:
    jpeg = encode(make_image(), "JPEG")
    answer = await alice.send(jpeg, content_type)
    assert answer.json()["content_type"] == "image/jpeg"
    link = await fetch(answer.json()["url"])
    assert (link.headers["content-type"], link.content) == ("image/jpeg", jpeg)


async def test_a_form_is_taken(alice: Customer) -> None:
    answer = await alice.http.post(
        FILES,
        data={"note": "ignored"},
        files={"file": ("../../etc/passwd", PICTURE, "image/png")},
    )
    assert answer.status_code == 201
    assert (await fetch(answer.json()["url"])).content == PICTURE


async def test_content_redirects_to_a_link(alice: Customer) -> None:
    file = (await alice.send()).json()
    redirect = await alice.http.get(f"{FILES}/{file['file_id']}/content")
    assert redirect.status_code == 307
    assert (await fetch(redirect.headers["location"])).content == PICTURE


async def test_a_link_serves_harmlessly(alice: Customer) -> None:
    file = (await alice.send()).json()
    answer = await fetch(file["url"])
    headers = answer.headers
    assert headers["content-type"] == "image/png"
    assert headers["content-length"] == str(len(PICTURE))
    assert headers["etag"] == f'"{file["hash"]}"'
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["content-security-policy"] == "default-src 'none'; sandbox"
    assert headers["content-disposition"] == f"inline; filename*=UTF-8''{file['file_id']}.png"
    assert headers["cache-control"].startswith("private, max-age=")


@pytest.mark.parametrize("active", ["text/html", "image/svg+xml", "application/javascript"])
async def test_active_content_is_never_served(api: LoneApi, alice: Customer, active: str) -> None:
    """Even where such a file had come into the storage, with a link that we signed ourselves."""
    storage, page = get_storage(api), b"<script>alert(1)</script>"

    async def one() -> AsyncIterator[bytes]:
        yield page

    await storage.put("planted/page.html", one(), content_type=active, max_bytes=100)
    link = await storage.make_link(
        "planted/page.html",
        expires_in_seconds=60,
        content_type=active,
        filename="page.html",
        public_url=api.url,
    )
    answer = await fetch(link)
    assert (answer.status_code, answer.content) == (200, page)
    assert answer.headers["content-type"] == "application/octet-stream"
    assert answer.headers["content-disposition"].startswith("attachment;")
    await storage.delete("planted/page.html")


async def test_ranges_and_conditions(alice: Customer) -> None:
    file = (await alice.send()).json()
    link, etag, size = file["url"], f'"{file["hash"]}"', len(PICTURE)
    part = await fetch(link, Range="bytes=10-19")
    assert (part.status_code, part.content) == (206, PICTURE[10:20])
    assert part.headers["content-range"] == f"bytes 10-19/{size}"
    assert (await fetch(link, Range="bytes=-5")).content == PICTURE[-5:]
    assert (await fetch(link, **{"Range": "bytes=5-", "If-Range": etag})).status_code == 206
    assert (await fetch(link, **{"Range": "bytes=5-", "If-Range": '"old"'})).content == PICTURE
    behind = await fetch(link, Range=f"bytes={size}-")
    check_problem(behind, 416, "range_not_satisfiable")
    assert behind.headers["content-range"] == f"bytes */{size}"
    known = await fetch(link, **{"If-None-Match": etag})
    assert (known.status_code, known.content) == (304, b"")
    head = await fetch(link, "HEAD")
    assert (head.status_code, head.content) == (200, b"")
    assert head.headers["content-length"] == str(size)


async def test_a_link_opens_one_file_for_a_while(api: LoneApi, alice: Customer) -> None:
    one, two = (await alice.send()).json(), (await alice.send()).json()
    swapped = one["url"].replace(urlsplit(one["url"]).path, urlsplit(two["url"]).path)
    check_problem(await fetch(swapped), 403, "link_invalid")
    check_problem(await fetch(one["url"].replace("png", "html")), 403, "link_invalid")
    check_problem(await fetch(one["url"].split("?")[0]), 403, "link_invalid")
    late = await get_storage(api).make_link(
        urlsplit(one["url"]).path.removeprefix("/files/raw/"),
        expires_in_seconds=0,
        content_type="image/png",
        filename="a.png",
        public_url=api.url,
    )
    check_problem(await fetch(late), 403, "link_expired")


@pytest.mark.parametrize(
    "path", ["../data/files/a.png", "..%2f..%2fetc%2fpasswd", "%2e%2e/%2e%2e/etc/passwd", ""]
)
async def test_a_path_leads_nowhere(api: LoneApi, path: str) -> None:
    answer = await fetch(f"{api.url}/files/raw/{path}?expires=9999999999&type=a&name=b&etag=")
    assert answer.status_code in (403, 404)


async def test_deleting_ends_everything(api: LoneApi, store: Store, alice: Customer) -> None:
    before = await list_keys(api)
    file = (await alice.send()).json()
    path = f"{FILES}/{file['file_id']}"
    assert (await alice.http.delete(path)).status_code == 204
    check_problem(await alice.http.delete(path), 404, "file_not_found")
    check_problem(await alice.http.get(path), 404, "file_not_found")
    check_problem(await alice.http.get(f"{path}/content"), 404, "file_not_found")
    check_problem(await fetch(file["url"]), 404, "object_missing")
    assert await list_keys(api) == before
    assert await store.keys("ch:1:file*") == []


async def test_pages_show_each_file_once(alice: Customer, bob: Customer) -> None:
    sent = [(await alice.send()).json()["file_id"] for _ in range(5)]
    await bob.send()
    seen: list[str] = []
    cursor: dict[str, str] = {}
    while True:
        page = (await alice.http.get(FILES, params={"limit": "2", **cursor})).json()
        seen += [file["file_id"] for file in page["files"]]
        if page["next_cursor"] is None:
            break
        cursor = {"cursor": page["next_cursor"]}
    assert seen == sent[::-1]
    check_problem(await alice.http.get(FILES, params={"cursor": "??"}), 400, "invalid_cursor")
    check_problem(await alice.http.get(FILES, params={"limit": "0"}), 422, "unprocessable")


ROUTES = [
    ("POST", ""),
    ("GET", ""),
    ("GET", "/{id}"),
    ("GET", "/{id}/content"),
    ("DELETE", "/{id}"),
]


@pytest.mark.parametrize(("method", "path"), ROUTES)
async def test_who_may_do_what(
    api: LoneApi, store: Store, alice: Customer, bob: Customer, method: str, path: str
) -> None:
    file_id = (await alice.send()).json()["file_id"]
    target = FILES + path.format(id=file_id)
    content = PICTURE if method == "POST" else b""
    async with httpx.AsyncClient(base_url=api.url, verify=TLS) as stranger:
        check_problem(await stranger.request(method, target, content=content), 401, "key_missing")
    if "{id}" in path:
        check_problem(await bob.http.request(method, target), 404, "file_not_found")
    await store.hset(f"ch:1:key:{make_digest(alice.secret)}", "scopes", json.dumps(["jobs:write"]))
    answer = await alice.http.request(method, target, content=content)
    check_problem(answer, 403, "scope_missing")
    await revoke_key(store, alice.key_id)
    answer = await alice.http.request(method, target, content=content)
    check_problem(answer, 401, "key_unknown")


@pytest.mark.parametrize(
    ("name", "status", "code"),
    [
        ("empty", 400, "empty_file"),
        ("truncated", 422, "truncated_image"),
        ("text", 415, "not_an_image"),
        ("gif", 415, "not_an_image"),
        ("bomb", 413, "too_many_pixels"),
        ("large", 413, "file_too_large"),
    ],
)
async def test_bad_files_are_refused_and_leave_nothing(
    api: LoneApi, store: Store, alice: Customer, name: str, status: int, code: str
) -> None:
    before = await list_keys(api)
    data = {
        "empty": b"",
        "truncated": PICTURE[:-100],
        "text": b"just text",
        "gif": encode(make_image(), "GIF"),
        "bomb": make_bomb() if name == "bomb" else b"",
        "large": bytes(31 * MEGABYTE) if name == "large" else b"",
    }[name]
    check_problem(await alice.send(data), status, code)
    form = await alice.http.post(FILES, files={"file": ("a.png", data, "image/png")})
    check_problem(form, status, code)
    assert await list_keys(api) == before
    assert await store.keys("ch:1:file*") == []


@pytest.mark.parametrize("content_type", ["application/json", "text/plain", "video/mp4"])
async def test_other_kinds_of_body_are_refused(alice: Customer, content_type: str) -> None:
    check_problem(await alice.send(PICTURE, content_type), 415, "not_an_image")


@pytest.mark.parametrize("content_type", ["multipart/form-data", "multipart/form-data; boundary=x"])
async def test_a_broken_form_is_refused(alice: Customer, content_type: str) -> None:
    check_problem(await alice.send(PICTURE, content_type), 400, "malformed_form")


async def test_an_endless_upload_is_cut_off(alice: Customer) -> None:
    async def endless() -> AsyncIterator[bytes]:
        yield PICTURE
        while True:
            yield bytes(MEGABYTE)

    try:
        answer = await alice.http.post(FILES, content=endless())
    except (httpx.WriteError, httpx.ReadError):
        return  # the answer was there, but the client was still writing
    check_problem(answer, 413, "file_too_large")


async def test_who_asks_before_sending_is_answered_before_sending(
    api: LoneApi, alice: Customer
) -> None:
    """`Expect: 100-continue`, as curl does: 413 instead of 31 MB on the wire."""
    reader, writer = await asyncio.open_connection("127.0.0.1", api.port)
    writer.write(
        f"POST {FILES} HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {alice.secret}\r\n"
        f"Expect: 100-continue\r\nContent-Length: {31 * MEGABYTE}\r\n\r\n".encode()
    )
    answer = await reader.read()  # to the end: the server closes the connection
    writer.close()
    assert answer.startswith(b"HTTP/1.1 413 ")
    assert b'"code":"file_too_large"' in answer


async def test_an_upload_that_breaks_off_leaves_nothing(
    api: LoneApi, store: Store, alice: Customer
) -> None:
    before, log_before = await list_keys(api), api.log.read_text()
    _, writer = await asyncio.open_connection("127.0.0.1", api.port)
    writer.write(
        f"POST {FILES} HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {alice.secret}\r\n"
        f"Content-Type: image/png\r\nContent-Length: {len(PICTURE)}\r\n\r\n".encode()
    )
    writer.write(PICTURE[: len(PICTURE) // 2])
    await writer.drain()
    process = psutil.Process(api.pid)
    await wait_until(lambda: _count_spools(process) == 1)
    writer.close()
    await writer.wait_closed()
    await wait_until(lambda: _count_spools(process) == 0)
    assert (await alice.http.get(FILES)).json()["files"] == []
    assert await list_keys(api) == before
    assert await store.keys("ch:1:file*") == []
    assert api.log.read_text() == log_before


def _count_spools(process: psutil.Process) -> int:
    """Nameless files show up among the process's open files only."""
    folder = Path(f"/proc/{process.pid}/fd")
    count = 0
    for link in folder.iterdir():
        try:
            count += "/spool/" in str(link.readlink())
        except FileNotFoundError:
            continue
    return count


async def test_many_large_uploads_at_once_fit_into_little_memory(
    api: LoneApi, alice: Customer
) -> None:
    """20 clients, 8 MB each, all at once: below 50 MB more than before, 250 MB in all."""
    data = encode(make_image(1700, 1650), compress_level=0)
    assert len(data) > 8 * MEGABYTE
    await alice.send(data)
    process = psutil.Process(api.pid)
    before, peak = process.memory_info().rss, 0

    async def send() -> int:
        nonlocal peak

        async def drip() -> AsyncIterator[bytes]:
            nonlocal peak
            for start in range(0, len(data), 256 * 1024):
                peak = max(peak, process.memory_info().rss)
                yield data[start : start + 256 * 1024]

        return (await alice.http.post(FILES, content=drip())).status_code

    statuses = await asyncio.gather(*(send() for _ in range(20)))
    peak = max(peak, process.memory_info().rss)
    assert statuses == [201] * 20
    assert peak - before < 50 * MEGABYTE
    assert peak < 250 * MEGABYTE


async def test_files_in_s3_are_fetched_from_there(
    store: Store, valkey_url: str, tmp_path: Path
) -> None:
    s3 = S3Process(tmp_path / "s3")
    s3.start()
    bucket = s3.make_bucket("photos")
    api = LoneApi(
        tmp_path / "api",
        valkey_url,
        CH_S3_BUCKET=bucket.name,
        CH_S3_ENDPOINT=bucket.endpoint,
        CH_S3_ACCESS_KEY=bucket.access_key,
        CH_S3_SECRET_KEY=bucket.secret_key,
    )
    api.start()
    try:
        customer = await make_customer(store, api.url, "carol")
        async with customer.http:
            file = (await customer.send()).json()
            assert file["url"].startswith(f"{s3.url}/photos/inputs/{file['file_id']}.png?")
            answer = await fetch(file["url"])
            assert (answer.content, answer.headers["content-type"]) == (PICTURE, "image/png")
            ours = file["url"].replace(f"{s3.url}/photos", f"{api.url}/files/raw")
            check_problem(await fetch(ours), 404, "object_missing")
            s3.kill()
            check_problem(await customer.send(), 503, "storage_unavailable")
    finally:
        api.stop()
        s3.stop()
