"""A folder of photos, wherever it is: what the house asks of every kind of source."""

from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Protocol

from comfyhoused.kit.errors import NotFound

#: Marks what we have made, so that a result dropped into Raw is never edited again.
MARK = "comfyhouse_edit"


class FileGone(NotFound):
    """The file is not there any more, or it is not ours to read any more."""

    code = "file_gone"
    title = "The photo is gone"


@dataclass(frozen=True, slots=True)
class SeenFile:
    """A file as a look at the folder shows it. `revision` changes with its bytes.

    `is_whole` is False where its place knows that it is still being written. `marks` are the
    properties that we give our own results. `folder` is the path below Raw, '' at its top.
    `obstacle` is the code of `creator/skips.py` where its place knows already that it cannot be
    edited. `arrived_at` is when it came into the folder, None where its place does not tell.
    `inode` is a disk's own number for it, '' where files have ids; it may change by itself.
    """

    key: str
    revision: str
    name: str
    size_bytes: int
    content_type: str = ""
    folder: str = ""
    is_whole: bool = True
    marks: Mapping[str, str] = field(default_factory=dict)
    obstacle: str = ""
    arrived_at: datetime | None = None
    inode: str = field(default="", compare=False)


@dataclass(frozen=True, slots=True)
class Placed:
    """A file that we put there: its id, and an address at which its owner sees it ('' if none)."""

    key: str
    url: str = ""


class FolderGone(NotFound):
    """Raw or Edited is not there any more; its owner must choose another or put it back."""

    code = "folder_gone"
    title = "The folder is gone"


class SourceFolder(Protocol):
    """One source's two folders. Every method may raise Unavailable (try again later), FileGone,
    FolderGone, or an error whose `retryable` is False (the owner must do something)."""

    def list_raw(self) -> AsyncIterator[SeenFile]:
        """Every file in Raw now (and below it where the source says so)."""

    async def look(self, key: str) -> SeenFile:
        """One file as it is now; raises FileGone."""

    async def read_digest(self, seen: SeenFile) -> str:
        """Return the MD5 of its bytes as hex, '' where it cannot be told; raises FileGone."""

    async def read_sample(self, seen: SeenFile) -> str:
        """Return a digest of parts of that very revision, '' where files have ids; FileGone.

        It tells a file that was moved from another as long, of the same instant.
        """

    async def fetch(self, seen: SeenFile, target: Path) -> None:
        """Write the bytes of that very revision to `target`; raises FileGone where it changed."""

    async def take_key(self) -> str:
        """Return the id that a file to be put will have; stored before the first byte is sent."""

    async def put_edited(
        self, key: str, folder: str, name: str, content_type: str, content: Path, edit_id: str
    ) -> Placed:
        """Put a result into Edited, marked; again with the same key: it is there once.

        `folder` is the photo's below Raw; the same is made below Edited. A name that is taken
        gets a number.
        """

    async def put_raw(self, key: str, name: str, content_type: str, content: Path) -> Placed:
        """Put a photo that came through our page into Raw; once per key."""
