"""Paths below a folder of the operator's, opened step by step so that no link leads out of it.

A name is checked and opened in one call (`openat` with O_NOFOLLOW): whoever can write into the
folder cannot swap a part of the path for a link between the check and the use.
"""

import errno
import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from comfyhoused.creator.sources.folder import FileGone, FolderGone
from comfyhoused.kit.errors import Forbidden, InvalidRequest, Unavailable

_FOLDER = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
# Without O_NONBLOCK, opening a pipe that somebody put there would wait for its writer for ever.
_FILE = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
_FULL = {errno.ENOSPC, errno.EDQUOT}


class PathRefused(InvalidRequest):
    """A path that is not one below the folder."""

    code = "path_refused"
    title = "That is not a path below the folder"


class DiskAway(Unavailable):
    """The operator's folder itself is not there or cannot be read: a NAS that is not mounted."""

    code = "disk_away"
    title = "The disk with the photos does not answer"


class DiskFull(Forbidden):
    """The disk of a local folder, or its owner's share of it, has no room left."""

    code = "disk_full"
    title = "The disk with the photos is full"


def make_disk_fault(words: str, error: OSError) -> DiskAway | DiskFull:
    """Tell a disk that is full, where waiting helps nobody, from one that fails for now."""
    if error.errno in _FULL:
        return DiskFull("Make room on it, or ask who runs this server.")
    return DiskAway(f"{words}: {error.strerror}.")


def split_path(path: str) -> tuple[str, ...]:
    """Return the names along a relative path; raises PathRefused for `..`, `/x`, NUL and such."""
    names = tuple(path.split("/")) if path else ()
    if any(name in ("", ".", "..") or "\0" in name for name in names):
        raise PathRefused("A path below the folder has plain names between its slashes.")
    return names


@contextmanager
def open_folder_beneath(root: Path, path: str, *, makes: bool = False) -> Iterator[int]:
    """Open the folder at `path` below `root` as a descriptor, following no link.

    `makes`: what is missing along the path is made. Raises DiskAway where the root cannot be
    opened, FolderGone where the folder is missing, is a link or may not be read, DiskFull.
    """
    current = _open_root(root)
    try:
        for name in split_path(path):
            if makes:
                _make_folder(name, current)
            try:
                deeper = os.open(name, _FOLDER, dir_fd=current)
            except OSError as error:
                raise _translate(error, FolderGone(f"The folder “{path}” is not there.")) from error
            os.close(current)
            current = deeper
        yield current
    finally:
        os.close(current)


@contextmanager
def open_file_beneath(root: Path, path: str) -> Iterator[int]:
    """Open a regular file for reading, following no link; raises FileGone, DiskAway."""
    folder, _, name = path.rpartition("/")
    gone = FileGone(f"“{name}” is not there any more.")
    try:
        with open_folder_beneath(root, folder) as parent:
            descriptor = os.open(name, _FILE, dir_fd=parent)
    except FolderGone as error:
        raise gone from error
    except OSError as error:
        raise _translate(error, gone) from error
    try:
        if not stat.S_ISREG(os.fstat(descriptor).st_mode):
            raise gone
        yield descriptor
    finally:
        os.close(descriptor)


def _open_root(root: Path) -> int:
    try:
        # The operator's own folder may be a link: they have chosen it.
        return os.open(root, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    except OSError as error:
        raise DiskAway("The folder of local photos cannot be opened.") from error


def _make_folder(name: str, parent: int) -> None:
    try:
        os.mkdir(name, 0o775, dir_fd=parent)
    except FileExistsError:
        return
    except OSError as error:
        raise make_disk_fault("A folder cannot be made", error) from error


def _translate(error: OSError, gone: FolderGone | FileGone) -> FolderGone | FileGone | DiskAway:
    """Tell what is missing from what fails for now (a network disk that stalls, a full table)."""
    if isinstance(error, FileNotFoundError | NotADirectoryError | PermissionError):
        return gone
    # ELOOP: a link where none may be.
    if error.errno == errno.ELOOP:
        return gone
    return DiskAway(f"The disk with the photos fails: {error.strerror}.")
