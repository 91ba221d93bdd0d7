"""Signing in to the console, for tests of its pages."""

import httpx

from comfyhoused.adapters.redis.client import Store
from comfyhoused.api.accounts import create_account
from comfyhoused.api.sessions import COOKIE, create_session
from tests.house import House
from tests.waiting import PATIENCE_SECONDS


async def make_session_cookie(
    store: Store, account_id: str, *, plan: str = "business"
) -> tuple[str, str]:
    """Return name and value of the cookie of a browser that has signed in just now."""
    await create_account(store, account_id=account_id, plan=plan)
    _session, value = await create_session(store, account_id, "a browser of the tests")
    return COOKIE.name, value


async def sign_in(house: House, account_id: str = "tester") -> httpx.AsyncClient:
    """Return a client that has signed in, and asks for pages; the caller closes it."""
    name, value = await make_session_cookie(house.store, account_id)
    return httpx.AsyncClient(
        base_url=house.url,
        headers={"Accept": "text/html"},
        cookies={name: value},
        timeout=PATIENCE_SECONDS,
    )
