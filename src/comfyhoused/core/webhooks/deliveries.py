"""Deliveries: one event on its way to one place, and the log of what came of it."""

import hashlib
import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any, cast

from comfyhoused.adapters.redis.client import Store
from comfyhoused.core.webhooks.scripts import PREFIX, SCRIPTS
from comfyhoused.kit.clock import make_instant
from comfyhoused.kit.errors import NotFound
from comfyhoused.kit.pages import InvalidCursor, Page, make_cursor, read_cursor

_ID = re.compile(r"dlv_[0-9a-f]{22}")
_SCAN = 100
#: So many deliveries are looked at for one page; the next page goes on behind them.
_MOST_SCANNED = 1000


class DeliveryNotFound(NotFound):
    """No such delivery, or its time in the log is over, or it belongs to somebody else."""

    code = "webhook_delivery_not_found"
    title = "There is no such webhook delivery of yours"


class DeliveryState(StrEnum):
    """`canceled`: the endpoint was disabled or deleted, or the subject erased."""

    PENDING = "pending"
    DELIVERED = "delivered"
    FAILED = "failed"
    CANCELED = "canceled"


@dataclass(frozen=True, slots=True)
class Attempt:
    """One try: what the receiver answered, or the code and sentence of why it did not."""

    number: int
    at: datetime
    status: int | None
    error_code: str | None
    detail: str | None
    duration_seconds: float
    answer: str


@dataclass(frozen=True, slots=True)
class Delivery:
    """An event for an endpoint, or for an address (`url`) that a job brought along.

    `body` is what the latest try sent; `attempts` are counted over all replays.
    """

    id: str
    event_id: str
    owner: str
    type: str
    endpoint: str
    url: str
    state: DeliveryState
    reason: str
    attempts: int
    created_at: datetime
    due_at: datetime | None
    ended_at: datetime | None
    body: str | None
    is_erased: bool


async def get_delivery(store: Store, owner: str, delivery_id: str) -> Delivery:
    """Return an owner's delivery; raises DeliveryNotFound."""
    record: dict[str, str] = {}
    if _ID.fullmatch(delivery_id):
        record = cast(dict[str, str], await store.hgetall(make_delivery_key(delivery_id)))
    if record.get("owner") != owner:
        raise make_missing(delivery_id)
    return parse_delivery(record)


async def list_attempts(store: Store, delivery_id: str) -> list[Attempt]:
    """Return the tries of a delivery, the first one first."""
    rows = cast(list[str], await store.lrange(make_delivery_key(delivery_id) + ":attempts", 0, -1))
    return [_parse_attempt(json.loads(row)) for row in rows]


async def list_deliveries(
    store: Store,
    owner: str,
    *,
    limit: int,
    cursor: str | None,
    state: DeliveryState | None = None,
    endpoint: str = "",
) -> Page[Delivery]:
    """Return a page of deliveries, newest first: all of an owner's, or an endpoint's.

    With a state a page may hold fewer than `limit`, even none, and a cursor all the same.
    """
    log = f"endpoint:{endpoint}" if endpoint else f"owner:{owner}"
    before = f"({_read_position(cursor)}" if cursor is not None else "+inf"
    found: list[Delivery] = []
    for _ in range(_MOST_SCANNED // _SCAN):
        rows = await SCRIPTS.run(store, "list", f"{PREFIX}{log}:deliveries", before, _SCAN)
        for seq, flat in rows:
            before = f"({seq}"
            delivery = _pair_delivery(flat)
            if delivery is None or (state is not None and delivery.state is not state):
                continue
            found.append(delivery)
            if len(found) == limit:
                return Page(found, make_cursor(before[1:]))
        if len(rows) < _SCAN:
            return Page(found, None)
    return Page(found, make_cursor(before[1:]))


def parse_delivery(record: Mapping[str, str]) -> Delivery:
    """Build a Delivery from the fields of its hash."""
    return Delivery(
        id=record["id"],
        event_id=record["event"],
        owner=record["owner"],
        type=record["type"],
        endpoint=record["endpoint"],
        url=record["url"],
        state=DeliveryState(record["state"]),
        reason=record.get("reason", ""),
        attempts=int(record["attempts"]),
        created_at=make_instant(int(record["created_at"])),
        due_at=_read_instant(record.get("due_at")),
        ended_at=_read_instant(record.get("ended_at")),
        body=record.get("body"),
        is_erased=record.get("erased") == "1",
    )


def make_delivery_id(event_id: str, place: str) -> str:
    """Return the id of an event's one delivery to an endpoint or address; as the scripts do."""
    digest = hashlib.sha1(f"{event_id}|{place}".encode(), usedforsecurity=False).hexdigest()
    return f"dlv_{digest[:22]}"


def make_delivery_key(delivery_id: str) -> str:
    """Return the Redis key of a delivery's record."""
    return f"{PREFIX}delivery:{delivery_id}"


def make_missing(delivery_id: str) -> DeliveryNotFound:
    """Return the error for a delivery that its owner does not have."""
    return DeliveryNotFound(f"No webhook delivery {delivery_id[:64]!r}. Its log may be over.")


def _pair_delivery(flat: Sequence[str]) -> Delivery | None:
    record = dict(zip(flat[::2], flat[1::2], strict=True))
    return parse_delivery(record) if record else None


def _parse_attempt(row: Mapping[str, Any]) -> Attempt:
    return Attempt(
        number=row["number"],
        at=make_instant(row["at"]),
        status=row["status"],
        error_code=row["error_code"],
        detail=row["detail"],
        duration_seconds=row["duration_seconds"],
        answer=row["answer"],
    )


def _read_instant(text: str | None) -> datetime | None:
    return make_instant(int(text)) if text else None


def _read_position(cursor: str) -> str:
    position = read_cursor(cursor)
    if not (position.isascii() and position.isdigit()):
        raise InvalidCursor("The cursor is not one that this listing gave out.")
    return position
