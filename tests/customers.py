"""Customers with a plan and keys of their own, for tests of limits."""

from collections.abc import Sequence
from typing import Literal

import httpx

from comfyhoused.api.accounts import create_account
from comfyhoused.api.key_records import DEFAULT_SCOPES
from comfyhoused.api.keys import create_key
from comfyhoused.kit.ids import make_id
from tests.house import House
from tests.waiting import PATIENCE_SECONDS


class Customer:
    """An account that nobody else uses, and a client for each API process with one key."""

    def __init__(self, house: House, account: str, key_id: str, secret: str) -> None:
        self.house = house
        self.account = account
        self.key_id = key_id
        self.clients = [
            httpx.AsyncClient(
                base_url=api.url,
                headers={"Authorization": f"Bearer {secret}"},
                # A crowd of requests waits for connections, each of which is quick.
                timeout=httpx.Timeout(PATIENCE_SECONDS, pool=10 * PATIENCE_SECONDS),
            )
            for api in house.apis
        ]

    @property
    def client(self) -> httpx.AsyncClient:
        return self.clients[0]

    @property
    def owner(self) -> str:
        """The owner of this customer's live jobs."""
        return f"account:{self.account}"

    async def __aenter__(self) -> "Customer":
        return self

    async def __aexit__(self, *_: object) -> None:
        for client in self.clients:
            await client.aclose()


async def make_customer(
    house: House,
    plan: str,
    *,
    mode: Literal["live", "test"] = "live",
    scopes: Sequence[str] = DEFAULT_SCOPES,
    email: str = "",
) -> Customer:
    """Make an account on a plan, with one key."""
    account = make_id("acct", 10)
    await create_account(house.store, account_id=account, plan=plan, email=email)
    key, secret = await create_key(house.store, account=account, mode=mode, scopes=scopes)
    return Customer(house, account, key.id, secret)
