"""Signing in to Creator without Google, for tests of its screens: by making the rows."""

import httpx

from comfyhoused.adapters.postgres.database import Database
from comfyhoused.creator.sessions import COOKIE, create_session
from comfyhoused.creator.tables import User
from comfyhoused.kit.clock import get_now
from comfyhoused.kit.ids import make_id
from tests.waiting import PATIENCE_SECONDS

BROWSER = "a browser of the tests"


async def create_user(
    database: Database,
    email: str = "ada@example.com",
    *,
    plan: str = "free",
    is_onboarded: bool = True,
) -> User:
    """Store a user who has come by Google some time ago."""
    user = User(
        id=make_id("user"),
        google_sub=f"google of {email}",
        email=email,
        name=email.partition("@")[0].title(),
        plan=plan,
        onboarded_at=get_now() if is_onboarded else None,
    )
    async with database.begin() as session:
        session.add(user)
    return user


async def make_creator_cookie(database: Database, user_id: str) -> tuple[str, str]:
    """Return name and value of the cookie of a browser in which a user has just signed in."""
    async with database.begin() as session:
        value = await create_session(session, user_id, BROWSER)
    return COOKIE.name, value


async def sign_in_creator(url: str, database: Database, user_id: str) -> httpx.AsyncClient:
    """Return a client that is signed in at `url`, and asks for pages; the caller closes it."""
    name, value = await make_creator_cookie(database, user_id)
    return httpx.AsyncClient(
        base_url=url,
        headers={"Accept": "text/html"},
        cookies={name: value},
        timeout=PATIENCE_SECONDS,
    )
