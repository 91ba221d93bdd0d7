"""Events: what an owner's endpoints are told. Each is told once, however often it is emitted."""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from urllib.parse import urlsplit

from comfyhoused.adapters.redis.client import Store
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
    guard: str = "",
    url: str = "",
    only_endpoint: str = "",
) -> int:
    """Tell the owner's endpoints, and the `url` that came along; returns how many are told.

    Idempotent by the event's id for `keep_days`. `guard` is the key of the subject's record:
    where that is gone or marked `erasing`, nothing is told. `only_endpoint` tells one endpoint,
    whatever types it asked for, in one try.
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
            guard,
            int(keep_days * _DAY_MS),
            url,
            name_url_lane(owner, url) if url else "",
            only_endpoint,
        )
    )


async def erase_subject(store: Store, subject: str) -> None:
    """Drop what is kept of a subject in the log, and send nothing more of it; idempotent."""
    await SCRIPTS.run(store, "erase", subject)


async def sweep_events(store: Store, *, most: int = 100) -> int:
    """Forget events whose time in the log is over, with their deliveries; returns how many."""
    return int(await SCRIPTS.run(store, "sweep", most))


def name_url_lane(owner: str, url: str) -> str:
    """Return the lane of an address without an endpoint: one for each owner and server."""
    parts = urlsplit(url)
    place = f"{owner}\x1f{parts.scheme}://{parts.netloc}"
    return f"url:{hashlib.sha256(place.encode()).hexdigest()[:32]}"


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
