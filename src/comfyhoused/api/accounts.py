"""Accounts: the API's customers. Plan, spend cap and stop are the account's, not its keys'."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import cast

from comfyhoused.adapters.redis.client import Store
from comfyhoused.api.scripts import SCRIPTS
from comfyhoused.kit.clock import get_now_ms, make_instant
from comfyhoused.kit.errors import NotFound
from comfyhoused.kit.ids import make_id

_ALL = "ch:1:accounts"


class AccountNotFound(NotFound):
    """No account with this id."""

    code = "account_not_found"
    title = "There is no such account"


@dataclass(frozen=True, slots=True)
class Account:
    """A customer. `spend_cap_cents` None: no cap; `stopped_reason` None: new work is taken."""

    id: str
    email: str
    plan: str
    created_at: datetime
    spend_cap_cents: int | None
    stopped_reason: str | None


def make_account_record(account_id: str, *, plan: str, email: str = "") -> dict[str, str]:
    """Return the fields of a new account, as they are stored."""
    return {"id": account_id, "email": email, "plan": plan, "created_at": str(get_now_ms())}


def read_account(record: Mapping[str, str]) -> Account:
    """Return the account of a stored record."""
    cap = record.get("spend_cap_cents", "")
    return Account(
        id=record["id"],
        email=record.get("email", ""),
        plan=record["plan"],
        created_at=make_instant(int(record["created_at"])),
        spend_cap_cents=int(cap) if cap else None,
        stopped_reason=record.get("stopped_reason") or None,
    )


async def create_account(
    store: Store, *, account_id: str | None = None, plan: str = "free", email: str = ""
) -> Account:
    """Make an account; one that has this id already is returned as it is."""
    account_id = account_id or make_id("acct", 16)
    record = make_account_record(account_id, plan=plan, email=email)
    await SCRIPTS.run(store, "create_account", *_pair_up(record))
    return await get_account(store, account_id)


async def get_account(store: Store, account_id: str) -> Account:
    """Return an account; raises AccountNotFound."""
    record = cast(dict[str, str], await store.hgetall(make_account_key(account_id)))
    if not record:
        raise AccountNotFound(f"No account {account_id[:100]!r}.")
    return read_account(record)


async def list_accounts(store: Store) -> list[Account]:
    """Return all accounts of the house, newest first."""
    ids = cast(list[str], await store.zrevrange(_ALL, 0, -1))
    return [await get_account(store, account_id) for account_id in ids]


async def set_plan(store: Store, account_id: str, plan: str) -> Account:
    """Put an account on another plan, for its keys at once. Raises AccountNotFound."""
    return await _change(store, account_id, "plan", plan)


async def set_spend_cap(store: Store, account_id: str, cap_cents: int | None) -> Account:
    """Set the most a month may cost beyond the plan's price; None: no cap."""
    return await _change(store, account_id, "spend_cap_cents", cap_cents)


async def stop_account(store: Store, account_id: str, reason: str) -> Account:
    """Take no new work of an account; what it has stays readable. The reason is shown to it."""
    return await _change(store, account_id, "stopped_reason", reason or "It was stopped.")


async def resume_account(store: Store, account_id: str) -> Account:
    """Take an account's work again."""
    return await _change(store, account_id, "stopped_reason", None)


def make_account_key(account_id: str) -> str:
    """Return where an account is stored."""
    return f"ch:1:account:{account_id}"


async def _change(store: Store, account_id: str, field: str, value: str | int | None) -> Account:
    text = "" if value is None else str(value)
    if not await SCRIPTS.run(store, "change_account", account_id, field, text):
        raise AccountNotFound(f"No account {account_id[:100]!r}.")
    return await get_account(store, account_id)


def _pair_up(record: Mapping[str, str]) -> Sequence[str]:
    return [part for pair in record.items() for part in pair]
