"""Files: the record of bytes that we keep, in Redis; the bytes themselves are in storage.

An object is doomed (due to be removed by the sweeper) from before it is written until its
record exists, and again from the moment the record goes. So whatever dies in between, no
object outlives its record for long, and no record is left without its object.
"""

from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from typing import Literal, cast

from comfyhoused.adapters.redis.client import Store
from comfyhoused.adapters.redis.scripts import Call, run_together
from comfyhoused.adapters.storage.storage import Storage, StorageUnavailable
from comfyhoused.core.files.scripts import DOOMED, SCRIPTS
from comfyhoused.kit.clock import get_now, make_instant
from comfyhoused.kit.errors import Forbidden, NotFound, Unavailable
from comfyhoused.kit.pages import InvalidCursor, Page, make_cursor, read_cursor

Purpose = Literal["input", "output"]

#: How long bytes may take to arrive before they count as abandoned.
GRACE_SECONDS = 3600


class FileNotFound(NotFound):
    """No such file, or it belongs to somebody else."""

    code = "file_not_found"
    title = "There is no such file of yours"


class StorageExhausted(Forbidden):
    """Your files take all the room that you have here. Delete some, or wait until some expire."""

    code = "storage_full"
    title = "Your storage is full"


class UploadTooSlow(Unavailable):
    """The bytes took longer than an hour to arrive and were given up."""

    code = "upload_too_slow"
    title = "The upload took too long"


class WriterReplaced(Exception):
    """Somebody else drives the job now, or it is over: its outputs are no longer ours to add."""


@dataclass(frozen=True, slots=True)
class File:
    """Bytes that we keep. Width and height are those it is shown in, None for what is no picture;
    `hash` is BLAKE3 in hex.

    `expires_at` is None for a file that stays until it is deleted; `job_id` is set on outputs.
    """

    id: str
    owner: str
    key: str
    content_type: str
    size_bytes: int
    hash: str
    width: int | None
    height: int | None
    purpose: Purpose
    created_at: datetime
    expires_at: datetime | None
    job_id: str | None


@dataclass(frozen=True, slots=True)
class FileDraft:
    """A file whose object is written, but which has no record yet."""

    id: str
    owner: str
    key: str
    content_type: str
    size_bytes: int
    hash: str
    width: int | None
    height: int | None
    purpose: Purpose
    keep_seconds: int | None = None
    job_id: str | None = None


def make_draft(file: File) -> FileDraft:
    """Return the draft from which this file was made."""
    return FileDraft(
        id=file.id,
        owner=file.owner,
        key=file.key,
        content_type=file.content_type,
        size_bytes=file.size_bytes,
        hash=file.hash,
        width=file.width,
        height=file.height,
        purpose=file.purpose,
        job_id=file.job_id,
    )


async def expect_object(store: Store, file_id: str, key: str) -> File | None:
    """Say that an object is about to be written; without a record it goes after an hour.

    Returns the file where it was kept before.
    """
    record = await SCRIPTS.run(store, "expect", file_id, key, GRACE_SECONDS * 1000)
    return _read_record(_pair(record)) if record is not None else None


async def create_file(
    store: Store,
    draft: FileDraft,
    *,
    fence: int | None = None,
    most_stored_bytes: int | None = None,
) -> File:
    """Keep an expected object, with its record; idempotent by id.

    With the fence of a job's assignment only its holder may. Raises UploadTooSlow,
    WriterReplaced, and StorageExhausted where the owner's files would be more than the most.
    """
    answer = await run_together(store, [prepare_creation(draft, fence, most_stored_bytes)])
    return read_creation(answer[0], draft)


async def check_room(store: Store, owner: str, most_stored_bytes: int | None) -> None:
    """Raise StorageExhausted where the owner has no room left, before any byte is taken."""
    if most_stored_bytes is not None:
        stored = await store.get(f"ch:1:stored:{owner}")
        if int(stored or 0) >= most_stored_bytes:
            raise _make_full(most_stored_bytes)


def _make_full(most_stored_bytes: int) -> StorageExhausted:
    return StorageExhausted(
        f"Your files may take {most_stored_bytes / 1e9:g} GB together. Delete what you do not need."
    )


def prepare_creation(
    draft: FileDraft, fence: int | None, most_stored_bytes: int | None = None
) -> Call:
    """Return the call that creates a file; see `create_file`. Idempotent."""
    fields: dict[str, str | int] = {
        "content_type": draft.content_type,
        "size_bytes": draft.size_bytes,
        "hash": draft.hash,
        "width": draft.width or 0,
        "height": draft.height or 0,
        "purpose": draft.purpose,
        "job_id": draft.job_id or "",
    }
    return SCRIPTS.prepare(
        "create",
        draft.id,
        draft.key,
        draft.owner,
        (draft.keep_seconds or 0) * 1000,
        draft.job_id or "",
        "" if fence is None else fence,
        "" if most_stored_bytes is None else most_stored_bytes,
        draft.size_bytes,
        *(part for pair in fields.items() for part in pair),
    )


def read_creation(answer: object, draft: FileDraft) -> File:
    """Return the file that was created; raises UploadTooSlow, WriterReplaced."""
    if isinstance(answer, str) and answer.startswith("full:"):
        raise _make_full(int(answer.removeprefix("full:")))
    if answer == "late":
        raise UploadTooSlow("Send the file again.")
    if answer == "stale":
        raise WriterReplaced(draft.id)
    return _check_owner(_read_record(_pair(cast(list[str], answer))), draft.owner)


async def find_file(store: Store, file_id: str) -> File | None:
    """Return the record, whoever owns it."""
    record = await store.hgetall(f"ch:1:file:{file_id}")
    return _read_record({str(name): str(value) for name, value in record.items()})


async def get_file(store: Store, owner: str, file_id: str) -> File:
    """Return the owner's file; raises FileNotFound, also where its time is over."""
    file = _check_owner(await find_file(store, file_id), owner)
    if file.expires_at is not None and file.expires_at <= get_now():
        raise FileNotFound(f"The file {file_id!r} was kept until {file.expires_at:%Y-%m-%d %H:%M}.")
    return file


async def list_files(store: Store, owner: str, *, limit: int, cursor: str | None) -> Page[File]:
    """Return a page of the owner's files, newest first; raises InvalidCursor."""
    before = f"({_read_position(cursor)}" if cursor is not None else "+"
    rows = await SCRIPTS.run(store, "list", owner, before, limit + 1)
    next_cursor = make_cursor(rows[limit - 1][0]) if len(rows) > limit else None
    found = [_read_record(_pair(record)) for _, record in rows[:limit]]
    return Page([file for file in found if file is not None], next_cursor)


async def hold_files(store: Store, file_ids: Sequence[str], until: datetime) -> None:
    """Have files stay at least until then; those that stay longer anyway are left as they are."""
    if file_ids:
        await SCRIPTS.run(store, "hold", int(until.timestamp() * 1000), *file_ids)


async def delete_file(store: Store, storage: Storage, owner: str, file_id: str) -> None:
    """Remove the owner's file: the record, then the bytes; raises FileNotFound.

    Where the bytes cannot be removed now, the sweeper does it.
    """
    key = await SCRIPTS.run(store, "forget", file_id, owner)
    if key is None:
        raise FileNotFound("It may have expired, or the id belongs to another account.")
    with suppress(StorageUnavailable):
        await remove_object(store, storage, key)


async def remove_object(store: Store, storage: Storage, key: str) -> None:
    """Remove a doomed object; raises StorageUnavailable, and it stays doomed."""
    await storage.delete(key)
    await store.zrem(DOOMED, key)


def _check_owner(file: File | None, owner: str) -> File:
    if file is None or file.owner != owner:
        raise FileNotFound("It may have expired, or the id belongs to another account.")
    return file


def _read_position(cursor: str) -> str:
    position = read_cursor(cursor)
    stamp, _, file_id = position.partition(":")
    if not (stamp.isdigit() and file_id):
        raise InvalidCursor("The cursor is not one that this listing gave out.")
    return position


def _pair(flat: Sequence[str]) -> dict[str, str]:
    return dict(zip(flat[::2], flat[1::2], strict=True))


def _read_record(record: Mapping[str, str]) -> File | None:
    if not record:
        return None
    return File(
        id=record["id"],
        owner=record["owner"],
        key=record["key"],
        content_type=record["content_type"],
        size_bytes=int(record["size_bytes"]),
        hash=record["hash"],
        width=int(record["width"]) or None,
        height=int(record["height"]) or None,
        purpose="input" if record["purpose"] == "input" else "output",
        created_at=make_instant(int(record["created_at"])),
        expires_at=make_instant(int(record["expires_at"])) if record["expires_at"] else None,
        job_id=record["job_id"] or None,
    )
