"""Where photos may come from: the Drives and folders that a user can choose, and the pair made.

A source has two folders, Raw and Edited. Both are chosen, or made for the user, before a source
is stored.
"""

from dataclasses import dataclass

from sqlalchemy import exists, func, or_, select
from sqlalchemy.ext.asyncio import AsyncSession

from comfyhoused.adapters.google.documents import FOLDER, DriveFile
from comfyhoused.adapters.google.drive import Drive, quote_text
from comfyhoused.adapters.google.errors import DriveFault, DriveFileMissing, DriveNotGranted
from comfyhoused.creator.house import CreatorHouse
from comfyhoused.creator.sources.beneath import PathRefused
from comfyhoused.creator.sources.disk_threads import run_on_disk
from comfyhoused.creator.sources.drive_folders import (
    find_or_make_folder,
    find_or_make_top_folder,
)
from comfyhoused.creator.sources.local_choice import (
    check_theirs,
    get_home,
    list_folders,
    make_folders,
    suggest_edited,
)
from comfyhoused.creator.sources.opening import get_local_root, open_drive
from comfyhoused.creator.sources.sources import NewSource, SourceRefused
from comfyhoused.creator.tables import Connection, Source, User
from comfyhoused.kit.errors import ComfyhouseError, NotFound

#: What we make at the top of a Drive, with Raw and Edited in it.
TOP = "Comfyhouse"
RAW, EDITED = "Raw", "Edited"
_MOST_FOLDERS = 200
_LONGEST_NAME = 100


class FolderUnknown(NotFound):
    """There is no such folder, or it was not given to us."""

    code = "folder_unknown"
    title = "We cannot see this folder"


@dataclass(frozen=True, slots=True)
class DrivePlace:
    """A Drive that is connected. `is_full`: its folders can be looked through here."""

    connection_id: str
    email: str
    is_connected: bool
    is_full: bool


@dataclass(frozen=True, slots=True)
class Places:
    """What a user can choose from. `local_folders` are paths; `has_local`: disks are offered."""

    drives: list[DrivePlace]
    has_google: bool
    has_local: bool
    local_folders: list[str]


@dataclass(frozen=True, slots=True)
class DriveChoice:
    """A folder of a Drive that is looked through, and those in it (`key`, `name`)."""

    key: str
    name: str
    parent: str | None
    folders: list[tuple[str, str]]
    can_add: bool


@dataclass(frozen=True, slots=True)
class FolderPair:
    """Two folders that can be a source, as its row will name them."""

    kind: str
    name: str
    raw_key: str
    edited_key: str
    connection_id: str | None = None


async def list_places(house: CreatorHouse, user: User) -> Places:
    """Return what the user can choose from; a disk that is away offers nothing."""
    async with house.database.begin() as session:
        query = select(Connection).where(Connection.user_id == user.id)
        rows = (await session.scalars(query.order_by(Connection.created_at))).all()
        taken = await _list_taken(session, user.id)
        is_theirs = not await _is_disputed(session, user)
    drives = [
        DrivePlace(row.id, row.email, row.state == "connected", row.mode == "full") for row in rows
    ]
    has_local = house.settings.local_sources_dir is not None
    looks = has_local and is_theirs
    folders = await run_on_disk(_list_local, house, user.email) if looks else []
    free = [path for path in folders if path not in taken]
    return Places(drives, house.google.known_as is not None, has_local, free)


async def look_into_drive(house: CreatorHouse, connection_id: str, key: str = "") -> DriveChoice:
    """Return the folders in a folder of a Drive that is `full`; '' is its top.

    Raises FolderUnknown, and what Drive raises.
    """
    drive = open_drive(house, connection_id)
    folder = await _get_folder(drive, key or "root")
    query = f"{quote_text(folder.id)} in parents and mimeType = '{FOLDER}' and trashed = false"
    page = await drive.list_files(query, page_size=_MOST_FOLDERS, drive_id=folder.drive_id)
    folders = sorted(((file.id, file.name) for file in page.files), key=lambda one: one[1].lower())
    parent = folder.parents[0] if folder.parents else None
    name = folder.name if parent else "My Drive"
    return DriveChoice(folder.id, name, parent, folders, folder.can_add_children)


async def make_drive_folders(
    house: CreatorHouse, user_id: str, connection_id: str, name: str = ""
) -> FolderPair:
    """Make `Comfyhouse/Raw` and `Comfyhouse/Edited` (below `name`, where one is given) in a Drive.

    Those that are there already, made by us, are used.
    """
    drive = open_drive(house, connection_id)
    top = await find_or_make_top_folder(house.database, drive, user_id, connection_id, TOP)
    words = [name.strip().replace("/", "-")[:_LONGEST_NAME]] if name.strip() else []
    keys = [
        await find_or_make_folder(house.database, drive, user_id, top, "/".join([*words, last]))
        for last in (RAW, EDITED)
    ]
    return FolderPair("drive", " / ".join([TOP, *words, RAW]), keys[0], keys[1], connection_id)


async def choose_drive_folders(
    house: CreatorHouse, user_id: str, connection_id: str, raw: str, edited: str = ""
) -> FolderPair:
    """Return folders of a Drive that were picked; without `edited` one is found or made.

    It is made beside Raw where we may, else inside it. Raises FolderUnknown, SourceRefused.
    """
    drive = open_drive(house, connection_id)
    folder = await _get_folder(drive, raw)
    if edited:
        target = await _get_folder(drive, edited)
        if not target.can_add_children:
            raise SourceRefused(f"You may not put files into “{target.name}”.")
        return FolderPair("drive", folder.name, folder.id, target.id, connection_id)
    place = await _find_place_for_edited(drive, folder)
    name = EDITED if folder.name.lower() == RAW.lower() else f"{folder.name} {EDITED}"
    made = await find_or_make_folder(house.database, drive, user_id, place, name.replace("/", "-"))
    return FolderPair("drive", folder.name, folder.id, made, connection_id)


async def choose_local_folders(
    house: CreatorHouse, user: User, raw: str = "", edited: str = ""
) -> FolderPair:
    """Return folders on the house's disk, made where they are missing; '' is `Raw`, and beside it.

    Raises LocalSourcesOff, PathRefused, DiskAway.
    """
    root = get_local_root(house)
    async with house.database.begin() as session:
        if await _is_disputed(session, user):
            raise PathRefused(
                "Another account here has, or had, your e-mail address, and the folder may be "
                "theirs. Ask who runs this server."
            )

    def choose() -> tuple[str, str]:
        home = get_home(root, user.email)
        source = raw or f"{home}/{RAW}"
        check_theirs(root, user.email, source)
        target = edited or suggest_edited(source)
        make_folders(root, user.email, source, target)
        return source, target

    source, target = await run_on_disk(choose)
    name = " / ".join(source.split("/")[1:])
    return FolderPair("local", name, source, target)


def make_new_source(
    pair: FolderPair, preset: str, strength: int, parameters: dict[str, int | str]
) -> NewSource:
    """Return the source that two folders and a preset make."""
    return NewSource(
        kind=pair.kind,
        name=pair.name,
        raw_key=pair.raw_key,
        edited_key=pair.edited_key,
        connection_id=pair.connection_id,
        preset=preset,
        strength=strength,
        parameters=parameters,
    )


def _list_local(house: CreatorHouse, email: str) -> list[str]:
    try:
        return list_folders(get_local_root(house), email)
    except ComfyhouseError:
        return []


async def _is_disputed(session: AsyncSession, user: User) -> bool:
    """Tell whether the folder that is named for the user may be somebody else's.

    Addresses change hands; what lies in the folder does not.
    """
    address = user.email.lower()
    namesake = exists().where(func.lower(User.email) == address, User.id != user.id)
    home = func.lower(func.split_part(Source.raw_key, "/", 1))
    settler = exists().where(Source.kind == "local", home == address, Source.user_id != user.id)
    return bool(await session.scalar(select(or_(namesake, settler))))


async def _list_taken(session: AsyncSession, user_id: str) -> set[str]:
    """Return the local folders that are sources already, or that results go into."""
    rows = await session.execute(
        select(Source.raw_key, Source.edited_key).where(
            Source.user_id == user_id, Source.kind == "local", Source.state != "removed"
        )
    )
    return {key for pair in rows for key in pair}


async def _get_folder(drive: Drive, key: str) -> DriveFile:
    try:
        file = await drive.get_file(key)
    except (DriveFileMissing, DriveNotGranted) as error:
        raise FolderUnknown("Pick it again, or let us make a new one.") from error
    if not file.is_folder or file.is_trashed:
        raise FolderUnknown(f"“{file.name}” is not a folder, or is in the bin.")
    return file


async def _find_place_for_edited(drive: Drive, raw: DriveFile) -> str:
    for parent in raw.parents[:1]:
        try:
            if (await drive.get_file(parent)).can_add_children:
                return parent
        except DriveFault:
            break
    if not raw.can_add_children:
        raise SourceRefused(
            f"You may not put files into “{raw.name}”. Choose a folder for results."
        )
    return raw.id
