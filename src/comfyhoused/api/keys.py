"""API keys: `sk_live_…` and `sk_test_…`, shown once, stored as a digest.

A key ends in a checksum, so that a mistyped or cut one is told apart without a look-up.
"""

import json
import secrets
import zlib
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from typing import Literal, cast

from comfyhoused.adapters.redis.client import Store, StoreFull
from comfyhoused.kit.clock import get_now_ms, make_instant
from comfyhoused.kit.crypto import make_digest
from comfyhoused.kit.errors import NotFound, Unauthenticated
from comfyhoused.kit.ids import make_id

KeyMode = Literal["live", "test"]
SCOPES = ("jobs:write", "jobs:read", "files:write", "files:read")

_DIGITS = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
_CHECKSUM_LENGTH = 6
_USED_EVERY_MS = 60_000


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
    plan: str
    created_at: datetime
    last_used_at: datetime | None
    revoked_at: datetime | None


def make_secret(mode: KeyMode) -> str:
    """Return a new key: prefix, 32 random bytes and a checksum, in base 62."""
    body = f"sk_{mode}_{_encode(int.from_bytes(secrets.token_bytes(32)), 43)}"
    return body + _make_checksum(body)


def is_well_formed(secret: str) -> bool:
    """Tell whether the text can be a key at all."""
    if not secret.startswith(("sk_live_", "sk_test_")) or not secret.isascii():
        return False
    body, checksum = secret[:-_CHECKSUM_LENGTH], secret[-_CHECKSUM_LENGTH:]
    return secrets.compare_digest(checksum, _make_checksum(body))


async def create_key(
    store: Store, *, account: str, mode: KeyMode, name: str = "", plan: str = "free"
) -> tuple[ApiKey, str]:
    """Make a key; returns it and its secret, which cannot be had again."""
    secret = make_secret(mode)
    key_id = make_id("key", 16)
    digest = make_digest(secret)
    record: dict[str | bytes, str | int] = {
        "id": key_id,
        "account": account,
        "mode": mode,
        "name": name,
        "plan": plan,
        "scopes": json.dumps(SCOPES),
        "created_at": get_now_ms(),
    }
    pipeline = store.pipeline(transaction=True)
    pipeline.hset(f"ch:1:key:{digest}", mapping=record)  # type: ignore[arg-type]
    pipeline.hset("ch:1:keys", key_id, digest)
    await pipeline.execute()
    return await _read(store, digest), secret


async def find_key(store: Store, secret: str) -> ApiKey:
    """Return the key of a secret and note its use; raises KeyUnknown."""
    if not is_well_formed(secret):
        raise KeyUnknown("Check that the whole key was copied.")
    digest = make_digest(secret)
    try:
        key = await _read(store, digest)
    except KeyNotFound:
        raise KeyUnknown("Nobody has this key here.") from None
    if key.revoked_at is not None:
        raise KeyUnknown("This key was revoked. Use another one.")
    used_at = key.last_used_at
    if used_at is None or get_now_ms() - used_at.timestamp() * 1000 > _USED_EVERY_MS:
        with suppress(StoreFull):
            await store.hset(f"ch:1:key:{digest}", "last_used_at", str(get_now_ms()))
    return key


async def list_keys(store: Store) -> list[ApiKey]:
    """Return all keys of the house, newest first."""
    digests = cast(list[str], await store.hvals("ch:1:keys"))
    keys = [await _read(store, digest) for digest in digests]
    return sorted(keys, key=lambda key: key.created_at, reverse=True)


async def revoke_key(store: Store, key_id: str) -> ApiKey:
    """Make a key useless from now on; idempotent. Raises KeyNotFound."""
    digest = await store.hget("ch:1:keys", key_id)
    if digest is None:
        raise KeyNotFound(f"No key {key_id!r}.")
    await store.hsetnx(f"ch:1:key:{digest!s}", "revoked_at", str(get_now_ms()))
    return await _read(store, str(digest))


async def _read(store: Store, digest: str) -> ApiKey:
    record = cast(dict[str, str], await store.hgetall(f"ch:1:key:{digest}"))
    if not record:
        raise KeyNotFound("No such key.")
    return ApiKey(
        id=record["id"],
        account=record["account"],
        mode="test" if record["mode"] == "test" else "live",
        name=record["name"],
        scopes=tuple(json.loads(record["scopes"])),
        plan=record["plan"],
        created_at=make_instant(int(record["created_at"])),
        last_used_at=_read_instant(record.get("last_used_at")),
        revoked_at=_read_instant(record.get("revoked_at")),
    )


def _read_instant(text: str | None) -> datetime | None:
    return make_instant(int(text)) if text else None


def _make_checksum(body: str) -> str:
    return _encode(zlib.crc32(body.encode()), _CHECKSUM_LENGTH)


def _encode(number: int, length: int) -> str:
    digits = ""
    while number or len(digits) < length:
        number, rest = divmod(number, 62)
        digits = _DIGITS[rest] + digits
    return digits
