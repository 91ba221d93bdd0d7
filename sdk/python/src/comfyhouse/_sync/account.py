# Written from comfyhouse/_async by `make docs`: change it there.
"""The account: who it is, what it used, what it may spend, and its keys."""

from __future__ import annotations

import builtins
from collections.abc import Iterator
from datetime import datetime
from decimal import Decimal
from typing import Any

from comfyhouse._sync.transport import Transport
from comfyhouse.schema import Account, ClientToken, Key, NewKey, SpendCap, Usage


class Spending:
    """The resources `/usage` and `/spend-cap`."""

    def __init__(self, transport: Transport) -> None:
        self._transport = transport

    def get(self, period: str | None = None) -> Usage:
        """Return a month's usage (`2026-11`; default: this one), by day, key and template."""
        response = self._transport.request("GET", "/usage", query={"period": period})
        return Usage.model_validate(response.json())

    def read_ledger(self, period: str | None = None, *, as_csv: bool = False) -> Iterator[str]:
        """Yield the lines of a month's ledger: JSON, or CSV."""
        query = f"?format={'csv' if as_csv else 'jsonl'}" + (f"&period={period}" if period else "")
        with self._transport.stream("GET", f"/usage/ledger{query}") as response:
            for line in response.iter_lines():
                if line:
                    yield line

    def get_spend_cap(self) -> SpendCap:
        """Return what this account may spend in a month beyond its plan."""
        return SpendCap.model_validate((self._transport.request("GET", "/spend-cap")).json())

    def set_spend_cap(self, dollars: Decimal | str | None) -> SpendCap:
        """Set the cap in US dollars; None takes it away."""
        body = {"spend_cap_usd": None if dollars is None else str(dollars)}
        response = self._transport.request("PUT", "/spend-cap", json=body)
        return SpendCap.model_validate(response.json())


class Keys:
    """The resources `/account`, `/keys` and `/client-tokens`."""

    def __init__(self, transport: Transport) -> None:
        self._transport = transport

    def get_account(self) -> Account:
        """Return the account of this key, its plan and the key itself."""
        return Account.model_validate((self._transport.request("GET", "/account")).json())

    def create(
        self,
        name: str = "",
        *,
        mode: str | None = None,
        scopes: builtins.list[str] | None = None,
        expires_at: datetime | None = None,
        **more: Any,
    ) -> NewKey:
        """Make a key; its `secret` is shown this once."""
        body: dict[str, Any] = {"name": name, **more}
        if mode is not None:
            body["mode"] = mode
        if scopes is not None:
            body["scopes"] = scopes
        if expires_at is not None:
            body["expires_at"] = expires_at.isoformat()
        response = self._transport.request("POST", "/keys", json=body)
        return NewKey.model_validate(response.json())

    def list(self) -> builtins.list[Key]:
        """Return the account's keys, newest first."""
        body = (self._transport.request("GET", "/keys")).json()
        return [Key.model_validate(one) for one in body["keys"]]

    def get(self, key_id: str) -> Key:
        """Return a key; its secret cannot be had again."""
        return Key.model_validate((self._transport.request("GET", f"/keys/{key_id}")).json())

    def revoke(self, key_id: str) -> None:
        """Make a key useless from now on."""
        self._transport.request("DELETE", f"/keys/{key_id}")

    def rotate(self, key_id: str, *, overlap_hours: float | None = None) -> NewKey:
        """Make a key's successor; the old one works until the overlap is over."""
        body = {} if overlap_hours is None else {"overlap_hours": overlap_hours}
        response = self._transport.request("POST", f"/keys/{key_id}/rotate", json=body)
        return NewKey.model_validate(response.json())

    def create_client_token(self, **parameters: Any) -> ClientToken:
        """Make a short-lived token for a browser; parameters as POST /client-tokens takes them."""
        response = self._transport.request("POST", "/client-tokens", json=parameters)
        return ClientToken.model_validate(response.json())
