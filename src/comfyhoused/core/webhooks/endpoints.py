"""Endpoints: where an owner wants to be told what happens."""

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import cast

from comfyhoused.adapters.redis.client import Store
from comfyhoused.core.webhooks.scripts import PREFIX, SCRIPTS
from comfyhoused.core.webhooks.signing import LiveSecret, list_secrets, make_salt
from comfyhoused.kit.clock import make_instant
from comfyhoused.kit.errors import Conflict, NotFound
from comfyhoused.kit.ids import make_id

_ID = re.compile(r"whe_[0-9a-z]{16}")


class EndpointNotFound(NotFound):
    """No such webhook endpoint, or it belongs to somebody else."""

    code = "webhook_endpoint_not_found"
    title = "There is no such webhook endpoint of yours"


class TooManyEndpoints(Conflict):
    """There are as many webhook endpoints as there may be; delete one first."""

    code = "too_many_webhook_endpoints"
    title = "You have as many webhook endpoints as there may be"


class EndpointDisabled(Conflict):
    """Nothing is sent to a disabled endpoint; enable it first."""

    code = "webhook_endpoint_disabled"
    title = "This webhook endpoint is disabled"


@dataclass(frozen=True, slots=True)
class Endpoint:
    """A place that is told of events of these types; none named: of all.

    `disabled_reason` is `gone` (it answered 410) or `failing` (for days) where we disabled it.
    """

    id: str
    owner: str
    url: str
    description: str
    events: tuple[str, ...]
    is_enabled: bool
    disabled_reason: str
    created_at: datetime
    failing_since: datetime | None
    delivered_at: datetime | None


async def create_endpoint(
    store: Store, owner: str, url: str, *, description: str, events: Sequence[str], most: int
) -> Endpoint:
    """Make an endpoint; raises TooManyEndpoints where its owner has `most`. The url is checked."""
    endpoint_id = make_id("whe", 16)
    fields = {
        "url": url,
        "description": description,
        "events": json.dumps(list(events)),
        "salt": make_salt(),
    }
    answer = await SCRIPTS.run(
        store, "create_endpoint", endpoint_id, owner, most, *_flatten(fields)
    )
    if answer == "enough":
        raise TooManyEndpoints(f"At most {most} can be kept.")
    return await get_endpoint(store, owner, endpoint_id)


async def get_endpoint(store: Store, owner: str, endpoint_id: str) -> Endpoint:
    """Return an owner's endpoint; raises EndpointNotFound."""
    return parse_endpoint(await _get_record(store, owner, endpoint_id))


async def list_endpoints(store: Store, owner: str) -> list[Endpoint]:
    """Return all of an owner's endpoints, the oldest first."""
    ids = cast(list[str], await store.zrange(f"{PREFIX}owner:{owner}:endpoints", 0, -1))
    records = [await store.hgetall(_make_key(endpoint_id)) for endpoint_id in ids]
    return [parse_endpoint(cast(dict[str, str], record)) for record in records if record]


async def change_endpoint(
    store: Store,
    owner: str,
    endpoint_id: str,
    *,
    url: str | None = None,
    description: str | None = None,
    events: Sequence[str] | None = None,
    is_enabled: bool | None = None,
) -> Endpoint:
    """Change what is given; raises EndpointNotFound. Enabled again, old failures are forgotten."""
    fields: dict[str, str] = {}
    if url is not None:
        fields["url"] = url
    if description is not None:
        fields["description"] = description
    if events is not None:
        fields["events"] = json.dumps(list(events))
    if is_enabled is not None:
        fields["enabled"] = str(int(is_enabled))
    _check_id(endpoint_id)
    answer = await SCRIPTS.run(store, "change_endpoint", endpoint_id, owner, *_flatten(fields))
    if answer == "missing":
        raise _make_missing(endpoint_id)
    return await get_endpoint(store, owner, endpoint_id)


async def delete_endpoint(store: Store, owner: str, endpoint_id: str) -> None:
    """Remove an endpoint; what waits for it is not sent. Raises EndpointNotFound."""
    if await SCRIPTS.run(store, "delete_endpoint", _check_id(endpoint_id), owner) == "missing":
        raise _make_missing(endpoint_id)


async def list_endpoint_secrets(
    store: Store, house_secret: bytes, owner: str, endpoint_id: str
) -> list[LiveSecret]:
    """Return what signs for an endpoint now, the newest first; raises EndpointNotFound."""
    record = await _get_record(store, owner, endpoint_id)
    return list_secrets(house_secret, endpoint_id, record)


async def rotate_endpoint_secret(
    store: Store, owner: str, endpoint_id: str, *, overlap_seconds: int
) -> None:
    """Make a new secret; the present one signs beside it for a while. Raises EndpointNotFound."""
    key, salt = _make_key(_check_id(endpoint_id)), make_salt()
    answer = await SCRIPTS.run(store, "rotate", key, salt, overlap_seconds * 1000, owner)
    if answer == "missing":
        raise _make_missing(endpoint_id)


async def list_owner_secrets(store: Store, house_secret: bytes, owner: str) -> list[LiveSecret]:
    """Return what signs for addresses that jobs bring along, the newest first."""
    key = _make_owner_key(owner)
    await store.hsetnx(key, "salt", make_salt())
    record = cast(dict[str, str], await store.hgetall(key))
    return list_secrets(house_secret, owner, record)


async def rotate_owner_secret(store: Store, owner: str, *, overlap_seconds: int) -> None:
    """As rotate_endpoint_secret, for addresses that jobs bring along."""
    key = _make_owner_key(owner)
    await store.hsetnx(key, "salt", make_salt())
    await SCRIPTS.run(store, "rotate", key, make_salt(), overlap_seconds * 1000, "")


async def list_notices(store: Store) -> list[Endpoint]:
    """Return endpoints that were disabled for failing and whose owners are not told yet."""
    ids = cast(set[str], await store.smembers(f"{PREFIX}notices"))
    records = [await store.hgetall(_make_key(endpoint_id)) for endpoint_id in sorted(ids)]
    return [parse_endpoint(cast(dict[str, str], record)) for record in records if record]


async def drop_notice(store: Store, endpoint_id: str) -> None:
    """Note that the owner was told."""
    await store.srem(f"{PREFIX}notices", endpoint_id)


async def _get_record(store: Store, owner: str, endpoint_id: str) -> dict[str, str]:
    key = _make_key(_check_id(endpoint_id))
    record = cast(dict[str, str], await store.hgetall(key))
    if record.get("owner") != owner:
        raise _make_missing(endpoint_id)
    return record


def parse_endpoint(record: Mapping[str, str]) -> Endpoint:
    """Build an Endpoint from the fields of its hash."""
    return Endpoint(
        id=record["id"],
        owner=record["owner"],
        url=record["url"],
        description=record["description"],
        events=tuple(json.loads(record["events"])),
        is_enabled=record["enabled"] == "1",
        disabled_reason=record["disabled_reason"],
        created_at=make_instant(int(record["created_at"])),
        failing_since=_read_instant(record.get("failing_since")),
        delivered_at=_read_instant(record.get("delivered_at")),
    )


def _read_instant(text: str | None) -> datetime | None:
    return make_instant(int(text)) if text else None


def _make_key(endpoint_id: str) -> str:
    return f"{PREFIX}endpoint:{endpoint_id}"


def _make_owner_key(owner: str) -> str:
    return f"{PREFIX}owner:{owner}:secret"


def _check_id(endpoint_id: str) -> str:
    """Other texts would lead to other keys."""
    if _ID.fullmatch(endpoint_id) is None:
        raise _make_missing(endpoint_id)
    return endpoint_id


def _make_missing(endpoint_id: str) -> EndpointNotFound:
    return EndpointNotFound(f"No webhook endpoint {endpoint_id[:64]!r}.")


def _flatten(fields: Mapping[str, str]) -> list[str | int | float]:
    return [part for pair in fields.items() for part in pair]
