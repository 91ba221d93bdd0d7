"""Photos sent by a page of ours: begun once, taken in parts, resumed where they were cut off.

Each part is an object of its own in our storage, so that any API process takes the next one, and
counts as received only when the row says so: two that send the same part, or a part cut off half
way, change nothing. What is whole is put into its source's Raw folder (`placing.py`).
"""

from collections.abc import AsyncIterable, AsyncIterator, Sequence
from dataclasses import dataclass
from datetime import timedelta

from sqlalchemy import ColumnElement, delete, func, select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from comfyhoused.core.photos.kinds import sniff_kind
from comfyhoused.core.photos.naming import make_safe_name
from comfyhoused.creator.edits.pictures import make_folder
from comfyhoused.creator.house import CreatorHouse
from comfyhoused.creator.tables import Source, Upload
from comfyhoused.kit.errors import Conflict, InvalidRequest, NotFound, TooLarge, TooManyRequests
from comfyhoused.kit.ids import make_id

#: A part is sent again whole when it is cut off; of one that is too small there would be too many.
MOST_PART_BYTES = 8_000_000
LEAST_PART_BYTES = 256_000
MOST_OPEN = 200
MOST_OPEN_BYTES = 4_000_000_000
#: Since its last part.
ABANDONED_AFTER = timedelta(days=1)
REMEMBERED_FOR = timedelta(days=1)

_OPEN = ("receiving", "received")
_START_BYTES = 64
_LONGEST_ONCE = 100


class UploadNotFound(NotFound):
    """No such upload, or it is somebody else's, or it was given up."""

    code = "upload_not_found"
    title = "This upload is not known any more"


class UploadRefused(InvalidRequest):
    """What is to be uploaded, or the part that was sent, cannot be taken as it is."""

    code = "upload_refused"
    title = "This cannot be uploaded"


class PhotoBytesTooMany(TooLarge):
    """The photo, or the part of it, has more bytes than we take."""

    code = "photo_bytes_too_many"
    title = "The photo is larger than we take"


class UploadsUsedUp(TooManyRequests):
    """As many photos are on their way as one user may have at a time."""

    code = "uploads_used_up"
    title = "Too many photos are on their way"


class UploadElsewhere(Conflict):
    """The part does not begin where the last one ended; the header says where that is."""

    code = "upload_elsewhere"
    title = "The upload goes on at another place"


@dataclass(frozen=True, slots=True)
class NewUpload:
    """What a page wants to send. `once` is its own name for it: the same begins it only once."""

    once: str
    source_id: str
    name: str
    size_bytes: int


async def create_upload(house: CreatorHouse, user_id: str, new: NewUpload) -> Upload:
    """Begin an upload, or return the one that was begun with the same `once`.

    Raises UploadRefused, PhotoBytesTooMany, UploadsUsedUp, SourceUnknown as UploadRefused.
    """
    _check_new(house, new)
    values = {
        "id": make_id("upload"),
        "user_id": user_id,
        "source_id": new.source_id,
        "once": new.once,
        "name": make_safe_name(new.name),
        "size_bytes": new.size_bytes,
        "next_try_at": func.now() + ABANDONED_AFTER,
    }
    async with house.database.begin() as session:
        await _lock_user(session, user_id)
        known = await _find_by_once(session, user_id, new.once)
        if known is not None:
            return _check_same(known, new)
        await _check_source(session, user_id, new.source_id)
        await _check_room(session, user_id, new.size_bytes)
        made = await session.execute(insert(Upload).values(values).returning(Upload))
    return made.scalar_one()


async def get_upload(session: AsyncSession, user_id: str, upload_id: str) -> Upload:
    """Return a user's upload; raises UploadNotFound."""
    upload = await session.get(Upload, upload_id)
    if upload is None or upload.user_id != user_id or _is_given_up(upload):
        raise UploadNotFound("Begin it again.")
    return upload


async def list_uploads(session: AsyncSession, user_id: str) -> Sequence[Upload]:
    """Return what a user has on its way, and what has arrived in the last day, oldest first."""
    query = select(Upload).where(Upload.user_id == user_id)
    rows = await session.scalars(query.order_by(Upload.created_at, Upload.id))
    return [one for one in rows if not _is_given_up(one)]


async def take_part(
    house: CreatorHouse,
    user_id: str,
    upload_id: str,
    *,
    offset: int,
    size_bytes: int,
    chunks: AsyncIterable[bytes],
) -> Upload:
    """Take the bytes from `offset` on; what was cut off is as if it had not been sent.

    Raises UploadNotFound, UploadElsewhere, UploadRefused, PhotoBytesTooMany, PhotoKindUnknown for
    what does not begin as a photo, StorageUnavailable.
    """
    async with house.database.begin() as session:
        upload = await get_upload(session, user_id, upload_id)
    if upload.state != "receiving" and offset + size_bytes <= upload.received:
        return upload  # its last part, sent once more
    _check_part(upload, offset, size_bytes)
    key = f"{make_folder(user_id, 'uploads')}/{upload.id}/{make_id('part')}"
    storage = house.resources.storage
    stored = await storage.put(
        key,
        _check_start(chunks) if offset == 0 else chunks,
        content_type="application/octet-stream",
        max_bytes=size_bytes,
    )
    if stored.size_bytes != size_bytes:
        await storage.delete(key)
        raise UploadRefused("Fewer bytes arrived than were announced.")
    after = await _count_part(house, upload, offset, size_bytes, key)
    if after is None:
        await storage.delete(key)
        async with house.database.begin() as session:
            raise make_elsewhere(await get_upload(session, user_id, upload_id))
    return after


async def abandon_upload(house: CreatorHouse, user_id: str, upload_id: str) -> None:
    """Give up an upload that is not being placed; once more: nothing happens."""
    mine = (Upload.id == upload_id, Upload.user_id == user_id, Upload.state != "received")
    async with house.database.begin() as session:
        given_up = await give_up_uploads(session, *mine)
    if given_up:
        await forget_upload(house, user_id, upload_id)


async def give_up_uploads(session: AsyncSession, *conditions: ColumnElement[bool]) -> int:
    """Give these up: they are known to nobody any more; `forget_upload` then removes them."""
    given_up = (
        update(Upload)
        .where(*conditions)
        .values(
            state="failed",
            error=None,
            once=Upload.id,  # what a page calls it is free again
            next_try_at=func.now() - 2 * REMEMBERED_FOR,
        )
        .returning(Upload.id)
    )
    return len((await session.scalars(given_up)).all())


async def forget_upload(house: CreatorHouse, user_id: str, upload_id: str) -> bool:
    """Remove the parts of an upload that is over, and then its row; tells whether it was there."""
    await erase_parts(house, user_id, upload_id)
    gone = delete(Upload).where(Upload.id == upload_id, Upload.user_id == user_id)
    async with house.database.begin() as session:
        return (await session.scalar(gone.returning(Upload.id))) is not None


async def erase_parts(house: CreatorHouse, user_id: str, upload_id: str) -> None:
    """Remove what has arrived of it, counted or not. Idempotent."""
    folder = f"{make_folder(user_id, 'uploads')}/{upload_id}"
    keys = [key async for key in house.resources.storage.list_keys(folder)]
    for key in keys:
        await house.resources.storage.delete(key)


def make_elsewhere(upload: Upload) -> UploadElsewhere:
    """Return the error that says where the upload goes on."""
    return UploadElsewhere(
        f"{upload.received:,} of {upload.size_bytes:,} bytes have arrived.",
        headers={"Upload-Offset": str(upload.received)},
    )


def _is_given_up(upload: Upload) -> bool:
    return upload.state == "failed" and upload.error is None


def _check_new(house: CreatorHouse, new: NewUpload) -> None:
    if not 0 < len(new.once) <= _LONGEST_ONCE:
        raise UploadRefused(f"`once` has 1 to {_LONGEST_ONCE} characters.")
    if new.size_bytes <= 0:
        raise UploadRefused("The photo is empty.")
    most = house.resources.settings.http.max_upload_bytes
    if new.size_bytes > most:
        raise PhotoBytesTooMany(f"At most {most / 1e6:g} MB are taken.")


async def _lock_user(session: AsyncSession, user_id: str) -> None:
    """Let one begin after the other, so that the count below is true."""
    name = f"uploads of {user_id}"
    await session.execute(select(func.pg_advisory_xact_lock(func.hashtextextended(name, 0))))


async def _find_by_once(session: AsyncSession, user_id: str, once: str) -> Upload | None:
    query = select(Upload).where(Upload.user_id == user_id, Upload.once == once)
    return await session.scalar(query)


def _check_same(known: Upload, new: NewUpload) -> Upload:
    if (known.source_id, known.size_bytes) != (new.source_id, new.size_bytes):
        raise UploadRefused("`once` was used for another photo.")
    return known


async def _check_source(session: AsyncSession, user_id: str, source_id: str) -> None:
    source = await session.get(Source, source_id)
    if source is None or source.user_id != user_id or source.state == "removed":
        raise UploadRefused("That source is not there any more.")


async def _check_room(session: AsyncSession, user_id: str, size_bytes: int) -> None:
    query = select(func.count(), func.coalesce(func.sum(Upload.size_bytes), 0)).where(
        Upload.user_id == user_id, Upload.state.in_(_OPEN)
    )
    count, total = (await session.execute(query)).one()
    if count >= MOST_OPEN or total + size_bytes > MOST_OPEN_BYTES:
        raise UploadsUsedUp(
            f"At most {MOST_OPEN} photos, {MOST_OPEN_BYTES / 1e9:g} GB together, may be on their "
            "way at a time. Let these arrive first.",
            headers={"Retry-After": "10"},
        )


def _check_part(upload: Upload, offset: int, size_bytes: int) -> None:
    if upload.state != "receiving" or offset != upload.received:
        raise make_elsewhere(upload)
    left = upload.size_bytes - offset
    if size_bytes > left:
        raise UploadRefused(f"Only {left:,} bytes are left of it.")
    if size_bytes > MOST_PART_BYTES:
        raise PhotoBytesTooMany(f"Send at most {MOST_PART_BYTES:,} bytes at a time.")
    if size_bytes < min(LEAST_PART_BYTES, left):
        raise UploadRefused(
            f"Send at least {LEAST_PART_BYTES:,} bytes at a time, but for the last."
        )


async def _check_start(chunks: AsyncIterable[bytes]) -> AsyncIterator[bytes]:
    """Pass the chunks on, if they begin as a photo does."""
    start = b""
    is_known = False
    async for chunk in chunks:
        if is_known:
            yield chunk
            continue
        start += chunk
        if len(start) >= _START_BYTES:
            sniff_kind(start)
            is_known = True
            yield start
    if not is_known:
        sniff_kind(start)
        yield start


async def _count_part(
    house: CreatorHouse, upload: Upload, offset: int, size_bytes: int, key: str
) -> Upload | None:
    """Write into the row that the part is there; None where another was first."""
    is_last = offset + size_bytes == upload.size_bytes
    statement = (
        update(Upload)
        .where(Upload.id == upload.id, Upload.state == "receiving", Upload.received == offset)
        .values(
            received=offset + size_bytes,
            parts=Upload.parts.concat([key]),
            state="received" if is_last else "receiving",
            next_try_at=func.now() if is_last else func.now() + ABANDONED_AFTER,
        )
        .returning(Upload)
    )
    async with house.database.begin() as session:
        return await session.scalar(statement)
