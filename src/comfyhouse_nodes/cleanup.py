"""Deletes our own files from ComfyUI's shared folders, and nothing else.

ComfyUI has no way to delete a file, so customers' pictures would stay on its disk. Ours are
told by their names: inputs are `ch_<hex>…` directly in the input folder, outputs and
previews lie under `ch/`. Whatever else is named is refused.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import TypedDict

# "input", "output" and "temp" to the folder that ComfyUI uses for them now.
Folders = Mapping[str, Path]

OUR_INPUT = re.compile(r"ch_[0-9a-f]{16,}[^/\\]*")
OUR_SUBFOLDER = "ch"
UNSAFE = re.compile(r"[\x00-\x1f\\]")


class Counts(TypedDict):
    """What became of the files: `failed` is what the operating system would not delete."""

    deleted: int
    missing: int
    refused: int
    failed: int


def delete_files(folders: Folders, refs: Iterable[object]) -> Counts:
    """Delete the files that are ours; `refs` are {"name", "subfolder", "type"} as sent.

    A missing file counts as `missing`, a malformed or foreign reference as `refused`.
    Deleting twice is harmless.
    """
    counts = Counts(deleted=0, missing=0, refused=0, failed=0)
    for ref in refs:
        path = find_our_path(folders, ref)
        if path is None:
            counts["refused"] += 1
            continue
        try:
            path.unlink()
        except FileNotFoundError:
            counts["missing"] += 1
        except OSError:
            counts["failed"] += 1
        else:
            counts["deleted"] += 1
    return counts


def find_our_path(folders: Folders, ref: object) -> Path | None:
    """Return the path a reference names if that file is, or would be, ours; else None."""
    if not isinstance(ref, Mapping):
        return None
    name, subfolder, kind = ref.get("name"), ref.get("subfolder", ""), ref.get("type")
    if not (isinstance(name, str) and isinstance(subfolder, str) and isinstance(kind, str)):
        return None
    if kind not in folders or not is_our_name(kind, subfolder, name):
        return None
    root = folders[kind]
    path = root.joinpath(*subfolder.split("/"), name) if subfolder else root / name
    return path if is_inside(path, root) else None


def is_our_name(kind: str, subfolder: str, name: str) -> bool:
    """Tell from the names alone whether a file can be ours."""
    parts = [*subfolder.split("/"), name] if subfolder else [name]
    if any(part in {"", ".", ".."} or UNSAFE.search(part) for part in parts) or "/" in name:
        return False
    if kind == "input":
        return subfolder == "" and OUR_INPUT.fullmatch(name) is not None
    return parts[0] == OUR_SUBFOLDER and len(parts) > 1


def is_inside(path: Path, root: Path) -> bool:
    """Tell whether the path is a plain entry below the root, reached through no link.

    The root itself may be a link: operators put ComfyUI's folders on other disks.
    """
    try:
        home = root.resolve()
        return path.resolve() == home / path.relative_to(root) and not path.is_dir()
    except (OSError, ValueError, RuntimeError):
        # Names too long for the file system, link loops: certainly not a file we wrote.
        return False
