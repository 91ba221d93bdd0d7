"""Putting a file into Drive exactly once: lost answers, broken connections, kills, restarts."""

import asyncio
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from comfyhoused.adapters.google import errors
from comfyhoused.adapters.google.documents import NewFile
from comfyhoused.adapters.google.drive import Drive
from tests.google import Document, FakeGoogle
from tests.google_drives import open_drive
from tests.waiting import wait_until

LARGE = 16 * 1024 * 1024 + 17  # three chunks
MARK = {"comfyhouse_edit": "edit_1"}


@pytest.fixture
def user(google: FakeGoogle) -> Document:
    return google.add_user(f"{os.urandom(6).hex()}@demo.example")


@pytest.fixture
async def drive(google: FakeGoogle, user: Document):
    async with open_drive(google, user) as opened:
        yield opened


@pytest.fixture
def large(tmp_path: Path) -> Path:
    path = tmp_path / "large.tif"
    path.write_bytes(os.urandom(LARGE))
    return path


@pytest.fixture
def small(tmp_path: Path) -> Path:
    path = tmp_path / "small.jpg"
    path.write_bytes(os.urandom(40_000))
    return path


async def make_new(drive: Drive, marks: dict[str, str] | None = None) -> NewFile:
    [file_id] = await drive.generate_ids()
    return NewFile(file_id, "edited.jpg", "root", "image/jpeg", MARK if marks is None else marks)


def check_once(google: FakeGoogle, user: Document, new: NewFile, content: Path) -> None:
    [file] = google.list_files(user, user["root"])
    assert file["id"] == new.id
    assert google.read(new.id) == content.read_bytes()


@pytest.mark.parametrize("action", ["drop", "lose", "refuse"])
async def test_a_small_file_is_there_once(
    google: FakeGoogle, user: Document, drive: Drive, small: Path, action: str
) -> None:
    google.plan_fault("/upload/", action=action, times=2)
    new = await make_new(drive)
    made = await drive.upload(new, small)
    assert made.id == new.id
    assert (await drive.upload(new, small)).md5 == made.md5
    check_once(google, user, new, small)


async def test_an_empty_file_is_there_once(
    google: FakeGoogle, user: Document, drive: Drive, tmp_path: Path
) -> None:
    empty = tmp_path / "empty"
    empty.touch()
    new = await make_new(drive)
    await drive.upload(new, empty)
    check_once(google, user, new, empty)


@pytest.mark.parametrize(
    ("action", "skip"), [("drop", 0), ("lose", 1), ("refuse", 1), ("drop", 2), ("lose", 2)]
)
async def test_a_large_file_is_there_once_whichever_answer_is_lost(
    google: FakeGoogle, user: Document, drive: Drive, large: Path, action: str, skip: int
) -> None:
    """Chunks 0, 1 and 2 (the last one, which makes the file) fail in each way."""
    new = await make_new(drive)
    google.plan_fault("/upload/", method="PUT", action=action, skip=skip)
    await drive.upload(new, large)
    check_once(google, user, new, large)
    spans = [one["headers"]["Content-Range"] for one in google.list_requests("/upload/", "PUT")]
    assert sum(span.startswith("bytes */") for span in spans) == 1


async def test_a_lost_beginning_begins_again(
    google: FakeGoogle, user: Document, drive: Drive, large: Path
) -> None:
    google.plan_fault("/upload/", method="POST", action="lose")
    new = await make_new(drive)
    await drive.upload(new, large)
    check_once(google, user, new, large)


async def test_an_upload_that_google_forgot_begins_anew(
    google: FakeGoogle, user: Document, drive: Drive, large: Path
) -> None:
    new = await make_new(drive)
    google.plan_fault("/upload/", method="PUT", skip=1, status=404, reason="notFound")
    await drive.upload(new, large)
    check_once(google, user, new, large)
    session_url = await drive.begin_upload(await make_new(drive), LARGE)
    assert (await drive.ask_position(session_url, LARGE)).position == 0
    google.forget_uploads()
    with pytest.raises(errors.UploadLost):
        await drive.ask_position(session_url, LARGE)


async def test_a_wrong_offset_is_no_endless_story(google: FakeGoogle, drive: Drive) -> None:
    """503 for a gap: Google is asked how far it is, never sent the same again and again."""
    session_url = await drive.begin_upload(await make_new(drive), LARGE)
    step = bytes(256 * 1024)
    with pytest.raises(errors.DriveUnreachable):
        await drive.put_chunk(session_url, step, len(step), LARGE)
    assert len(google.list_requests("/upload/", "PUT")) == 1
    assert (await drive.put_chunk(session_url, step, 0, LARGE)).position == len(step)
    with pytest.raises(ValueError, match="no multiple"):
        await drive.put_chunk(session_url, b"odd", len(step), LARGE)


async def test_the_token_goes_to_no_other_server(google: FakeGoogle, drive: Drive) -> None:
    with pytest.raises(errors.DriveUnreachable, match="another server"):
        await drive.ask_position("http://127.0.0.2:9/upload/drive/v3/files?upload_id=x", LARGE)
    assert google.list_requests("/upload/") == []


async def test_another_file_with_our_id_is_not_ours(
    google: FakeGoogle, user: Document, drive: Drive, small: Path, tmp_path: Path
) -> None:
    new = await make_new(drive)
    await drive.upload(new, small)
    other = NewFile(new.id, new.name, new.parent, new.mime_type, {"comfyhouse_edit": "edit_2"})
    with pytest.raises(errors.DriveIdTaken):
        await drive.upload(other, small)
    unmarked = await make_new(drive, marks={})
    await drive.upload(unmarked, small)
    await drive.upload(unmarked, small)
    (tmp_path / "different").write_bytes(b"different")
    with pytest.raises(errors.DriveIdTaken):
        await drive.upload(unmarked, tmp_path / "different")
    assert len(google.list_files(user, user["root"])) == 2


async def test_a_folder_is_made_once(google: FakeGoogle, user: Document, drive: Drive) -> None:
    [file_id] = await drive.generate_ids()
    google.plan_fault("/drive/v3/files", method="POST", action="lose")
    made = await drive.create_folder(file_id, "Edited")
    assert (await drive.create_folder(file_id, "Edited")).id == made.id == file_id
    assert len(google.list_files(user, user["root"])) == 1


async def test_no_room_says_so(google: FakeGoogle, large: Path, small: Path) -> None:
    poor = google.add_user(f"{os.urandom(6).hex()}@demo.example", quota_bytes=50_000)
    async with open_drive(google, poor) as drive:
        await drive.upload(await make_new(drive), small)
        for content in (small, large):
            with pytest.raises(errors.DriveFull):
                await drive.upload(await make_new(drive), content)


async def test_marks_beyond_googles_limits_are_refused(google: FakeGoogle, drive: Drive) -> None:
    [file_id] = await drive.generate_ids()
    longest = {"k" * 24: "v" * 100}
    made = await drive.create_folder(file_id, "Marked", marks=longest)
    assert made.app_properties == longest
    with pytest.raises(errors.DriveRefused):
        await drive.update_properties(file_id, {"k": "v" * 124})
    with pytest.raises(errors.DriveRefused):
        await drive.update_properties(file_id, {f"k{number}": "v" for number in range(30)})


async def test_an_id_that_was_not_taken_before_is_refused(drive: Drive, small: Path) -> None:
    with pytest.raises(errors.DriveRefused):
        await drive.upload(NewFile("1invented", "a.jpg", "root", "image/jpeg"), small)


async def test_whoever_is_stopped_anywhere_leaves_one_file(
    google: FakeGoogle, user: Document, drive: Drive, large: Path
) -> None:
    """The upload is cut off after each of its requests in turn, and taken up again."""
    new = await make_new(drive)
    for asked in range(1, 7):
        before = len(google.list_requests("/upload/"))
        task = asyncio.create_task(drive.upload(new, large))
        await wait_until(
            lambda wanted=before + asked, task=task: (
                task.done() or len(google.list_requests("/upload/")) >= wanted
            )
        )
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
    assert (await drive.upload(new, large)).id == new.id
    check_once(google, user, new, large)


_UPLOADER = """
import asyncio, sys
from pathlib import Path
import httpx
from comfyhoused.adapters.google.documents import NewFile
from comfyhoused.adapters.google.drive import Drive

async def main(url, token, file_id, content):
    async def get_token(*, fresh=False):
        return token
    async with httpx.AsyncClient(trust_env=False) as http:
        new = NewFile(file_id, "edited.jpg", "root", "image/jpeg", {"comfyhouse_edit": "edit_1"})
        await Drive(http, get_token, url).upload(new, Path(content))

asyncio.run(main(*sys.argv[1:]))
"""


async def test_a_killed_process_leaves_one_file(
    google: FakeGoogle, user: Document, drive: Drive, large: Path
) -> None:
    new = await make_new(drive)
    token = google.allow(user)["access_token"]
    command = [sys.executable, "-c", _UPLOADER, google.url, token, new.id, str(large)]
    for killed_after in (2, 4):
        google.forget_requests()
        process = subprocess.Popen(command)
        await wait_until(
            lambda process=process, wanted=killed_after: (
                process.poll() is not None or len(google.list_requests("/upload/")) >= wanted
            )
        )
        process.send_signal(signal.SIGKILL)
        process.wait()
    subprocess.run(command, check=True)
    check_once(google, user, new, large)


async def test_google_may_be_killed_too(tmp_path: Path, started: list, large: Path) -> None:
    """What it has answered it still has: files, tokens, the feed and the upload under way."""
    google = FakeGoogle(tmp_path / "google")
    started.append(google)
    google.start()
    user = google.add_user()
    async with open_drive(google, user) as drive:
        token = await drive.get_start_page_token()
        new = await make_new(drive)
        chunk = 8 * 1024 * 1024
        session_url = await drive.begin_upload(new, LARGE)
        content = large.read_bytes()
        await drive.put_chunk(session_url, content[:chunk], 0, LARGE)
        google.kill()
        google.start()
        progress = await drive.ask_position(session_url, LARGE)
        assert progress.position == chunk
        done = await drive.put_chunk(session_url, content[chunk:], chunk, LARGE)
        assert done.file is not None
        check_once(google, user, new, large)
        [change] = (await drive.list_changes(token)).changes
        assert change.file_id == new.id
    google.check_contract()
