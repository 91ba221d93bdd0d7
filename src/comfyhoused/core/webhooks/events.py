"""Events: what an owner's endpoints are told. Each is told once, however often it is emitted."""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from comfyhoused.adapters.redis.client import Store
from comfyhoused.adapters.redis.scripts import Call
from comfyhoused.core.webhooks.scripts import SCRIPTS
from comfyhoused.kit.clock import make_instant

_ID_LENGTH = 26
_DAY_MS = 86_400_000


@dataclass(frozen=True, slots=True)
class Event:
    """Something that happened to a subject (a job's or batch's id; '' for none).

    `data` None: it is written from the subject when it is sent, with links that are fresh then.
    """

    id: str
    owner: str
    type: str
    at: datetime
    subject: str
    data: dict[str, Any] | None
    is_erased: bool


def make_event_id(event_type: str, subject: str) -> str:
    """Return the id of the one event of this type that a subject can have: its `webhook-id`."""
    digest = hashlib.sha256(f"{event_type}\x1f{subject}".encode()).hexdigest()
    return f"msg_{digest[:_ID_LENGTH]}"


async def emit(
    store: Store,
    owner: str,
    event_type: str,
    event_id: str,
    *,
    keep_days: float,
    subject: str = "",
    data: Mapping[str, Any] | None = None,
    record: str = "",
    only_endpoint: str = "",
) -> int:
    """Tell the owner's endpoints; returns how many places are told.

    Idempotent by the event's id for `keep_days`. `record` is the key of the subject's hash:
    where that is not the owner's (any more) or marked `erasing`, nothing is told; an address in
    its field `webhook_url` is told too. `only_endpoint` tells one endpoint, whatever types it
    asked for, in one try.
    """
    return int(
        await SCRIPTS.run(
            store,
            "emit",
            event_id,
            owner,
            event_type,
            subject,
            "" if data is None else json.dumps(data),
            record,
            int(keep_days * _DAY_MS),
            only_endpoint,
        )
    )


async def erase_subject(store: Store, subject: str) -> None:
    """Drop what is kept of a subject in the log, and send nothing more of it; idempotent."""
    await SCRIPTS.run(store, "erase", subject)


def prepare_erasing_subject(subject: str) -> Call:
    """Return the call that `erase_subject` makes, for `run_together`."""
    return SCRIPTS.prepare("erase", subject)


async def sweep_events(store: Store, *, most: int = 1000) -> int:
    """Forget events whose time in the log is over, with their deliveries; returns how many."""
    return int(await SCRIPTS.run(store, "sweep", most))


def parse_event(record: Mapping[str, str]) -> Event:
    """Build an Event from the fields of its hash."""
    return Event(
        id=record["id"],
        owner=record["owner"],
        type=record["type"],
        at=make_instant(int(record["at"])),
        subject=record["subject"],
        data=json.loads(record["data"]) if record["data"] else None,
        is_erased=record.get("erased") == "1",
    )
