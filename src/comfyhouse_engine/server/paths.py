"""Where a file of a request lies, with ComfyUI's rules for folders and names."""

import os
from pathlib import Path

from comfyhouse_engine.context import Folders

_MARKS = ("output", "input", "temp")


def find_folder(folders: Folders, kind: str) -> Path | None:
    """Return the folder called input, output or temp."""
    return getattr(folders, kind) if kind in _MARKS else None


def split_annotation(name: str) -> tuple[str, str | None]:
    """Split `up.png [input]` into the name and the folder's name; ("up.png", None) without one."""
    for mark in _MARKS:
        suffix = f"[{mark}]"
        if name.endswith(suffix):
            return name[: -len(suffix) - 1], mark
    return name, None


def join_inside(folder: Path, *parts: str) -> Path | None:
    """Return folder/parts, None when that leads out of `folder`.

    `folder` is absolute and without `..`; links are followed, as ComfyUI does."""
    joined = Path(os.path.normpath(folder.joinpath(*parts)))
    return joined if joined.is_relative_to(folder) else None


def is_plain(name: str) -> bool:
    """True for names that neither start at the root nor climb."""
    return not name.startswith("/") and ".." not in name
