"""What a step works with: the rows as they stand, and a folder for the photo on its way."""

import asyncio
import errno
import shutil
import tempfile
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from comfyhoused.adapters.storage.storage import StorageUnavailable
from comfyhoused.creator.edits.claiming import LeaseGone
from comfyhoused.creator.house import CreatorHouse
from comfyhoused.creator.tables import Edit, Photo, Source, User
from comfyhoused.kit.errors import ComfyhouseError, Unavailable
from comfyhoused.kit.log import get_logger

log = get_logger(__name__)

_PREFIX = "edit-"
_STALE_SECONDS = 6 * 3600
_FULL = (errno.ENOSPC, errno.EDQUOT)
#: With less room than this nothing else is to blame: what decodes photos says of a write that
#: failed that the photo is damaged.
_LEAST_BYTES = 4_000_000


class ServerDiskFull(Unavailable):
    """The disk that photos pass through has no room left; they wait until the operator makes some.

    Its log says so as an error: nobody else is told.
    """

    code = "server_disk_full"
    title = "The server's disk is full"


@dataclass(frozen=True, slots=True)
class Work:
    """An edit with its photo, source and owner, as they were read."""

    edit: Edit
    photo: Photo
    source: Source
    user: User


async def read_work(session: AsyncSession, edit_id: str) -> Work:
    """Return the edit's rows; raises LeaseGone where they were erased."""
    rows = await session.execute(
        select(Edit, Photo, Source, User)
        .join(Photo, Photo.id == Edit.photo_id)
        .join(Source, Source.id == Edit.source_id)
        .join(User, User.id == Edit.user_id)
        .where(Edit.id == edit_id)
    )
    row = rows.one_or_none()
    if row is None:
        raise LeaseGone(edit_id)
    return Work(*row)


@asynccontextmanager
async def open_desk(house: CreatorHouse) -> AsyncIterator[Path]:
    """Give an empty folder on a real disk, which is removed afterwards.

    What the disk refuses within the block is raised as ServerDiskFull or StorageUnavailable: no
    photo is to blame for it.
    """
    with _blame_disk(house.spool_dir):
        folder = await asyncio.to_thread(_make_folder, house.spool_dir)
    try:
        with _blame_disk(house.spool_dir):
            yield folder
    finally:
        await asyncio.to_thread(shutil.rmtree, folder, ignore_errors=True)


async def clear_desks(house: CreatorHouse) -> int:
    """Remove the folders that killed workers have left; returns how many."""
    return await asyncio.to_thread(_clear, house.spool_dir)


@contextmanager
def _blame_disk(spool_dir: Path) -> Iterator[None]:
    try:
        yield
    except (OSError, ComfyhouseError) as error:
        if _is_full(spool_dir, error):
            log.error("the server's disk is full: photos wait until %s has room", spool_dir)
            raise ServerDiskFull("It is tried again until there is room.") from error
        if isinstance(error, OSError) and error.errno is not None:
            raise StorageUnavailable(f"The disk says: {error.strerror}.") from error
        raise


def _is_full(spool_dir: Path, error: Exception) -> bool:
    # Of other disks, those with folders of photos, their owners are told in other words.
    fault = error.__cause__ if isinstance(error, StorageUnavailable) else error
    if isinstance(fault, OSError) and fault.errno is not None:
        return fault.errno in _FULL
    if isinstance(error, Unavailable):
        return False
    with suppress(OSError):
        return shutil.disk_usage(spool_dir).free < _LEAST_BYTES
    return False


def _make_folder(parent: Path) -> Path:
    parent.mkdir(parents=True, exist_ok=True)
    return Path(tempfile.mkdtemp(prefix=_PREFIX, dir=parent))


def _clear(parent: Path) -> int:
    count = 0
    for folder in parent.glob(f"{_PREFIX}*"):
        with suppress(FileNotFoundError):
            if folder.stat().st_mtime < time.time() - _STALE_SECONDS:
                shutil.rmtree(folder, ignore_errors=True)
                count += 1
    return count
