"""Streams as plain text rows: redis-py types its answers as bytes or text in many shapes."""

from collections.abc import Mapping, Sequence
from typing import Any, cast

from redis.exceptions import ResponseError

from comfyhoused.adapters.redis.client import Store, translate_errors

Row = tuple[str, dict[str, str]]


async def list_rows(store: Store, stream: str, start: str) -> Sequence[Row]:
    """Return the rows from `start` on, oldest first."""
    return cast(Sequence[Row], await store.xrange(stream, start, "+") or [])


async def join_group(store: Store, stream: str, group: str) -> None:
    """Make the group of readers, from the stream's beginning; fine when it is there."""
    try:
        await store.xgroup_create(stream, group, id="0", mkstream=True)
    except ResponseError as error:
        if "BUSYGROUP" not in str(error):
            raise


async def claim_rows(
    store: Store, stream: str, group: str, consumer: str, *, idle_ms: int, most: int
) -> list[Row]:
    """Return what a silent reader of the group left undone, then what is new.

    The group is made at the first time: making it writes, which a full store refuses.
    """
    try:
        left: Any = await store.xautoclaim(stream, group, consumer, idle_ms, count=most)
    except ResponseError as error:
        if not str(error).startswith("NOGROUP"):
            raise
        await join_group(store, stream, group)
        left = await store.xautoclaim(stream, group, consumer, idle_ms, count=most)
    fresh: Any = await store.xreadgroup(group, consumer, {stream: ">"}, count=most)
    rows = [row for row in left[1] if row[1]]
    for _, entries in fresh.items() if isinstance(fresh, dict) else fresh or []:
        rows.extend(entries[0] if entries and isinstance(entries[0], list) else entries)
    return cast(list[Row], rows)


async def drop_row(store: Store, stream: str, group: str, row_id: str) -> None:
    """Acknowledge a handled row and forget it."""
    pipeline = store.pipeline(transaction=False)
    pipeline.xack(stream, group, row_id)
    pipeline.xdel(stream, row_id)
    with translate_errors():
        await pipeline.execute()


async def copy_row(store: Store, stream: str, fields: Mapping[str, str]) -> None:
    """Append a row to another stream."""
    await store.xadd(stream, dict(fields))  # type: ignore[arg-type]
