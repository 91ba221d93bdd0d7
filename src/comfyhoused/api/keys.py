"""API keys of an account: shown once, stored as a digest, found together with the account."""

import json
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from typing import Any, NamedTuple, cast

from comfyhoused.adapters.redis.client import Store, StoreFull
from comfyhoused.api.accounts import Account, make_account_record, read_account
from comfyhoused.api.key_secrets import KeyMode, is_well_formed, make_secret
from comfyhoused.api.scripts import SCRIPTS
from comfyhoused.kit.clock import get_now, get_now_ms, make_instant
from comfyhoused.kit.crypto import make_digest
from comfyhoused.kit.errors import NotFound, Unauthenticated
from comfyhoused.kit.ids import make_id

SCOPES = (
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
)
#: What a key may do unless it is said: all but make and see keys.
DEFAULT_SCOPES = tuple(scope for scope in SCOPES if not scope.startswith("keys:"))

_USED_EVERY_MS = 60_000
_ANY_NUMBER = -1


class KeyUnknown(Unauthenticated):
    """The key is mistyped, revoked, expired, or was never ours."""

    code = "key_unknown"
    title = "That API key is not valid"


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


class Holder(NamedTuple):
    """A key that was shown, and the account it belongs to."""

    key: ApiKey
    account: Account


async def create_key(
    store: Store,
    *,
    account: str,
    mode: KeyMode,
    name: str = "",
    plan: str = "free",
    scopes: Sequence[str] = DEFAULT_SCOPES,
    expires_at: datetime | None = None,
) -> tuple[ApiKey, str]:
    """Make a key; returns it and its secret, which cannot be had again.

    An account that is missing is made on that plan; one that is there keeps its own.
    """
    secret = make_secret(mode)
    digest = make_digest(secret)
    record = {
        "id": make_id("key", 16),
        "account": account,
        "mode": mode,
        "name": name,
        "scopes": json.dumps(list(scopes)),
        "created_at": str(get_now_ms()),
    }
    if expires_at is not None:
        record["expires_at"] = str(int(expires_at.timestamp() * 1000))
    owner = make_account_record(account, plan=plan)
    await SCRIPTS.run(
        store, "create_key", digest, json.dumps(record), json.dumps(owner), _ANY_NUMBER
    )
    return await _get(store, digest), secret


async def find_key(store: Store, secret: str) -> Holder:
    """Return the key of a secret with its account and note its use; raises KeyUnknown."""
    if not is_well_formed(secret):
        raise KeyUnknown("Check that the whole key was copied.")
    digest = make_digest(secret)
    try:
        key, account = await _look_up(store, digest)
    except KeyNotFound:
        raise KeyUnknown("Nobody has this key here.") from None
    check_usable(key)
    used_at = key.last_used_at
    if used_at is None or get_now_ms() - used_at.timestamp() * 1000 > _USED_EVERY_MS:
        with suppress(StoreFull):
            await store.hset(f"ch:1:key:{digest}", "last_used_at", str(get_now_ms()))
    return Holder(key, account)


def check_usable(key: ApiKey) -> None:
    """Raise KeyUnknown for a key that was revoked or has expired."""
    if key.revoked_at is not None:
        raise KeyUnknown("This key was revoked. Use another one.")
    if key.expires_at is not None and key.expires_at <= get_now():
        raise KeyUnknown("This key has expired. Use another one.")


async def list_keys(store: Store) -> list[ApiKey]:
    """Return all keys of the house, newest first."""
    digests = cast(list[str], await store.hvals("ch:1:keys"))
    keys = [await _get(store, digest) for digest in digests]
    return sorted(keys, key=lambda key: key.created_at, reverse=True)


async def revoke_key(store: Store, key_id: str) -> ApiKey:
    """Make a key useless from now on; idempotent. Raises KeyNotFound."""
    digest = await store.hget("ch:1:keys", key_id)
    if digest is None:
        raise KeyNotFound(f"No key {key_id!r}.")
    await store.hsetnx(f"ch:1:key:{digest!s}", "revoked_at", str(get_now_ms()))
    return await _get(store, str(digest))


async def _get(store: Store, digest: str) -> ApiKey:
    return (await _look_up(store, digest)).key


async def _look_up(store: Store, digest: str) -> Holder:
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
    )


def _read_instant(text: str | None) -> datetime | None:
    return make_instant(int(text)) if text else None
