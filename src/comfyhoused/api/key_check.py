"""From the secret that a request shows to the key and the account behind it."""

from contextlib import suppress

from comfyhoused.adapters.redis.client import Store, StoreFull
from comfyhoused.api.key_records import ApiKey, Holder, KeyNotFound, look_up
from comfyhoused.api.key_secrets import is_well_formed
from comfyhoused.kit.clock import get_now, get_now_ms
from comfyhoused.kit.crypto import make_digest
from comfyhoused.kit.errors import Unauthenticated

_USED_EVERY_MS = 60_000


class KeyUnknown(Unauthenticated):
    """The key is mistyped, revoked, expired, or was never ours."""

    code = "key_unknown"
    title = "That API key is not valid"


async def find_key(store: Store, secret: str) -> Holder:
    """Return the key of a secret with its account and note its use; raises KeyUnknown."""
    if not is_well_formed(secret):
        raise KeyUnknown("Check that the whole key was copied.")
    digest = make_digest(secret)
    try:
        key, account = await look_up(store, digest)
    except KeyNotFound:
        raise KeyUnknown("Nobody has this key here.") from None
    check_usable(key)
    used_at = key.last_used_at
    if used_at is None or get_now_ms() - used_at.timestamp() * 1000 > _USED_EVERY_MS:
        with suppress(StoreFull):
            await store.hset(f"ch:1:key:{digest}", "last_used_at", str(get_now_ms()))
    return Holder(key, account)


async def find_key_of_token(store: Store, key_id: str) -> Holder:
    """Return the key that a client token was made with, and its account; raises KeyUnknown."""
    digest = await store.hget("ch:1:keys", key_id)
    if digest is None:
        raise KeyUnknown("The key of this token is gone.")
    holder = await look_up(store, str(digest))
    check_usable(holder.key)
    return holder


def check_usable(key: ApiKey) -> None:
    """Raise KeyUnknown for a key that was revoked or has expired."""
    if key.revoked_at is not None:
        raise KeyUnknown("This key was revoked. Use another one.")
    if key.expires_at is not None and key.expires_at <= get_now():
        raise KeyUnknown("This key has expired. Use another one.")
