"""The phone page's uploads: begun once, resumed where they were cut off, placed once."""

import asyncio
import os
import re
from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import pytest
from PIL import Image
from sqlalchemy import select, update

from comfyhoused.core.photos.errors import PhotoKindUnknown
from comfyhoused.creator.edits.pictures import make_folder
from comfyhoused.creator.placing import drop_old_uploads, place_uploads
from comfyhoused.creator.tables import Notification, Source, Upload
from comfyhoused.creator.uploads import (
    LEAST_PART_BYTES,
    MOST_OPEN,
    NewUpload,
    PhotoBytesTooMany,
    UploadElsewhere,
    UploadNotFound,
    UploadRefused,
    UploadsUsedUp,
    abandon_upload,
    create_upload,
    get_upload,
    give_up_uploads,
    list_uploads,
    take_part,
)
from comfyhoused.kit.clock import get_now
from tests.api_process import LoneApi
from tests.broken_rows import break_rows
from tests.creator_sign_in import create_user, sign_in_creator
from tests.photo_files import make_scene, write_photo
from tests.processes import ServerProcess
from tests.small_disk import mount_small_disk
from tests.watch_stage import WatchStage

PART = LEAST_PART_BYTES


@pytest.fixture
async def source(stage: WatchStage) -> Source:
    return await stage.add_source()


@pytest.fixture(scope="module")
def photo(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    path = tmp_path_factory.mktemp("photo") / "photo.jpg"
    write_photo(path, "jpeg", Image.fromarray(make_scene()))
    return path.read_bytes() + os.urandom(3 * PART)  # phones hang films behind photos


async def begin(
    stage: WatchStage, source: Source, size_bytes: int, once: str = "once", name: str = "IMG.JPG"
) -> Upload:
    new = NewUpload(once, source.id, name, size_bytes)
    return await create_upload(stage.house, stage.user.id, new)


async def send(stage: WatchStage, upload: Upload, content: bytes, offset: int = 0) -> Upload:
    async def stream() -> AsyncIterator[bytes]:
        for at in range(0, len(content), 50_000):
            yield content[at : at + 50_000]

    return await take_part(
        stage.house,
        upload.user_id,
        upload.id,
        offset=offset,
        size_bytes=len(content),
        chunks=stream(),
    )


async def send_all(stage: WatchStage, upload: Upload, content: bytes) -> Upload:
    for at in range(0, len(content), PART):
        upload = await send(stage, upload, content[at : at + PART], at)
    return upload


async def list_objects(stage: WatchStage) -> list[str]:
    folder = make_folder(stage.user.id, "uploads")
    return [key async for key in stage.house.resources.storage.list_keys(folder)]


async def read_row(stage: WatchStage, upload: Upload) -> Upload:
    async with stage.house.database.begin() as session:
        return await get_upload(session, upload.user_id, upload.id)


async def test_a_page_sends_a_photo_in_parts(
    stage: WatchStage, source: Source, photo: bytes, tmp_path: Path, started: list[ServerProcess]
) -> None:
    """Over HTTP, as the page does it, to a real server; then without what a form must carry."""
    api = LoneApi(tmp_path / "api", stage.environment["CH_REDIS_URL"], **stage.environment)
    started.append(api)
    api.start()
    database = stage.house.database
    async with await sign_in_creator(api.url, database, stage.user.id) as page:
        page.headers["X-Form-Token"] = await read_form_token(page)
        page.headers["Accept"] = "application/json"
        facts = {"once": "1", "source_id": source.id, "name": "a.jpg", "size_bytes": len(photo)}
        begun = await page.post("/creator/uploads", json=facts)
        assert (begun.status_code, begun.json()["received"]) == (201, 0)
        path = begun.headers["location"]
        first = await page.patch(path, content=photo[:PART], headers={"Upload-Offset": "0"})
        assert first.status_code == 200, first.text
        asked = await page.head(path)
        assert asked.headers["upload-offset"] == str(PART)
        assert asked.headers["upload-length"] == str(len(photo))
        lost = await page.patch(path, content=photo[:PART], headers={"Upload-Offset": "0"})
        assert (lost.status_code, lost.headers["upload-offset"]) == (409, str(PART))
        for at in range(PART, len(photo), PART):
            sent = await page.patch(
                path, content=photo[at : at + PART], headers={"Upload-Offset": str(at)}
            )
            assert sent.status_code == 200
        assert sent.json()["state"] == "received"
        assert [one["id"] for one in (await page.get("/creator/uploads")).json()] == [path[17:]]
        del page.headers["X-Form-Token"]
        assert (await page.post("/creator/uploads", json=facts)).status_code == 403
        unsigned = {"Upload-Offset": "0"}
        assert (await page.patch(path, content=b"x", headers=unsigned)).status_code == 403
        assert (await page.delete(path)).status_code == 403
        page.cookies.clear()
        assert (await page.head(path)).status_code == 401
    await place_uploads(stage.house, "worker")
    assert (stage.raw / "a.jpg").read_bytes() == photo


async def read_form_token(page: httpx.AsyncClient) -> str:
    found = re.search(r'name="token" value="([^"]+)"', (await page.get("/creator/account")).text)
    assert found is not None
    return found.group(1)


async def test_a_photo_in_parts_is_placed_whole_and_once(
    stage: WatchStage, source: Source, photo: bytes
) -> None:
    upload = await begin(stage, source, len(photo))
    assert (upload.state, upload.received) == ("receiving", 0)
    done = await send_all(stage, upload, photo)
    assert (done.state, done.received) == ("received", len(photo))
    await asyncio.gather(*(place_uploads(stage.house, f"worker {n}") for n in range(3)))
    assert [one.name for one in stage.raw.iterdir()] == ["IMG.JPG"]
    assert (stage.raw / "IMG.JPG").read_bytes() == photo
    assert (await read_row(stage, upload)).state == "placed"
    assert await list_objects(stage) == []
    assert await place_uploads(stage.house, "worker") == 0


async def test_the_same_once_begins_it_once(
    stage: WatchStage, source: Source, photo: bytes
) -> None:
    begun = await asyncio.gather(*(begin(stage, source, len(photo)) for _ in range(5)))
    assert len({one.id for one in begun}) == 1
    await send(stage, begun[0], photo[:PART])
    assert (await begin(stage, source, len(photo))).received == PART
    with pytest.raises(UploadRefused):
        await begin(stage, source, len(photo) + 1)


async def test_a_part_that_was_cut_off_counts_for_nothing(
    stage: WatchStage, source: Source, photo: bytes
) -> None:
    upload = await begin(stage, source, len(photo))

    async def stream() -> AsyncIterator[bytes]:
        yield photo[:1000]
        raise ConnectionResetError

    with pytest.raises(ConnectionResetError):
        await take_part(
            stage.house, upload.user_id, upload.id, offset=0, size_bytes=PART, chunks=stream()
        )
    assert (await read_row(stage, upload)).received == 0
    assert await list_objects(stage) == []
    assert (await send_all(stage, upload, photo)).state == "received"


async def test_parts_that_race_for_a_place_are_taken_once(
    stage: WatchStage, source: Source, photo: bytes
) -> None:
    upload = await begin(stage, source, len(photo))
    sizes = [PART, PART + 1, PART + 2, PART]
    sent = await asyncio.gather(
        *(send(stage, upload, photo[:size]) for size in sizes), return_exceptions=True
    )
    taken = [one for one in sent if isinstance(one, Upload)]
    lost = [one for one in sent if isinstance(one, UploadElsewhere)]
    assert (len(taken), len(lost)) == (1, 3)
    at = taken[0].received
    assert {one.headers["Upload-Offset"] for one in lost} == {str(at)}
    assert len(await list_objects(stage)) == 1
    await send(stage, upload, photo[at:], at)
    await place_uploads(stage.house, "worker")
    assert (stage.raw / "IMG.JPG").read_bytes() == photo


async def test_the_last_part_sent_again_is_taken_for_sent(
    stage: WatchStage, source: Source, photo: bytes
) -> None:
    upload = await begin(stage, source, PART)
    await send(stage, upload, photo[:PART])
    again = await send(stage, upload, photo[:PART])
    assert (again.state, again.received) == ("received", PART)


async def test_what_is_refused(stage: WatchStage, source: Source, photo: bytes) -> None:
    other = await create_user(stage.house.database, "bob@example.com")
    for size_bytes, error in ((0, UploadRefused), (10**12, PhotoBytesTooMany)):
        with pytest.raises(error):
            await begin(stage, source, size_bytes)
    with pytest.raises(UploadRefused):
        await create_upload(stage.house, other.id, NewUpload("x", source.id, "a.jpg", 10))
    upload = await begin(stage, source, len(photo))
    with pytest.raises(UploadElsewhere):
        await send(stage, upload, photo[:PART], 5)
    with pytest.raises(UploadRefused):
        await send(stage, upload, photo[:100])
    with pytest.raises(UploadRefused):
        await send(stage, upload, photo + b"more")
    with pytest.raises(PhotoKindUnknown):
        await send(stage, upload, b"<html>" + photo[6:PART])
    async with stage.house.database.begin() as session:
        with pytest.raises(UploadNotFound):
            await get_upload(session, other.id, upload.id)
    assert await list_objects(stage) == []


async def test_not_too_many_are_on_their_way(stage: WatchStage, source: Source) -> None:
    for number in range(MOST_OPEN):
        await begin(stage, source, 10, f"once {number}")
    with pytest.raises(UploadsUsedUp):
        await begin(stage, source, 10, "one more")
    async with stage.house.database.begin() as session:
        await session.execute(update(Upload).values(state="placed"))
    assert (await begin(stage, source, 10, "one more")).state == "receiving"


async def test_what_is_left_is_given_up_after_a_day(
    stage: WatchStage, source: Source, photo: bytes
) -> None:
    left = await begin(stage, source, len(photo), "left")
    going = await begin(stage, source, len(photo), "going")
    for upload in (left, going):
        await send(stage, upload, photo[:PART])
    async with stage.house.database.begin() as session:
        statement = update(Upload).where(Upload.id == left.id)
        await session.execute(statement.values(next_try_at=get_now()))
    assert await drop_old_uploads(stage.house) == 1
    async with stage.house.database.begin() as session:
        assert [one.id for one in await list_uploads(session, stage.user.id)] == [going.id]
    assert len(await list_objects(stage)) == 1
    await abandon_upload(stage.house, stage.user.id, going.id)
    await abandon_upload(stage.house, stage.user.id, going.id)
    assert await list_objects(stage) == []


async def test_a_name_that_no_disk_takes_is_made_one(
    stage: WatchStage, source: Source, photo: bytes
) -> None:
    await send(stage, await begin(stage, source, PART, name="../../a b.JPG"), photo[:PART])
    await place_uploads(stage.house, "worker")
    assert [one.name for one in stage.raw.iterdir()] == ["-..-a b.JPG"]


async def test_a_folder_that_is_away_is_waited_for(
    stage: WatchStage, source: Source, photo: bytes
) -> None:
    upload = await begin(stage, source, PART)
    await send(stage, upload, photo[:PART])
    away = stage.raw.rename(stage.raw.with_name("not mounted"))
    assert await place_uploads(stage.house, "worker") == 1
    row = await read_row(stage, upload)
    assert (row.state, row.tries, row.lease_holder) == ("received", 1, None)
    away.rename(stage.raw)
    async with stage.house.database.begin() as session:
        await session.execute(update(Upload).values(next_try_at=get_now()))
    await place_uploads(stage.house, "worker")
    assert (await read_row(stage, upload)).state == "placed"


async def test_what_cannot_be_placed_is_told(
    stage: WatchStage, source: Source, photo: bytes
) -> None:
    upload = await begin(stage, source, PART)
    for key in (await send(stage, upload, photo[:PART])).parts:
        await stage.house.resources.storage.delete(key)
    await place_uploads(stage.house, "worker")
    row = await read_row(stage, upload)
    assert row.state == "failed"
    assert row.error is not None
    assert row.error["code"] == "upload_lost"
    async with stage.house.database.begin() as session:
        told = (await session.scalars(select(Notification))).all()
    assert [one.kind for one in told] == ["upload_failed"]


async def test_a_fault_of_ours_is_tried_again_holds_up_nobody_and_is_told_in_the_end(
    stage: WatchStage, source: Source, photo: bytes
) -> None:
    broken, other = [await begin(stage, source, PART, name) for name in ("broken", "other")]
    for upload in (broken, other):
        await send(stage, upload, photo[:PART])
    condition = f"NEW.id = '{broken.id}' AND NEW.state = 'placed'"
    await break_rows(stage.house.database, "uploads", condition)

    assert await place_uploads(stage.house, "worker") == 2
    assert (await read_row(stage, other)).state == "placed"
    row = await read_row(stage, broken)
    assert (row.state, row.tries, row.lease_holder) == ("received", 1, None)

    async with stage.house.database.begin() as session:
        await session.execute(
            update(Upload).where(Upload.id == broken.id).values(tries=59, next_try_at=get_now())
        )
    await place_uploads(stage.house, "worker")
    row = await read_row(stage, broken)
    assert row.error is not None
    assert (row.state, row.error["code"]) == ("failed", "upload_broke")
    assert await list_objects(stage) == []
    async with stage.house.database.begin() as session:
        told = (await session.scalars(select(Notification))).all()
    assert [one.kind for one in told] == ["upload_failed"]


async def test_a_full_disk_of_the_server_is_waited_for(
    stage: WatchStage, source: Source, photo: bytes, caplog: pytest.LogCaptureFixture
) -> None:
    upload = await begin(stage, source, PART)
    await send(stage, upload, photo[:PART])
    spool = stage.house.spool_dir
    with mount_small_disk(spool, PART // 2):
        assert await place_uploads(stage.house, "worker") == 1
    row = await read_row(stage, upload)
    assert (row.state, row.tries) == ("received", 1)
    assert "the server's disk is full" in caplog.text
    async with stage.house.database.begin() as session:
        await session.execute(update(Upload).values(next_try_at=get_now()))
    await place_uploads(stage.house, "worker")
    assert (await read_row(stage, upload)).state == "placed"


async def test_what_is_given_up_leaves_no_part_whenever_its_process_dies(
    stage: WatchStage, source: Source, photo: bytes
) -> None:
    upload = await begin(stage, source, len(photo))
    await send(stage, upload, photo[:PART])
    async with stage.house.database.begin() as session:  # and there it died
        assert await give_up_uploads(session, Upload.id == upload.id) == 1
        assert await list_uploads(session, stage.user.id) == []
        with pytest.raises(UploadNotFound):
            await get_upload(session, stage.user.id, upload.id)
    assert len(await list_objects(stage)) == 1
    again = await begin(stage, source, len(photo))
    assert again.id != upload.id
    assert await drop_old_uploads(stage.house) == 1
    assert await list_objects(stage) == []
    assert (await read_row(stage, again)).state == "receiving"


async def test_a_worker_that_died_over_it_is_followed_by_another(
    stage: WatchStage, source: Source, photo: bytes
) -> None:
    """It had put the photo there, and did not come to say so."""
    upload = await begin(stage, source, PART)
    await send(stage, upload, photo[:PART])
    await place_uploads(stage.house, "dies")
    async with stage.house.database.begin() as session:
        row = await session.get_one(Upload, upload.id)
        row.state, row.next_try_at, row.lease_holder = "received", get_now(), "dies"

    async def again() -> AsyncIterator[bytes]:
        yield photo[:PART]

    for key in row.parts:  # its parts were not removed yet, either
        await stage.house.resources.storage.put(
            key, again(), content_type="image/jpeg", max_bytes=PART
        )
    assert await place_uploads(stage.house, "goes on") == 1
    assert (await read_row(stage, upload)).state == "placed"
    assert [one.name for one in stage.raw.iterdir()] == ["IMG.JPG"]
