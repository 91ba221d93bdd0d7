"""Which folders of the server's disk a user may choose.

`CH_LOCAL_SOURCES_DIR/<e-mail address>/` is what a user sees, and nothing beside it: a folder that
is named for somebody is theirs, so that no stranger who can sign in is ever shown another's
photos. It is made when they first choose; an operator who has photos already puts or mounts them
there.
"""

import os
import re
from contextlib import suppress
from pathlib import Path

from comfyhoused.creator.sources.beneath import (
    DiskAway,
    PathRefused,
    open_folder_beneath,
    split_path,
)
from comfyhoused.creator.sources.folder import FolderGone
from comfyhoused.creator.sources.local_listing import is_text

_DEEPEST = 3
_MOST = 500
_ADDRESS = re.compile(r"[^/\0\s.@][^/\0\s@]{0,120}@[^/\0\s@]{1,120}")


def get_home(root: Path, email: str) -> str:
    """Return the name of the user's folder below `root`, as it is written there if it exists.

    Raises PathRefused for an address that cannot be a folder's name, DiskAway.
    """
    if not _ADDRESS.fullmatch(email):
        raise PathRefused("This e-mail address cannot be the name of a folder.")
    with open_folder_beneath(root, "") as top, os.scandir(top) as entries:
        names = sorted(entry.name for entry in entries)
    same = [name for name in names if name.lower() == email.lower()]
    return same[0] if same else email.lower()


def list_folders(root: Path, email: str) -> list[str]:
    """Return the folders that the user may choose, as paths below `root`; none hidden, no links.

    A folder that our results go into is among them only while no source says so; the caller
    leaves those out.
    """
    home = get_home(root, email)
    found: list[str] = []
    pending = [(home, 0)]
    while pending and len(found) < _MOST:
        path, depth = pending.pop(0)
        # A folder may go, or be closed to us, while we look.
        with suppress(FolderGone):
            deeper = _list_subfolders(root, path)
            found += deeper
            if depth + 1 < _DEEPEST:
                pending += [(one, depth + 1) for one in deeper]
    return sorted(found[:_MOST])


def make_folders(root: Path, email: str, raw: str, edited: str) -> None:
    """Make both folders where they are missing; raises PathRefused where they are not theirs."""
    check_theirs(root, email, raw)
    check_theirs(root, email, edited)
    for path in (raw, edited):
        with open_folder_beneath(root, path, makes=True):
            continue


def check_theirs(root: Path, email: str, path: str) -> None:
    """Raise PathRefused unless the path is a folder below the user's own."""
    names = split_path(path)
    if len(names) < 2 or names[0] != get_home(root, email):
        raise PathRefused("Choose a folder below the one with your e-mail address.")
    if any(name.startswith(".") for name in names):
        raise PathRefused("A hidden folder cannot be a source.")


def suggest_edited(raw: str) -> str:
    """Return where results go for these originals: beside them, `Raw` → `Edited`."""
    folder, _, name = raw.rpartition("/")
    edited = "Edited" if name.lower() == "raw" else f"{name} Edited"
    return f"{folder}/{edited}"


def _list_subfolders(root: Path, path: str) -> list[str]:
    try:
        with open_folder_beneath(root, path) as folder, os.scandir(folder) as entries:
            return sorted(
                f"{path}/{entry.name}"
                for entry in entries
                if entry.is_dir(follow_symlinks=False)
                and entry.name[0] not in ".@#$"
                and is_text(entry.name)
            )
    except OSError as error:
        raise DiskAway(f"The disk with the photos fails: {error.strerror}.") from error
