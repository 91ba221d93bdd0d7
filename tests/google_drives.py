"""Our Drive client in tests: on a demo Google, with short pauses."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

import httpx

from comfyhoused.adapters.google.drive import Drive
from comfyhoused.adapters.google.pauses import Pauses
from tests.google import FULL_SCOPES, Document, FakeGoogle

QUICK = Pauses(tries=4, first_seconds=0.001, longest_seconds=0.05)


@dataclass
class TokenHolder:
    """Hands out a user's token, and counts how often a fresh one was asked for."""

    google: FakeGoogle
    user: Document
    scopes: str = FULL_SCOPES
    token: str = ""
    fresh: int = field(default=0)

    async def __call__(self, *, fresh: bool = False) -> str:
        self.fresh += fresh
        if fresh or not self.token:
            self.token = self.google.allow(self.user, self.scopes)["access_token"]
        return self.token


@asynccontextmanager
async def open_drive(
    google: FakeGoogle,
    user: Document,
    scopes: str = FULL_SCOPES,
    pauses: Pauses = QUICK,
    holder: TokenHolder | None = None,
) -> AsyncIterator[Drive]:
    """Return a client of the user's Drive, with those scopes."""
    get_token = holder or TokenHolder(google, user, scopes)
    async with httpx.AsyncClient(trust_env=False) as http:
        yield Drive(http, get_token, google.url, pauses)
