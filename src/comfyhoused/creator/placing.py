"""The chore that puts uploaded photos into their sources' Raw folders, each once.

Its id in the folder is stored before the first byte goes, as with results; whoever is killed over
it holds the row for a lease, and the next one goes on with the same id.
"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

from sqlalchemy import bindparam, func, select, update
from sqlalchemy.ext.asyncio import AsyncSession

from comfyhoused.adapters.postgres.database import DatabaseUnavailable
from comfyhoused.adapters.storage.disk import translate_errors, write_chunks
from comfyhoused.adapters.storage.storage import ObjectMissing
from comfyhoused.core.photos.errors import PhotoKindUnknown
from comfyhoused.core.photos.kinds import sniff_kind
from comfyhoused.core.photos.shapes import CONTENT_TYPES
from comfyhoused.creator.edits.work import ServerDiskFull, open_desk
from comfyhoused.creator.house import CreatorHouse
from comfyhoused.creator.news import tell
from comfyhoused.creator.notifications import notify
from comfyhoused.creator.sources.folder import SourceFolder
from comfyhoused.creator.sources.opening import open_folder
from comfyhoused.creator.tables import Source, Upload
from comfyhoused.creator.uploads import REMEMBERED_FOR, erase_parts, forget_upload, give_up_uploads
from comfyhoused.creator.watching.leases import ring_source
from comfyhoused.kit.errors import ComfyhouseError, Unavailable, make_problem
from comfyhoused.kit.ids import make_id
from comfyhoused.kit.log import get_logger

log = get_logger(__name__)

_LEASE = timedelta(seconds=30)
_RENEW_SECONDS = 10.0
_MOST_AT_ONCE = 4
_MOST_TRIES = 60
_FIRST_PAUSE_SECONDS = 2.0
_LONGEST_PAUSE_SECONDS = 600.0
_OVER = ("placed", "failed")
_FORGOTTEN_AT_ONCE = 200


class UploadLost(ComfyhouseError):
    """A part of it is not in our storage any more."""

    code = "upload_lost"
    title = "The photo was lost on its way"


class UploadBroke(ComfyhouseError):
    """A fault of ours stopped it; it is tried again, and given up when that was of no use."""

    code = "upload_broke"
    title = "Something broke on our side"
    retryable = True


class _HoldGone(Exception):
    """Another worker has the row."""


@dataclass(frozen=True, slots=True)
class _Held:
    upload: Upload
    source: Source
    holder: str


async def place_uploads(house: CreatorHouse, name: str) -> int:
    """Place what is whole and due, a few at a time; returns how many were tried.

    Fine to run in several processes at once; `name` is this one's.
    """
    held = await _claim(house, f"{name}/{make_id('hold', 12)}")
    await asyncio.gather(*(_place_one(house, one) for one in held))
    return len(held)


async def drop_old_uploads(house: CreatorHouse) -> int:
    """Give up what no part came of for a day, and forget what is over as long; returns how many.

    A row goes after its parts: what was cut off in between is done the next time.
    """
    is_left = (Upload.state == "receiving") & (Upload.next_try_at < func.now())
    async with house.database.begin() as session:
        await give_up_uploads(session, is_left)
    is_over = Upload.state.in_(_OVER) & (Upload.next_try_at < func.now() - REMEMBERED_FOR)
    query = select(Upload.user_id, Upload.id).where(is_over, Upload.id > bindparam("after"))
    page = query.order_by(Upload.id).limit(_FORGOTTEN_AT_ONCE)
    count, after = 0, ""
    while True:
        async with house.database.begin() as session:
            rows = (await session.execute(page, {"after": after})).all()
        if not rows:
            return count
        after = rows[-1].id
        for user_id, upload_id in rows:
            count += await forget_upload(house, user_id, upload_id)


async def _claim(house: CreatorHouse, holder: str) -> list[_Held]:
    due = (
        select(Upload.id)
        .where(Upload.state == "received", Upload.next_try_at <= func.now())
        .order_by(Upload.next_try_at)
        .limit(_MOST_AT_ONCE)
        .with_for_update(skip_locked=True)
        .cte("due")  # read once: a sub-query with a limit may be read again
    )
    until = func.now() + _LEASE
    async with house.database.begin() as session:
        ids = await session.scalars(
            update(Upload)
            .where(Upload.id == due.c.id)
            .values(lease_holder=holder, lease_until=until, next_try_at=until)
            .returning(Upload.id)
        )
        rows = await session.execute(
            select(Upload, Source)
            .join(Source, Source.id == Upload.source_id)
            .where(Upload.id.in_(ids.all()))
        )
        return [_Held(upload, source, holder) for upload, source in rows]


async def _place_one(house: CreatorHouse, held: _Held) -> None:
    try:
        async with _renewing(house, held):
            await _place(house, held)
        await erase_parts(house, held.upload.user_id, held.upload.id)
    except (_HoldGone, DatabaseUnavailable):
        return
    except ComfyhouseError as error:
        log.info("upload %s: %s (%s)", held.upload.id, error.detail, error.code)
        await _try_later(house, held, error)
    except Exception:  # the border of one upload: the others are placed all the same
        log.exception("upload %s met a fault of ours", held.upload.id)
        await _try_later(house, held, UploadBroke("We are told of it. Add the photo again."))


async def _place(house: CreatorHouse, held: _Held) -> None:
    folder = open_folder(house, held.source)
    key = held.upload.upload_key or await _take_key(house, held, folder)
    async with open_desk(house) as desk:
        path = desk / "upload"
        await _fetch_parts(house, held.upload, path)
        content_type = CONTENT_TYPES[sniff_kind(await asyncio.to_thread(_read_start, path))]
        await folder.put_raw(key, held.upload.name, content_type, path)
    async with house.database.begin() as session:
        await _change(session, held, state="placed", error=None, next_try_at=func.now())
        await ring_source(session, held.source.id)
    await _tell(house, held)


async def _take_key(house: CreatorHouse, held: _Held, folder: SourceFolder) -> str:
    key = await folder.take_key()
    async with house.database.begin() as session:
        upload = await session.get(Upload, held.upload.id, with_for_update=True)
        if upload is None or upload.lease_holder != held.holder:
            raise _HoldGone
        upload.upload_key = upload.upload_key or key
        return upload.upload_key


async def _fetch_parts(house: CreatorHouse, upload: Upload, path: Path) -> None:
    async def read() -> AsyncIterator[bytes]:
        for key in upload.parts:
            async for chunk in house.resources.storage.read(key):
                yield chunk

    with translate_errors():
        file = await asyncio.to_thread(path.open, "wb")
    with file:
        try:
            await write_chunks(file, read())
        except ObjectMissing as error:
            raise UploadLost("Add it again.") from error
        if file.tell() != upload.size_bytes:
            raise UploadLost("Add it again.")


def _read_start(path: Path) -> bytes:
    with path.open("rb") as file:
        return file.read(64)


async def _try_later(house: CreatorHouse, held: _Held, error: ComfyhouseError) -> None:
    """Note the failure; where that fails, too, the upload is due again when its lease is over."""
    try:
        await _note_failure(house, held, error)
    except (_HoldGone, DatabaseUnavailable):
        return
    except Exception:  # the border of one upload, as above
        log.exception("noting what became of upload %s met a fault of ours", held.upload.id)


async def _note_failure(house: CreatorHouse, held: _Held, error: ComfyhouseError) -> None:
    """Try it again later, or give it up where that is of no use."""
    tries = held.upload.tries + 1
    may_come_back = isinstance(error, Unavailable) or error.retryable
    is_waited_for = may_come_back or held.source.state == "reconnect"
    may_wait = tries < _MOST_TRIES or isinstance(error, ServerDiskFull)
    if is_waited_for and may_wait and not isinstance(error, PhotoKindUnknown):
        pause = min(_FIRST_PAUSE_SECONDS * 2 ** min(tries - 1, 20), _LONGEST_PAUSE_SECONDS)
        at = func.now() + timedelta(seconds=pause)
        async with house.database.begin() as session:
            await _change(session, held, tries=tries, next_try_at=at)
        return
    async with house.database.begin() as session:
        problem = dict(make_problem(error))
        await _change(session, held, state="failed", error=problem, next_try_at=func.now())
        await notify(
            session,
            held.upload.user_id,
            "upload_failed",
            f"upload_failed/{held.upload.id}",
            f"“{held.upload.name}” could not be added",
            f"{error.title}. {error.detail}",
            "/creator/add",
            mail="digest",
        )
    await erase_parts(house, held.upload.user_id, held.upload.id)
    await _tell(house, held)


async def _change(session: AsyncSession, held: _Held, **values: object) -> None:
    """Write what became of it and let go of the row; raises _HoldGone."""
    found = await session.scalar(
        update(Upload)
        .where(Upload.id == held.upload.id, Upload.lease_holder == held.holder)
        .values(lease_holder=None, lease_until=None, **values)
        .returning(Upload.id)
    )
    if found is None:
        raise _HoldGone


async def _tell(house: CreatorHouse, held: _Held) -> None:
    facts = {"id": held.upload.id}
    await tell(house.resources.store, held.upload.user_id, "upload.changed", facts)


@asynccontextmanager
async def _renewing(house: CreatorHouse, held: _Held) -> AsyncIterator[None]:
    """Keep the hold within the block."""
    renewing = asyncio.create_task(_renew(house, held))
    try:
        yield
    finally:
        renewing.cancel()
        await asyncio.gather(renewing, return_exceptions=True)


async def _renew(house: CreatorHouse, held: _Held) -> None:
    until = func.now() + _LEASE
    while True:
        await asyncio.sleep(_RENEW_SECONDS)
        with suppress(DatabaseUnavailable):
            async with house.database.begin() as session:
                await session.execute(
                    update(Upload)
                    .where(Upload.id == held.upload.id, Upload.lease_holder == held.holder)
                    .values(lease_until=until, next_try_at=until)
                )
