"""Where nodes find and list files: ComfyUI's three folders and its `name [output]` notation."""

import hashlib
import mimetypes
import os
from pathlib import Path

from comfyhouse_engine.context import Folders

_MARKS = ("output", "input", "temp")
_folders: Folders | None = None


class FoldersNotSet(Exception):
    """A node was asked for files before `use_folders` was called."""


def use_folders(folders: Folders) -> None:
    """Make `folders` the ones that every node lists, reads and writes; called once at start."""
    global _folders
    _folders = folders


def get_folders() -> Folders:
    """Return the folders in use; raises FoldersNotSet."""
    if _folders is None:
        raise FoldersNotSet("use_folders() must be called before nodes touch files")
    return _folders


def list_input_files(kind: str | None = None) -> list[str]:
    """Return the sorted names of files in input/, of content type `kind`/* where it is given."""
    names = (entry.name for entry in get_folders().input.iterdir() if entry.is_file())
    return sorted(name for name in names if kind is None or _kind_of(name) == kind)


def locate_file(annotated: str) -> Path:
    """Return the path that `name`, `name [input]`, `name [output]` or `name [temp]` means.

    ComfyUI lets a name leave its folder (recording 341), so this does too: whoever stands in front
    of the engine refuses such names.
    """
    folders = get_folders()
    for mark in _MARKS:
        suffix = f"[{mark}]"
        if annotated.endswith(suffix):
            name = annotated[: -len(suffix) - 1]
            return Path(getattr(folders, mark)) / name
    return folders.input / annotated


def has_file(annotated: str) -> bool:
    """True when the file is there; a name that no file system takes is no error."""
    return os.path.exists(locate_file(annotated))  # noqa: PTH110 Path.exists raises on long names


def hash_file(annotated: str) -> str:
    """Return the SHA-256 (hex) of a file's content, ComfyUI's change mark for inputs."""
    with locate_file(annotated).open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _kind_of(name: str) -> str:
    guessed, _ = mimetypes.guess_type(name)
    if guessed is None:
        return "image" if name.lower().endswith(".webp") else ""
    return guessed.split("/")[0]
