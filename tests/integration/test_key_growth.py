"""Keys that are made and revoked all day: what is kept of an account's has a bound."""

from collections.abc import AsyncIterator
from typing import Any

import pytest

from comfyhoused.adapters.redis.client import Store
from comfyhoused.api.accounts import create_account
from comfyhoused.api.key_check import KeyUnknown, find_key
from comfyhoused.api.keys import (
    MOST_KEYS,
    MOST_KEYS_KEPT,
    TooManyKeys,
    create_key,
    list_account_keys,
    revoke_key,
    rotate_key,
)
from tests.webhook_stage import open_clean_store


@pytest.fixture
async def store(valkey_url: str) -> AsyncIterator[Store]:
    async with open_clean_store(valkey_url) as one:
        yield one


async def make(store: Store, account: str, **more: Any) -> tuple[str, str]:
    key, secret = await create_key(store, account=account, mode="live", most=MOST_KEYS, **more)
    return key.id, secret


async def test_keys_that_are_made_and_revoked_are_forgotten(store: Store) -> None:
    account = (await create_account(store, plan="free")).id
    used, used_secret = await make(store, account)
    _, other_secret = await make(store, (await create_account(store, plan="free")).id)
    first_secret = ""
    for _ in range(MOST_KEYS_KEPT + 20):
        key_id, secret = await make(store, account)
        first_secret = first_secret or secret
        await revoke_key(store, key_id, account=account)
    assert await store.scard(f"ch:1:account:{account}:keys") <= MOST_KEYS_KEPT + 1
    assert await store.hlen("ch:1:keys") <= MOST_KEYS_KEPT + 2
    records = [key async for key in store.scan_iter("ch:1:key:*")]
    assert len(records) <= MOST_KEYS_KEPT + 2
    assert used in [key.id for key in await list_account_keys(store, account)]
    for secret in (used_secret, other_secret):
        assert (await find_key(store, secret)).key.revoked_at is None
    with pytest.raises(KeyUnknown):
        await find_key(store, first_secret)


async def test_rotating_is_no_way_to_more_keys(store: Store) -> None:
    account = (await create_account(store, plan="free")).id
    key_id, _ = await make(store, account)
    for _ in range(2 * MOST_KEYS - 1):
        key_id = (await rotate_key(store, account, key_id, overlap_seconds=86_400))[0].id
    with pytest.raises(TooManyKeys):
        await rotate_key(store, account, key_id, overlap_seconds=86_400)
    assert len(await list_account_keys(store, account)) == 2 * MOST_KEYS
