"""Opening a source: the folder behind its row, wherever that is."""

from collections.abc import Collection
from pathlib import Path

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from comfyhoused.adapters.google.drive import Drive
from comfyhoused.creator.house import CreatorHouse
from comfyhoused.creator.sources.drive import DriveFolder
from comfyhoused.creator.sources.folder import SourceFolder
from comfyhoused.creator.sources.local import LocalFolder
from comfyhoused.creator.sources.recent_token import RecentToken
from comfyhoused.creator.tables import Source
from comfyhoused.kit.errors import Unavailable


class LocalSourcesOff(Unavailable):
    """The operator has named no folder of local photos (any more)."""

    code = "local_sources_off"
    title = "Folders on this server's disk are not offered"


def open_folder(house: CreatorHouse, source: Source, apart: Collection[str] = ()) -> SourceFolder:
    """Return the source's folders. Nothing is opened or asked of them yet.

    `apart` are folders that other sources watch or write into (`list_apart`): only listing needs
    them. Raises LocalSourcesOff.
    """
    if source.kind == "local":
        return LocalFolder(
            database=house.database,
            user_id=source.user_id,
            root=get_local_root(house),
            raw=source.raw_key,
            edited=source.edited_key,
            is_deep=source.has_subfolders,
            apart=apart,
        )
    return open_drive_folder(house, source, apart)


def open_drive_folder(
    house: CreatorHouse, source: Source, apart: Collection[str] = ()
) -> DriveFolder:
    """Return the folders of a source on Drive."""
    assert source.connection_id is not None
    return DriveFolder(
        database=house.database,
        drive=open_drive(house, source.connection_id),
        user_id=source.user_id,
        raw=source.raw_key,
        edited=source.edited_key,
        is_deep=source.has_subfolders,
        apart=apart,
    )


def open_drive(house: CreatorHouse, connection_id: str) -> Drive:
    """Return the Drive that was connected; its token is fetched with the first call."""
    google = house.google
    return Drive(google.http, RecentToken(house, connection_id), google.settings.google_api_url)


def get_local_root(house: CreatorHouse) -> Path:
    """Return the operator's folder of local photos; raises LocalSourcesOff."""
    if house.settings.local_sources_dir is None:
        raise LocalSourcesOff("Whoever runs this server has to set CH_LOCAL_SOURCES_DIR.")
    return house.settings.local_sources_dir


async def list_apart(session: AsyncSession, source: Source) -> frozenset[str]:
    """Return the folders of other sources of its kind: their photos are not this one's.

    So a sub-folder can have a preset of its own: it is a source of its own.
    """
    rows = await session.execute(
        select(Source.raw_key, Source.edited_key).where(
            Source.kind == source.kind,
            Source.user_id == source.user_id,
            Source.id != source.id,
            Source.state != "removed",
        )
    )
    return frozenset(key for pair in rows for key in pair)
