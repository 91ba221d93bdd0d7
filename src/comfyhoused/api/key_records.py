"""What is stored of an API key; it is read together with its account."""

import json
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal, NamedTuple, get_args

from comfyhoused.adapters.redis.client import Store
from comfyhoused.api.accounts import Account, read_account
from comfyhoused.api.key_secrets import KeyMode
from comfyhoused.api.scripts import SCRIPTS
from comfyhoused.kit.clock import make_instant
from comfyhoused.kit.errors import NotFound

Scope = Literal[
    "jobs:write",
    "jobs:read",
    "files:write",
    "files:read",
    "usage:read",
    "workflows:write",
    "workflows:read",
    "webhooks:write",
    "webhooks:read",
    "keys:write",
    "keys:read",
]
SCOPES: tuple[Scope, ...] = get_args(Scope)
#: What a key may do unless it is said: all but make and see keys.
DEFAULT_SCOPES = tuple(scope for scope in SCOPES if not scope.startswith("keys:"))


class KeyNotFound(NotFound):
    """No key with this id."""

    code = "key_not_found"
    title = "There is no such key"


@dataclass(frozen=True, slots=True)
class ApiKey:
    """What is known of a key; the secret itself is not kept."""

    id: str
    account: str
    mode: KeyMode
    name: str
    scopes: tuple[str, ...]
    created_at: datetime
    expires_at: datetime | None
    last_used_at: datetime | None
    revoked_at: datetime | None
    replaced_by: str | None


class Holder(NamedTuple):
    """A key that was shown, and the account it belongs to."""

    key: ApiKey
    account: Account


async def get_key(store: Store, digest: str) -> ApiKey:
    """Return the key that is stored under a digest; raises KeyNotFound."""
    return (await look_up(store, digest)).key


async def look_up(store: Store, digest: str) -> Holder:
    """Return what is stored under a digest, in one round trip; raises KeyNotFound."""
    answer: Any = await SCRIPTS.run(store, "find_key", digest)
    record, account = _pair_off(answer[0]), _pair_off(answer[1])
    if not record:
        raise KeyNotFound("No such key.")
    if not account:
        # A key of before accounts were kept: it carries the plan itself.
        account = {"id": record["account"], "plan": record["plan"]}
        account["created_at"] = record["created_at"]
    return Holder(_read(record), read_account(account))


def _pair_off(flat: list[str]) -> dict[str, str]:
    return dict(zip(flat[::2], flat[1::2], strict=True))


def _read(record: dict[str, str]) -> ApiKey:
    return ApiKey(
        id=record["id"],
        account=record["account"],
        mode="test" if record["mode"] == "test" else "live",
        name=record["name"],
        scopes=tuple(json.loads(record["scopes"])),
        created_at=make_instant(int(record["created_at"])),
        expires_at=_read_instant(record.get("expires_at")),
        last_used_at=_read_instant(record.get("last_used_at")),
        revoked_at=_read_instant(record.get("revoked_at")),
        replaced_by=record.get("replaced_by"),
    )


def _read_instant(text: str | None) -> datetime | None:
    return make_instant(int(text)) if text else None
