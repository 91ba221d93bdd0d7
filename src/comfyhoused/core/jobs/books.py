"""The books of an owner: what was reserved and settled in a month, and the ledger behind it."""

from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, cast

from comfyhoused.adapters.redis.client import Store
from comfyhoused.core.jobs.record import PREFIX
from comfyhoused.kit.clock import make_instant

_PAGE = 1000


@dataclass(frozen=True, slots=True)
class Usage:
    """Units of one owner in one month. The parts of `settled` are by day, key and template.

    `settled` was delivered; `reserved` belongs to jobs that are not over. `jobs` were delivered.
    A closed month does not change any more: its ledger lies under `ledger_object` in storage,
    and `closing` is what was written down of its price when it was closed.
    """

    settled: int = 0
    reserved: int = 0
    jobs: int = 0
    by_day: Mapping[str, int] = field(default_factory=dict)
    by_key: Mapping[str, int] = field(default_factory=dict)
    by_template: Mapping[str, int] = field(default_factory=dict)
    ledger_object: str = ""
    closing: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Entry:
    """A line of a ledger: `reserve` puts units aside, `settle` charges, `release` is free."""

    at: datetime
    job_id: str
    verb: str
    units: int
    key_id: str
    template: str


def make_books_key(kind: str, owner: str, period: str) -> str:
    """Return the key of an owner's `usage`, `charges` or `ledger` in a month."""
    return f"{PREFIX}{kind}:{owner}:{period}" if period else f"{PREFIX}{kind}:{owner}"


async def read_usage(store: Store, owner: str, period: str) -> Usage:
    """Return the counts of a month; all 0 where there was nothing."""
    raw = await store.hgetall(make_books_key("usage", owner, period))
    fields = cast(dict[str, str], raw)
    return Usage(
        settled=int(fields.get("settled", "0")),
        reserved=int(fields.get("reserved", "0")),
        jobs=int(fields.get("jobs", "0")),
        by_day=_select(fields, "day:"),
        by_key=_select(fields, "key:"),
        by_template=_select(fields, "template:"),
        ledger_object=fields.get("ledger_object", ""),
        closing={
            name.removeprefix("closed:"): text
            for name, text in fields.items()
            if name.startswith("closed:")
        },
    )


async def list_periods(store: Store, owner: str) -> list[str]:
    """Return the months in which an owner had anything reserved, newest first."""
    members = cast(set[str], await store.smembers(f"{PREFIX}owner:{owner}:periods"))
    return sorted(members, reverse=True)


async def read_ledger(store: Store, owner: str, period: str) -> AsyncIterator[Entry]:
    """Yield the lines of a month that is not closed, oldest first, a page at a time."""
    stream, start = make_books_key("ledger", owner, period), "-"
    while True:
        rows: Any = await store.xrange(stream, start, "+", count=_PAGE)
        for row_id, fields in rows or []:
            yield _read_entry(fields)
            start = f"({row_id}"
        if len(rows or []) < _PAGE:
            return


def _select(fields: Mapping[str, str], prefix: str) -> dict[str, int]:
    chosen = {
        name.removeprefix(prefix): int(fields[name]) for name in fields if name.startswith(prefix)
    }
    return dict(sorted(chosen.items()))


def _read_entry(fields: Mapping[str, str]) -> Entry:
    return Entry(
        at=make_instant(int(fields["at"])),
        job_id=fields["job"],
        verb=fields["verb"],
        units=int(fields["units"]),
        key_id=fields.get("key", ""),
        template=fields.get("template", ""),
    )
