"""Signed-in browsers of users: a random cookie, a row that knows only its digest, ended at will.

A session ends when its browser has not been seen for two weeks, sixty days after it began, or
when its user says so. Signing in always makes a new one: no cookie from before is ever honoured.
"""

import secrets
from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import NamedTuple

from sqlalchemy import ColumnElement, delete, func, select, update
from sqlalchemy.ext.asyncio import AsyncSession

from comfyhoused.adapters.postgres.database import Database
from comfyhoused.creator.tables import Session, User
from comfyhoused.kit.clock import get_now
from comfyhoused.kit.crypto import make_digest
from comfyhoused.kit.errors import Unauthenticated
from comfyhoused.web.session_cookie import SessionCookie

LASTS = timedelta(days=60)
IDLE = timedelta(days=14)
COOKIE = SessionCookie("ch_creator", int(LASTS.total_seconds()), is_host_bound=True)
#: How often a browser that is there is written down as seen.
_SEEN_EVERY = timedelta(minutes=10)
_LONGEST_BROWSER = 200
_ID_DIGITS = 16


class SignedOut(Unauthenticated):
    """The page is for people who have signed in; this browser has not, or its time is over."""

    code = "signed_out"
    title = "Sign in first"


@dataclass(frozen=True, slots=True)
class SignedInBrowser:
    """A browser in which a user is signed in, as its list shows it.

    `id` is the beginning of the digest: it names the session and is worth nothing as a cookie.
    """

    id: str
    name: str
    created_at: datetime
    seen_at: datetime
    expires_at: datetime


class Presence(NamedTuple):
    """Who is there, and in which browser."""

    user: User
    browser: SignedInBrowser


async def create_session(session: AsyncSession, user_id: str, browser: str) -> str:
    """Sign a browser in; returns the value of its cookie. `browser`: what it calls itself."""
    cookie = secrets.token_urlsafe(32)
    now = get_now()
    row = Session(
        digest=make_digest(cookie),
        user_id=user_id,
        browser=browser[:_LONGEST_BROWSER],
        created_at=now,
        seen_at=now,
        expires_at=now + LASTS,
    )
    session.add(row)
    return cookie


async def get_presence(database: Database, cookie: str) -> Presence:
    """Return who a browser's cookie stands for; raises SignedOut."""
    if not cookie:
        raise SignedOut("This browser is not signed in.")
    now = get_now()
    query = (
        select(User, Session)
        .join(Session, Session.user_id == User.id)
        .where(Session.digest == make_digest(cookie), *_is_live(now))
    )
    async with database.begin() as session:
        found = (await session.execute(query)).one_or_none()
        if found is None:
            raise SignedOut("This browser is not signed in any more.")
        user, row = found
        if now - row.seen_at > _SEEN_EVERY:
            await session.execute(
                update(Session).where(Session.digest == row.digest).values(seen_at=now)
            )
    return Presence(user, _show(row))


async def list_live_sessions(database: Database, digests: Collection[str]) -> set[str]:
    """Return which of these sessions still stand for somebody, by the digests of their cookies."""
    query = (
        select(Session.digest)
        .join(User, User.id == Session.user_id)
        .where(Session.digest.in_(digests), *_is_live(get_now()))
    )
    async with database.begin() as session:
        return set(await session.scalars(query))


async def list_browsers(session: AsyncSession, user_id: str) -> list[SignedInBrowser]:
    """Return the browsers in which a user is signed in, the one seen last first."""
    now = get_now()
    query = (
        select(Session)
        .where(Session.user_id == user_id)
        .where(Session.expires_at > now, Session.seen_at > now - IDLE)
        .order_by(Session.seen_at.desc())
    )
    return [_show(row) for row in await session.scalars(query)]


async def end_session(session: AsyncSession, user_id: str, browser_id: str) -> bool:
    """Sign one browser of a user out; returns whether it was signed in."""
    is_it = func.left(Session.digest, _ID_DIGITS) == browser_id
    ended = await session.scalars(
        delete(Session).where(Session.user_id == user_id, is_it).returning(Session.digest)
    )
    return bool(ended.all())


async def end_other_sessions(session: AsyncSession, user_id: str, except_id: str = "") -> int:
    """Sign all browsers of a user out but one (none: all of them); returns how many."""
    is_other = func.left(Session.digest, _ID_DIGITS) != except_id
    ended = await session.scalars(
        delete(Session).where(Session.user_id == user_id, is_other).returning(Session.digest)
    )
    return len(ended.all())


async def end_session_of_cookie(session: AsyncSession, cookie: str) -> None:
    """Sign the browser that holds this cookie out; its cookie is worth nothing afterwards."""
    await session.execute(delete(Session).where(Session.digest == make_digest(cookie)))


async def forget_sessions(database: Database) -> int:
    """Delete the sessions that ended by themselves; returns how many."""
    now = get_now()
    is_over = (Session.expires_at <= now) | (Session.seen_at <= now - IDLE)
    async with database.begin() as session:
        gone = await session.scalars(delete(Session).where(is_over).returning(Session.digest))
        return len(gone.all())


def _is_live(now: datetime) -> tuple[ColumnElement[bool], ...]:
    is_known = Session.seen_at > now - IDLE
    return User.deleting_at.is_(None), Session.expires_at > now, is_known


def _show(row: Session) -> SignedInBrowser:
    return SignedInBrowser(
        row.digest[:_ID_DIGITS], row.browser, row.created_at, row.seen_at, row.expires_at
    )
