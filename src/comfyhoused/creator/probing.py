"""What a connected Drive is good for, found out by trying and said as it is.

`full`: we see whatever is put into a folder, by whomever. `per_file`: we see only what came through
us, or was picked for us. What Google says about folders and `drive.file` is contradictory, so that
nothing is concluded from a permission alone: a file that we have neither made nor were given is the
proof.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from sqlalchemy import select, update
from sqlalchemy.ext.asyncio import AsyncSession

from comfyhoused.adapters.google.documents import DriveFile
from comfyhoused.adapters.google.errors import DriveFault
from comfyhoused.adapters.google.grants import DRIVE
from comfyhoused.creator.house import CreatorHouse
from comfyhoused.creator.sources.folder import MARK
from comfyhoused.creator.sources.opening import open_drive, open_drive_folder
from comfyhoused.creator.sources.sources import get_source
from comfyhoused.creator.tables import Connection, Photo, Placement, Source
from comfyhoused.kit.errors import Unavailable

Mode = Literal["full", "per_file"]

_LOOKED_AT = 100
_MOST_IN_FOLDER = 2000

_SAID = {
    ("full", True): "We see every photo that is put into your folders, from wherever.",
    ("full", False): "Google lets us see every photo that is put into your folders. Your Drive "
    "holds no file yet that would prove it.",
    ("per_file", True): "Google shows us only the photos that you add on our page, or pick for "
    "us. A photo that you put into the folder in any other way stays unseen.",
}


@dataclass(frozen=True, slots=True)
class Probe:
    """What a Drive is good for. `is_proven`: it was seen, not only allowed. `said`: in words."""

    mode: Mode
    is_proven: bool

    @property
    def said(self) -> str:
        """What to tell the user."""
        return _SAID[self.mode, self.is_proven or self.mode == "per_file"]


@dataclass(frozen=True, slots=True)
class Drop:
    """Whether a photo was seen that its user has put into the folder without us."""

    name: str | None

    @property
    def said(self) -> str:
        """What to tell the user."""
        if self.name is None:
            return (
                "We see nothing new in the folder. If you have just put a photo there, wait a "
                "moment and look again. If it stays so, add photos on our page instead."
            )
        return f"We see “{self.name}”. Photos that you put into this folder are edited."


async def probe_connection(house: CreatorHouse, connection_id: str) -> Probe:
    """Try what the Drive shows us, and keep the result.

    Where Google does not answer what was allowed is taken for what is so; it is tried again with
    the next look. Raises ReconnectNeeded, ConnectionGone.
    """
    async with house.database.begin() as session:
        scopes = await session.scalar(
            select(Connection.scopes).where(Connection.id == connection_id)
        )
    is_allowed = DRIVE in (scopes or "").split()
    is_seen = False
    try:
        page = await open_drive(house, connection_id).list_files(
            "trashed = false", page_size=_LOOKED_AT
        )
        is_seen = any(not file.is_ours for file in page.files)
    except (DriveFault, Unavailable):
        pass
    probe = Probe("full" if is_allowed or is_seen else "per_file", is_seen)
    async with house.database.begin() as session:
        await keep_mode(session, connection_id, probe.mode)
    return probe


async def look_for_drop(house: CreatorHouse, user_id: str, source_id: str, since: datetime) -> Drop:
    """Tell whether we see a photo that was put into a Drive source after `since`, not by us.

    If so, its Drive is one whose folders can be watched, whatever we have thought before. Raises
    SourceNotFound, and what Drive raises.
    """
    async with house.database.begin() as session:
        source = await get_source(session, user_id, source_id)
    if source.connection_id is None:
        return Drop(None)
    files = await _list_files(house, source)
    async with house.database.begin() as session:
        known = await _list_known(session, source, since, [file.id for file in files])
        dropped = [file for file in files if file.id not in known]
        if dropped:
            await keep_mode(session, source.connection_id, "full")
    return Drop(dropped[0].name if dropped else None)


async def keep_mode(session: AsyncSession, connection_id: str, mode: Mode) -> None:
    """Store what a Drive is good for."""
    statement = update(Connection).where(Connection.id == connection_id)
    await session.execute(statement.values(mode=mode))


async def _list_files(house: CreatorHouse, source: Source) -> list[DriveFile]:
    """Return what lies in Raw itself and could be a photo of the user's."""
    folder = open_drive_folder(house, source)
    raw = await folder.check_raw()
    found: list[DriveFile] = []
    async for file in folder.drive.list_folder(raw.id, raw.drive_id):
        if not file.is_folder and MARK not in file.app_properties:
            found.append(file)
        if len(found) == _MOST_IN_FOLDER:
            break
    return found


async def _list_known(
    session: AsyncSession, source: Source, since: datetime, file_ids: list[str]
) -> set[str]:
    """Return which of the files we have put there, or have seen or been given before `since`."""
    put = await session.scalars(
        select(Placement.key).where(
            Placement.key.in_(file_ids), Placement.user_id == source.user_id
        )
    )
    seen = await session.scalars(
        select(Photo.file_key).where(
            Photo.source_id == source.id, Photo.file_key.in_(file_ids), Photo.seen_at < since
        )
    )
    return {*put, *seen}
