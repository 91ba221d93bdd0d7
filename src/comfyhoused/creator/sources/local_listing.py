"""What lies in a folder on a disk: its photos, without what copy programs and systems leave."""

import os
import re
import stat
from collections.abc import Collection, Iterator
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path

from comfyhoused.creator.sources.beneath import DiskAway, open_folder_beneath
from comfyhoused.creator.sources.folder import MARK, FolderGone, SeenFile

#: An extended attribute that users may set; not every file system keeps them.
MARK_ATTRIBUTE = f"user.{MARK}"
#: How deep sub-folders are followed: deeper than people sort, shallower than a mistake.
DEEPEST = 12

# Half of a download, of a copy, of a save: it will have its real name when it is whole.
_UNFINISHED = re.compile(
    r"(?i)(.*\.(part|partial|tmp|temp|crdownload|download|opdownload|filepart|!ut|aria2|swp|lock)"
    r"|~.*|.*~|\..*|.*\.sb-[0-9a-f]+-\w+)"
)
_SYSTEM_FILES = frozenset({"thumbs.db", "ehthumbs.db", "desktop.ini", "icon\r"})
_SYSTEM_FOLDERS = frozenset(
    {"@eadir", "#recycle", "#snapshot", "$recycle.bin", "system volume information", "lost+found"}
)


def is_ignored(name: str) -> bool:
    """Tell whether a file's name says that it is hidden, unfinished or the system's own."""
    return bool(_UNFINISHED.fullmatch(name)) or name.lower() in _SYSTEM_FILES


def make_revision(status: os.stat_result) -> str:
    """Return what changes when the bytes do: size and the instant of the last write."""
    return f"{status.st_size}-{status.st_mtime_ns}"


def list_files(
    root: Path, raw: str, apart: Collection[str] = (), *, is_deep: bool = True
) -> Iterator[SeenFile]:
    """List every file in `raw` and, where `is_deep`, below it, but not below the paths `apart`.

    All paths are relative to `root`; a file's key is its path below `raw`. Raises FolderGone
    where `raw` is missing, DiskAway where the disk fails: half a listing is never the end of one.
    """
    pending = [("", 0)]
    while pending:
        below, depth = pending.pop()
        try:
            files, folders = _scan(root, raw, below)
        except FolderGone:
            if not below:
                raise
            continue  # it went while we looked
        yield from files
        if is_deep and depth < DEEPEST:
            pending += [(folder, depth + 1) for folder in folders if f"{raw}/{folder}" not in apart]


def look_at(descriptor: int, key: str) -> SeenFile:
    """Return an open file as it is now."""
    return _describe(key, os.fstat(descriptor), _read_mark(descriptor))


def _scan(root: Path, raw: str, below: str) -> tuple[list[SeenFile], list[str]]:
    files: list[SeenFile] = []
    folders: list[str] = []
    path = f"{raw}/{below}" if below else raw
    try:
        with open_folder_beneath(root, path) as folder, os.scandir(folder) as entries:
            for entry in entries:
                key = f"{below}/{entry.name}" if below else entry.name
                if entry.is_dir(follow_symlinks=False):
                    if not entry.name.startswith(".") and entry.name.lower() not in _SYSTEM_FOLDERS:
                        folders.append(key)
                elif not is_ignored(entry.name):
                    with suppress(FileNotFoundError):
                        files.append(_describe(key, entry.stat(follow_symlinks=False)))
    except OSError as error:
        raise DiskAway(f"The disk with the photos fails: {error.strerror}.") from error
    return files, folders


def is_text(name: str) -> bool:
    """Tell whether a name on a disk is text: disks keep bytes, of old systems any bytes."""
    try:
        name.encode()
    except UnicodeEncodeError:
        return False
    return True


def _describe(key: str, status: os.stat_result, mark: str = "") -> SeenFile:
    is_regular = stat.S_ISREG(status.st_mode)
    obstacle = "" if is_regular else "link" if stat.S_ISLNK(status.st_mode) else "not_a_photo"
    if not is_text(key):  # no database takes it; said as it can be, the key opens nothing
        key, obstacle = os.fsencode(key).decode(errors="replace"), "name_unreadable"
    folder, _, name = key.rpartition("/")
    return SeenFile(
        key=key,
        revision=make_revision(status),
        name=name,
        size_bytes=status.st_size if is_regular else 0,
        folder=folder,
        marks={MARK: mark} if mark else {},
        obstacle=obstacle,
        arrived_at=datetime.fromtimestamp(status.st_ctime, UTC),
        inode=str(status.st_ino),
    )


def _read_mark(descriptor: int) -> str:
    if not hasattr(os, "getxattr"):
        return ""  # macOS has none in Python; the digest of what we wrote still tells
    try:
        return os.getxattr(descriptor, MARK_ATTRIBUTE).decode(errors="replace")
    except OSError:
        return ""
