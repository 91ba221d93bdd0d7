"""A source on Google Drive. A file's key is its id; its revision is what Drive says of its bytes.

One watcher or worker at a time is nothing that is relied on: whatever is made on Drive is made
under an id that was stored before.
"""

import asyncio
from collections.abc import AsyncIterator, Collection, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from comfyhoused.adapters.google.documents import SHORTCUT, DriveFile, NewFile
from comfyhoused.adapters.google.drive import Drive, quote_text
from comfyhoused.adapters.google.errors import (
    DriveFileChanged,
    DriveFileMissing,
    DriveForbidden,
    DriveNotGranted,
)
from comfyhoused.adapters.postgres.database import Database
from comfyhoused.creator.sources.drive_folders import find_or_make_folder
from comfyhoused.creator.sources.folder import (
    MARK,
    FileGone,
    FolderGone,
    Placed,
    SeenFile,
)
from comfyhoused.creator.sources.local_writing import list_names
from comfyhoused.creator.sources.placements import read_digest, remember_upload
from comfyhoused.creator.tables import Placement

#: How deep sub-folders are followed; in Drive they cannot lie in a circle.
DEEPEST = 12
_MOST_NAMES = 30


@dataclass(frozen=True, slots=True)
class DriveFolder:
    """One Drive source. `raw` and `edited` are ids of folders; see SourceFolder.

    `apart` are ids of folders that other sources watch or write into.
    """

    database: Database
    drive: Drive
    user_id: str
    raw: str
    edited: str
    is_deep: bool = True
    apart: Collection[str] = ()

    async def list_raw(self) -> AsyncIterator[SeenFile]:
        root = await self.check_raw()
        shortcuts: list[tuple[DriveFile, str]] = []
        seen_keys: set[str] = set()
        pending = [(root.id, "", 0)]
        while pending:
            folder_id, path, depth = pending.pop()
            async for file in self.drive.list_folder(folder_id, root.drive_id):
                if file.is_folder:
                    if self.is_deep and depth < DEEPEST and not self.is_apart(file.id):
                        pending.append((file.id, join_path(path, file.name), depth + 1))
                elif file.is_shortcut:
                    shortcuts.append((file, path))
                else:
                    seen_keys.add(file.id)
                    yield make_seen(file, path)
        for shortcut, path in shortcuts:
            seen = await self.follow(shortcut, path)
            # A photo that lies here itself, or that another shortcut leads to, is one photo.
            if seen.key not in seen_keys:
                seen_keys.add(seen.key)
                yield seen

    async def look(self, key: str) -> SeenFile:
        file = await self._get_file(key)
        return await self.follow(file, "") if file.is_shortcut else make_seen(file, "")

    async def read_digest(self, seen: SeenFile) -> str:
        return (await self._get_file(seen.key)).md5

    async def read_sample(self, seen: SeenFile) -> str:
        return ""  # a file keeps its id wherever it is moved

    async def fetch(self, seen: SeenFile, target: Path) -> None:
        file = await self._get_file(seen.key)
        if make_revision(file) != seen.revision:
            raise FileGone(f"“{seen.name}” has changed since; its new version is edited instead.")
        try:
            await self.drive.download(file, target)
        except (DriveFileMissing, DriveFileChanged) as error:
            raise FileGone(f"“{seen.name}” was changed or taken away.") from error

    async def take_key(self) -> str:
        return (await self.drive.generate_ids())[0]

    async def put_edited(
        self, key: str, folder: str, name: str, content_type: str, content: Path, edit_id: str
    ) -> Placed:
        with _edited_must_be_there():
            parent = await find_or_make_folder(
                self.database, self.drive, self.user_id, self.edited, folder
            )
            new = NewFile(key, name, parent, content_type, {MARK: edit_id})
            return await self._put(new, content)

    async def put_raw(self, key: str, name: str, content_type: str, content: Path) -> Placed:
        await self.check_raw()
        return await self._put(NewFile(key, name, self.raw, content_type), content)

    async def check_raw(self) -> DriveFile:
        """Return the Raw folder; raises FolderGone where it is not there or not ours to see."""
        try:
            root = await self.drive.get_file(self.raw)
        except DriveFileMissing as error:
            raise FolderGone("The folder with the photos is not there any more.") from error
        if root.is_trashed or not root.is_folder:
            raise FolderGone("The folder with the photos is in the bin.")
        return root

    async def is_in_shared_drive(self) -> bool:
        """Tell whether Raw lies in a shared drive, whose changes no user's feed tells in full."""
        return bool((await self.check_raw()).drive_id)

    def is_apart(self, folder_id: str) -> bool:
        """Tell whether a folder below Raw is another's, or the one that we write into."""
        return folder_id == self.edited or folder_id in self.apart

    async def follow(self, shortcut: DriveFile, path: str) -> SeenFile:
        """Return the photo that a shortcut leads to, one step; else the shortcut and why not."""
        try:
            target = await self.drive.get_file(shortcut.shortcut_to)
        except (DriveFileMissing, DriveNotGranted, DriveForbidden):
            return _make_obstacle(shortcut, path, "shortcut_broken")
        if target.is_trashed:
            return _make_obstacle(shortcut, path, "shortcut_broken")
        if target.is_folder:
            return _make_obstacle(shortcut, path, "shortcut_to_folder")
        if target.is_shortcut:
            return _make_obstacle(shortcut, path, "shortcut_loop")
        return make_seen(target, path)

    async def _get_file(self, key: str) -> DriveFile:
        try:
            file = await self.drive.get_file(key)
        except (DriveFileMissing, DriveNotGranted) as error:
            raise FileGone("The photo is not in Google Drive any more.") from error
        if file.is_trashed:
            raise FileGone(f"“{file.name}” is in the bin.")
        return file

    async def _put(self, new: NewFile, content: Path) -> Placed:
        placement = Placement(
            key=new.id,
            user_id=self.user_id,
            is_result=bool(new.app_properties),
            size_bytes=(await asyncio.to_thread(content.stat)).st_size,
            digest=await read_digest(content),
        )
        async with self.database.begin() as session:
            await remember_upload(session, placement)
        name = await self._find_name(new)
        named = NewFile(new.id, name, new.parent, new.mime_type, new.app_properties)
        file = await self.drive.upload(named, content)
        return Placed(file.id, file.url)

    async def _find_name(self, new: NewFile) -> str:
        """Return the name, with a number where another file has it: Drive would take both."""
        names = list_names(new.name)
        for _ in range(_MOST_NAMES):
            name = next(names)
            query = (
                f"name = {quote_text(name)} and {quote_text(new.parent)} in parents "
                "and trashed = false"
            )
            page = await self.drive.list_files(query, page_size=2)
            if all(file.id == new.id for file in page.files):
                return name
        return new.name


def make_revision(file: DriveFile) -> str:
    """Return what changes when the file's bytes do, and only then where Drive tells."""
    modified = file.modified_at.isoformat() if file.modified_at else ""
    return file.md5 or file.revision or modified or "unknown"


def make_seen(file: DriveFile, path: str) -> SeenFile:
    """Return a file of Drive as a look shows it; it is whole when Drive knows its checksum."""
    return SeenFile(
        key=file.id,
        revision=make_revision(file),
        name=file.name,
        size_bytes=file.size_bytes,
        content_type=file.mime_type,
        folder=path,
        is_whole=bool(file.md5),
        marks={MARK: file.app_properties[MARK]} if MARK in file.app_properties else {},
        obstacle="" if file.can_download else "no_access",
        arrived_at=file.created_at,
    )


def join_path(path: str, name: str) -> str:
    """Return the path of a sub-folder; a slash in a name is no path."""
    plain = name.replace("/", "-")
    return f"{path}/{plain}" if path else plain


def _make_obstacle(shortcut: DriveFile, path: str, code: str) -> SeenFile:
    return SeenFile(
        key=shortcut.id,
        revision=f"shortcut-{shortcut.shortcut_to}",
        name=shortcut.name,
        size_bytes=0,
        content_type=SHORTCUT,
        folder=path,
        obstacle=code,
    )


@contextmanager
def _edited_must_be_there() -> Iterator[None]:
    try:
        yield
    except DriveFileMissing as error:
        raise FolderGone("The folder for results is not there any more.") from error
