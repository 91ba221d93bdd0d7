"""What every storage promises, tried on the local disk and on a real S3 server."""

import asyncio
import itertools
import os
import urllib.request
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import httpx
import psutil
import pytest
from blake3 import blake3

from comfyhoused.adapters.storage.local import LocalStorage
from comfyhoused.adapters.storage.s3 import Bucket, S3Storage
from comfyhoused.adapters.storage.storage import (
    FileTooLarge,
    ObjectMissing,
    Storage,
    StorageUnavailable,
)
from tests.s3_server import S3Process

MEGABYTE = 1024 * 1024
PNG = "image/png"
_BUCKET_NUMBERS = itertools.count()


@pytest.fixture(scope="module")
def s3_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[S3Process]:
    server = S3Process(tmp_path_factory.mktemp("s3"))
    server.start()
    yield server
    server.stop()


@pytest.fixture
def bucket(s3_server: S3Process) -> Bucket:
    return s3_server.make_bucket(f"bucket{next(_BUCKET_NUMBERS)}")


@pytest.fixture(params=["local", "s3"])
def storage(request: pytest.FixtureRequest, tmp_path: Path) -> Storage:
    if request.param == "local":
        return LocalStorage(tmp_path / "files of the house", b"secret")
    return S3Storage(request.getfixturevalue("bucket"))


class Interrupted(Exception):
    """What a customer's broken connection looks like to a storage."""


async def split(data: bytes, size: int = 7_000) -> AsyncIterator[bytes]:
    for start in range(0, len(data), size):
        yield data[start : start + size]


async def break_off(data: bytes) -> AsyncIterator[bytes]:
    async for chunk in split(data):
        yield chunk
    raise Interrupted


async def put(storage: Storage, key: str, data: bytes) -> None:
    await storage.put(key, split(data), content_type=PNG, max_bytes=len(data))


async def read(storage: Storage, key: str, start: int = 0, end: int | None = None) -> bytes:
    return b"".join([chunk async for chunk in storage.read(key, start=start, end=end)])


@pytest.mark.parametrize("size", [0, 1, 300_000, 6 * MEGABYTE, 11 * MEGABYTE + 1])
async def test_what_was_put_is_read_back(storage: Storage, size: int) -> None:
    data = os.urandom(size)
    stored = await storage.put("jobs/1/2/0.png", split(data), content_type=PNG, max_bytes=size)
    assert stored.size_bytes == size
    assert stored.hash == blake3(data).hexdigest()
    assert await storage.get_size("jobs/1/2/0.png") == size
    assert await read(storage, "jobs/1/2/0.png") == data


@pytest.mark.parametrize(
    ("start", "end"), [(0, 10), (5, None), (1000, 400_000), (499_999, None), (3, 10**9)]
)
async def test_a_range_is_read(storage: Storage, start: int, end: int | None) -> None:
    data = os.urandom(500_000)
    await put(storage, "a.png", data)
    assert await read(storage, "a.png", start, end) == data[start:end]


@pytest.mark.parametrize(("start", "end"), [(10, None), (10, 20), (99, 100), (4, 4), (5, 2)])
async def test_a_range_that_holds_nothing_is_empty(
    storage: Storage, start: int, end: int | None
) -> None:
    await put(storage, "a.png", b"0123456789")
    assert await read(storage, "a.png", start, end) == b""


async def test_a_second_put_replaces_the_first(storage: Storage) -> None:
    await put(storage, "a.png", b"first")
    await put(storage, "a.png", b"2nd")
    assert await read(storage, "a.png") == b"2nd"


@pytest.mark.parametrize("size", [20_000, 7 * MEGABYTE])
async def test_a_broken_upload_leaves_nothing(storage: Storage, size: int) -> None:
    with pytest.raises(Interrupted):
        await storage.put("a.png", break_off(bytes(size)), content_type=PNG, max_bytes=2 * size)
    with pytest.raises(ObjectMissing):
        await storage.get_size("a.png")
    assert [key async for key in storage.list_keys("")] == []


async def test_a_broken_upload_leaves_the_old_object(storage: Storage) -> None:
    await put(storage, "a.png", b"old")
    with pytest.raises(Interrupted):
        await storage.put("a.png", break_off(bytes(90_000)), content_type=PNG, max_bytes=100_000)
    assert await read(storage, "a.png") == b"old"


async def test_an_upload_that_is_too_large_is_cut_off(storage: Storage) -> None:
    taken = 0

    async def count() -> AsyncIterator[bytes]:
        nonlocal taken
        while True:  # endless: only the limit stops it
            taken += 1000
            yield bytes(1000)

    with pytest.raises(FileTooLarge):
        await storage.put("a.png", count(), content_type=PNG, max_bytes=50_000)
    assert taken == 51_000
    with pytest.raises(ObjectMissing):
        await read(storage, "a.png")


async def test_a_canceled_upload_leaves_nothing(storage: Storage) -> None:
    has_begun = asyncio.Event()

    async def stall() -> AsyncIterator[bytes]:
        yield b"begin"
        has_begun.set()
        await asyncio.Event().wait()

    upload = asyncio.create_task(
        storage.put("a.png", stall(), content_type=PNG, max_bytes=MEGABYTE)
    )
    await has_begun.wait()
    upload.cancel()
    with pytest.raises(asyncio.CancelledError):
        await upload
    assert [key async for key in storage.list_keys("")] == []


async def test_a_missing_object_is_reported_by_all(storage: Storage) -> None:
    with pytest.raises(ObjectMissing):
        await storage.get_size("no/such.png")
    with pytest.raises(ObjectMissing):
        await read(storage, "no/such.png")
    with pytest.raises(ObjectMissing):
        await read(storage, "no/such.png", 5, 10)


async def test_delete_is_idempotent(storage: Storage) -> None:
    await put(storage, "a/b.png", b"x")
    await put(storage, "a/c.png", b"y")
    await storage.delete("a/b.png")
    await storage.delete("a/b.png")
    await storage.delete("never/was/there.png")
    assert [key async for key in storage.list_keys("")] == ["a/c.png"]


async def test_many_are_deleted_at_once_and_again(storage: Storage) -> None:
    keys = [f"a/{number}/b.png" for number in range(20)]
    for key in (*keys, "a/stays.png"):
        await put(storage, key, b"x")
    for _ in range(2):
        await storage.delete_many([*keys, "never/was/there.png"])
    assert [key async for key in storage.list_keys("")] == ["a/stays.png"]


async def test_keys_are_listed_by_folder(storage: Storage) -> None:
    for key in ("jobs/1/0.png", "jobs/1/a/1.png", "jobs/12/0.png", "top.png"):
        await put(storage, key, b"x")
    listed = {
        prefix: [key async for key in storage.list_keys(prefix)]
        for prefix in ("jobs/1", "jobs/1/", "jobs", "", "jobs/1/0.png", "none")
    }
    assert listed == {
        "jobs/1": ["jobs/1/0.png", "jobs/1/a/1.png"],
        "jobs/1/": ["jobs/1/0.png", "jobs/1/a/1.png"],
        "jobs": ["jobs/1/0.png", "jobs/1/a/1.png", "jobs/12/0.png"],
        "": ["jobs/1/0.png", "jobs/1/a/1.png", "jobs/12/0.png", "top.png"],
        "jobs/1/0.png": [],
        "none": [],
    }


@pytest.mark.parametrize(
    "key",
    ["../a", "a/../b", "/a", "a//b", "a/", "", ".incoming/a", "a/.b", "a\\b", "a\0", "a b", "ä"],
)
async def test_a_key_cannot_lead_anywhere_else(storage: Storage, key: str) -> None:
    with pytest.raises(ObjectMissing):
        await put(storage, key, b"x")
    with pytest.raises(ObjectMissing):
        await read(storage, key)
    with pytest.raises(ObjectMissing):
        await storage.delete(key)


async def test_many_at_once_keep_apart(storage: Storage) -> None:
    contents = {f"many/{number}.png": os.urandom(100_000) for number in range(20)}
    await asyncio.gather(*(put(storage, key, data) for key, data in contents.items()))
    found = await asyncio.gather(*(read(storage, key) for key in contents))
    assert dict(zip(contents, found, strict=True)) == contents


async def test_racing_writers_of_one_key_leave_one_whole_object(storage: Storage) -> None:
    versions = [bytes([number]) * 200_000 for number in range(8)]
    await asyncio.gather(*(put(storage, "a.png", version) for version in versions))
    assert await read(storage, "a.png") in versions


async def test_memory_stays_flat(storage: Storage) -> None:
    """200 MB through and back: the process grows by less than 50 MB at any time."""
    process = psutil.Process()
    before, peak, block = process.memory_info().rss, 0, os.urandom(MEGABYTE)

    async def produce() -> AsyncIterator[bytes]:
        nonlocal peak
        for _ in range(200):
            peak = max(peak, process.memory_info().rss)
            yield block

    await storage.put("big.png", produce(), content_type=PNG, max_bytes=200 * MEGABYTE)
    count = 0
    async for chunk in storage.read("big.png"):
        count += len(chunk)
        peak = max(peak, process.memory_info().rss)
    await storage.delete("big.png")
    assert count == 200 * MEGABYTE
    assert peak - before < 50 * MEGABYTE


async def test_a_fit_storage_passes_its_check(storage: Storage) -> None:
    await storage.check()
    assert [key async for key in storage.list_keys("")] == []


async def test_s3_link_serves_type_name_and_bytes(bucket: Bucket) -> None:
    storage = S3Storage(bucket)
    await put(storage, "jobs/1/0.png", b"picture")
    link = await storage.make_link(
        "jobs/1/0.png",
        expires_in_seconds=60,
        content_type="image/webp",
        filename="my picture.webp",
        public_url="http://unused",
    )
    async with httpx.AsyncClient() as client:
        answer = await client.get(link)
        changed = await client.get(link.replace("webp", "html"))
        unsigned = await client.get(link.replace("X-Amz-Signature=", "X-Amz-Signature=0"))
    assert answer.status_code == 200
    assert answer.content == b"picture"
    assert answer.headers["content-type"] == "image/webp"
    assert answer.headers["content-disposition"] == 'inline; filename="my picture.webp"'
    assert (changed.status_code, unsigned.status_code) == (403, 403)


async def test_s3_link_uses_the_public_endpoint(bucket: Bucket) -> None:
    public = "https://files.example.com"
    storage = S3Storage(Bucket(bucket.name, bucket.endpoint, bucket.region, "test", "test", public))
    link = await storage.make_link(
        "a.png", expires_in_seconds=60, content_type=PNG, filename="a.png", public_url=""
    )
    assert link.startswith(f"{public}/{bucket.name}/a.png?")


async def test_s3_keeps_the_content_type(bucket: Bucket) -> None:
    await put(S3Storage(bucket), "a.png", b"picture")
    request = urllib.request.Request(f"{bucket.endpoint}/{bucket.name}/a.png", method="HEAD")
    with urllib.request.urlopen(request, timeout=60) as answer:
        assert answer.headers["Content-Type"] == PNG


async def test_s3_broken_uploads_leave_no_parts(bucket: Bucket) -> None:
    storage = S3Storage(bucket)
    with pytest.raises(Interrupted):
        await storage.put(
            "a.png", break_off(bytes(12 * MEGABYTE)), content_type=PNG, max_bytes=10**9
        )
    with urllib.request.urlopen(f"{bucket.endpoint}/{bucket.name}?uploads", timeout=60) as answer:
        assert b"<UploadId>" not in answer.read()


async def test_s3_without_its_bucket_is_unavailable(bucket: Bucket) -> None:
    gone = S3Storage(Bucket("nobucket", bucket.endpoint, "us-east-1", "test", "test"))
    with pytest.raises(StorageUnavailable):
        await gone.check()
    with pytest.raises(StorageUnavailable):
        await put(gone, "a.png", b"x")


async def test_s3_that_is_down_is_unavailable_and_comes_back(tmp_path: Path) -> None:
    server = S3Process(tmp_path / "s3")
    server.start()
    storage = S3Storage(server.make_bucket("photos"))
    await storage.check()
    server.kill()
    for attempt in (storage.check(), put(storage, "a.png", b"x"), storage.get_size("a.png")):
        with pytest.raises(StorageUnavailable):
            await attempt
    server.start()
    server.make_bucket("photos")  # it keeps nothing over a restart
    await put(storage, "a.png", b"x")
    assert await read(storage, "a.png") == b"x"
    server.stop()


def test_secrets_stay_out_of_the_repr() -> None:
    shown = repr(Bucket("photos", "http://127.0.0.1:9", "us-east-1", "someone", "hush"))
    assert "hush" not in shown
    assert "someone" not in shown
