"""Local folders, watched: every photo is taken in once, whole, and nothing else is."""

import os
from datetime import timedelta
from pathlib import Path

import pytest

from comfyhoused.creator.edits.beginning import begin_waiting
from comfyhoused.creator.intake import Look, take_in
from comfyhoused.creator.ledger import get_usage
from comfyhoused.creator.notifications import list_notifications
from comfyhoused.creator.sources.folder import MARK, SourceFolder
from comfyhoused.creator.sources.local_listing import MARK_ATTRIBUTE
from comfyhoused.creator.sources.opening import open_folder
from comfyhoused.creator.sources.sources import (
    change_source,
    pause_source,
    remove_source,
    resume_source,
)
from comfyhoused.creator.tables import Photo, Source, User
from comfyhoused.creator.watching.again import look_again
from comfyhoused.creator.watching.backlog import count_backlog, edit_backlog, leave_backlog
from comfyhoused.creator.watching.leases import ring_source
from comfyhoused.creator.watching.settling import settle_photos
from comfyhoused.kit.clock import get_now
from tests.waiting import wait_until
from tests.watch_stage import WatchStage, open_watch_stage, put

NOON = 1_750_000_000


async def test_a_photo_becomes_one_edit_with_the_preset_of_its_source(stage: WatchStage) -> None:
    source = await stage.add_source(preset="portrait-pro", strength=40)
    async with stage.watching(count=2):
        await stage.wait_listed(source)
        put(stage.raw / "Day 1" / "bride.JPG")
        put(stage.raw / "groom.png")
        photos = await stage.wait_states(complete=2)
        await wait_until(lambda: stage.count_edits())
    assert [(one.folder, one.name) for one in photos] == [
        ("Day 1", "bride.JPG"),
        ("", "groom.png"),
    ]
    edits = await stage.list_edits()
    assert sorted(one.photo_id for one in edits) == sorted(one.id for one in photos)
    assert {(one.preset, one.strength) for one in edits} == {("portrait-pro", 40)}


async def test_a_growing_file_is_one_photo_and_waited_for(stage: WatchStage) -> None:
    source = await stage.add_source()
    folder = open_folder(stage.house, source)
    file = put(stage.raw / "slow.jpg", b"begin")
    await take(stage, source)
    for part in range(3):
        with file.open("ab") as copy:
            copy.write(b"%d" % part)
        await settle_when_due(stage, source, folder)
        (photo,) = await stage.wait_states(seen=1)
        assert photo.size_bytes == file.stat().st_size
    await settle_when_due(stage, source, folder)
    await stage.wait_states(complete=1)
    assert await stage.count_edits() == 1


async def test_every_file_that_is_seen_has_a_row_and_a_reason(stage: WatchStage) -> None:
    source = await stage.add_source()
    (stage.folder / "secret.jpg").write_bytes(b"not theirs")
    async with stage.watching():
        await stage.wait_listed(source)
        for ignored in (".hidden.jpg", "half.jpg.part", "~$x.jpg", "Thumbs.db", "a.jpg.crdownload"):
            (stage.raw / ignored).write_bytes(b"x")
        put(stage.raw / "@eaDir" / "thumb.jpg")
        put(stage.raw / "empty.jpg", b"")
        put(stage.raw / "shot.CR3")
        put(stage.raw / "clip.mov")
        put(stage.raw / "notes.txt")
        put(stage.raw / "old.gif")
        put(stage.raw / "no ending")
        (stage.raw / "out.jpg").symlink_to(stage.folder / "secret.jpg")
        (stage.raw / "out").symlink_to(stage.folder)
        os.mkfifo(stage.raw / "pipe.jpg")
        photos = await stage.wait_states(skipped=8, complete=1)
    assert {one.name: one.skip_code for one in photos} == {
        "empty.jpg": "empty",
        "shot.CR3": "raw_format",
        "clip.mov": "film",
        "notes.txt": "not_a_photo",
        "old.gif": "format_not_read",
        "out.jpg": "link",
        "out": "link",
        "pipe.jpg": "not_a_photo",
        "no ending": None,
    }
    assert await stage.count_edits() == 1


async def test_an_empty_file_that_gets_its_content_is_edited(stage: WatchStage) -> None:
    source = await stage.add_source()
    async with stage.watching():
        await stage.wait_listed(source)
        put(stage.raw / "a.jpg", b"")
        await stage.wait_states(skipped=1)
        (stage.raw / "a.jpg").write_bytes(b"here it is")
        await stage.wait_states(complete=1)
    assert await stage.count_edits() == 1


async def test_our_results_are_never_edited_again(stage: WatchStage) -> None:
    source = await stage.add_source()
    result = stage.folder / "result"
    result.write_bytes(b"a result of ours")
    folder = open_folder(stage.house, source)
    for key, edit_id in (("put_1", "edit_1"), ("put_2", "edit_2")):
        await folder.put_edited(key, "", f"{key}.jpg", "image/jpeg", result, edit_id)
    async with stage.watching():
        await stage.wait_listed(source)
        (stage.edited / "put_1.jpg").rename(stage.raw / "moved.jpg")
        put(stage.raw / "copied by a program that keeps no marks.jpg", result.read_bytes())
        put(stage.raw / "as long, but.jpg", result.read_bytes()[::-1])
        photos = await stage.wait_states(skipped=2, complete=1)
    assert {one.skip_code for one in photos if one.state == "skipped"} == {"ours"}
    assert [one.name for one in photos if one.state == "complete"] == ["as long, but.jpg"]
    assert os.getxattr(stage.edited / "put_2.jpg", MARK_ATTRIBUTE) == b"edit_2", MARK


async def test_a_new_version_is_a_new_photo_and_a_new_name_is_not(stage: WatchStage) -> None:
    source = await stage.add_source()
    async with stage.watching():
        await stage.wait_listed(source)
        put(stage.raw / "a.jpg")
        await stage.wait_states(complete=1)
        (stage.raw / "later").mkdir()
        (stage.raw / "a.jpg").rename(stage.raw / "later" / "b.jpg")
        await wait_until(lambda: has_names(stage, "later/b.jpg"))
        assert await stage.count_edits() == 1
        put(stage.raw / "later" / "b.jpg")
        await stage.wait_states(complete=2)
    assert await stage.count_edits() == 2


async def test_photos_of_one_burst_are_told_apart_by_their_bytes(stage: WatchStage) -> None:
    source = await stage.add_source()
    names = ["1.tif", "2.tif", "3.tif"]
    async with stage.watching():
        await stage.wait_listed(source)
        for name in names:
            put_at_noon(stage.raw / "Burst" / name, name.encode() * 100)
        first = await stage.wait_states(complete=3)
        (stage.raw / "Burst").rename(stage.raw / "Day 1")
        await wait_until(lambda: has_names(stage, *(f"Day 1/{name}" for name in names)))
        assert [one.id for one in await stage.list_photos()] == [one.id for one in first]
        # As long as the one that goes, and of the same instant: all that a listing tells.
        put_at_noon(stage.raw / ".4.tif.part", b"4.tif" * 100)
        (stage.raw / "Day 1" / "3.tif").unlink()
        (stage.raw / ".4.tif.part").rename(stage.raw / "4.tif")
        await stage.wait_states(complete=4)
    assert await stage.count_edits() == 4


async def test_what_was_not_chosen_is_not_edited_for_another_name(stage: WatchStage) -> None:
    for number in range(3):
        put_at_noon(stage.raw / "Old" / f"{number}.jpg", b"%d" % number)
    source = await stage.add_source()
    await age_files(stage, source)
    async with stage.watching():
        await stage.wait_states(backlog=3)
        (stage.raw / "Old").rename(stage.raw / "Older")
        await wait_until(lambda: has_names(stage, *(f"Older/{number}.jpg" for number in range(3))))
        put_at_noon(stage.raw / "new.jpg", b"3")
        (stage.raw / "Older" / "2.jpg").unlink()
        await stage.wait_states(backlog=3, complete=1)
    assert await stage.count_edits() == 1


async def test_a_file_that_is_taken_away_again_is_not_edited(stage: WatchStage) -> None:
    source = await stage.add_source()
    folder = open_folder(stage.house, source)
    file = put(stage.raw / "a.jpg")
    await take(stage, source)
    file.unlink()
    await settle_when_due(stage, source, folder)
    (photo,) = await stage.wait_states(skipped=1)
    assert photo.skip_code == "file_gone"
    put(file, b"back")
    async with stage.watching():
        await stage.wait_states(complete=1)


async def test_a_skipped_photo_is_looked_at_again_when_its_owner_asks(stage: WatchStage) -> None:
    source = await stage.add_source()
    folder = open_folder(stage.house, source)
    file = put(stage.raw / "a.jpg")
    put(stage.raw / "b.txt")
    await take(stage, source)
    content = file.read_bytes()
    times = file.stat()
    file.unlink()
    await settle_when_due(stage, source, folder)
    photos = await stage.wait_states(skipped=2)
    put(file, content)
    os.utime(file, ns=(times.st_atime_ns, times.st_mtime_ns))
    async with stage.house.database.begin() as session:
        assert await look_again(session, "somebody else", [one.id for one in photos]) == []
        asked = await look_again(session, stage.user.id, [one.id for one in photos])
    assert asked == [one.id for one in photos if one.name == "a.jpg"]
    async with stage.watching():
        await stage.wait_states(complete=1, skipped=1)


async def test_what_lay_there_before_waits_for_the_owners_choice(stage: WatchStage) -> None:
    for number in range(3):
        put(stage.raw / f"old {number}.jpg")
    put(stage.raw / "old.txt")
    source = await stage.add_source()
    await age_files(stage, source)
    user_id, database = stage.user.id, stage.house.database
    async with stage.watching():
        await stage.wait_states(backlog=3, skipped=1)
        await stage.wait_listed(source)
        put(stage.raw / "new.jpg")
        await stage.wait_states(backlog=3, skipped=1, complete=1)
        async with database.begin() as session:
            counted = await count_backlog(session, user_id, source.id)
            assert (counted.count, counted.left_aside, counted.is_counted) == (3, 0, True)
            assert counted.size_bytes == 3 * 24
            assert await leave_backlog(session, user_id, source.id) == 3
        await stage.wait_states(skipped=4, complete=1)
        async with database.begin() as session:
            assert (await count_backlog(session, user_id, source.id)).left_aside == 3
            assert await edit_backlog(session, user_id, source.id) == 3
        await stage.wait_states(skipped=1, complete=4)
    assert await stage.count_edits() == 4


async def test_a_paused_source_goes_on_with_what_came_meanwhile(stage: WatchStage) -> None:
    source = await stage.add_source()
    database = stage.house.database
    async with stage.watching():
        await stage.wait_listed(source)
        async with database.begin() as session:
            await pause_source(session, stage.user.id, source.id)
        put(stage.raw / "a.jpg")
        (photo,) = await stage.wait_states(seen=1)
        assert photo.complete_at is None
        async with database.begin() as session:
            await resume_source(session, stage.user.id, source.id)
        await stage.wait_states(complete=1)
        async with database.begin() as session:
            await remove_source(session, stage.user.id, source.id)
        put(stage.raw / "b.jpg")
    again = await stage.add_source()
    assert again.id == source.id
    assert [one.name for one in await stage.list_photos()] == ["a.jpg"]


async def test_a_folder_in_a_folder_can_have_a_preset_of_its_own(stage: WatchStage) -> None:
    outer = await stage.add_source("Raw", "Edited", preset="cinematic")
    inner = await stage.add_source("Raw/Portraits", "Raw/Portraits Edited", preset="portrait-pro")
    async with stage.watching():
        await stage.wait_listed(outer)
        await stage.wait_listed(inner)
        put(stage.raw / "hills.jpg")
        put(stage.raw / "deep" / "sea.jpg")
        put(stage.raw / "Portraits" / "ann.jpg")
        await stage.wait_states(complete=3)
        async with stage.house.database.begin() as session:
            changes = {"has_subfolders": False, "strength": 10}
            await change_source(session, stage.user.id, outer.id, changes)
    presets = {one.preset for one in await stage.list_edits(source_id=inner.id)}
    assert presets == {"portrait-pro"}
    assert len(await stage.list_edits(source_id=outer.id)) == 2
    put(stage.raw / "deep" / "not this.jpg")
    put(stage.raw / "this.jpg")
    async with stage.watching():
        await stage.wait_states(complete=4)
    assert {one.strength for one in await stage.list_edits(source_id=outer.id)} == {60, 10}


async def test_a_folder_that_goes_is_said_and_heals(stage: WatchStage) -> None:
    source = await stage.add_source()
    async with stage.watching():
        await stage.wait_listed(source)
        stage.raw.rename(stage.raw.with_name("Away"))
        await wait_until(lambda: has_state(stage, source.id, "broken"))
        broken = await stage.get_source(source.id)
        assert broken.problem is not None
        assert broken.problem["code"] == "folder_gone"
        stage.raw.with_name("Away").rename(stage.raw)
        put(stage.raw / "a.jpg")
        await ring(stage, source.id)
        await stage.wait_states(complete=1)
        await wait_until(lambda: has_state(stage, source.id, "active"))
    async with stage.house.database.begin() as session:
        (told,) = (await list_notifications(session, stage.user.id)).items
    assert (told.kind, told.mail) == ("source.broken", "now")


async def test_what_the_plan_has_no_units_for_waits_and_is_edited_as_it_is_then(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, database_url: str, valkey_url: str
) -> None:
    opening = open_watch_stage(
        tmp_path,
        monkeypatch.setenv,
        database_url=database_url,
        redis_url=valkey_url,
        plan="free",
    )
    async with opening as stage:
        source = await stage.add_source()
        database = stage.house.database
        async with stage.watching():
            await stage.wait_listed(source)
            for number in range(12):
                put(stage.raw / f"{number}.jpg")
            await stage.wait_states(complete=10, waiting=2)
            first, second = await stage.list_photos(state="waiting")
            put(stage.raw / first.name, b"saved anew")
            await wait_until(lambda: is_seen_anew(stage, first))
            await stage.wait_states(complete=10, waiting=2)
            async with database.begin() as session:
                await pause_source(session, stage.user.id, source.id)
        put(stage.raw / second.name, b"saved while nobody looked")
        async with database.begin() as session:
            (await session.get_one(User, stage.user.id)).plan = "creator"
            await resume_source(session, stage.user.id, source.id)
        await begin_waiting(stage.house)
        async with stage.watching():
            photos = await stage.wait_states(complete=12)
        sizes = {one.name: one.size_bytes for one in photos}
        assert (sizes[first.name], sizes[second.name]) == (10, 25)
        assert {one.photo_id for one in await stage.list_edits()} == {one.id for one in photos}
        async with database.begin() as session:
            usage = await get_usage(
                session, stage.house.plans, await session.get_one(User, stage.user.id)
            )
        assert (usage.reserved, usage.charged) == (12, 0)


def put_at_noon(path: Path, content: bytes) -> None:
    """Put a file there that was last changed at the same instant as all others of this kind."""
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".{path.name}.part")
    temporary.write_bytes(content)
    os.utime(temporary, (NOON, NOON))
    temporary.rename(path)


async def take(stage: WatchStage, source: Source) -> None:
    """List the source once and take in what is there."""
    folder = open_folder(stage.house, source)
    look = Look([seen async for seen in folder.list_raw()])
    async with stage.house.database.begin() as session:
        await take_in(session, source.id, look)


async def settle_when_due(stage: WatchStage, source: Source, folder: SourceFolder) -> None:
    """Look again at the one photo that is due next."""

    async def has_settled() -> bool:
        return await settle_photos(stage.house, source, folder) == 1

    await wait_until(has_settled)


async def is_seen_anew(stage: WatchStage, photo: Photo) -> bool:
    """Tell whether the photo's row, and no other, is that of the file's next revision."""
    (now,) = await stage.list_photos(file_key=photo.file_key)
    return now.id == photo.id and now.revision != photo.revision


async def has_names(stage: WatchStage, *keys: str) -> bool:
    return [one.file_key for one in await stage.list_photos()] == list(keys)


async def has_state(stage: WatchStage, source_id: str, state: str) -> bool:
    return (await stage.get_source(source_id)).state == state


async def age_files(stage: WatchStage, source: Source) -> None:
    """Have the source be connected long after its files came."""
    async with stage.house.database.begin() as session:
        (await session.get_one(Source, source.id)).created_at = get_now() + timedelta(hours=1)


async def ring(stage: WatchStage, source_id: str) -> None:
    async with stage.house.database.begin() as session:
        await ring_source(session, source_id)
