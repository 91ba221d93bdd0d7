"""Our Drive client on the demo Google; every exchange is held against `drive.v3.json` too."""

import asyncio
import os
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from comfyhouse_demo.google import scopes
from comfyhouse_demo.google.answering import READ_ONLY
from comfyhoused.adapters.google import errors
from comfyhoused.adapters.google.documents import NewFile
from comfyhoused.adapters.google.drive import Drive, quote_text
from comfyhoused.adapters.google.pauses import Pauses
from tests.google import FULL_SCOPES, PER_FILE_SCOPES, SIGN_IN_SCOPES, Document, FakeGoogle
from tests.google_contract import (
    check_exchange,
    is_drive_call,
    is_output_only,
    list_methods,
    load_description,
)
from tests.google_drives import QUICK, TokenHolder, open_drive

PICTURE = bytes(range(256)) * 40


@pytest.fixture
def user(google: FakeGoogle) -> Document:
    return google.add_user(f"{os.urandom(6).hex()}@demo.example")


@pytest.fixture
async def drive(google: FakeGoogle, user: Document):
    async with open_drive(google, user) as opened:
        yield opened


async def put_small(drive: Drive, parent: str = "root", **more: str) -> NewFile:
    new = NewFile((await drive.generate_ids())[0], "a.jpg", parent, "image/jpeg", more)
    await drive.create_small(new, PICTURE)
    return new


async def test_every_call_is_one_of_googles(google: FakeGoogle, user: Document, drive: Drive):
    """One use of each method; the fixture checks what each has sent and got."""
    account = await drive.about()
    assert (account.email, account.used_bytes) == (user["email"], 0)
    token = await drive.get_start_page_token()
    ids = await drive.generate_ids(2)
    folder = await drive.create_folder(ids[0], "Raw", marks={"made_by": "us"})
    new = NewFile(ids[1], "it's.jpg", folder.id, "image/jpeg", {"comfyhouse_edit": "e1"})
    made = await drive.create_small(new, PICTURE)
    assert made.app_properties == {"comfyhouse_edit": "e1"}
    assert (made.size_bytes, made.parents, made.is_ours) == (len(PICTURE), (folder.id,), True)
    assert await drive.get_file(made.id) == made
    found = await drive.list_files(f"name = {quote_text(new.name)} and trashed = false")
    assert found.files == (made,)
    assert [one async for one in drive.list_folder(folder.id)] == [made]
    page = await drive.list_changes(token)
    assert {change.file_id for change in page.changes} == {folder.id, made.id}
    marked = await drive.update_properties(made.id, {"comfyhouse_edit": None, "b": "2"}, "b.jpg")
    assert (marked.app_properties, marked.name) == ({"b": "2"}, "b.jpg")
    assert (await drive.trash(made.id)).is_trashed
    until = datetime.now(UTC) + timedelta(hours=2)
    channel = await drive.watch_changes(
        page.next_token, "c" * 8, "secret", f"{google.url}/nowhere", until
    )
    assert abs(channel.expires_at - until) < timedelta(seconds=1)
    await drive.stop_channel(channel.id, channel.resource_id)
    await drive.stop_channel(channel.id, channel.resource_id)  # it has ended: as good
    used = set(google.check_contract())
    assert used == {
        *("drive.about.get", "drive.files.generateIds", "drive.files.create", "drive.files.get"),
        *("drive.files.list", "drive.files.update", "drive.changes.getStartPageToken"),
        *("drive.changes.list", "drive.changes.watch", "drive.channels.stop"),
    }


async def test_a_wrong_request_does_not_pass_the_check(google: FakeGoogle, drive: Drive) -> None:
    new = await put_small(drive)
    await drive.get_file(new.id)
    exchange = google.list_requests(f"/drive/v3/files/{new.id}")[0]
    check_exchange(exchange)
    wrong = [
        {"query": {**exchange["query"], "supportsTeamDrives": "true"}},
        {"query": {**exchange["query"], "fields": "id,nothing"}},
        {"query": {"fields": "id"}},
        {"body": {"name": "x"}},
        {"scopes": ["openid"]},
        {"answer": {**exchange["answer"], "size": 12}},
        {"answer": {**exchange["answer"], "modifiedTime": "yesterday"}},
        {"path": "/drive/v3/filez"},
    ]
    for change in wrong:
        with pytest.raises(AssertionError):
            check_exchange({**exchange, **change})
    made = google.list_requests("/upload/drive/v3/files")[0]
    for body in ({"size": "3"}, {"name": 3}, {"nonsense": True}):
        with pytest.raises(AssertionError):
            check_exchange({**made, "body": body})


async def test_shared_drives_are_seen_everywhere(google: FakeGoogle, user: Document, drive: Drive):
    top = google.add_shared_drive("Studio", user)
    file = google.add_file(user, "team.jpg", PICTURE, top)
    assert (await drive.get_file(file["id"])).drive_id == top
    assert [one.id async for one in drive.list_folder(top)] == [file["id"]]
    assert [one.id async for one in drive.list_folder(top, drive_id=top)] == [file["id"]]
    new = await put_small(drive, top)
    assert (await drive.get_file(new.id)).parents == (top,)


async def test_long_folders_come_in_pages(google: FakeGoogle, user: Document, drive: Drive) -> None:
    google.set_switch(page_size=2)
    token = await drive.get_start_page_token()
    files = [google.add_file(user, f"{number}.jpg", b"x") for number in range(5)]
    root = user["root"]
    assert [one.id async for one in drive.list_folder(root)] == [one["id"] for one in files]
    pages = [await drive.list_changes(token)]
    while not pages[-1].is_last:
        pages.append(await drive.list_changes(pages[-1].next_token))
    assert [len(page.changes) for page in pages] == [2, 2, 1]
    assert (await drive.list_changes(pages[-1].next_token)).changes == ()


async def test_the_feed_tells_of_bins_moves_and_losses(
    google: FakeGoogle, user: Document, drive: Drive
) -> None:
    folder = google.add_folder(user, "Raw")
    file = google.add_file(user, "a.jpg", PICTURE)
    token = await drive.get_start_page_token()
    google.change(file["id"], parent=folder["id"])
    [change] = (await drive.list_changes(token)).changes
    assert change.file is not None
    assert change.file.parents == (folder["id"],)
    google.change(folder["id"], trashed=True)
    binned = {one.file_id: one.file for one in (await drive.list_changes(token)).changes}
    assert all(one is not None and one.is_trashed for one in binned.values())
    google.change(file["id"], gone=True)
    gone = {one.file_id: one.file for one in (await drive.list_changes(token)).changes}
    assert gone[file["id"]] is None


async def test_a_new_revision_shows(google: FakeGoogle, user: Document, drive: Drive) -> None:
    empty = await drive.get_file(google.add_file(user, "grows.jpg", b"")["id"])
    assert (empty.size_bytes, bool(empty.revision)) == (0, True)
    google.replace(empty.id, b"more")
    grown = await drive.get_file(empty.id)
    assert grown.size_bytes == 4
    assert grown.revision != empty.revision
    google.change(empty.id, overrides={"md5Checksum": None, "sha256Checksum": None})
    assert (await drive.get_file(empty.id)).md5 == ""


async def test_shortcuts_name_their_target(google: FakeGoogle, user: Document, drive: Drive):
    file = google.add_file(user, "a.jpg", PICTURE)
    shortcut = await drive.get_file(google.add_shortcut(user, "to a", file["id"])["id"])
    assert shortcut.is_shortcut
    assert (shortcut.shortcut_to, shortcut.shortcut_mime_type) == (file["id"], "image/jpeg")


async def test_an_app_of_single_files_sees_only_its_own(google: FakeGoogle, user: Document):
    dropped = google.add_file(user, "by hand.jpg", PICTURE)
    async with open_drive(google, user, PER_FILE_SCOPES) as drive:
        token = await drive.get_start_page_token()
        with pytest.raises(errors.DriveFileMissing):
            await drive.get_file(dropped["id"])
        folder = await drive.create_folder((await drive.generate_ids())[0], "Raw")
        own = await put_small(drive, folder.id)
        inside = google.add_file(user, "dropped in.jpg", PICTURE, folder.id)
        assert [one.id async for one in drive.list_folder(folder.id)] == [own.id]
        changed = {one.file_id for one in (await drive.list_changes(token)).changes}
        assert changed == {folder.id, own.id}
        google.change(inside["id"], given=True)
        assert (await drive.get_file(inside["id"])).is_ours


async def test_without_the_scope_nothing_is_told(google: FakeGoogle, user: Document) -> None:
    async with open_drive(google, user, SIGN_IN_SCOPES) as drive:
        with pytest.raises(errors.DriveScopeMissing):
            await drive.about()


# Downloads


async def test_a_download_is_byte_for_byte(
    google: FakeGoogle, user: Document, drive: Drive, tmp_path: Path
) -> None:
    content = os.urandom(3_000_000)
    file = await drive.get_file(google.add_file(user, "a.heic", content, mime="image/heic")["id"])
    await drive.download(file, tmp_path / "a")
    assert (tmp_path / "a").read_bytes() == content
    empty = await drive.get_file(google.add_file(user, "0.jpg", b"")["id"])
    await drive.download(empty, tmp_path / "0")
    assert (tmp_path / "0").read_bytes() == b""


async def test_a_broken_download_goes_on_where_it_broke(
    google: FakeGoogle, user: Document, drive: Drive, tmp_path: Path
) -> None:
    content = os.urandom(2_000_000)
    file = await drive.get_file(google.add_file(user, "a.jpg", content)["id"])
    google.plan_fault("alt=media", action="cut", cut_bytes=700_000, times=2)
    await drive.download(file, tmp_path / "a")
    assert (tmp_path / "a").read_bytes() == content
    ranges = [one["headers"].get("Range") for one in google.list_requests() if _is_media(one)]
    assert len(ranges) == 3
    assert ranges[0] is None
    assert None not in ranges[1:]


async def test_a_file_that_changed_meanwhile_is_not_mixed(
    google: FakeGoogle, user: Document, drive: Drive, tmp_path: Path
) -> None:
    file = await drive.get_file(google.add_file(user, "a.jpg", b"a" * 1000)["id"])
    for other in (b"b" * 1000, b"b" * 10, b"b" * 5000):
        google.replace(file.id, other)
        with pytest.raises(errors.DriveFileChanged):
            await drive.download(file, tmp_path / "a")


async def test_a_wrong_checksum_of_googles_is_no_failure(
    google: FakeGoogle, user: Document, drive: Drive, tmp_path: Path
) -> None:
    made = google.add_file(user, "born elsewhere.jpg", PICTURE)
    google.change(made["id"], overrides={"md5Checksum": "0" * 32})
    await drive.download(await drive.get_file(made["id"]), tmp_path / "a")
    assert (tmp_path / "a").read_bytes() == PICTURE


# Refusals


@pytest.mark.parametrize(
    ("status", "reason", "kind"),
    [
        (403, "storageQuotaExceeded", errors.DriveFull),
        (403, "appNotAuthorizedToFile", errors.DriveNotGranted),
        (403, "insufficientFilePermissions", errors.DriveForbidden),
        (403, "domainPolicy", errors.DrivePolicyForbids),
        (403, "cannotDownloadAbusiveFile", errors.DriveAbusive),
        (403, "accessNotConfigured", errors.DriveNotEnabled),
        (403, "somethingNew", errors.DriveForbidden),
        (404, "notFound", errors.DriveFileMissing),
        (400, "badRequest", errors.DriveRefused),
    ],
)
async def test_what_a_wait_does_not_help_is_not_tried_again(
    google: FakeGoogle, drive: Drive, status: int, reason: str, kind: type[Exception]
) -> None:
    google.plan_fault("/files/x", status=status, reason=reason, times=9)
    with pytest.raises(kind) as caught:
        await drive.get_file("x")
    assert isinstance(caught.value, errors.DriveFault)
    assert caught.value.reason == reason
    assert google.list_faults()[0]["hits"] == 1


@pytest.mark.parametrize(
    ("status", "reason"),
    [
        (403, "userRateLimitExceeded"),
        (403, "rateLimitExceeded"),
        (429, "rateLimitExceeded"),
        (500, "internalError"),
        (503, "backendError"),
    ],
)
async def test_what_passes_is_tried_again(
    google: FakeGoogle, drive: Drive, status: int, reason: str
) -> None:
    google.plan_fault("/about", status=status, reason=reason, times=3)
    assert (await drive.about()).used_bytes == 0
    google.plan_fault("/about", status=status, reason=reason, times=9)
    with pytest.raises((errors.DriveBusy, errors.DriveUnreachable)):
        await drive.about()
    assert [one["hits"] for one in google.list_faults()] == [3, QUICK.tries]


async def test_a_long_wait_is_left_to_whoever_plans(google: FakeGoogle, drive: Drive) -> None:
    google.plan_fault("/about", status=429, reason="rateLimitExceeded", retry_after="120")
    with pytest.raises(errors.DriveBusy) as caught:
        await drive.about()
    assert caught.value.retry_after_seconds == 120
    google.plan_fault("/about", status=403, reason="downloadQuotaExceeded")
    with pytest.raises(errors.DriveBusy) as caught:
        await drive.about()
    assert caught.value.retry_after_seconds == 3600
    assert [one["hits"] for one in google.list_faults()] == [1, 1]


async def test_a_lost_connection_is_tried_again(google: FakeGoogle, drive: Drive) -> None:
    google.plan_fault("/about", action="drop", times=2)
    google.plan_fault("/generateIds", action="lose", times=2)
    assert (await drive.about()).used_bytes == 0
    assert len(await drive.generate_ids(7)) == 7


async def test_a_channel_that_may_be_open_is_not_opened_twice(
    google: FakeGoogle, drive: Drive
) -> None:
    token = await drive.get_start_page_token()
    google.plan_fault("/changes/watch", action="lose")
    until = datetime.now(UTC) + timedelta(hours=1)
    with pytest.raises(errors.DriveUnreachable):
        await drive.watch_changes(token, "channel-one", "t", f"{google.url}/nowhere", until)
    assert len(google.list_requests("/drive/v3/changes/watch")) == 1


@pytest.mark.parametrize("token", ["nonsense", "999999999"])
async def test_a_page_token_that_is_none_says_so(
    google: FakeGoogle, drive: Drive, token: str
) -> None:
    with pytest.raises(errors.PageTokenInvalid):
        await drive.list_changes(token)
    google.plan_fault("/changes", status=410, reason="fullSyncRequired")
    with pytest.raises(errors.PageTokenInvalid):
        await drive.list_changes("1")


async def test_nobody_there_is_unreachable(google: FakeGoogle, user: Document) -> None:
    holder = TokenHolder(google, user)
    async with open_drive(google, user, holder=holder, pauses=Pauses(tries=1)) as drive:
        google.plan_fault("/about", action="drop", times=9)
        with pytest.raises(errors.DriveUnreachable):
            await drive.about()


# Tokens


async def test_an_old_token_is_renewed_once_and_the_call_made_again(
    google: FakeGoogle, user: Document
) -> None:
    holder = TokenHolder(google, user)
    async with open_drive(google, user, holder=holder) as drive:
        await drive.about()
        google.expire(user)
        await asyncio.gather(*(drive.about() for _ in range(50)))
        assert holder.fresh >= 1
        refused = [one for one in google.list_requests("/drive/v3/about") if one["status"] == 401]
        assert len(refused) <= 50
        google.plan_fault("/about", status=401, reason="authError", times=2)
        with pytest.raises(errors.DriveSignedOut):
            await drive.about()


async def test_a_token_that_another_has_fetched_is_taken(google: FakeGoogle, user: Document):
    holder = TokenHolder(google, user)
    async with open_drive(google, user, holder=holder) as drive:
        await drive.about()
        before = holder.token
        google.expire(user)
        renewed = google.allow(user, FULL_SCOPES)["access_token"]

        async def get_token(*, fresh: bool = False) -> str:
            holder.fresh += fresh
            told.append(fresh)
            return before if len(told) == 1 else renewed

        told: list[bool] = []
        async with open_drive(google, user, holder=get_token) as other:  # type: ignore[arg-type]
            await other.about()
        assert told == [False, False]


def test_the_demo_asks_for_the_scopes_that_google_asks_for() -> None:
    """Of those that the demo knows at all, each call takes the ones that Google takes."""
    known = set(scopes.WORDS)
    takes = {method["id"]: known & set(method["scopes"]) for method in list_methods()}
    assert takes["drive.files.create"] == scopes.WRITES
    assert takes["drive.files.generateIds"] == scopes.WRITES
    assert takes["drive.files.delete"] == scopes.WRITES
    assert takes["drive.files.update"] == scopes.CHANGES
    assert takes["drive.files.get"] == takes["drive.files.list"] == scopes.READS
    assert takes["drive.changes.list"] == takes["drive.changes.watch"] == scopes.READS
    assert takes["drive.about.get"] == takes["drive.channels.stop"] == scopes.READS


def test_the_demo_refuses_what_only_google_writes() -> None:
    properties = load_description()["schemas"]["File"]["properties"]
    said = {name for name, described in properties.items() if is_output_only(described)}
    assert said - READ_ONLY == set()


def _is_media(exchange: Document) -> bool:
    return is_drive_call(exchange) and exchange["query"].get("alt") == "media"
