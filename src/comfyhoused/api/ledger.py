"""The ledger of a month as text: one line for each unit reserved, charged or given back."""

import csv
import io
import json
from collections.abc import AsyncIterator, Callable
from dataclasses import asdict
from datetime import datetime
from typing import Any

from comfyhoused.adapters.redis.client import Store
from comfyhoused.adapters.storage.storage import Storage
from comfyhoused.core.jobs.books import Entry, read_ledger, read_usage
from comfyhoused.core.jobs.closing import write_line

COLUMNS = ("at", "job_id", "verb", "units", "key_id", "template")
_MOST_PENDING = 64 * 1024


async def read_entries(
    store: Store, storage: Storage, owner: str, period: str
) -> AsyncIterator[Entry]:
    """Yield the lines of a month, oldest first, from storage where it is closed."""
    usage = await read_usage(store, owner, period)
    if not usage.ledger_object:
        async for entry in read_ledger(store, owner, period):
            yield entry
        return
    async for line in _split(storage.read(usage.ledger_object)):
        fields: dict[str, Any] = json.loads(line)
        yield Entry(**{**fields, "at": datetime.fromisoformat(fields["at"])})


async def write_jsonl(entries: AsyncIterator[Entry]) -> AsyncIterator[bytes]:
    """Yield the lines as JSON objects."""
    async for part in _join(entries, lambda entry: write_line(entry).decode()):
        yield part


async def write_csv(entries: AsyncIterator[Entry]) -> AsyncIterator[bytes]:
    """Yield the lines as CSV (RFC 4180), with a head."""
    yield (",".join(COLUMNS) + "\r\n").encode()
    async for part in _join(entries, _make_row):
        yield part


def _make_row(entry: Entry) -> str:
    text = io.StringIO()
    csv.writer(text).writerow(_flatten(entry)[name] for name in COLUMNS)
    return text.getvalue()


def _flatten(entry: Entry) -> dict[str, Any]:
    return {**asdict(entry), "at": entry.at.isoformat()}


async def _join(
    entries: AsyncIterator[Entry], write: Callable[[Entry], str]
) -> AsyncIterator[bytes]:
    """Yield the written lines in parts of some size: an answer of tiny parts is slow."""
    pending: list[str] = []
    size = 0
    async for entry in entries:
        line = write(entry)
        pending.append(line)
        size += len(line)
        if size >= _MOST_PENDING:
            yield "".join(pending).encode()
            pending, size = [], 0
    if pending:
        yield "".join(pending).encode()


async def _split(chunks: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
    rest = b""
    async for chunk in chunks:
        *lines, rest = (rest + chunk).split(b"\n")
        for line in lines:
            yield line
    if rest:
        yield rest
