"""A user's Google Drive, as it was given to us: its access token, and how it gets lost.

`get_token` asks Google once for all who need a token at the same time, in however many processes:
who finds the token old writes into the row that it is asking, and everybody else waits for what
comes of it. No transaction is open meanwhile.
"""

import asyncio
import time
from datetime import datetime, timedelta
from typing import NamedTuple

from pydantic import BaseModel, ConfigDict, Field
from sqlalchemy import func, select, update
from sqlalchemy.ext.asyncio import AsyncSession

from comfyhoused.adapters.google.account_errors import (
    GoogleGrantLost,
    GoogleRefusesUs,
    GoogleUnreachable,
)
from comfyhoused.adapters.google.grants import Grant
from comfyhoused.creator.house import CreatorHouse
from comfyhoused.creator.news import tell
from comfyhoused.creator.notifications import notify
from comfyhoused.creator.tables import Connection, Source
from comfyhoused.kit.errors import ComfyhouseError, Conflict, NotFound, Unavailable
from comfyhoused.kit.log import get_logger
from comfyhoused.kit.vault import Vault, VaultLocked

log = get_logger(__name__)

#: A token is renewed so long before it ends (or a share of its life, where that is short); the
#: one that is there serves until shortly before.
_SOON = (timedelta(minutes=5), 1 / 4)
_TOO_SOON = (timedelta(seconds=30), 1 / 20)
_ASK_SECONDS = 12.0
#: Longer than asking Google may take; whoever dies over it holds the others up for so long.
_CLAIM = timedelta(seconds=15)
_AFTER_FAILURE = timedelta(seconds=1)
_PATIENCE_SECONDS = 30.0
_LOOK_SECONDS = 0.05
_SLOWEST_LOOK_SECONDS = 0.4

RECONNECT = "reconnect_needed"


class ConnectionGone(NotFound):
    """The Drive was disconnected, and no folder of it is known any more."""

    code = "connection_gone"
    title = "This Google Drive is not connected"


class ReconnectNeeded(Conflict):
    """Google does not let us into the Drive any more; its user has to connect it again."""

    code = RECONNECT
    title = "Google Drive has to be connected again"


class TokensLocked(Unavailable):
    """The key that sealed the tokens is not among CH_VAULT_KEYS; whoever runs the house has it."""

    code = "tokens_locked"
    title = "Google Drive cannot be reached for now"


class Tokens(BaseModel):
    """What is sealed in a connection's row."""

    model_config = ConfigDict(frozen=True, hide_input_in_errors=True)

    access_token: str = Field(repr=False)
    refresh_token: str = Field(repr=False)


class _Held(NamedTuple):
    """A connection as it is, the time in the database, and whether it is ours to refresh it."""

    connection: Connection
    now: datetime
    is_claimed: bool = False


async def get_token(house: CreatorHouse, connection_id: str, *, fresh: bool = False) -> str:
    """Return an access token; with `fresh` one that Google gave after this was asked.

    Raises ReconnectNeeded, ConnectionGone, GoogleUnreachable, TokensLocked.
    """
    deadline = time.monotonic() + _PATIENCE_SECONDS
    pause = _LOOK_SECONDS
    newer_than: datetime | None = None
    while time.monotonic() < deadline:
        held = await _look(house, connection_id, newer_than, is_fresh=fresh)
        if fresh and newer_than is None:
            newer_than = held.now
        if held.is_claimed:
            return await _refresh(house, held, is_fresh=fresh)
        if _is_good(held, _TOO_SOON, newer_than):
            return open_tokens(house.google.vault, held.connection).access_token
        await asyncio.sleep(pause)
        pause = min(pause * 1.5, _SLOWEST_LOOK_SECONDS)
    raise GoogleUnreachable("Google takes long to give us a new key to the Drive.")


async def lose_connection(session: AsyncSession, connection: Connection) -> bool:
    """Write down that Google has taken a connection back, with its sources, and tell its user.

    Nothing else changes: photos and finished pictures wait. False where it was connected anew
    meanwhile, or is known to be lost already.
    """
    lost = await session.scalar(
        update(Connection)
        .where(Connection.id == connection.id, Connection.state == "connected")
        .where(Connection.refreshed_at == connection.refreshed_at)
        .values(state="reconnect", refreshing_until=None)
        .returning(Connection.id)
    )
    if lost is None:
        return False
    detail = f"Google does not let us into the Drive of {connection.email} any more."
    await stop_sources(session, connection.id, RECONNECT, detail)
    await notify(
        session,
        connection.user_id,
        "reconnect",
        once=f"reconnect {connection.id} {connection.refreshed_at.isoformat()}",
        title="Connect Google Drive again",
        detail=f"{detail} Nothing is lost: photos and finished pictures wait, and everything "
        "goes on as soon as you have connected it.",
        link="/creator/sources",
        mail="now",
    )
    return True


async def stop_sources(session: AsyncSession, connection_id: str, code: str, detail: str) -> None:
    """Have the sources of a connection wait for it; those that are paused stay so."""
    await session.execute(
        update(Source)
        .where(Source.connection_id == connection_id, Source.state.in_(("active", "broken")))
        .values(state="reconnect", problem={"code": code, "detail": detail})
    )


def seal_tokens(vault: Vault, connection_id: str, user_id: str, tokens: Tokens) -> bytes:
    """Return the tokens as they are stored; they open in that user's row of that id only."""
    return vault.seal(tokens.model_dump_json(), _make_context(connection_id, user_id))


def open_tokens(vault: Vault, connection: Connection) -> Tokens:
    """Return the tokens of a row; raises TokensLocked, and ReconnectNeeded where none are left."""
    if not connection.sealed_tokens:
        raise ReconnectNeeded("It was disconnected.")
    try:
        context = _make_context(connection.id, connection.user_id)
        text = vault.open(connection.sealed_tokens, context)
    except VaultLocked as error:
        log.critical("the tokens of connection %s do not open: %s", connection.id, error)
        raise TokensLocked("Whoever runs this house has to look at its keys.") from error
    return Tokens.model_validate_json(text)


async def _look(
    house: CreatorHouse, connection_id: str, newer_than: datetime | None, *, is_fresh: bool
) -> _Held:
    """Return the connection, claimed where a new token is due and nobody asks for one yet."""
    query = select(Connection, func.clock_timestamp()).where(Connection.id == connection_id)
    async with house.database.begin() as session:
        found = (await session.execute(query)).one_or_none()
        if found is None:
            raise ConnectionGone("It was disconnected.")
        held = _Held(found[0], found[1])
        if held.connection.state != "connected":
            raise ReconnectNeeded("Google does not let us in any more.")
        asked_at = newer_than or (held.now if is_fresh else None)
        if _is_good(held, _SOON, asked_at) or not await _claim(session, held.connection):
            return held
    return held._replace(is_claimed=True)


async def _claim(session: AsyncSession, connection: Connection) -> bool:
    now = func.clock_timestamp()
    claimed = await session.scalar(
        update(Connection)
        .where(Connection.id == connection.id, Connection.state == "connected")
        .where(Connection.refreshed_at == connection.refreshed_at)
        .where(Connection.refreshing_until.is_(None) | (Connection.refreshing_until < now))
        .values(refreshing_until=now + _CLAIM)
        .returning(Connection.id)
        .execution_options(synchronize_session=False)
    )
    return claimed is not None


def _is_good(held: _Held, margin: tuple[timedelta, float], newer_than: datetime | None) -> bool:
    connection = held.connection
    is_new = newer_than is None or connection.refreshed_at > newer_than
    longest, share = margin
    left = min(longest, (connection.expires_at - connection.refreshed_at) * share)
    return is_new and connection.expires_at > held.now + left


async def _refresh(house: CreatorHouse, held: _Held, *, is_fresh: bool) -> str:
    connection = held.connection
    try:
        tokens = open_tokens(house.google.vault, connection)
        grant = await _ask_google(house, tokens)
    except GoogleGrantLost as error:
        await _note_loss(house, connection)
        raise ReconnectNeeded("Google does not let us in any more.") from error
    except ComfyhouseError:
        await _give_up(house, connection)
        if not is_fresh and _is_good(held, _TOO_SOON, None):
            return open_tokens(house.google.vault, connection).access_token
        raise
    await _store(house, connection, grant, tokens)
    return grant.access_token


async def _ask_google(house: CreatorHouse, tokens: Tokens) -> Grant:
    """Return a new access token. A house that Google does not know waits until it is mended."""
    try:
        async with asyncio.timeout(_ASK_SECONDS):
            return await house.google.accounts.refresh(tokens.refresh_token)
    except TimeoutError as error:
        raise GoogleUnreachable("Google takes too long.") from error
    except GoogleRefusesUs as error:
        log.critical("Google refuses this house: %s", error.detail)
        raise GoogleUnreachable("Whoever runs this house has to look at it.") from error


async def _store(house: CreatorHouse, connection: Connection, grant: Grant, before: Tokens) -> None:
    """Keep the new token, unless the connection was made anew meanwhile."""
    tokens = Tokens(
        access_token=grant.access_token,
        refresh_token=grant.refresh_token or before.refresh_token,
    )
    now = func.clock_timestamp()
    async with house.database.begin() as session:
        await session.execute(
            update(Connection)
            .where(Connection.id == connection.id)
            .where(Connection.refreshed_at == connection.refreshed_at)
            .values(
                sealed_tokens=seal_tokens(
                    house.google.vault, connection.id, connection.user_id, tokens
                ),
                expires_at=now + timedelta(seconds=grant.expires_in_seconds),
                refreshed_at=now,
                refreshing_until=None,
            )
        )


async def _note_loss(house: CreatorHouse, connection: Connection) -> None:
    async with house.database.begin() as session:
        is_lost = await lose_connection(session, connection)
    if is_lost:
        await tell(house.resources.store, connection.user_id, "bell", {})


async def _give_up(house: CreatorHouse, connection: Connection) -> None:
    """Let others try, in a moment: Google is not asked by all of them one after the other."""
    async with house.database.begin() as session:
        await session.execute(
            update(Connection)
            .where(Connection.id == connection.id)
            .where(Connection.refreshed_at == connection.refreshed_at)
            .values(refreshing_until=func.clock_timestamp() + _AFTER_FAILURE)
        )


def _make_context(connection_id: str, user_id: str) -> str:
    return f"connection {connection_id} of {user_id}"
