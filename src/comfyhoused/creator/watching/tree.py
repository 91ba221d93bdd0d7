"""Where a file of Drive lies: the chain of its parents up to a source's Raw, remembered a while.

The feed names a file's parent only. Folders change seldom and the feed tells when they do, so that
what was asked once is kept in memory; whoever reads the feed next asks anew.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from comfyhoused.adapters.google.documents import DriveFile
from comfyhoused.adapters.google.drive import Drive
from comfyhoused.adapters.google.errors import (
    DriveFileMissing,
    DriveForbidden,
    DriveNotGranted,
)
from comfyhoused.creator.sources.drive import DEEPEST, join_path
from comfyhoused.creator.tables import Source


@dataclass(frozen=True, slots=True)
class Place:
    """The source that a file belongs to, and the path of its folder below Raw."""

    source: Source
    path: str


class FolderTree:
    """The folders of one Drive, as far as changed files have led to them."""

    def __init__(self, drive: Drive, sources: Sequence[Source]) -> None:
        self._drive = drive
        self._raw: Mapping[str, Source] = {one.raw_key: one for one in sources}
        self._edited = frozenset(one.edited_key for one in sources)
        self._folders: dict[str, DriveFile | None] = {}

    def forget(self, folder_id: str) -> None:
        """The feed says that this folder has changed."""
        self._folders.pop(folder_id, None)

    async def find_place(self, file: DriveFile) -> Place | None:
        """Return where the file lies; None: in no source, or in a folder for results.

        A folder that is a source of its own is nearer than the one around it.
        """
        names: list[str] = []
        parent = file.parents[0] if file.parents else ""
        for _ in range(DEEPEST + 1):
            if not parent or parent in self._edited:
                return None
            source = self._raw.get(parent)
            if source is not None:
                return self._make_place(source, names)
            folder = await self._find_folder(parent)
            if folder is None:
                return None
            names.insert(0, folder.name)
            parent = folder.parents[0] if folder.parents else ""
        return None

    def _make_place(self, source: Source, names: Sequence[str]) -> Place | None:
        if names and not source.has_subfolders:
            return None
        path = ""
        for name in names:
            path = join_path(path, name)
        return Place(source, path)

    async def _find_folder(self, folder_id: str) -> DriveFile | None:
        if folder_id not in self._folders:
            try:
                self._folders[folder_id] = await self._drive.get_file(folder_id)
            except (DriveFileMissing, DriveNotGranted, DriveForbidden):
                # In PER_FILE mode most folders are not ours to see; none of them is in a source.
                self._folders[folder_id] = None
        return self._folders[folder_id]
