"""A Drive, watched: every photo is taken in once, whatever Google does or leaves undone."""

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from comfyhoused.creator.places import make_drive_folders
from comfyhoused.creator.probing import look_for_drop
from comfyhoused.creator.sources.folder import MARK, FileGone, FolderGone
from comfyhoused.creator.sources.opening import open_drive_folder
from comfyhoused.creator.sources.sources import (
    LONG_AGO,
    pause_source,
    rescan_sources,
    resume_source,
)
from comfyhoused.creator.tables import Connection, Source
from comfyhoused.creator.watching.leases import ring_connection, ring_source
from comfyhoused.kit.clock import get_now
from comfyhoused.kit.ids import make_id
from tests.google import FULL_SCOPES, PER_FILE_SCOPES, FakeGoogle
from tests.waiting import wait_until
from tests.watch_drive import DriveStage, connect, open_drive_stage
from tests.watch_stage import WatchStage

LATER = datetime(2100, 1, 1, tzinfo=UTC)


@pytest.fixture
async def stage(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    google: FakeGoogle,
    database_url: str,
    valkey_url: str,
) -> AsyncIterator[DriveStage]:
    opening = open_drive_stage(
        tmp_path,
        monkeypatch.setenv,
        google,
        database_url=database_url,
        redis_url=valkey_url,
        CH_GOOGLE_PUSH="false",
    )
    async with opening as opened:
        yield opened


async def test_a_photo_is_edited_once_wherever_below_raw_it_lies(stage: DriveStage) -> None:
    day = stage.google.add_folder(stage.person, "Day 1", stage.raw["id"])
    async with stage.watch.watching(count=2):
        await stage.wait_followed()
        stage.drop("a.jpg")
        stage.drop("b.heic", parent=day["id"], mime="application/octet-stream")
        stage.google.add_file(stage.person, "elsewhere.jpg", b"not in a source")
        photos = await stage.watch.wait_states(complete=2)
    assert {(one.folder, one.name) for one in photos} == {("", "a.jpg"), ("Day 1", "b.heic")}
    assert await stage.watch.count_edits() == 2


async def test_a_folder_that_is_moved_in_brings_its_photos(stage: DriveStage) -> None:
    other = stage.google.add_folder(stage.person, "Elsewhere")
    stage.drop("a.jpg", parent=other["id"])
    async with stage.watch.watching():
        await stage.wait_followed()
        stage.google.change(other["id"], parent=stage.raw["id"])
        (photo,) = await stage.watch.wait_states(complete=1)
    assert (photo.folder, photo.name) == ("Elsewhere", "a.jpg")


async def test_why_a_file_is_not_edited(stage: DriveStage) -> None:
    google, person, raw = stage.google, stage.person, stage.raw["id"]
    ours = stage.folder
    key = await ours.take_key()
    result = stage.watch.folder / "result"
    result.write_bytes(b"made by us")
    await ours.put_edited(key, "", "ours.jpg", "image/jpeg", result, "edit_1")
    far = google.add_file(person, "far.jpg", b"far away")
    gone = google.add_file(person, "gone.jpg", b"soon gone")
    async with stage.watch.watching():
        await stage.wait_followed()
        google.change(key, parent=raw)
        stage.drop("ours, sent anew.jpg", result.read_bytes())
        stage.drop("empty.jpg", b"")
        stage.drop("clip.mp4")
        held = stage.drop("held.jpg")
        google.change(held, overrides={"capabilities": {"canDownload": False}})
        first = google.add_shortcut(person, "to far", far["id"], raw)
        google.add_shortcut(person, "to far again", far["id"], raw)
        google.add_shortcut(person, "to raw", raw, raw)
        google.add_shortcut(person, "to a shortcut", first["id"], raw)
        google.add_shortcut(person, "to nothing", gone["id"], raw)
        google.change(gone["id"], gone=True)

        async def has_all() -> bool:
            photos = await stage.watch.list_photos()
            return len(photos) == 9 and all(one.state != "seen" for one in photos)

        await wait_until(has_all)
        photos = await stage.watch.list_photos()
    assert {one.name: one.skip_code for one in photos if one.skip_code} == {
        "ours.jpg": "ours",
        "ours, sent anew.jpg": "ours",
        "empty.jpg": "empty",
        "clip.mp4": "film",
        "held.jpg": "no_access",
        "to raw": "shortcut_to_folder",
        "to a shortcut": "shortcut_loop",
        "to nothing": "shortcut_broken",
    }
    assert [one.name for one in photos if one.state == "complete"] == ["far.jpg"]
    assert await stage.watch.count_edits() == 1


async def test_a_file_without_a_checksum_is_waited_for(stage: DriveStage) -> None:
    async with stage.watch.watching():
        await stage.wait_followed()
        key = stage.drop("a.jpg")
        stage.google.change(key, overrides={"md5Checksum": None})
        await stage.watch.wait_states(seen=1)
        stage.google.change(key, overrides={})
        await stage.watch.wait_states(complete=1)


async def test_new_bytes_are_a_new_photo_and_a_new_name_is_not(stage: DriveStage) -> None:
    async with stage.watch.watching():
        await stage.wait_followed()
        key = stage.drop("a.jpg")
        await stage.watch.wait_states(complete=1)
        stage.google.change(key, name="renamed.jpg")

        async def is_renamed() -> bool:
            return (await stage.watch.list_photos())[0].name == "renamed.jpg"

        await wait_until(is_renamed)
        assert await stage.watch.count_edits() == 1
        stage.google.replace(key, b"other bytes")
        await stage.watch.wait_states(complete=2)
    assert await stage.watch.count_edits() == 2


async def test_a_feed_that_cannot_be_read_on_leads_to_a_listing(stage: DriveStage) -> None:
    async with stage.watch.watching():
        await stage.wait_followed()
        stage.google.plan_fault("/drive/v3/changes\\?", status=410, reason="", times=1)
        stage.drop("a.jpg")
        await stage.watch.wait_states(complete=1)
    (fault,) = stage.google.list_faults()
    assert fault["hits"] == 1


async def test_what_the_feed_has_missed_is_found_by_listing(stage: DriveStage) -> None:
    async with stage.watch.watching():
        await stage.wait_followed()
    stage.drop("a.jpg")
    async with stage.house.database.begin() as session:
        # As if the feed had been read past it.
        connection = await session.get_one(Connection, stage.connection.id)
        connection.page_token = await stage.folder.drive.get_start_page_token()
        (await session.get_one(Source, stage.source.id)).reconciled_at = LONG_AGO
        (await session.get_one(Source, stage.source.id)).next_look_at = LONG_AGO
    async with stage.watch.watching():
        await stage.watch.wait_states(complete=1)


async def test_many_files_come_in_pages_through_the_feed_and_by_listing(stage: DriveStage) -> None:
    stage.google.set_switch(page_size=3)
    async with stage.watch.watching():
        await stage.wait_followed()
    for number in range(7):
        stage.drop(f"{number}.jpg")
    stage.google.forget_requests()
    async with stage.watch.watching():
        await stage.watch.wait_states(complete=7)
    assert len(stage.google.list_requests("/drive/v3/changes")) >= 3
    raw, edited = (stage.google.add_folder(stage.person, name) for name in ("Old", "Old Edited"))
    for number in range(7):
        stage.drop(f"{number}.jpg", parent=raw["id"])
    source = await stage.add_source(raw, edited)
    async with stage.watch.watching():
        await stage.watch.wait_listed(source)
    assert len(await stage.watch.list_photos(source_id=source.id)) == 7


async def test_rate_limits_and_outages_are_waited_out(stage: DriveStage) -> None:
    async with stage.watch.watching():
        await stage.wait_followed()
        stage.google.plan_fault(
            "/drive/v3/", status=403, reason="userRateLimitExceeded", retry_after="0", times=9
        )
        stage.google.plan_fault("/drive/v3/", action="drop", times=4, skip=2)
        stage.drop("a.jpg")
        await stage.watch.wait_states(complete=1)
    assert (await stage.watch.get_source(stage.source.id)).state == "active"


async def test_whoever_rings_does_not_hurry_what_google_told_to_wait(stage: DriveStage) -> None:
    async with stage.watch.watching():
        await stage.wait_followed()
        stage.google.plan_fault(
            "/drive/v3/changes\\?",
            status=429,
            reason="rateLimitExceeded",
            retry_after="600",
            times=9,
        )

        async def waits() -> bool:
            return (await stage.get_connection()).misses == 1

        await wait_until(waits)
        told = stage.google.list_faults()[0]["hits"]
        stage.drop("a.jpg")
        for _ in range(3):
            async with stage.house.database.begin() as session:
                await ring_connection(session, stage.connection.id)
    connection = await stage.get_connection()
    assert connection.next_look_at > get_now() + timedelta(minutes=5)
    assert stage.google.list_faults()[0]["hits"] == told
    async with stage.house.database.begin() as session:
        source = await session.get_one(Source, stage.source.id)
        source.misses, source.next_look_at = 1, LATER
        await session.flush()
        await ring_source(session, source.id)
        await rescan_sources(session, stage.connection.id)
    assert (await stage.watch.get_source(source.id)).next_look_at == LATER


async def test_a_folder_that_goes_into_the_bin_is_said(stage: DriveStage) -> None:
    async with stage.watch.watching():
        await stage.wait_followed()
        stage.google.change(stage.raw["id"], trashed=True)
        await wait_until(lambda: has_state(stage.watch, stage.source, "broken"))
        broken = await stage.watch.get_source(stage.source.id)
        assert broken.problem is not None
        assert broken.problem["code"] == "folder_gone"
        stage.google.change(stage.raw["id"], trashed=False)
        await wait_until(lambda: has_state(stage.watch, stage.source, "active"))


async def test_access_that_was_taken_back_stops_the_source_and_loses_nothing(
    stage: DriveStage,
) -> None:
    async with stage.watch.watching():
        await stage.wait_followed()
        stage.google.revoke(stage.person)
        stage.drop("a.jpg")
        await wait_until(lambda: has_state(stage.watch, stage.source, "reconnect"))
    assert (await stage.get_connection()).state == "reconnect"
    assert await stage.watch.list_photos() == []


async def test_a_paused_source_goes_on_with_what_came_meanwhile(stage: DriveStage) -> None:
    user_id, database = stage.watch.user.id, stage.house.database
    async with stage.watch.watching():
        await stage.wait_followed()
        async with database.begin() as session:
            await pause_source(session, user_id, stage.source.id)
        stage.drop("a.jpg")
        async with database.begin() as session:
            await resume_source(session, user_id, stage.source.id)
            await ring_connection(session, stage.connection.id)
        await stage.watch.wait_states(complete=1)


async def test_what_others_put_into_a_shared_drive_is_edited(stage: DriveStage) -> None:
    google = stage.google
    colleague = google.add_user(f"{make_id('bob', 8)}@demo.example")
    top = google.add_shared_drive("Studio", stage.person, colleague)
    raw = google.add_folder(stage.person, "Raw", top)
    edited = google.add_folder(stage.person, "Edited", top)
    source = await stage.add_source(raw, edited)
    async with stage.watch.watching():
        await stage.watch.wait_listed(source)
        google.add_file(colleague, "theirs.jpg", b"of a colleague's", raw["id"])
        (photo,) = await stage.watch.wait_states(complete=1)
    assert photo.source_id == source.id
    seen = stage.watch.folder / "seen"
    folder = open_drive_folder(stage.house, source)
    await folder.fetch(await folder.look(photo.file_key), seen)
    assert seen.read_bytes() == b"of a colleague's"
    key = await folder.take_key()
    await folder.put_edited(key, "Day 1", "theirs.jpg", "image/jpeg", seen, "edit_1")
    (day,) = [one for one in google.list_files(colleague) if one["name"] == "Day 1"]
    assert (day["driveId"], day["parents"]) == (top, [edited["id"]])
    drop = await look_for_drop(stage.house, stage.watch.user.id, source.id, LONG_AGO)
    assert drop.name == "theirs.jpg"


@pytest.mark.parametrize("scopes", [FULL_SCOPES, PER_FILE_SCOPES])
async def test_our_folders_are_made_once_however_far_lists_lag_behind(
    stage: DriveStage, scopes: str
) -> None:
    person = stage.google.add_user(f"{make_id('eve', 8)}@demo.example")
    connection = await connect(stage.house, stage.watch.user, stage.google, person, scopes)
    stage.google.set_switch(list_lag_seconds=3600.0)

    async def make() -> tuple[str, str]:
        pair = await make_drive_folders(stage.house, stage.watch.user.id, connection.id)
        return pair.raw_key, pair.edited_key

    pairs = await asyncio.gather(*(make() for _ in range(5)))
    assert {*pairs, await make()} == {pairs[0]}
    stage.google.set_switch(list_lag_seconds=0.0)
    files = stage.google.list_files(person)
    assert sorted(one["name"] for one in files if one["id"] != person["root"]) == [
        "Comfyhouse",
        "Edited",
        "Raw",
    ]


async def test_results_go_into_folders_that_are_made_once(
    stage: DriveStage, tmp_path: Path
) -> None:
    content = tmp_path / "result"
    content.write_bytes(b"a result")
    keys = [await stage.folder.take_key() for _ in range(4)]

    async def put(key: str) -> str:
        placed = await stage.folder.put_edited(
            key, "Day 1/Church", "a.jpg", "image/jpeg", content, f"edit {key}"
        )
        return placed.key

    assert await asyncio.gather(*(put(key) for key in [*keys, *keys])) == [*keys, *keys]
    (day,) = stage.google.list_files(stage.person, stage.edited["id"])
    (church,) = stage.google.list_files(stage.person, day["id"])
    assert (day["name"], church["name"]) == ("Day 1", "Church")
    files = stage.google.list_files(stage.person, church["id"])
    assert sorted(one["id"] for one in files) == sorted(keys)
    assert {one["appProperties"][MARK] for one in files} == {f"edit {key}" for key in keys}
    stage.google.change(day["id"], trashed=True)
    last = await stage.folder.take_key()
    await put(last)
    days = stage.google.list_files(stage.person, stage.edited["id"])
    assert sorted(one["trashed"] for one in days) == [False, True]
    stage.google.change(stage.edited["id"], gone=True)
    with pytest.raises(FolderGone):
        await put(await stage.folder.take_key())


async def test_a_name_that_is_taken_gets_a_number(stage: DriveStage, tmp_path: Path) -> None:
    content = tmp_path / "result"
    content.write_bytes(b"a result")
    for _ in range(2):
        key = await stage.folder.take_key()
        for _ in range(2):
            await stage.folder.put_edited(key, "", "it's.jpg", "image/jpeg", content, "edit_1")
    files = stage.google.list_files(stage.person, stage.edited["id"])
    assert sorted(one["name"] for one in files) == ["it's (2).jpg", "it's.jpg"]


async def test_exactly_the_version_that_was_seen_is_fetched(
    stage: DriveStage, tmp_path: Path
) -> None:
    key = stage.drop("a.jpg", b"first")
    seen = await stage.folder.look(key)
    target = tmp_path / "fetched"
    await stage.folder.fetch(seen, target)
    assert target.read_bytes() == b"first"
    stage.google.replace(key, b"second")
    with pytest.raises(FileGone):
        await stage.folder.fetch(seen, target)
    stage.google.change(key, trashed=True)
    with pytest.raises(FileGone):
        await stage.folder.look(key)


async def has_state(stage: WatchStage, source: Source, state: str) -> bool:
    return (await stage.get_source(source.id)).state == state
