"""Where the demo keeps everything: one SQLite file for what is known, a folder for bytes."""

import asyncio
import json
import secrets
import sqlite3
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

_SCHEMA = """
CREATE TABLE IF NOT EXISTS users (
  sub TEXT PRIMARY KEY, email TEXT UNIQUE NOT NULL, name TEXT NOT NULL, root TEXT NOT NULL,
  quota_bytes INTEGER NOT NULL);
CREATE TABLE IF NOT EXISTS drives (id TEXT PRIMARY KEY, name TEXT NOT NULL, subs TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS files (
  id TEXT PRIMARY KEY, sub TEXT NOT NULL, drive TEXT NOT NULL DEFAULT '', parent TEXT NOT NULL,
  name TEXT NOT NULL, mime TEXT NOT NULL, is_trashed INTEGER NOT NULL DEFAULT 0,
  is_trashed_itself INTEGER NOT NULL DEFAULT 0, blob TEXT NOT NULL DEFAULT '',
  size INTEGER NOT NULL DEFAULT 0, md5 TEXT NOT NULL DEFAULT '', sha256 TEXT NOT NULL DEFAULT '',
  revision TEXT NOT NULL DEFAULT '', shortcut TEXT NOT NULL DEFAULT '',
  created REAL NOT NULL, modified REAL NOT NULL, version INTEGER NOT NULL DEFAULT 1,
  apps TEXT NOT NULL DEFAULT '[]', app_properties TEXT NOT NULL DEFAULT '{}',
  overrides TEXT NOT NULL DEFAULT '{}');
CREATE INDEX IF NOT EXISTS files_of_user ON files (sub, parent);
CREATE INDEX IF NOT EXISTS files_of_folder ON files (parent);
CREATE TABLE IF NOT EXISTS ids (id TEXT PRIMARY KEY, sub TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS changes (
  seq INTEGER PRIMARY KEY AUTOINCREMENT, sub TEXT NOT NULL, file TEXT NOT NULL,
  is_removed INTEGER NOT NULL, apps TEXT NOT NULL, at REAL NOT NULL);
CREATE INDEX IF NOT EXISTS changes_of_user ON changes (sub, seq);
CREATE TABLE IF NOT EXISTS grants (
  sub TEXT NOT NULL, client TEXT NOT NULL, scopes TEXT NOT NULL, PRIMARY KEY (sub, client));
CREATE TABLE IF NOT EXISTS codes (code TEXT PRIMARY KEY, facts TEXT NOT NULL, until REAL NOT NULL);
CREATE TABLE IF NOT EXISTS tokens (
  token TEXT PRIMARY KEY, kind TEXT NOT NULL, sub TEXT NOT NULL, client TEXT NOT NULL,
  scopes TEXT NOT NULL, until REAL NOT NULL, made REAL NOT NULL);
CREATE TABLE IF NOT EXISTS uploads (
  id TEXT PRIMARY KEY, sub TEXT NOT NULL, client TEXT NOT NULL, file TEXT NOT NULL,
  metadata TEXT NOT NULL, size INTEGER, result TEXT NOT NULL DEFAULT '');
CREATE TABLE IF NOT EXISTS channels (
  id TEXT PRIMARY KEY, sub TEXT NOT NULL, client TEXT NOT NULL, scopes TEXT NOT NULL,
  token TEXT NOT NULL, address TEXT NOT NULL, resource TEXT NOT NULL, until REAL NOT NULL,
  messages INTEGER NOT NULL DEFAULT 0);
"""


class Store:
    """The demo's memory. Used by one thread; it survives `kill -9` of its process."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.blobs = folder / "blobs"
        self.blobs.mkdir(parents=True, exist_ok=True)
        #: Set whenever the feed of changes has grown; whoever sends pushes waits for it.
        self.has_news = asyncio.Event()
        self._sql = sqlite3.connect(folder / "google.sqlite", isolation_level=None)
        self._sql.row_factory = sqlite3.Row
        # A demo need not survive a power cut, and so waits for no disk.
        self._sql.execute("PRAGMA synchronous=OFF")
        self._sql.execute("PRAGMA journal_mode=WAL")
        self._sql.executescript(_SCHEMA)

    def run(self, statement: str, *values: object) -> int:
        """Run a statement; returns the number of rows that it changed."""
        return self._sql.execute(statement, values).rowcount

    def find(self, statement: str, *values: object) -> sqlite3.Row | None:
        """Return the first row, or None."""
        row: sqlite3.Row | None = self._sql.execute(statement, values).fetchone()
        return row

    def list(self, statement: str, *values: object) -> list[sqlite3.Row]:
        """Return all rows."""
        return self._sql.execute(statement, values).fetchall()

    def insert(self, table: str, **values: object) -> None:
        """Insert a row; the names are ours, never a stranger's."""
        names = ", ".join(values)
        marks = ", ".join("?" * len(values))
        statement = f"INSERT INTO {table} ({names}) VALUES ({marks})"  # noqa: S608
        self._sql.execute(statement, tuple(values.values()))

    def close(self) -> None:
        """Close the file."""
        self._sql.close()


def make_token(prefix: str, length: int = 24) -> str:
    """Return a random text with a prefix."""
    return prefix + secrets.token_urlsafe(length)


def write_json(value: object) -> str:
    """Return the value as a column holds it."""
    return json.dumps(value, sort_keys=True)


def read_json(text: str) -> Any:
    """Return what a column holds."""
    return json.loads(text)


def now() -> float:
    """Return the time in seconds since 1970."""
    return time.time()


def write_time(seconds: float) -> str:
    """Return an instant as Google writes it: RFC 3339, UTC, milliseconds."""
    instant = datetime.fromtimestamp(seconds, UTC)
    return instant.isoformat(timespec="milliseconds").replace("+00:00", "Z")
