"""Batches: many jobs that were submitted together, each item by its number."""

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, cast

from comfyhoused.adapters.redis.client import Store
from comfyhoused.core.fleet.backends import Mode
from comfyhoused.core.jobs.record import PREFIX, Job, find_job
from comfyhoused.core.jobs.scripts import SCRIPTS
from comfyhoused.kit.clock import make_instant
from comfyhoused.kit.errors import NotFound
from comfyhoused.kit.pages import InvalidCursor, Page, make_cursor, read_cursor

MOST_JOBS = 1_000

_ID = re.compile(r"batch_[0-9a-z]{22}")
_SCAN = 100


class BatchNotFound(NotFound):
    """No such batch, or it belongs to somebody else."""

    code = "batch_not_found"
    title = "There is no such batch of yours"


@dataclass(frozen=True, slots=True)
class Due:
    """A delivered job that is not charged yet."""

    kind: str
    units: int
    ran_seconds: float


@dataclass(frozen=True, slots=True)
class Batch:
    """How a batch stands. `counts` has each state that any item's job is in, and `erased`.

    `rounds` counts how often items were tried again; `finished_at` is None while any job may
    still change. Units: reserved for what is not over, charged for what was delivered.
    """

    id: str
    owner: str
    mode: Mode
    created_at: datetime
    finished_at: datetime | None
    total: int
    rounds: int
    counts: dict[str, int]
    reserved_units: int
    charged_units: int
    due: tuple[Due, ...]
    metadata: dict[str, str]


@dataclass(frozen=True, slots=True)
class Item:
    """One job of a batch and its number; None: the job was erased."""

    number: int
    job_id: str
    job: Job | None


async def find_batch(store: Store, batch_id: str, *, owner: str = "") -> Batch | None:
    """Return the batch of an owner, or whoever's, or None."""
    if _ID.fullmatch(batch_id) is None:  # other texts would lead to other keys
        return None
    answer = await SCRIPTS.run(store, "look_batch", batch_id, owner)
    return None if answer is None else _read(*answer)


async def find_completion(store: Store, batch_id: str) -> tuple[str, int] | None:
    """Return owner and rounds of a batch that is over, without looking at its jobs; else None."""
    key = make_batch_key(batch_id)
    owner, finished_at, rounds = await store.hmget(key, "owner", "finished_at", "rounds")
    return (str(owner), int(str(rounds))) if finished_at else None


async def get_batch(store: Store, owner: str, batch_id: str) -> Batch:
    """Return an owner's batch; raises BatchNotFound."""
    batch = await find_batch(store, batch_id, owner=owner)
    if batch is None:
        raise make_missing(batch_id)
    return batch


async def list_batches(store: Store, owner: str, *, limit: int, cursor: str | None) -> Page[Batch]:
    """Return a page of an owner's batches, newest first."""
    index = f"{PREFIX}owner:{owner}:batches"
    before = f"({_read_number(cursor)}" if cursor is not None else "+inf"
    rows: Any = await store.zrevrangebyscore(
        index, before, "-inf", start=0, num=limit + 1, withscores=True
    )
    found = []
    for batch_id, _ in rows[:limit]:
        batch = await find_batch(store, str(batch_id), owner=owner)
        if batch is None:  # its time is over
            await store.zrem(index, batch_id)
        else:
            found.append(batch)
    next_cursor = make_cursor(str(int(rows[limit - 1][1]))) if len(rows) > limit else None
    return Page(found, next_cursor)


async def list_items(
    store: Store,
    batch_id: str,
    *,
    limit: int,
    cursor: str | None = None,
    state: str | None = None,
) -> Page[Item]:
    """Return a page of items in their order; with a state only those whose jobs are in it now.

    The batch must be known to be the caller's.
    """
    number = _read_number(cursor) if cursor is not None else 0
    found: list[Item] = []
    while True:
        ids = await _list_ids(store, batch_id, number, number + _SCAN - 1)
        for job_id in ids:
            item = await _find_item(store, number, job_id)
            number += 1
            if state is None or (item.job is not None and item.job.state == state):
                found.append(item)
            if len(found) == limit:
                return Page(found, make_cursor(str(number)))
        if len(ids) < _SCAN:
            return Page(found, None)


async def cancel_batch(store: Store, owner: str, batch_id: str) -> Batch:
    """Cancel every job that is not over; idempotent. Raises BatchNotFound."""
    if _ID.fullmatch(batch_id) is None:
        raise make_missing(batch_id)
    if await SCRIPTS.run(store, "cancel_batch", batch_id, owner) < 0:
        raise make_missing(batch_id)
    return await get_batch(store, owner, batch_id)


async def erase_batch(store: Store, owner: str, batch_id: str) -> None:
    """Cancel and hide a batch and its jobs for good; the files go soon. Raises BatchNotFound."""
    if _ID.fullmatch(batch_id) is None or not await SCRIPTS.run(
        store, "erase_batch", batch_id, owner
    ):
        raise make_missing(batch_id)


async def expire_batch(store: Store, batch_id: str, ms: int) -> None:
    """Have Redis forget a batch after so long, counted anew each time this is called."""
    for suffix in ("", ":items", ":past", ":open"):
        await store.pexpire(make_batch_key(batch_id) + suffix, ms)


def make_batch_key(batch_id: str) -> str:
    """Return the Redis key of a batch's record."""
    return f"{PREFIX}batch:{batch_id}"


def make_missing(batch_id: str) -> BatchNotFound:
    """Return the error for a batch that its owner does not have."""
    return BatchNotFound(f"No batch {batch_id[:64]!r}. It may have been erased.")


async def _find_item(store: Store, number: int, job_id: str) -> Item:
    job = await find_job(store, job_id)
    return Item(number, job_id, None if job is None or job.is_erasing else job)


async def _list_ids(store: Store, batch_id: str, first: int, last: int) -> list[str]:
    return cast(list[str], await store.lrange(f"{make_batch_key(batch_id)}:items", first, last))


def _read(
    flat: Sequence[str],
    counts: Sequence[Any],
    reserved: int,
    charged: int,
    due: Sequence[Sequence[str]],
) -> Batch:
    record: Mapping[str, str] = dict(zip(flat[::2], flat[1::2], strict=True))
    return Batch(
        id=record["id"],
        owner=record["owner"],
        mode="test" if record["mode"] == "test" else "live",
        created_at=make_instant(int(record["created_at"])),
        finished_at=make_instant(int(record["finished_at"])) if record["finished_at"] else None,
        total=int(record["total"]),
        rounds=int(record["rounds"]),
        counts=dict(zip(map(str, counts[::2]), map(int, counts[1::2]), strict=True)),
        reserved_units=int(reserved),
        charged_units=int(charged),
        due=tuple(Due(kind, int(float(units)), int(ran) / 1000) for kind, units, ran in due),
        metadata=json.loads(record.get("metadata") or "{}"),
    )


def _read_number(cursor: str) -> int:
    position = read_cursor(cursor)
    if not (position.isascii() and position.isdigit() and len(position) < 16):
        raise InvalidCursor("The cursor is not one that this listing gave out.")
    return int(position)
