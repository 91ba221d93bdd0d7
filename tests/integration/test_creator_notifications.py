"""The bell: each thing once, to its user only, newest first, however many there are."""

import asyncio

from sqlalchemy import update

from comfyhoused.adapters.postgres.database import Database
from comfyhoused.creator.notifications import (
    count_unread,
    list_notifications,
    notify,
    read_notifications,
)
from comfyhoused.creator.tables import Notification
from comfyhoused.kit.clock import get_now
from tests.creator_sign_in import create_user


async def test_the_same_thing_is_told_once_to_each(database: Database) -> None:
    ada, bob = [await create_user(database, f"{name}@example.com") for name in ("ada", "bob")]

    async def tell(user_id: str) -> bool:
        async with database.begin() as session:
            return await notify(session, user_id, "kind", "the same", "Title")

    told = await asyncio.gather(*(tell(user.id) for user in (ada, bob) for _ in range(5)))
    assert sum(told) == 2


async def test_what_is_rolled_back_was_not_told(database: Database) -> None:
    user = await create_user(database)
    async with database.begin() as session:
        await notify(session, user.id, "kind", "once", "Title")
        await session.rollback()
    async with database.begin() as session:
        assert await count_unread(session, user.id) == 0


async def test_pages_hold_each_once_also_those_of_one_instant(database: Database) -> None:
    user = await create_user(database)
    stranger = await create_user(database, "stranger@example.com")
    async with database.begin() as session:
        for number in range(25):
            await notify(session, user.id, "kind", str(number), f"Title {number}")
        await notify(session, stranger.id, "kind", "1", "Not yours")
        await session.execute(update(Notification).values(created_at=get_now()))
        titles, after = [], None
        for _ in range(3):
            page = await list_notifications(session, user.id, after=after, most=10)
            titles += [note.title for note in page.items]
            after = page.after
    assert after is None
    assert sorted(titles) == sorted(f"Title {number}" for number in range(25))


async def test_reading_is_for_ones_own(database: Database) -> None:
    ada, bob = [await create_user(database, f"{name}@example.com") for name in ("ada", "bob")]
    async with database.begin() as session:
        for number in range(3):
            await notify(session, ada.id, "kind", str(number), "Title")
        first = (await list_notifications(session, ada.id)).items[0]
        assert await read_notifications(session, bob.id, ids=[first.id]) == 0
        assert await read_notifications(session, ada.id, ids=[first.id]) == 1
        assert await count_unread(session, ada.id) == 2
        assert await read_notifications(session, ada.id) == 2
        assert await count_unread(session, ada.id) == 0
