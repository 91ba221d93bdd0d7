"""What a step works with: the rows as they stand, and a folder for the photo on its way."""

import asyncio
import shutil
import tempfile
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from comfyhoused.adapters.storage.disk import translate_errors
from comfyhoused.creator.edits.claiming import LeaseGone
from comfyhoused.creator.house import CreatorHouse
from comfyhoused.creator.tables import Edit, Photo, Source, User

_PREFIX = "edit-"
_STALE_SECONDS = 6 * 3600


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
    """Give an empty folder on a real disk, which is removed afterwards."""
    with translate_errors():
        folder = await asyncio.to_thread(_make_folder, house.spool_dir)
    try:
        yield folder
    finally:
        await asyncio.to_thread(shutil.rmtree, folder, ignore_errors=True)


async def clear_desks(house: CreatorHouse) -> int:
    """Remove the folders that killed workers have left; returns how many."""
    return await asyncio.to_thread(_clear, house.spool_dir)


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
