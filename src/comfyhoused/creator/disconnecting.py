"""Giving a Google Drive back: Google forgets our permission, we forget its tokens and channels.

Folders, photos and edits stay known, so that connecting it again goes on where it ended.
"""

from typing import Annotated

from fastapi import APIRouter, Form, Response
from fastapi.responses import RedirectResponse
from sqlalchemy import delete, exists, func, select, update
from sqlalchemy.ext.asyncio import AsyncSession

from comfyhoused.adapters.google.errors import DriveFault
from comfyhoused.creator.connecting import ConnectionUnknown, find_connection
from comfyhoused.creator.connections import (
    ReconnectNeeded,
    TokensLocked,
    open_tokens,
    stop_sources,
)
from comfyhoused.creator.house import CreatorHouse
from comfyhoused.creator.next_page import check_next
from comfyhoused.creator.sources.opening import open_drive
from comfyhoused.creator.tables import Channel, Connection, Source
from comfyhoused.creator.visitors import SignedInUser
from comfyhoused.kit.errors import ComfyhouseError
from comfyhoused.kit.log import get_logger

log = get_logger(__name__)

router = APIRouter(prefix="/creator/google", include_in_schema=False)

DISCONNECTED = "disconnected"


@router.post("/disconnect")
async def do_disconnect(
    visitor: SignedInUser,
    connection: Annotated[str, Form()],
    token: Annotated[str, Form()] = "",
    next: Annotated[str, Form()] = "/creator/sources",  # noqa: A002
) -> Response:
    """Give one of the user's Drives back."""
    visitor.check_form(token)
    await disconnect(visitor.house, visitor.user.id, connection)
    return RedirectResponse(check_next(next), status_code=303)


async def disconnect(house: CreatorHouse, user_id: str, connection_id: str) -> None:
    """Give a Drive back; once more: nothing happens.

    Raises ConnectionUnknown, and GoogleUnreachable: then nothing was changed, and our permission
    is not left behind where nobody could take it back.
    """
    connection = await find_connection(house, user_id, connection_id)
    if connection is None:
        raise ConnectionUnknown("Which one?")
    await revoke_connection(house, connection)
    async with house.database.begin() as session:
        await _forget(session, connection)


async def revoke_connection(house: CreatorHouse, connection: Connection) -> None:
    """Close its channels and have Google forget our permission; raises GoogleUnreachable.

    What Google has forgotten by itself is as good.
    """
    try:
        tokens = open_tokens(house.google.vault, connection)
    except (ReconnectNeeded, TokensLocked):
        return
    await _close_channels(house, connection.id)
    await house.google.accounts.revoke(tokens.refresh_token)


async def _close_channels(house: CreatorHouse, connection_id: str) -> None:
    """Ask Google to call no more. Where it does not listen: without a permission it stops too."""
    drive = open_drive(house, connection_id)
    async with house.database.begin() as session:
        query = select(Channel).where(Channel.connection_id == connection_id)
        channels = (await session.scalars(query)).all()
    for channel in channels:
        try:
            await drive.stop_channel(channel.id, channel.resource_id)
        except (DriveFault, ComfyhouseError) as fault:
            log.info("channel %s was not closed: %s", channel.id, fault)


async def _forget(session: AsyncSession, connection: Connection) -> None:
    its_own = Connection.id == connection.id
    await session.execute(delete(Channel).where(Channel.connection_id == connection.id))
    has_sources = await session.scalar(
        select(exists().where(Source.connection_id == connection.id))
    )
    if not has_sources:
        await session.execute(delete(Connection).where(its_own))
        return
    await session.execute(
        update(Connection)
        .where(its_own)
        .values(
            state="reconnect",
            sealed_tokens=b"",
            page_token=None,
            refreshing_until=None,
            # Whoever is about to store a new token finds the row changed, and does not.
            refreshed_at=func.clock_timestamp(),
        )
    )
    detail = f"You have disconnected the Drive of {connection.email}."
    await stop_sources(session, connection.id, DISCONNECTED, detail)
