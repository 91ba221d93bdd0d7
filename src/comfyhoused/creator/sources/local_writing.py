"""Putting a file into a folder on a disk: whole or not at all, and never over another."""

import errno
import os
import secrets
import shutil
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

from comfyhoused.creator.sources.beneath import (
    PathRefused,
    make_disk_fault,
    open_folder_beneath,
)
from comfyhoused.creator.sources.local_listing import MARK_ATTRIBUTE, is_ignored

_COPY_BYTES = 1 << 20
_NO_LINKS = {errno.EPERM, errno.EOPNOTSUPP, errno.ENOSYS, errno.EMLINK, errno.EXDEV}
_LONGEST_NAME_BYTES = 240


def _make_temporary_name(key: str) -> str:
    """Return a hidden name for a file until it is whole; the listing passes it by.

    No two tries share one: a try that was thought dead must not name what another still writes.
    """
    return f"{_make_prefix(key)}{secrets.token_hex(4)}.part"


def _make_prefix(key: str) -> str:
    return f".comfyhouse-{key}-"


def list_names(name: str) -> Iterator[str]:
    """Return `name`, then `name (2)`, `name (3)` … with its ending kept."""
    stem, dot, ending = _clean(name).rpartition(".")
    stem, ending = (stem, dot + ending) if stem else (ending, "")
    # A file system counts bytes, and a name may be in any script.
    room = _LONGEST_NAME_BYTES - len(ending.encode())
    stem = stem.encode()[:room].decode(errors="ignore")
    yield f"{stem}{ending}"
    for number in range(2, 100_000):
        yield f"{stem} ({number}){ending}"


def has_name(root: Path, folder: str, name: str) -> bool:
    """Tell whether something has this name there; the folder is made where it is missing."""
    with open_folder_beneath(root, folder, makes=True) as parent:
        try:
            os.stat(name, dir_fd=parent, follow_symlinks=False)
        except FileNotFoundError:
            return False
        return True


def write_file(root: Path, folder: str, name: str, key: str, content: Path, mark: str) -> bool:
    """Copy `content` to `name`, marked where `mark` is given; False where the name is taken.

    Written under a hidden name, synced, and only then given its name, in one step: whoever looks
    sees the whole file or none. Again after a crash is the same. Raises DiskAway, DiskFull,
    FolderGone.
    """
    temporary = _make_temporary_name(key)
    with open_folder_beneath(root, folder, makes=True) as parent:
        try:
            _drop_earlier_tries(parent, key)
            _write_temporary(parent, temporary, content, mark)
            return _give_name(parent, temporary, name)
        except OSError as error:
            raise make_disk_fault("The photo cannot be written", error) from error
        finally:
            with suppress(OSError):
                os.unlink(temporary, dir_fd=parent)
            with suppress(OSError):
                os.fsync(parent)


def _clean(name: str) -> str:
    """Return a name that is one name: no path, nothing hidden, nothing the listing ignores."""
    plain = "".join(letter for letter in name if letter.isprintable()).replace("/", "-").strip()
    plain = plain.lstrip(".~").rstrip("~. ")
    if not plain or is_ignored(plain):
        raise PathRefused(f"“{name}” cannot be the name of a photo.")
    return plain


def _drop_earlier_tries(parent: int, key: str) -> None:
    for name in os.listdir(parent):
        if name.startswith(_make_prefix(key)):
            with suppress(FileNotFoundError):
                os.unlink(name, dir_fd=parent)


def _write_temporary(parent: int, name: str, content: Path, mark: str) -> None:
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
    descriptor = os.open(name, flags, 0o664, dir_fd=parent)
    with os.fdopen(descriptor, "wb") as target, content.open("rb") as source:
        shutil.copyfileobj(source, target, _COPY_BYTES)
        target.flush()
        _mark(target.fileno(), mark)
        os.fsync(target.fileno())


def _mark(descriptor: int, mark: str) -> None:
    set_attribute: Callable[[int, str, bytes], None] | None = getattr(os, "setxattr", None)
    if mark and set_attribute is not None:
        with suppress(OSError):  # not every file system keeps attributes
            set_attribute(descriptor, MARK_ATTRIBUTE, mark.encode())


def _give_name(parent: int, temporary: str, name: str) -> bool:
    """A hard link refuses a name that is taken, in one step; some file systems have none."""
    try:
        os.link(temporary, name, src_dir_fd=parent, dst_dir_fd=parent, follow_symlinks=False)
    except FileExistsError:
        return False
    except OSError as error:
        if error.errno not in _NO_LINKS:
            raise
        return _take_name(parent, temporary, name)
    return True


def _take_name(parent: int, temporary: str, name: str) -> bool:
    """Hold the name with an empty file, then replace that: none of another's is written over."""
    try:
        flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC
        os.close(os.open(name, flags, 0o664, dir_fd=parent))
    except FileExistsError:
        # Empty: the hold of a try that was cut off here; the name was kept for this file only.
        if os.stat(name, dir_fd=parent, follow_symlinks=False).st_size:
            return False
    os.rename(temporary, name, src_dir_fd=parent, dst_dir_fd=parent)
    return True
