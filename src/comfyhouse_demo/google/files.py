"""Files, folders and shortcuts, and the feed that tells of every change of theirs."""

import secrets
import sqlite3
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from comfyhouse_demo.google import blobs
from comfyhouse_demo.google.blobs import Blob
from comfyhouse_demo.google.failures import Refusal, make_not_found
from comfyhouse_demo.google.people import (
    FOLDER,
    Person,
    count_used_bytes,
    get_person,
)
from comfyhouse_demo.google.store import Store, make_token, now, read_json, write_json

SHORTCUT = "application/vnd.google-apps.shortcut"


@dataclass(slots=True)
class File:
    """A row. `apps` are the clients that made it or were given it; `overrides` are for tests:
    what is said about it instead of the truth (None: nothing is said)."""

    id: str
    sub: str
    parent: str
    name: str
    mime: str
    drive: str = ""
    is_trashed: bool = False
    is_trashed_itself: bool = False
    blob: str = ""
    size: int = 0
    md5: str = ""
    sha256: str = ""
    revision: str = ""
    shortcut: str = ""
    created: float = 0.0
    modified: float = 0.0
    version: int = 1
    apps: list[str] = field(default_factory=list)
    app_properties: dict[str, dict[str, str]] = field(default_factory=dict)
    overrides: dict[str, Any] = field(default_factory=dict)

    @property
    def is_folder(self) -> bool:
        return self.mime == FOLDER


_JSON = ("apps", "app_properties", "overrides")
_COLUMNS = tuple(File.__dataclass_fields__)


def find_file(store: Store, file_id: str) -> File | None:
    """Return the file, whoever's it is."""
    row = store.find("SELECT * FROM files WHERE id = ?", file_id)
    return None if row is None else _read(row)


def get_file(store: Store, file_id: str) -> File:
    """Return the file, whoever's it is; raises Refusal."""
    file = find_file(store, file_id)
    if file is None:
        raise make_not_found(file_id)
    return file


def list_files(store: Store, sub: str) -> list[File]:
    """Return everything that the user can reach, shared drives included, oldest first."""
    drives = [drive["id"] for drive in list_drives(store, sub)]
    own = store.list("SELECT * FROM files WHERE sub = ? AND drive = '' ORDER BY rowid", sub)
    shared = [
        row
        for drive in drives
        for row in store.list("SELECT * FROM files WHERE drive = ? ORDER BY rowid", drive)
    ]
    return [_read(row) for row in (*own, *shared)]


def list_children(store: Store, folder: str) -> list[File]:
    """Return what lies directly in the folder, the bin's too, oldest first."""
    rows = store.list("SELECT * FROM files WHERE parent = ? ORDER BY rowid", folder)
    return [_read(row) for row in rows]


def add_file(
    store: Store,
    person: Person,
    *,
    name: str,
    parent: str,
    mime: str,
    blob: Blob | None = None,
    file_id: str = "",
    shortcut: str = "",
    apps: list[str] | None = None,
    app_properties: Mapping[str, dict[str, str]] | None = None,
    overrides: Mapping[str, Any] | None = None,
) -> File:
    """Make a file; raises Refusal where the storage is full or the id is used."""
    check_room(store, person, blob.size if blob else 0)
    folder = get_file(store, parent)
    file = File(
        id=file_id or make_file_id(),
        sub=person.sub,
        parent=parent,
        name=name,
        mime=mime,
        drive=folder.drive,
        shortcut=shortcut,
        created=now(),
        modified=now(),
        apps=apps or [],
        app_properties=dict(app_properties or {}),
        overrides=dict(overrides or {}),
    )
    if blob is not None:
        _set_blob(file, blob)
    try:
        store.insert("files", **_write(file))
    except sqlite3.IntegrityError as error:
        message = "A file already exists with the provided ID."
        raise Refusal(409, "fileIdInUse", message, "file.id", "other") from error
    tell(store, file)
    return file


def save_file(store: Store, file: File) -> None:
    """Keep what was changed and tell of it."""
    file.version += 1
    values = _write(file)
    names = ", ".join(f"{name} = ?" for name in values)
    statement = f"UPDATE files SET {names} WHERE id = ?"  # noqa: S608
    store.run(statement, *values.values(), file.id)
    tell(store, file)


def replace_content(store: Store, file: File, blob: Blob) -> None:
    """Give the file other bytes: a new revision."""
    check_room(store, get_person(store, file.sub), blob.size - file.size)
    blobs.drop(store, file.blob)
    _set_blob(file, blob)
    file.modified = now()
    save_file(store, file)


def set_trashed(store: Store, file: File, is_trashed: bool) -> None:
    """Put it into the bin or take it out, with all that is in it."""
    file.is_trashed_itself = is_trashed
    for one in (file, *walk_below(store, file.id)):
        one.is_trashed = is_trashed or one.is_trashed_itself
        save_file(store, one)


def remove_file(store: Store, file: File) -> None:
    """Delete it for good, with all that is in it."""
    for one in (*walk_below(store, file.id), file):
        store.run("DELETE FROM files WHERE id = ?", one.id)
        blobs.drop(store, one.blob)
        tell(store, one, is_removed=True)


def walk_below(store: Store, folder: str) -> Iterator[File]:
    """Yield everything below the folder."""
    for child in list_children(store, folder):
        yield child
        yield from walk_below(store, child.id)


def tell(store: Store, file: File, *, is_removed: bool = False) -> None:
    """Add a line to the feed of whoever has the file.

    Of what lies in a shared drive the feeds of its other members may tell or not; here they do
    not, as nobody may rely on them.
    """
    store.insert(
        "changes",
        sub=file.sub,
        file=file.id,
        is_removed=is_removed,
        apps=write_json(file.apps),
        at=now(),
    )
    store.has_news.set()


def create_drive(store: Store, name: str, subs: list[str]) -> str:
    """Make a shared drive with these members; returns its id, which is its top folder's too."""
    drive = make_token("0B", 12)
    store.insert("drives", id=drive, name=name, subs=write_json(subs))
    values = {"id": drive, "sub": subs[0], "drive": drive, "parent": "", "name": name}
    store.insert("files", **values, mime=FOLDER, created=now(), modified=now())
    return drive


def list_drives(store: Store, sub: str) -> list[sqlite3.Row]:
    """Return the shared drives of which the user is a member."""
    return [row for row in store.list("SELECT * FROM drives") if sub in read_json(row["subs"])]


def can_reach(store: Store, file: File, sub: str) -> bool:
    """Tell whether the user can see the file at all, by whatever app."""
    return sub in _list_readers(store, file)


def check_room(store: Store, person: Person, more_bytes: int) -> None:
    """Raise Refusal where so many bytes more do not fit."""
    if more_bytes > 0 and count_used_bytes(store, person.sub) + more_bytes > person.quota_bytes:
        message = "The user's Drive storage quota has been exceeded."
        raise Refusal(403, "storageQuotaExceeded", message, domain="usageLimits")


def make_file_id() -> str:
    """Return an id like Google's."""
    return make_token("1", 24)


def _list_readers(store: Store, file: File) -> list[str]:
    if not file.drive:
        return [file.sub]
    row = store.find("SELECT subs FROM drives WHERE id = ?", file.drive)
    return [] if row is None else list(read_json(row["subs"]))


def _set_blob(file: File, blob: Blob) -> None:
    file.blob, file.size, file.md5, file.sha256 = blob.name, blob.size, blob.md5, blob.sha256
    file.revision = "0B" + secrets.token_urlsafe(30)


def _read(row: sqlite3.Row) -> File:
    values = {name: read_json(row[name]) if name in _JSON else row[name] for name in _COLUMNS}
    for name in ("is_trashed", "is_trashed_itself"):
        values[name] = bool(values[name])
    return File(**values)


def _write(file: File) -> dict[str, object]:
    return {
        name: write_json(getattr(file, name)) if name in _JSON else getattr(file, name)
        for name in _COLUMNS
    }
