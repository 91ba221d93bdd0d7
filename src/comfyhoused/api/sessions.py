"""Signed-in browsers: a random cookie whose digest is stored, renewed daily, ended at will."""

import secrets
from dataclasses import dataclass
from datetime import datetime
from typing import Any, NamedTuple, cast

from comfyhoused.adapters.redis.client import Store
from comfyhoused.api.accounts import Account, read_account
from comfyhoused.api.scripts import SCRIPTS
from comfyhoused.kit.clock import get_now_ms, make_instant
from comfyhoused.kit.crypto import make_digest
from comfyhoused.kit.errors import Unauthenticated
from comfyhoused.kit.ids import make_id
from comfyhoused.web.session_cookie import SessionCookie

LASTS_SECONDS = 60 * 86_400
COOKIE = SessionCookie("ch_session", LASTS_SECONDS)
_IDLE_MS = 14 * 86_400_000
_RENEW_AFTER_MS = 86_400_000
_OVERLAP_MS = 60_000
_LONGEST_AGENT = 200


class SignInNeeded(Unauthenticated):
    """The page is for people who have signed in; this browser has not, or its time is over."""

    code = "sign_in_needed"
    title = "Sign in first"


@dataclass(frozen=True, slots=True)
class Session:
    """A browser that is signed in. `agent` is what it calls itself; it is seen once a day."""

    id: str
    account: str
    agent: str
    created_at: datetime
    seen_at: datetime
    expires_at: datetime


class Presence(NamedTuple):
    """Who is there: the account, the session, and a new cookie when it is time for one."""

    account: Account
    session: Session
    new_cookie: str | None


async def create_session(store: Store, account_id: str, agent: str) -> tuple[Session, str]:
    """Sign a browser in; returns the session and the value of its cookie."""
    cookie = secrets.token_urlsafe(32)
    digest, now = make_digest(cookie), get_now_ms()
    record = {
        "id": make_id("sess", 16),
        "account": account_id,
        "agent": agent[:_LONGEST_AGENT],
        "created_at": str(now),
        "seen_at": str(now),
        "expires_at": str(now + LASTS_SECONDS * 1000),
    }
    pipeline = store.pipeline(transaction=True)
    pipeline.hset(_make_key(digest), mapping=record)  # type: ignore[arg-type]
    pipeline.pexpire(_make_key(digest), _IDLE_MS)
    pipeline.hset(_make_index(account_id), record["id"], digest)
    await pipeline.execute()
    return _read(record), cookie


async def find_presence(store: Store, cookie: str) -> Presence:
    """Return who a browser's cookie stands for; raises SignInNeeded."""
    if not cookie:
        raise SignInNeeded("This browser is not signed in.")
    digest = make_digest(cookie)
    answer: Any = await SCRIPTS.run(store, "find_session", digest)
    record, account = (dict(zip(flat[::2], flat[1::2], strict=True)) for flat in answer)
    now = get_now_ms()
    if not record or not account or int(record["expires_at"]) <= now:
        raise SignInNeeded("This browser is not signed in any more.")
    new_cookie = None
    if "renewed" not in record and now - int(record["seen_at"]) > _RENEW_AFTER_MS:
        new_cookie = await _renew(store, digest, now)
    return Presence(read_account(account), _read(record), new_cookie)


async def list_sessions(store: Store, account_id: str) -> list[Session]:
    """Return the browsers in which an account is signed in, the latest first."""
    digests = cast(dict[str, str], await store.hgetall(_make_index(account_id)))
    found: list[Session] = []
    for session_id, digest in digests.items():
        record = cast(dict[str, str], await store.hgetall(_make_key(digest)))
        if record:
            found.append(_read(record))
        else:
            await store.hdel(_make_index(account_id), session_id)
    return sorted(found, key=lambda session: session.seen_at, reverse=True)


async def end_session(store: Store, account_id: str, session_id: str) -> bool:
    """Sign a browser out; returns whether it was signed in."""
    return bool(await SCRIPTS.run(store, "end_session", account_id, session_id))


async def end_other_sessions(store: Store, account_id: str, except_id: str) -> int:
    """Sign all browsers of an account out but one; returns how many."""
    others = [one.id for one in await list_sessions(store, account_id) if one.id != except_id]
    return sum([await end_session(store, account_id, session_id) for session_id in others])


async def _renew(store: Store, digest: str, now: int) -> str | None:
    cookie = secrets.token_urlsafe(32)
    is_renewed = await SCRIPTS.run(
        store, "renew_session", digest, make_digest(cookie), now, _OVERLAP_MS, _IDLE_MS
    )
    return cookie if is_renewed else None


def _make_key(digest: str) -> str:
    return f"ch:1:session:{digest}"


def _make_index(account_id: str) -> str:
    return f"ch:1:account:{account_id}:sessions"


def _read(record: dict[str, str]) -> Session:
    return Session(
        id=record["id"],
        account=record["account"],
        agent=record["agent"],
        created_at=make_instant(int(record["created_at"])),
        seen_at=make_instant(int(record["seen_at"])),
        expires_at=make_instant(int(record["expires_at"])),
    )
