"""Months that are over: the ledger moves to storage, Redis keeps the balance.

The object is doomed (core/files) from before it is written until the balance names it, so that
whoever dies in between leaves nothing; each try has an object of its own, so that two workers
cannot spoil each other's.
"""

import json
from collections.abc import AsyncIterator, Mapping
from dataclasses import asdict
from typing import Any, cast

from comfyhoused.adapters.redis.client import Store
from comfyhoused.adapters.storage.storage import Storage
from comfyhoused.core.files.scripts import DOOMED
from comfyhoused.core.jobs.books import Entry, read_ledger, read_usage
from comfyhoused.core.jobs.record import PREFIX
from comfyhoused.core.jobs.scripts import SCRIPTS
from comfyhoused.kit.clock import get_now_ms
from comfyhoused.kit.crypto import make_digest
from comfyhoused.kit.ids import make_id

_INDEX = f"{PREFIX}ledgers"
_GRACE_MS = 3_600_000
_MAX_BYTES = 50_000_000_000


async def list_open_books(
    store: Store, before: str, *, start: int, most: int
) -> list[tuple[str, str]]:
    """Return owners and months (`YYYY-MM`, earlier than `before`) that are not closed."""
    rows: Any = await store.zrangebyscore(
        _INDEX, "-inf", f"({before.replace('-', '')}", start=start, num=most
    )
    return [(row.rpartition("|")[0], row.rpartition("|")[2]) for row in cast(list[str], rows)]


async def close_books(
    store: Store, storage: Storage, owner: str, period: str, facts: Mapping[str, str]
) -> bool:
    """Move a month's ledger to storage and keep `facts` with its balance; idempotent.

    False where something is still reserved, or another worker was faster. Raises
    StorageUnavailable.
    """
    usage = await read_usage(store, owner, period)
    if usage.reserved or usage.ledger_object:
        return False
    key = f"ledgers/{make_digest(owner)}/{period}-{make_id('try', 8)}.jsonl"
    await store.zadd(DOOMED, {key: get_now_ms() + _GRACE_MS})
    count = 0

    async def write() -> AsyncIterator[bytes]:
        nonlocal count
        async for entry in read_ledger(store, owner, period):
            count += 1
            yield write_line(entry)

    await storage.put(key, write(), content_type="application/x-ndjson", max_bytes=_MAX_BYTES)
    pairs = [part for pair in facts.items() for part in pair]
    answer = await SCRIPTS.run(store, "close", owner, period, count, key, *pairs)
    if answer != "closed":
        await storage.delete(key)
        await store.zrem(DOOMED, key)
    return bool(answer == "closed")


def write_line(entry: Entry) -> bytes:
    """Return a line of a ledger as JSON."""
    return json.dumps({**asdict(entry), "at": entry.at.isoformat()}).encode() + b"\n"
