"""The demo's users. Each has a Drive with a root folder and a limit of storage."""

import secrets
import sqlite3
from dataclasses import dataclass

from comfyhouse_demo.google.failures import Refusal
from comfyhouse_demo.google.store import Store, make_token, now

QUOTA_BYTES = 15 * 1024**3
FOLDER = "application/vnd.google-apps.folder"


@dataclass(frozen=True, slots=True)
class Person:
    """A user: `sub` is who they are, as in an id token."""

    sub: str
    email: str
    name: str
    root: str
    quota_bytes: int


def create_person(store: Store, email: str, name: str, quota_bytes: int = QUOTA_BYTES) -> Person:
    """Add a user; one with the same address is returned as they are."""
    found = store.find("SELECT * FROM users WHERE email = ?", email)
    if found is not None:
        return _read(found)
    sub = f"1{secrets.randbelow(10**20):020d}"
    person = Person(sub, email, name, make_token("0A", 12), quota_bytes)
    store.insert(
        "users", sub=sub, email=email, name=name, root=person.root, quota_bytes=quota_bytes
    )
    store.insert(
        "files",
        id=person.root,
        sub=sub,
        parent="",
        name="My Drive",
        mime=FOLDER,
        created=now(),
        modified=now(),
    )
    return person


def get_person(store: Store, sub: str) -> Person:
    """Return the user; raises Refusal."""
    row = store.find("SELECT * FROM users WHERE sub = ?", sub)
    if row is None:
        raise Refusal(404, "notFound", f"There is no demo user {sub}.")
    return _read(row)


def find_person(store: Store, email_or_sub: str) -> Person | None:
    """Return the user with this address or this `sub`."""
    row = store.find("SELECT * FROM users WHERE email = ?1 OR sub = ?1", email_or_sub)
    return None if row is None else _read(row)


def list_people(store: Store) -> list[Person]:
    """Return all users, in the order in which they came."""
    return [_read(row) for row in store.list("SELECT * FROM users ORDER BY rowid")]


def count_used_bytes(store: Store, sub: str) -> int:
    """Return how much of their storage is used, the bin included."""
    row = store.find(
        "SELECT COALESCE(SUM(size), 0) AS used FROM files WHERE sub = ? AND drive = ''", sub
    )
    assert row is not None
    return int(row["used"])


def _read(row: sqlite3.Row) -> Person:
    return Person(row["sub"], row["email"], row["name"], row["root"], row["quota_bytes"])
