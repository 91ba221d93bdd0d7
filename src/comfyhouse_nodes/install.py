"""Copies the pack into a ComfyUI's custom_nodes folder, whole or not at all."""

from __future__ import annotations

import hashlib
import json
import shutil
from dataclasses import dataclass
from pathlib import Path

from .version import PACK_VERSION

FOLDER_NAME = "comfyhouse_nodes"
STAMP_NAME = "installed.json"
WEIGHTS = "photo/weights"
SOURCE = Path(__file__).parent
# ComfyUI skips what ends so; a copy that was cut short must not be loaded as a second pack.
STAGING_NAME = f"{FOLDER_NAME}.new.disabled"
RETIRED_NAME = f"{FOLDER_NAME}.old.disabled"


class InstallRefused(Exception):
    """The pack was not installed; the message says why and what to do."""


@dataclass(frozen=True)
class Installation:
    """Where the pack is now. `replaced` is the version that stood there before, if any."""

    path: Path
    version: str
    replaced: str | None
    is_changed: bool

    @property
    def next_step(self) -> str:
        """One sentence for the operator."""
        if not self.is_changed:
            return f"Version {self.version} is in {self.path} already; nothing was changed."
        said = f"Version {self.version} is in {self.path}. Restart ComfyUI to load it."
        if not (self.path / WEIGHTS).is_dir():
            said += " It has no weights, so faces and products are not found: see `make up`."
        return said


def install(comfyui_path: Path) -> Installation:
    """Install or renew the pack in the ComfyUI at this folder.

    Raises InstallRefused if the folder is not a ComfyUI, cannot be written, or holds
    something of this name that this installer did not put there. Installing the same
    version again changes nothing.
    """
    target = find_custom_nodes(comfyui_path) / FOLDER_NAME
    replaced = find_installed_version(target)
    if replaced is not None and make_content_hash(target) == make_content_hash(SOURCE):
        return Installation(target, PACK_VERSION, replaced, is_changed=False)
    try:
        replace_folder(target)
    except OSError as error:
        raise InstallRefused(f"{target} cannot be written: {error.strerror or error}.") from error
    return Installation(target, PACK_VERSION, replaced, is_changed=True)


def find_custom_nodes(comfyui_path: Path) -> Path:
    """Return the custom_nodes folder of a ComfyUI; raises InstallRefused if it is none."""
    root = comfyui_path.expanduser().absolute()
    if (root / "ComfyUI" / "custom_nodes").is_dir():
        raise InstallRefused(f"{root} holds a ComfyUI; name that folder itself: {root / 'ComfyUI'}")
    # A base directory (--base-directory, the desktop program) has models but no main.py.
    if not (root / "custom_nodes").is_dir() or not (
        (root / "main.py").is_file() or (root / "models").is_dir()
    ):
        raise InstallRefused(
            f"{root} does not look like ComfyUI: name the folder that contains custom_nodes "
            "beside main.py or models."
        )
    return root / "custom_nodes"


def find_installed_version(target: Path) -> str | None:
    """Return the version in our folder, None if there is no folder; raises if it is not ours."""
    if target.is_symlink():
        raise InstallRefused(f"{target} is a link and was left alone; remove it to install a copy.")
    if not target.exists():
        return None
    try:
        version = json.loads((target / STAMP_NAME).read_text("utf-8"))["pack"]
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise InstallRefused(
            f"{target} was not put there by this installer and was left alone; "
            "move it away to install."
        ) from error
    return str(version)


def make_content_hash(folder: Path) -> str:
    """Return one hash over the names and bytes of the pack's own files in a folder."""
    digest = hashlib.sha256()
    for path in sorted(folder.rglob("*")):
        relative = path.relative_to(folder)
        if path.is_file() and relative.name != STAMP_NAME and "__pycache__" not in relative.parts:
            digest.update(f"{relative.as_posix()}\0{path.stat().st_size}\0".encode())
            digest.update(path.read_bytes())
    return digest.hexdigest()


def replace_folder(target: Path) -> None:
    """Put a fresh copy at the target, keeping the old one until the new one is complete."""
    staging, retired = target.with_name(STAGING_NAME), target.with_name(RETIRED_NAME)
    for leftover in (staging, retired):
        if leftover.exists():
            shutil.rmtree(leftover)
    shutil.copytree(SOURCE, staging, ignore=shutil.ignore_patterns("__pycache__", STAMP_NAME))
    (staging / STAMP_NAME).write_text(json.dumps({"pack": PACK_VERSION}) + "\n", "utf-8")
    if target.exists():
        target.rename(retired)
    staging.rename(target)
    if retired.exists():
        shutil.rmtree(retired)
