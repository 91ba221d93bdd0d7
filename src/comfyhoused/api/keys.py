"""API keys: made, listed, rotated and revoked. A secret is shown once and stored as a digest."""

import json
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import NamedTuple, cast

from comfyhoused.adapters.redis.client import Store
from comfyhoused.api.accounts import make_account_record
from comfyhoused.api.key_records import DEFAULT_SCOPES, ApiKey, KeyNotFound, get_key
from comfyhoused.api.key_secrets import KeyMode, make_secret
from comfyhoused.api.scripts import SCRIPTS
from comfyhoused.kit.clock import get_now, get_now_ms
from comfyhoused.kit.crypto import make_digest
from comfyhoused.kit.errors import Conflict
from comfyhoused.kit.ids import make_id

#: So many keys of an account may be in use.
MOST_KEYS = 100
#: So many of them while the replaced ones still work beside those that replace them.
_MOST_ROTATED = 2 * MOST_KEYS
#: Beyond so many, those that are over are forgotten.
MOST_KEYS_KEPT = 500
_ANY_NUMBER = -1
_SHOWN_FOR = timedelta(days=30)


class KeyReplaced(Conflict):
    """The key was rotated before: another one has taken its place."""

    code = "key_replaced"
    title = "That key was rotated already"


class TooManyKeys(Conflict):
    """The account has as many keys in use as it may."""

    code = "too_many_keys"
    title = "The account has too many keys"


class NewKey(NamedTuple):
    """What a key is to be."""

    account: str
    mode: KeyMode
    name: str
    scopes: tuple[str, ...]
    expires_at: datetime | None


async def create_key(
    store: Store,
    *,
    account: str,
    mode: KeyMode,
    name: str = "",
    plan: str = "free",
    scopes: Sequence[str] = DEFAULT_SCOPES,
    expires_at: datetime | None = None,
    most: int | None = None,
) -> tuple[ApiKey, str]:
    """Make a key; returns it and its secret, which cannot be had again.

    An account that is missing is made on that plan; one that is there keeps its own. Raises
    TooManyKeys where it has `most` keys in use already.
    """
    new = NewKey(account, mode, name, tuple(scopes), expires_at)
    owner = make_account_record(account, plan=plan)
    answer, digest, secret = await _store(
        store, new, owner, most=_ANY_NUMBER if most is None else most
    )
    if answer == "full":
        raise TooManyKeys(f"An account has at most {most} keys. Revoke one that is not used.")
    return await get_key(store, digest), secret


async def rotate_key(
    store: Store, account_id: str, key_id: str, *, overlap_seconds: int
) -> tuple[ApiKey, str]:
    """Replace a key by one that may do the same; the old one works so much longer.

    Returns the new key and its secret. Raises KeyNotFound, or KeyReplaced where that was done,
    and TooManyKeys where too many replaced ones still work.
    """
    old = await find_account_key(store, account_id, key_id)
    if old is None:
        raise KeyNotFound(f"No key {key_id[:64]!r}.")
    new = NewKey(account_id, old.mode, old.name, old.scopes, old.expires_at)
    owner = make_account_record(account_id, plan="free")  # it is there already
    until_ms = get_now_ms() + overlap_seconds * 1000
    answer, digest, secret = await _store(
        store, new, owner, most=_MOST_ROTATED, replaces=key_id, until_ms=until_ms
    )
    if answer == "over":
        raise KeyNotFound("This key was revoked or has expired. Make a new one.")
    if answer == "replaced":
        raise KeyReplaced("Rotate the key that has replaced it.")
    if answer == "full":
        raise TooManyKeys("Too many keys that were replaced still work. Revoke some of them.")
    return await get_key(store, digest), secret


async def find_account_key(store: Store, account_id: str, key_id: str) -> ApiKey | None:
    """Return a key of an account; None where it has none with this id."""
    digest = await store.hget("ch:1:keys", key_id)
    if digest is None:
        return None
    key = await get_key(store, str(digest))
    return key if key.account == account_id else None


async def list_account_keys(store: Store, account_id: str) -> list[ApiKey]:
    """Return the keys of an account, newest first; those revoked long ago are not among them."""
    index = f"ch:1:account:{account_id}:keys"
    found: list[ApiKey] = []
    for key_id in cast(set[str], await store.smembers(index)):
        key = await find_account_key(store, account_id, key_id)
        if key is None or _is_long_over(key):
            await store.srem(index, key_id)
        else:
            found.append(key)
    return sorted(found, key=lambda key: key.created_at, reverse=True)


async def list_keys(store: Store) -> list[ApiKey]:
    """Return all keys of the house, newest first."""
    digests = cast(list[str], await store.hvals("ch:1:keys"))
    keys = [await get_key(store, digest) for digest in digests]
    return sorted(keys, key=lambda key: key.created_at, reverse=True)


async def revoke_key(store: Store, key_id: str, *, account: str | None = None) -> ApiKey:
    """Make a key useless from now on; idempotent. Raises KeyNotFound, for another's key too."""
    digest = await store.hget("ch:1:keys", key_id)
    if digest is None or (account and (await get_key(store, str(digest))).account != account):
        raise KeyNotFound(f"No key {key_id[:64]!r}.")
    await store.hsetnx(f"ch:1:key:{digest!s}", "revoked_at", str(get_now_ms()))
    return await get_key(store, str(digest))


def _is_long_over(key: ApiKey) -> bool:
    ends = [at for at in (key.revoked_at, key.expires_at) if at is not None]
    return bool(ends) and get_now() - min(ends) > _SHOWN_FOR


async def _store(
    store: Store,
    new: NewKey,
    owner: dict[str, str],
    *,
    most: int = _ANY_NUMBER,
    replaces: str = "",
    until_ms: int = 0,
) -> tuple[str, str, str]:
    """Store a key with a new secret; returns what came of it, the digest and the secret."""
    secret = make_secret(new.mode)
    digest = make_digest(secret)
    record = {
        "id": make_id("key", 16),
        "account": new.account,
        "mode": new.mode,
        "name": new.name,
        "scopes": json.dumps(list(new.scopes)),
        "created_at": str(get_now_ms()),
    }
    if new.expires_at is not None:
        record["expires_at"] = str(int(new.expires_at.timestamp() * 1000))
    arguments = (json.dumps(record), json.dumps(owner), most, replaces, until_ms, MOST_KEYS_KEPT)
    answer = await SCRIPTS.run(store, "create_key", digest, *arguments)
    return str(answer), digest, secret
