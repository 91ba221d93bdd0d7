"""Files from arrival to removal, on a real Valkey and a real disk."""

import asyncio
from collections.abc import AsyncIterator
from io import BytesIO
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from comfyhoused.adapters.redis.client import Store, open_store
from comfyhoused.adapters.storage.local import LocalStorage
from comfyhoused.adapters.storage.storage import (
    FileTooLarge,
    ObjectMissing,
    Storage,
    StorageUnavailable,
)
from comfyhoused.core.files.erase import erase_outputs
from comfyhoused.core.files.limits import Limits
from comfyhoused.core.files.places import OutputPlace
from comfyhoused.core.files.receive import receive_file
from comfyhoused.core.files.records import (
    File,
    FileDraft,
    FileNotFound,
    UploadTooSlow,
    WriterReplaced,
    create_file,
    delete_file,
    expect_object,
    get_file,
    list_files,
)
from comfyhoused.core.files.scripts import DOOMED
from comfyhoused.core.files.store_output import store_output
from comfyhoused.core.files.sweep import sweep_files
from comfyhoused.core.files.verification import NotAnImage, TooManyPixels, TruncatedImage
from comfyhoused.kit.ids import make_attempt_id, make_job_id
from comfyhoused.kit.pages import InvalidCursor
from tests.pictures import encode, make_comfyui_png, make_image

ALICE, BOB = "account:alice", "account:bob"


@pytest.fixture
async def store(valkey_url: str) -> AsyncIterator[Store]:
    client = open_store(valkey_url)
    await client.flushdb()
    yield client
    await client.aclose()


@pytest.fixture
def storage(tmp_path: Path) -> Storage:
    return LocalStorage(tmp_path / "files", b"secret")


@pytest.fixture
def limits(tmp_path: Path) -> Limits:
    return Limits(max_bytes=7_000_000, max_pixels=2_000_000, spool_dir=tmp_path / "spool")


async def split(data: bytes, size: int = 1000) -> AsyncIterator[bytes]:
    for start in range(0, len(data), size):
        yield data[start : start + size]


async def read(storage: Storage, key: str) -> bytes:
    return b"".join([chunk async for chunk in storage.read(key)])


async def list_keys(storage: Storage) -> list[str]:
    return [key async for key in storage.list_keys("")]


async def make_due(store: Store, key: str) -> None:
    """Turn the clock: what is doomed for later is due now."""
    await store.zadd(DOOMED, {key: 1}, xx=True)


def make_place(index: int = 0, *, job_id: str | None = None, attempt: int = 1) -> OutputPlace:
    job_id = job_id or make_job_id()
    return OutputPlace(ALICE, job_id, make_attempt_id(job_id, attempt), index)


async def keep(
    store: Store, storage: Storage, place: OutputPlace, data: bytes, fence: int | None = None
) -> File:
    draft = await store_output(store, storage, place, split(data), "image/png", max_bytes=10**7)
    return await create_file(store, draft, fence=fence)


async def test_a_picture_is_received(store: Store, storage: Storage, limits: Limits) -> None:
    data = encode(make_image(120, 80), "JPEG")
    file = await receive_file(store, storage, ALICE, split(data), "image/png", limits)
    assert file.id.startswith("file_")
    assert (file.content_type, file.width, file.height) == ("image/jpeg", 120, 80)
    assert (file.size_bytes, file.purpose, file.expires_at) == (len(data), "input", None)
    assert await read(storage, file.key) == data
    assert await get_file(store, ALICE, file.id) == file
    assert await store.zcard(DOOMED) == 0


@pytest.mark.parametrize(
    ("data", "declared_type", "refusal"),
    [
        (encode(make_image())[:-20], "image/png", TruncatedImage),
        (b"just text", "image/png", NotAnImage),
        (encode(make_image()), "text/html", NotAnImage),
        (encode(make_image()), "application/json", NotAnImage),
        (encode(make_image(2000, 1001)), "image/png", TooManyPixels),
        (bytes(8_000_000), "image/png", FileTooLarge),
    ],
)
async def test_a_refused_file_leaves_nothing(
    store: Store,
    storage: Storage,
    limits: Limits,
    data: bytes,
    declared_type: str,
    refusal: type[Exception],
) -> None:
    with pytest.raises(refusal):
        await receive_file(store, storage, ALICE, split(data), declared_type, limits)
    assert await list_keys(storage) == []
    assert await store.keys() == []
    assert list(limits.spool_dir.glob("*")) == []


async def test_files_of_others_do_not_exist(store: Store, storage: Storage, limits: Limits) -> None:
    file = await receive_file(store, storage, ALICE, split(encode(make_image())), None, limits)
    with pytest.raises(FileNotFound):
        await get_file(store, BOB, file.id)
    with pytest.raises(FileNotFound):
        await delete_file(store, storage, BOB, file.id)
    assert (await list_files(store, BOB, limit=10, cursor=None)).items == []
    assert await get_file(store, ALICE, file.id) == file
    with pytest.raises(FileNotFound):
        await get_file(store, ALICE, "file_nonsense")


async def test_pages_hold_every_file_once_newest_first(
    store: Store, storage: Storage, limits: Limits
) -> None:
    data = encode(make_image(8, 8))
    made = await asyncio.gather(
        *(receive_file(store, storage, ALICE, split(data), None, limits) for _ in range(25))
    )
    seen: list[File] = []
    cursor, pages = None, 0
    while pages == 0 or cursor is not None:
        page = await list_files(store, ALICE, limit=10, cursor=cursor)
        seen += page.items
        cursor, pages = page.next_cursor, pages + 1
    assert pages == 3
    assert {file.id for file in seen} == {file.id for file in made}
    assert len(seen) == 25
    assert [f.created_at for f in seen] == sorted((f.created_at for f in seen), reverse=True)
    with pytest.raises(InvalidCursor):
        await list_files(store, ALICE, limit=10, cursor="nonsense")


async def test_deleting_removes_record_and_bytes(
    store: Store, storage: Storage, limits: Limits
) -> None:
    file = await receive_file(store, storage, ALICE, split(encode(make_image())), None, limits)
    await delete_file(store, storage, ALICE, file.id)
    with pytest.raises(FileNotFound):
        await get_file(store, ALICE, file.id)
    with pytest.raises(FileNotFound):
        await delete_file(store, storage, ALICE, file.id)
    assert await list_keys(storage) == []
    assert await store.keys() == []


async def test_files_go_when_their_time_is_over(
    store: Store, storage: Storage, tmp_path: Path
) -> None:
    limits = Limits(10**6, 10**6, tmp_path / "spool", keep_seconds=60)
    data = encode(make_image())
    file = await receive_file(store, storage, ALICE, split(data), None, limits)
    assert file.expires_at is not None
    assert (file.expires_at - file.created_at).total_seconds() == 60
    assert await sweep_files(store, storage) == 0
    await store.zadd("ch:1:files:expiring", {file.id: 1})
    assert await sweep_files(store, storage) == 1
    assert await list_keys(storage) == []
    assert await store.keys() == []


async def test_bytes_without_a_record_are_swept(store: Store, storage: Storage) -> None:
    """The process was killed between the upload and its record."""
    await expect_object(store, "file_lost", "inputs/file_lost.png")
    await storage.put("inputs/file_lost.png", split(b"x"), content_type="", max_bytes=10)
    assert await sweep_files(store, storage) == 0
    assert await list_keys(storage) == ["inputs/file_lost.png"]
    await make_due(store, "inputs/file_lost.png")
    assert await sweep_files(store, storage) == 1
    assert await list_keys(storage) == []
    assert await sweep_files(store, storage) == 0


async def test_bytes_whose_record_went_are_swept(
    store: Store, storage: Storage, limits: Limits, tmp_path: Path
) -> None:
    """The disk was away when the file was deleted: the record goes at once, the bytes later."""
    file = await receive_file(store, storage, ALICE, split(encode(make_image())), None, limits)
    (tmp_path / "files").rename(tmp_path / "away")
    await delete_file(store, storage, ALICE, file.id)
    with pytest.raises(FileNotFound):
        await get_file(store, ALICE, file.id)
    with pytest.raises(StorageUnavailable):
        await sweep_files(store, storage)
    (tmp_path / "away").rename(tmp_path / "files")
    assert await list_keys(storage) == [file.key]
    assert await sweep_files(store, storage) == 1
    assert await list_keys(storage) == []
    assert await store.keys() == []


async def test_a_record_never_comes_for_swept_bytes(store: Store, storage: Storage) -> None:
    """An upload of more than an hour: the sweeper may have been there."""
    draft = FileDraft("file_slow", ALICE, "inputs/file_slow.png", "image/png", 1, "", 1, 1, "input")
    await expect_object(store, draft.id, draft.key)
    await make_due(store, draft.key)
    with pytest.raises(UploadTooSlow):
        await create_file(store, draft)
    with pytest.raises(FileNotFound):
        await get_file(store, ALICE, draft.id)
    await storage.put(draft.key, split(b"x"), content_type="", max_bytes=10)
    assert await sweep_files(store, storage) == 1
    assert await list_keys(storage) == []


async def test_an_output_is_kept_without_its_prompt(store: Store, storage: Storage) -> None:
    place = make_place()
    data = make_comfyui_png()
    file = await keep(store, storage, place, data)
    kept = await read(storage, file.key)
    assert b"secret prompt" in data
    assert b"secret prompt" not in kept
    assert file.key == f"jobs/{place.job_id}/{place.attempt_id}/0.png"
    assert (file.purpose, file.job_id, file.owner) == ("output", place.job_id, ALICE)
    assert (file.width, file.height, file.size_bytes) == (64, 48, len(kept))
    assert Image.open(BytesIO(kept)).tobytes() == make_image().tobytes()


async def test_an_output_kept_twice_is_one_file(store: Store, storage: Storage) -> None:
    """Whoever re-attaches to an attempt keeps its outputs again; racing with the first, too."""
    place = make_place()
    data = make_comfyui_png()
    files = await asyncio.gather(*(keep(store, storage, place, data) for _ in range(5)))
    assert len({file.id for file in files}) == 1
    assert await keep(store, storage, place, data) == files[0]
    assert len((await list_files(store, ALICE, limit=10, cursor=None)).items) == 1
    assert await store.zcard(DOOMED) == 0
    assert await sweep_files(store, storage) == 0
    assert await list_keys(storage) == [files[0].key]


@pytest.mark.parametrize("job", [{"fence": 3, "assigned": 1}, {"fence": 2, "assigned": 0}, {}])
async def test_a_worker_that_was_replaced_adds_nothing(
    store: Store, storage: Storage, job: dict[Any, Any]
) -> None:
    """It was stopped while it held the fence 2, and woke when the job had gone on or was erased."""
    place = make_place()
    if job:
        await store.hset(f"ch:1:job:{place.job_id}", mapping=job)
    with pytest.raises(WriterReplaced):
        await keep(store, storage, place, make_comfyui_png(), fence=2)
    assert (await list_files(store, ALICE, limit=10, cursor=None)).items == []
    await make_due(store, place.make_key("png"))
    assert await sweep_files(store, storage) == 1
    assert await list_keys(storage) == []


async def test_a_replaced_worker_does_not_spoil_its_successors_output(
    store: Store, storage: Storage
) -> None:
    """Both keep the same attempt's output; the successor holds fence 3."""
    place, data = make_place(), make_comfyui_png()
    await store.hset(f"ch:1:job:{place.job_id}", mapping={"fence": 3, "assigned": 1})
    stale, fresh = await asyncio.gather(
        keep(store, storage, place, data, fence=2),
        keep(store, storage, place, data, fence=3),
        return_exceptions=True,
    )
    assert isinstance(fresh, File)
    assert isinstance(stale, WriterReplaced) or stale == fresh
    assert await store.zcard(DOOMED) == 0
    assert await list_keys(storage) == [fresh.key]


@pytest.mark.parametrize(
    ("data", "declared_type", "content_type", "extension"),
    [
        (encode(make_image(), "WEBP"), "application/octet-stream", "image/webp", "webp"),
        (encode(make_image(), "GIF"), "image/png", "image/gif", "gif"),
        (b"\0\0\0\x20ftypisom" + bytes(900), "video/mp4", "video/mp4", "mp4"),
        (b"<script>alert(1)</script>", "text/html", "application/octet-stream", "bin"),
        (b"<svg onload='alert(1)'/>", "image/svg+xml", "application/octet-stream", "bin"),
        (b"a caption", "text/plain; charset=utf-8", "text/plain", "txt"),
    ],
)
async def test_an_output_gets_a_harmless_type(
    store: Store,
    storage: Storage,
    data: bytes,
    declared_type: str,
    content_type: str,
    extension: str,
) -> None:
    file = await store_output(
        store, storage, make_place(), split(data, 5), declared_type, max_bytes=10**6
    )
    assert file.content_type == content_type
    assert file.key.endswith(f"/0.{extension}")
    assert await read(storage, file.key) == data


async def test_an_output_that_breaks_off_leaves_nothing_lasting(
    store: Store, storage: Storage
) -> None:
    async def break_off() -> AsyncIterator[bytes]:
        yield make_comfyui_png()[:2000]
        raise ConnectionResetError

    place = make_place()
    with pytest.raises(ConnectionResetError):
        await store_output(store, storage, place, break_off(), "image/png", max_bytes=10**6)
    assert await list_keys(storage) == []
    with pytest.raises(FileNotFound):
        await get_file(store, ALICE, place.file_id)
    file = await keep(store, storage, place, make_comfyui_png())
    assert await sweep_files(store, storage) == 0
    assert await get_file(store, ALICE, file.id) == file


async def test_losing_attempts_are_erased_and_the_winner_stays(
    store: Store, storage: Storage
) -> None:
    job_id = make_job_id()
    data = make_comfyui_png()
    lost = [make_place(i, job_id=job_id, attempt=1) for i in range(2)]
    won = [make_place(i, job_id=job_id, attempt=2) for i in range(2)]
    other = await keep(store, storage, make_place(), data)
    files = [await keep(store, storage, place, data) for place in [*lost, *won]]
    await storage.put(  # an upload whose writer was killed before the record
        lost[0].make_key("png").replace("/0.", "/7."), split(b"x"), content_type="", max_bytes=10
    )
    for expected in (3, 0):
        erased = await erase_outputs(
            store, storage, ALICE, job_id, except_attempt_id=won[0].attempt_id
        )
        assert erased == expected
    listed = (await list_files(store, ALICE, limit=10, cursor=None)).items
    assert {file.id for file in listed} == {other.id, files[2].id, files[3].id}
    assert await erase_outputs(store, storage, ALICE, job_id) == 2
    assert await list_keys(storage) == [other.key]
    with pytest.raises(ObjectMissing):
        await storage.get_size(files[3].key)


async def test_an_object_that_cannot_be_removed_does_not_hold_up_the_others(
    store: Store, storage: Storage
) -> None:
    """The disk refuses to remove one of them, whatever the reason."""
    keys = [f"inputs/{'a' * 300}", *(f"inputs/file_{number}.png" for number in range(5))]
    await store.zadd(DOOMED, dict.fromkeys(keys, 1))
    # One that stays: an emptied folder goes, and nothing is too long a name in no folder.
    kept = "inputs/file_kept.png"
    for key in (*keys[1:], kept):
        await storage.put(key, split(b"x"), content_type="", max_bytes=10)
    with pytest.raises(StorageUnavailable):
        await sweep_files(store, storage)
    assert await list_keys(storage) == [kept]
    assert await store.zrange(DOOMED, 0, -1) == [keys[0]]


async def test_what_others_laid_beside_outputs_does_not_stop_their_erasure(
    store: Store, storage: Storage, tmp_path: Path
) -> None:
    """A network disk leaves files of its own while one is open, a desktop others."""
    place = make_place()
    file = await keep(store, storage, place, make_comfyui_png())
    (tmp_path / "files" / file.key).with_name(".nfs0001").touch()
    (tmp_path / "files" / "jobs" / place.job_id / "Thumbs.db").touch()
    assert await erase_outputs(store, storage, ALICE, place.job_id) == 1
    with pytest.raises(FileNotFound):
        await get_file(store, ALICE, file.id)
