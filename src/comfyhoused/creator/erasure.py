"""Deleting an account: every row, object, job, permission and channel of a user goes.

What is in their folders is theirs: originals and results on Drive or on the operator's disk stay
as they are. Asking signs them out at once; a chore does the rest, each step as often as it takes,
and the user's own row goes last, when nothing is left that could write anything of theirs.
"""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import delete, func, select, tuple_, update

from comfyhoused.core.jobs.leaving import erase_owner
from comfyhoused.creator.disconnecting import revoke_connection
from comfyhoused.creator.edits.pictures import make_folder
from comfyhoused.creator.house import CreatorHouse, make_owner
from comfyhoused.creator.tables import (
    Book,
    Channel,
    Connection,
    Delivery,
    Edit,
    Entry,
    Notification,
    Photo,
    Placement,
    Session,
    Source,
    Upload,
    User,
)
from comfyhoused.kit.clock import get_now
from comfyhoused.kit.errors import ComfyhouseError, Unavailable
from comfyhoused.kit.log import get_logger

log = get_logger(__name__)

#: So long after they asked no step that was under way then can be going on.
_LEAST_QUIET = timedelta(seconds=15)
#: Google is asked for so long to forget our permission; its user can do that there, too.
_REVOKING_FOR = timedelta(days=3)
_LOCK_SECONDS = 120
_MOST_USERS = 20
_PAGE = 500
#: In an order in which no row is looked for by another's foreign key.
_ROWS = (Delivery, Edit, Upload, Photo, Entry, Book, Notification, Placement, Session)


@dataclass(frozen=True, slots=True)
class _Leaving:
    user_id: str
    asked_at: datetime


async def request_erasure(house: CreatorHouse, user_id: str) -> None:
    """Write down that a user leaves, sign all their browsers out, and stop what is under way.

    Again: nothing changes. Nobody can sign in with that Google account until it is done.
    """
    async with house.database.begin() as session:
        await session.execute(
            update(User)
            .where(User.id == user_id)
            .values(deleting_at=func.coalesce(User.deleting_at, func.now()))
        )
        await session.execute(delete(Session).where(Session.user_id == user_id))
        for table in (Edit, Delivery, Upload):
            await session.execute(
                update(table)
                .where(table.user_id == user_id)
                .values(lease_holder=None, lease_until=None, next_try_at=None)
            )


async def erase_leaving_users(house: CreatorHouse) -> int:
    """Go on with everybody who leaves; returns how many are gone.

    Idempotent, and fine to run in several processes at once: one does a user at a time. What
    does not answer now is asked again the next time, and holds nobody else up.
    """
    gone = 0
    last: _Leaving | None = None
    while leaving := await _list_leaving(house, last):
        for last in leaving:
            gone += await _erase_in_turn(house, last)
    return gone


async def _list_leaving(house: CreatorHouse, after: _Leaving | None) -> list[_Leaving]:
    """Return the next who leave: behind those who cannot be erased now come others who can."""
    query = select(User.id, User.deleting_at).where(User.deleting_at.is_not(None))
    if after is not None:
        query = query.where(tuple_(User.deleting_at, User.id) > (after.asked_at, after.user_id))
    async with house.database.begin() as session:
        rows = await session.execute(query.order_by(User.deleting_at, User.id).limit(_MOST_USERS))
        return [_Leaving(user_id, asked_at) for user_id, asked_at in rows if asked_at]


async def _erase_in_turn(house: CreatorHouse, leaving: _Leaving) -> bool:
    try:
        async with _turn(house, leaving.user_id) as is_ours:
            return is_ours and await _erase(house, leaving)
    except Unavailable as error:
        log.warning("erasing %s waits: %s", leaving.user_id, error.detail)
    except Exception:  # the border of one user's erasure: others are not kept here by it
        log.exception("erasing %s met a fault of ours", leaving.user_id)
    return False


@asynccontextmanager
async def _turn(house: CreatorHouse, user_id: str) -> AsyncIterator[bool]:
    """Tell whether it is this process's turn: doing it twice is right, but twice the work."""
    store, key = house.resources.store, f"ch:1:creator:{user_id}:erasing"
    is_ours = bool(await store.set(key, "1", nx=True, ex=_LOCK_SECONDS))
    try:
        yield is_ours
    finally:
        if is_ours:
            await store.delete(key)


async def _erase(house: CreatorHouse, leaving: _Leaving) -> bool:
    """Do what can be done; True when the user is gone."""
    user_id = leaving.user_id
    quiet = max(_LEAST_QUIET, timedelta(seconds=2 * house.resources.settings.jobs.lease_seconds))
    is_quiet = get_now() > leaving.asked_at + quiet
    is_given_back = await _give_back(house, leaving)
    are_jobs_gone = await erase_owner(house.resources, make_owner(user_id))
    await _erase_objects(house, user_id)
    await _erase_rows(house, user_id)
    if not (is_quiet and is_given_back and are_jobs_gone):
        return False
    async with house.database.begin() as session:
        await session.execute(delete(User).where(User.id == user_id))
    log.info("user %s is erased", user_id)
    return True


async def _give_back(house: CreatorHouse, leaving: _Leaving) -> bool:
    """Have Google forget our permissions; returns whether none is left."""
    async with house.database.begin() as session:
        query = select(Connection).where(Connection.user_id == leaving.user_id)
        connections = (await session.scalars(query)).all()
    is_done = True
    for connection in connections:
        try:
            await revoke_connection(house, connection)
        except ComfyhouseError as error:
            log.warning("Google still has %s: %s", connection.id, error.detail)
            if get_now() < leaving.asked_at + _REVOKING_FOR:
                is_done = False
                continue
        async with house.database.begin() as session:
            its_own = Channel.connection_id == connection.id
            await session.execute(delete(Channel).where(its_own))
            await session.execute(
                update(Connection)
                .where(Connection.id == connection.id)
                .values(state="reconnect", sealed_tokens=b"")
            )
    return is_done


async def _erase_objects(house: CreatorHouse, user_id: str) -> None:
    storage = house.resources.storage
    keys = [key async for key in storage.list_keys(make_folder(user_id))]
    # One by one, the way to each file would take longer than to remove it.
    for first in range(0, len(keys), _PAGE):
        await storage.delete_many(keys[first : first + _PAGE])


async def _erase_rows(house: CreatorHouse, user_id: str) -> None:
    """Delete everything but the user, and the connections that are still to be given back."""
    for table in _ROWS:
        async with house.database.begin() as session:
            await session.execute(delete(table).where(table.user_id == user_id))
    is_over = Connection.sealed_tokens == b""
    async with house.database.begin() as session:
        await session.execute(delete(Source).where(Source.user_id == user_id))
        await session.execute(delete(Connection).where(Connection.user_id == user_id, is_over))
