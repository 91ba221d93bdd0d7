"""A folder on a disk: written once and whole, and nothing outside of it is read or written."""

import asyncio
import errno
import os
from contextlib import suppress
from pathlib import Path

import pytest

from comfyhoused.adapters.postgres.database import Database
from comfyhoused.creator.sources.beneath import (
    DiskAway,
    DiskFull,
    PathRefused,
    make_disk_fault,
    open_folder_beneath,
)
from comfyhoused.creator.sources.folder import FileGone, FolderGone, SeenFile
from comfyhoused.creator.sources.local import LocalFolder
from comfyhoused.creator.sources.local_choice import (
    check_theirs,
    list_folders,
    make_folders,
    suggest_edited,
)
from comfyhoused.creator.sources.local_listing import is_ignored
from comfyhoused.kit.errors import ComfyhouseError, Unavailable
from tests.creator_sign_in import create_user
from tests.small_disk import mount_small_disk

EMAIL = "ada@example.com"


@pytest.fixture
async def folder(tmp_path: Path, database: Database) -> LocalFolder:
    user = await create_user(database, EMAIL)
    root = tmp_path / "photos"
    (root / EMAIL / "Raw").mkdir(parents=True)
    return LocalFolder(database, user.id, root, f"{EMAIL}/Raw", f"{EMAIL}/Edited")


@pytest.fixture
def result(tmp_path: Path) -> Path:
    path = tmp_path / "result"
    path.write_bytes(b"a finished picture")
    return path


def list_all(folder: LocalFolder) -> list[str]:
    """Return every file below Edited, hidden ones too."""
    edited = folder.root / folder.edited
    return sorted(str(one.relative_to(edited)) for one in edited.rglob("*") if one.is_file())


async def put(folder: LocalFolder, key: str, content: Path, name: str = "a.jpg") -> str:
    placed = await folder.put_edited(key, "Day 1", name, "image/jpeg", content, "edit_1")
    return placed.key.removeprefix(f"{folder.edited}/")


async def test_the_same_key_puts_one_file(folder: LocalFolder, result: Path) -> None:
    async def insist() -> str:
        """As the step that delivers does it: a try whose half file another has cleared is over."""
        while True:
            with suppress(DiskAway):
                return await put(folder, "put_1", result)

    places = await asyncio.gather(*(insist() for _ in range(5)))
    again = await put(folder, "put_1", result)
    assert {*places, again} == {"Day 1/a.jpg"}
    assert list_all(folder) == ["Day 1/a.jpg"]
    assert (folder.root / folder.edited / "Day 1/a.jpg").read_bytes() == result.read_bytes()


async def test_names_that_are_taken_get_a_number(folder: LocalFolder, result: Path) -> None:
    theirs = folder.root / folder.edited / "Day 1" / "a.jpg"
    theirs.parent.mkdir(parents=True)
    theirs.write_bytes(b"theirs")
    keys = [f"put_{number}" for number in range(4)]
    places = await asyncio.gather(*(put(folder, key, result) for key in keys))
    assert sorted(places) == [f"Day 1/a ({number}).jpg" for number in range(2, 6)]
    assert theirs.read_bytes() == b"theirs"
    assert len(list_all(folder)) == 5


async def test_a_name_that_is_taken_at_the_last_moment_is_left_alone(
    folder: LocalFolder, result: Path
) -> None:
    place = folder.root / folder.edited / "Day 1" / "a.jpg"
    assert await put(folder, "put_1", result) == "Day 1/a.jpg"
    place.write_bytes(b"somebody's own, under the name that was ours")
    assert await put(folder, "put_1", result) == "Day 1/a (2).jpg"
    assert place.read_bytes() == b"somebody's own, under the name that was ours"


async def test_a_try_that_was_cut_off_leaves_nothing(folder: LocalFolder, result: Path) -> None:
    left = folder.root / folder.edited / "Day 1" / ".comfyhouse-put_1-0a1b2c3d.part"
    left.parent.mkdir(parents=True)
    left.write_bytes(b"half")
    await put(folder, "put_1", result)
    assert list_all(folder) == ["Day 1/a.jpg"]


async def test_names_of_any_script_and_length_are_kept_or_shortened(
    folder: LocalFolder, result: Path
) -> None:
    assert await put(folder, "put_1", result, "Straße – 写真.jpg") == "Day 1/Straße – 写真.jpg"
    long = await put(folder, "put_2", result, f"{'写' * 200}.jpg")
    assert long.endswith("写.jpg")
    assert len(Path(long).name.encode()) <= 255
    assert await put(folder, "put_3", result, "../../evil\n.jpg") == "Day 1/-..-evil.jpg"


async def test_nothing_is_written_where_raw_is_not_mounted(
    folder: LocalFolder, result: Path
) -> None:
    (folder.root / folder.raw).rmdir()
    with pytest.raises(DiskAway):
        await put(folder, "put_1", result)
    assert not (folder.root / folder.edited).exists()


@pytest.mark.parametrize(
    ("number", "error"),
    [(errno.ENOSPC, DiskFull), (errno.EDQUOT, DiskFull), (errno.EIO, DiskAway)],
)
def test_a_full_disk_is_given_up_and_a_failing_one_tried_again(
    number: int, error: type[ComfyhouseError]
) -> None:
    fault = make_disk_fault("The photo cannot be written", OSError(number, "why"))
    assert type(fault) is error
    assert isinstance(fault, Unavailable) is (error is DiskAway)
    assert fault.retryable is (error is DiskAway)


async def test_a_picture_that_finds_no_room_leaves_nothing_and_is_put_when_there_is_some(
    folder: LocalFolder, tmp_path: Path
) -> None:
    large = tmp_path / "large"
    large.write_bytes(b"x" * 200_000)
    edited = folder.root / folder.edited
    with mount_small_disk(edited, 256 * 1024):
        filler = edited / "theirs.bin"
        filler.write_bytes(b"y" * 150_000)
        with pytest.raises(DiskFull):
            await put(folder, "put_1", large)
        assert list_all(folder) == ["theirs.bin"]
        filler.unlink()
        assert await put(folder, "put_1", large) == "Day 1/a.jpg"
        assert list_all(folder) == ["Day 1/a.jpg"]


@pytest.mark.parametrize("path", ["..", "a/../../b", "/etc", "a//b", "a/./b", "a\0b"])
def test_paths_that_lead_out_are_refused(tmp_path: Path, path: str) -> None:
    with pytest.raises(PathRefused), open_folder_beneath(tmp_path, path):
        pass


async def test_links_are_never_followed(folder: LocalFolder, result: Path, tmp_path: Path) -> None:
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "theirs.jpg").write_bytes(b"secret")
    raw = folder.root / folder.raw
    (raw / "folder").symlink_to(outside)
    (raw / "file.jpg").symlink_to(outside / "theirs.jpg")
    assert {one.key: one.obstacle async for one in folder.list_raw()} == {
        "folder": "link",
        "file.jpg": "link",
    }
    for key in ("file.jpg", "folder/theirs.jpg", "../../../outside/theirs.jpg"):
        with pytest.raises((FileGone, PathRefused)):
            await folder.look(key)
    (folder.root / folder.edited).symlink_to(outside)
    with pytest.raises(FolderGone):
        await folder.put_edited("put_1", "", "a.jpg", "image/jpeg", result, "edit_1")
    assert [one.name for one in outside.iterdir()] == ["theirs.jpg"]


async def test_exactly_the_version_that_was_seen_is_fetched(
    folder: LocalFolder, tmp_path: Path
) -> None:
    file = folder.root / folder.raw / "a.jpg"
    file.write_bytes(b"first")
    seen = await folder.look("a.jpg")
    target = tmp_path / "fetched"
    await folder.fetch(seen, target)
    assert target.read_bytes() == b"first"
    file.write_bytes(b"second")
    with pytest.raises(FileGone):
        await folder.fetch(seen, target)
    with pytest.raises(FileGone):
        await folder.fetch(SeenFile("none.jpg", "1-1", "none.jpg", 1), target)


async def test_a_photo_from_our_page_is_put_into_raw_and_is_no_result(
    folder: LocalFolder, result: Path
) -> None:
    for _ in range(2):
        await folder.put_raw("put_9", "phone.jpg", "image/jpeg", result)
    (seen,) = [one async for one in folder.list_raw()]
    assert (seen.name, dict(seen.marks)) == ("phone.jpg", {})


def test_a_user_sees_and_chooses_only_what_has_their_name(tmp_path: Path) -> None:
    for name in ("Ada@Example.com/Wedding/Day 1", "bob@example.com/Raw", "Everybody/Raw"):
        (tmp_path / name).mkdir(parents=True)
    (tmp_path / "Ada@Example.com" / ".hidden").mkdir()
    (tmp_path / "Ada@Example.com" / "to bob").symlink_to(tmp_path / "bob@example.com")
    theirs = list_folders(tmp_path, EMAIL)
    assert theirs == ["Ada@Example.com/Wedding", "Ada@Example.com/Wedding/Day 1"]
    assert suggest_edited(theirs[0]) == "Ada@Example.com/Wedding Edited"
    assert suggest_edited("a@b.c/Raw") == "a@b.c/Edited"
    for other in ("bob@example.com/Raw", "Everybody/Raw", "Ada@Example.com", ".."):
        with pytest.raises(PathRefused):
            check_theirs(tmp_path, EMAIL, other)
    make_folders(tmp_path, "eve@example.com", "eve@example.com/Raw", "eve@example.com/Edited")
    assert list_folders(tmp_path, "eve@example.com") == [
        "eve@example.com/Edited",
        "eve@example.com/Raw",
    ]
    with pytest.raises(PathRefused):
        list_folders(tmp_path, "../bob@example.com")


@pytest.mark.parametrize(
    ("name", "ignored"),
    [
        (".DS_Store", True),
        ("IMG_1.jpg.part", True),
        (".IMG_1.jpg.x3Yz", True),
        ("IMG_1.jpg~", True),
        ("desktop.ini", True),
        ("partial.jpg", False),
        ("tmp.jpg", False),
    ],
)
def test_what_copy_programs_leave_is_ignored(name: str, ignored: bool) -> None:
    assert is_ignored(name) is ignored


async def test_a_disk_that_stands_still_holds_nothing_else_up(
    folder: LocalFolder, tmp_path: Path
) -> None:
    (folder.root / folder.raw / "a.jpg").write_bytes(b"a photo")
    seen = await folder.look("a.jpg")
    # A pipe that nobody reads: opening it waits, as every call to a network disk that is away does.
    pipes = [tmp_path / f"pipe {number}" for number in range(40)]
    for pipe in pipes:
        os.mkfifo(pipe)
    stuck = [asyncio.create_task(folder.fetch(seen, pipe)) for pipe in pipes]
    try:
        await asyncio.sleep(0)
        assert await asyncio.wait_for(asyncio.to_thread(lambda: "done"), 20) == "done"
    finally:
        readers = [os.open(pipe, os.O_RDWR) for pipe in pipes]
        await asyncio.gather(*stuck, return_exceptions=True)
        for reader in readers:
            os.close(reader)
