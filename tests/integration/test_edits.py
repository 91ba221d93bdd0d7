"""Edits from folder to folder, through real processes."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from io import BytesIO

import pytest
from PIL import Image
from sqlalchemy import delete, func, select

from comfyhoused.core.jobs.events import EventHub
from comfyhoused.creator.edits.approving import NotHeld, approve, reject
from comfyhoused.creator.edits.canceling import EditDone, cancel_edit
from comfyhoused.creator.edits.complaining import EditNotFinished, report_wrong
from comfyhoused.creator.edits.creating import reedit
from comfyhoused.creator.edits.retrying import NothingToRetry, retry_edit
from comfyhoused.creator.news import follow
from comfyhoused.creator.tables import Edit, Photo, User
from tests.edit_stage import PRESET, EditHouse, EditStage
from tests.postgres import TestPostgres
from tests.small_disk import mount_small_disk
from tests.waiting import wait_until


@pytest.fixture(scope="module")
def processes(
    tmp_path_factory: pytest.TempPathFactory, postgres: TestPostgres
) -> Iterator[EditHouse]:
    """One house for all tests here: each has a user of its own."""
    house = EditHouse(tmp_path_factory.mktemp("edits"), postgres.make_database())
    try:
        house.start()
        yield house
    finally:
        house.close()


@pytest.fixture
async def house(processes: EditHouse) -> AsyncIterator[EditHouse]:
    async with processes.open() as one:
        yield one
        one.engine.set_switch(fail_at_node=None, hold_at_node=None)


@pytest.fixture
async def stage(house: EditHouse) -> EditStage:
    return await house.add_user()


def make_photo(colour: tuple[int, int, int] = (200, 120, 40), size: int = 96) -> bytes:
    """Return a JPEG with EXIF: a camera's name, and turned on its side."""
    image = Image.new("RGB", (size, size // 2), colour)
    exif = Image.Exif()
    exif[0x010F], exif[0x0112], exif[0x8298] = "Camera & Sons", 6, "Anna Example"
    target = BytesIO()
    image.save(target, "JPEG", exif=exif, quality=95)
    return target.getvalue()


async def wait_erased(stage: EditStage, job_id: str) -> None:
    """Wait until nothing of this job is known any more."""
    store = stage.creator.resources.store

    async def has_gone() -> bool:
        return not await store.keys(f"ch:1:job:{job_id}*")

    try:
        await wait_until(has_gone)
    except TimeoutError:
        record = await store.hgetall(f"ch:1:job:{job_id}")
        raise AssertionError(f"{record}\n{stage.house.read_logs()}") from None


async def test_a_photo_comes_back_edited(house: EditHouse, stage: EditStage) -> None:
    photo = make_photo()
    edit = await stage.drop("trip/lake.jpg", photo)
    assert edit is not None
    done = await stage.wait_delivered(edit.id)

    assert stage.list_edited() == ["lake_negative.jpg"]
    with Image.open(stage.edited / "trip" / "lake_negative.jpg") as result:
        assert result.format == "JPEG"
        assert result.size in ((96, 48), (48, 96))
        assert result.getexif()[0x010F] == "Camera & Sons"
        assert result.getexif()[0x8298] == "Anna Example"
        red, green, blue = result.convert("RGB").getpixel((10, 10))  # type: ignore[misc]
    assert red < 120
    assert blue > 120, (red, green, blue)
    assert (stage.raw / "trip" / "lake.jpg").read_bytes() == photo, "the original is untouched"
    assert await stage.list_entries(edit.id) == [(1, "reserve"), (1, "settle")]
    assert await stage.read_books() == (0, 1, 0)
    assert done.preview_file
    assert done.thumb_file


async def test_a_failed_edit_is_free_and_can_be_tried_again(
    house: EditHouse, stage: EditStage
) -> None:
    house.engine.set_switch(fail_at_node="ImageInvert")
    edit = await stage.drop("lake.jpg", make_photo())
    assert edit is not None
    failed = await stage.wait(edit.id, "failed")

    assert failed.error is not None
    assert "node" not in str(failed.error["detail"]).lower()
    assert stage.list_edited() == []
    assert await stage.read_books() == (0, 0, 0)
    with pytest.raises(EditNotFinished):
        await report_wrong(stage.creator, stage.user_id, edit.id, "dark")

    house.engine.set_switch(fail_at_node=None)
    await retry_edit(stage.creator, stage.user_id, edit.id)
    await stage.wait_delivered(edit.id)
    assert await stage.list_entries(edit.id) == [
        (1, "reserve"),
        (1, "release"),
        (2, "reserve"),
        (2, "settle"),
    ]
    with pytest.raises(NothingToRetry):
        await retry_edit(stage.creator, stage.user_id, edit.id)
    assert stage.list_edited() == ["lake_negative.jpg"]


async def test_the_version_that_runs_is_the_one_that_is_charged(
    house: EditHouse, stage: EditStage
) -> None:
    """Edits of before a preset was upgraded, tried again after it."""
    house.engine.set_switch(fail_at_node="ImageInvert")
    old = [await stage.drop(f"{n}.jpg", make_photo((n, 90, 90))) for n in (1, 2)]
    ids = [edit.id for edit in old if edit is not None]
    for edit_id in ids:
        await stage.wait(edit_id, "failed")
    async with stage.creator.database.begin() as session:
        for edit_id in ids:
            (await session.get_one(Edit, edit_id)).preset_version = "0"
    house.engine.set_switch(fail_at_node=None)

    await retry_edit(stage.creator, stage.user_id, ids[0])
    assert (await stage.wait_delivered(ids[0])).preset_version == "1"

    twin = await reedit(stage.creator, stage.user_id, ids[1], PRESET, 60, {})
    assert twin.id != ids[1]
    await stage.wait_delivered(twin.id)
    await retry_edit(stage.creator, stage.user_id, ids[1])
    refused = await stage.wait(ids[1], "failed")
    assert refused.error is not None
    assert (refused.error["code"], refused.preset_version) == ("preset_upgraded", "0")
    assert await stage.read_books() == (0, 2, 0)
    assert len(stage.list_edited()) == 2


async def test_the_same_edit_is_made_once_and_another_is_another(stage: EditStage) -> None:
    edit = await stage.drop("lake.jpg", make_photo())
    assert edit is not None
    await stage.wait_delivered(edit.id)

    same = await reedit(stage.creator, stage.user_id, edit.id, PRESET, 60, {"height": 8})
    other = await reedit(stage.creator, stage.user_id, edit.id, PRESET, 20, {})
    assert same.id == edit.id, "what is left out is the default"
    assert other.id != edit.id
    await stage.wait_delivered(other.id)
    assert stage.list_edited() == ["lake_negative (2).jpg", "lake_negative.jpg"]
    assert await stage.read_books() == (0, 2, 0)


async def test_a_photo_that_has_gone_fails_in_words_and_is_free(
    house: EditHouse, stage: EditStage
) -> None:
    house.workers[0].stop_signal()
    edit = await stage.drop("lake.jpg", make_photo())
    broken = await stage.drop("torn.jpg", make_photo()[:300])
    assert edit is not None
    assert broken is not None
    (stage.raw / "lake.jpg").unlink()
    house.workers[0].continue_()

    gone, torn = await stage.wait(edit.id, "failed"), await stage.wait(broken.id, "failed")
    assert (gone.error or {})["code"] == "file_gone"
    assert (torn.error or {})["code"] == "photo_unreadable"
    assert await stage.read_books() == (0, 0, 0)


async def test_canceling_is_free_wherever_it_stands(house: EditHouse, stage: EditStage) -> None:
    house.engine.hold("ImageInvert")
    held = await stage.drop("held.jpg", make_photo())
    assert held is not None
    await stage.wait(held.id, "running")
    waiting = await stage.drop("next.jpg", make_photo((1, 2, 3)))
    assert waiting is not None

    for edit in (held, waiting):
        canceled = await cancel_edit(stage.creator, stage.user_id, edit.id)
        assert canceled.state == "canceled"
    house.engine.let_go()
    assert await stage.read_books() == (0, 0, 0)

    for edit in (held, waiting):
        await wait_erased(stage, edit.job_id)
    again = await retry_edit(stage.creator, stage.user_id, held.id)
    assert again.round == 2
    await stage.wait_delivered(held.id)
    with pytest.raises(EditDone):
        await cancel_edit(stage.creator, stage.user_id, held.id)
    assert stage.list_edited() == ["held_negative.jpg"]


async def test_looks_wrong_gives_the_credit_back_once(stage: EditStage) -> None:
    edit = await stage.drop("lake.jpg", make_photo())
    assert edit is not None
    await stage.wait_delivered(edit.id)
    for reason in ("too dark", "much too dark"):
        reported = await report_wrong(stage.creator, stage.user_id, edit.id, reason)
        assert reported.is_credited
    assert reported.wrong_reason == "much too dark"
    assert await stage.read_books() == (0, 1, 1)


async def test_pictures_wait_for_approval_where_their_owner_wants_it(stage: EditStage) -> None:
    await stage.set_source(approves_first=True)
    first = await stage.drop("a.jpg", make_photo())
    second = await stage.drop("b.jpg", make_photo((9, 90, 200)))
    assert first is not None
    assert second is not None
    for edit in (first, second):
        await stage.wait(edit.id, "finished", delivery="held")
    assert stage.list_edited() == []

    await reject(stage.creator, stage.user_id, second.id)
    await approve(stage.creator, stage.user_id, first.id)
    await stage.wait_delivered(first.id)
    assert stage.list_edited() == ["a_negative.jpg"]
    with pytest.raises(NotHeld):
        await reject(stage.creator, stage.user_id, first.id)

    await approve(stage.creator, stage.user_id, second.id)
    await stage.wait_delivered(second.id)
    assert stage.list_edited() == ["a_negative.jpg", "b_negative.jpg"]
    assert await stage.read_books() == (0, 2, 0)


async def test_a_picture_waits_until_its_folder_takes_it(stage: EditStage) -> None:
    stage.edited.rmdir()
    stage.edited.write_bytes(b"not a folder")
    edit = await stage.drop("lake.jpg", make_photo())
    assert edit is not None
    await stage.wait(edit.id, "finished")

    async def was_tried() -> bool:
        _, delivery = await stage.get(edit.id)
        return delivery is not None and (delivery.tries > 1 or delivery.state == "failed")

    await wait_until(was_tried)
    done, delivery = await stage.get(edit.id)
    assert done.result_file is not None, "a finished picture is kept"
    assert delivery is not None
    stage.edited.unlink()
    stage.edited.mkdir()
    await retry_edit(stage.creator, stage.user_id, edit.id)
    done = await stage.wait_delivered(edit.id)
    assert stage.list_edited() == ["lake_negative.jpg"]
    assert await stage.read_books() == (0, 1, 0)


async def test_a_full_disk_fails_the_delivery_until_its_owner_tries_again(
    stage: EditStage,
) -> None:
    with mount_small_disk(stage.edited, 64 * 1024):
        filler = stage.edited / "theirs.bin"
        filler.write_bytes(b"x" * 64 * 1024)
        edit = await stage.drop("lake.jpg", make_photo())
        assert edit is not None
        await stage.wait(edit.id, "finished", delivery="failed")
        _, delivery = await stage.get(edit.id)
        assert delivery is not None
        assert delivery.error is not None
        assert (delivery.error["code"], delivery.tries) == ("disk_full", 0)
        assert stage.list_edited() == ["theirs.bin"]
        filler.unlink()
        await retry_edit(stage.creator, stage.user_id, edit.id)
        await stage.wait_delivered(edit.id)
        assert stage.list_edited() == ["lake_negative.jpg"]
    assert await stage.read_books() == (0, 1, 0)


async def test_photos_wait_for_units_and_are_edited_when_there_are_some(
    house: EditHouse,
) -> None:
    stage = await house.add_user("free")
    edits = [await stage.drop(f"{n}.jpg", make_photo((n, 2 * n, 90))) for n in range(12)]
    assert [edit is not None for edit in edits] == [True] * 10 + [False] * 2
    house.add_watcher()
    async with stage.creator.database.begin() as session:
        user = await session.get_one(User, stage.user_id)
        waiting = select(Photo.name).where(Photo.state == "waiting", Photo.user_id == user.id)
        assert set(await session.scalars(waiting)) == {"10.jpg", "11.jpg"}
        user.plan = "creator"

    async def are_all_there() -> bool:
        return len(stage.list_edited()) == 12

    await wait_until(are_all_there)
    assert await stage.read_books() == (0, 12, 0)


async def test_lost_jobs_and_lost_units_are_found_again(house: EditHouse, stage: EditStage) -> None:
    """Redis was emptied while a photo was in line; a source went while its photo was paid for."""
    house.engine.hold("ImageInvert")
    edit = await stage.drop("lake.jpg", make_photo())
    assert edit is not None
    await stage.wait(edit.id, "running")
    other = await stage.drop("gone.jpg", make_photo())
    assert other is not None
    async with stage.creator.database.begin() as session:
        await session.execute(delete(Edit).where(Edit.id == other.id))
    house.workers[0].kill()
    await stage.creator.resources.store.flushall()
    house.engine.let_go()
    house.workers[0].start()
    async with stage.creator.database.begin() as session:
        edit = await session.get_one(Edit, edit.id)
        edit.next_try_at = func.now()

    await stage.wait_delivered(edit.id)

    async def is_settled() -> bool:
        return await stage.read_books() == (0, 1, 0)

    await wait_until(is_settled)
    assert stage.list_edited() == ["lake_negative.jpg"]


async def test_open_pages_are_told(stage: EditStage) -> None:
    hub = EventHub(stage.creator.resources.store)
    told: list[tuple[str, str]] = []

    async def listen() -> None:
        async for event in follow(hub, stage.user_id):
            heard = (event.type, event.data.get("state", "")) if event is not None else ("", "")
            told.append(heard)

    listening = asyncio.create_task(listen())
    await wait_until(lambda: hub.count_followed() == 1)
    edit = await stage.drop("lake.jpg", make_photo())
    assert edit is not None
    await wait_until(lambda: ("delivery.changed", "delivered") in told)
    listening.cancel()
    await asyncio.gather(listening, return_exceptions=True)
    await hub.close()
    assert ("edit.changed", "finished") in told
    assert ("bell", "") in told


async def test_who_is_erased_in_the_middle_leaves_nothing_running(
    house: EditHouse, stage: EditStage
) -> None:
    house.engine.hold("ImageInvert")
    edit = await stage.drop("lake.jpg", make_photo())
    assert edit is not None
    await stage.wait(edit.id, "running")
    async with stage.creator.database.begin() as session:
        await session.execute(delete(User).where(User.id == stage.user_id))
    house.engine.let_go()

    await wait_erased(stage, edit.job_id)
    assert stage.list_edited() == []
    assert house.workers[0].is_alive
