"""Push channels: Google calls us when a Drive changes, as long as a channel is open.

They end by themselves after a week at most, and cannot be renewed: the next one is opened a day
before, so that the two overlap. A row is stored before Google is asked, as its first call may come
before its answer. Notices are hints; without a channel the polls find everything, later.
"""

import hmac
import secrets
from datetime import timedelta
from urllib.parse import urlsplit

from sqlalchemy import delete, exists, func, select, update

from comfyhoused.adapters.google.drive import Drive
from comfyhoused.creator.house import CreatorHouse
from comfyhoused.creator.sources.opening import open_drive
from comfyhoused.creator.tables import Channel, Connection, Source
from comfyhoused.creator.watching.leases import WATCHED_STATES, ring_connection
from comfyhoused.kit.clock import get_now
from comfyhoused.kit.crypto import make_digest
from comfyhoused.kit.errors import ComfyhouseError
from comfyhoused.kit.ids import make_id
from comfyhoused.kit.log import get_logger

PUSH_PATH = "/creator/google/push"
_LIFE = timedelta(days=7)
_OVERLAP = timedelta(days=1)

log = get_logger(__name__)


async def tend_channels(house: CreatorHouse, connection: Connection) -> None:
    """Open the next channel where the last one ends soon; to be called after the feed was read.

    A refusal is no failure of the look: it is tried again at the next one.
    """
    if not can_be_called(house) or connection.page_token is None:
        return
    if await _has_lasting(house, connection.id):
        return
    try:
        await _open_channel(house, connection, connection.page_token)
    except ComfyhouseError as error:
        log.warning("no push channel for %s: %s", connection.id, error.detail)


def can_be_called(house: CreatorHouse) -> bool:
    """Tell whether Google can reach us: by https, or by anything where a stand-in plays Google."""
    settings = house.resources.settings
    google = settings.google
    is_real = (urlsplit(google.google_api_url).hostname or "").endswith("googleapis.com")
    is_reached = (settings.http.public_url or "").startswith("https://")
    return google.google_push and (is_reached or not is_real)


async def stop_channels(house: CreatorHouse, connection_id: str) -> int:
    """Stop every channel of a connection that is given up; returns how many.

    What cannot be stopped ends by itself; its notices are answered with 404.
    """
    async with house.database.begin() as session:
        channels = (
            await session.scalars(select(Channel).where(Channel.connection_id == connection_id))
        ).all()
        await session.execute(delete(Channel).where(Channel.connection_id == connection_id))
    drive = open_drive(house, connection_id)
    for channel in channels:
        await _stop(drive, channel)
    return len(channels)


async def drop_idle_channels(house: CreatorHouse) -> None:
    """Stop the channels of connections that no source watches any more, and forget ended ones."""
    watched = exists().where(
        Source.connection_id == Channel.connection_id, Source.state.in_((*WATCHED_STATES, "paused"))
    )
    async with house.database.begin() as session:
        await session.execute(delete(Channel).where(Channel.expires_at < func.now()))
        idle = await session.scalars(select(Channel.connection_id).where(~watched).distinct())
    for connection_id in idle.all():
        await stop_channels(house, connection_id)


async def answer_call(house: CreatorHouse, channel_id: str, token: str, *, rings: bool) -> bool:
    """Have the feed of this channel's connection read; False where the channel is not ours.

    Of a flood of calls only the first writes: a look that is due already need not be asked for.
    """
    is_due = Connection.next_look_at <= func.clock_timestamp()
    async with house.database.begin() as session:
        found = (
            await session.execute(
                select(Channel.token_digest, Connection.id, is_due)
                .join(Connection, Connection.id == Channel.connection_id)
                .where(Channel.id == channel_id)
            )
        ).one_or_none()
        if found is None or not hmac.compare_digest(found[0], make_digest(token)):
            return False
        if rings and not found[2]:
            await ring_connection(session, found[1])
    return True


async def _has_lasting(house: CreatorHouse, connection_id: str) -> bool:
    async with house.database.begin() as session:
        latest = await session.scalar(
            select(func.max(Channel.expires_at)).where(Channel.connection_id == connection_id)
        )
    return latest is not None and latest > get_now() + _OVERLAP


async def _open_channel(house: CreatorHouse, connection: Connection, page_token: str) -> None:
    token = secrets.token_urlsafe(32)
    channel = Channel(
        id=make_id("channel"),
        connection_id=connection.id,
        token_digest=make_digest(token),
        expires_at=get_now() + _LIFE,
    )
    async with house.database.begin() as session:
        session.add(channel)
    address = f"{house.resources.settings.http.base_url}{PUSH_PATH}"
    drive = open_drive(house, connection.id)
    try:
        opened = await drive.watch_changes(
            page_token, channel.id, token, address, channel.expires_at
        )
    except ComfyhouseError:
        async with house.database.begin() as session:
            await session.execute(delete(Channel).where(Channel.id == channel.id))
        raise
    async with house.database.begin() as session:
        await session.execute(
            update(Channel)
            .where(Channel.id == channel.id)
            .values(resource_id=opened.resource_id, expires_at=opened.expires_at)
        )


async def _stop(drive: Drive, channel: Channel) -> None:
    if not channel.resource_id:
        return
    try:
        await drive.stop_channel(channel.id, channel.resource_id)
    except ComfyhouseError as error:
        log.warning("channel %s ends by itself: %s", channel.id, error.detail)
