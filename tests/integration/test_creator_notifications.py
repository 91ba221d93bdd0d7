"""The bell: each thing once, to its user only, newest first, however many there are."""

import asyncio
from datetime import timedelta

from sqlalchemy import func, insert, select, update

from comfyhoused.adapters.postgres.database import Database
from comfyhoused.creator.bundles import bundle_notes
from comfyhoused.creator.forgetting import KEPT_FOR, MOST_KEPT, forget_notifications
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


async def test_a_hundred_photos_of_a_batch_stand_as_one(database: Database) -> None:
    user = await create_user(database)
    hour = get_now().replace(minute=10)
    async with database.begin() as session:
        for number in range(99):
            kind = "edit_failed" if number < 60 else "edit_delivered"
            title = f"Photo {number}"
            await notify(session, user.id, kind, str(number), title, "Why.", f"/{number}")
        await notify(session, user.id, "source.broken", "broken", "“Raw” needs you", link="/raw")
        for number in range(100):
            once = str(number) if number < 99 else "broken"
            at = hour + timedelta(seconds=number)
            mine = update(Notification).where(Notification.once == once)
            await session.execute(mine.values(created_at=at))
        page = await list_notifications(session, user.id, most=100)
    entries = bundle_notes(page.items)
    assert [(one.title, one.detail, one.link) for one in entries] == [
        ("“Raw” needs you", "", "/raw"),
        ("39 pictures are ready", "Why.", "/creator/gallery"),
        ("60 photos could not be finished", "Why.", "/creator/gallery?show=failed"),
    ]
    assert sum(one.count for one in entries) == 100
    alone = bundle_notes(page.items[:3])
    assert [one.title for one in alone] == ["“Raw” needs you", "Photo 98", "Photo 97"]


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


async def test_old_ones_go_and_of_a_batch_all_but_the_newest(database: Database) -> None:
    ada, bob = [await create_user(database, f"{name}@example.com") for name in ("ada", "bob")]
    now = get_now()
    fields = {"user_id": ada.id, "title": "Title"}
    rows = [
        {"id": f"n{n}", "once": f"{n}", "kind": "edit_delivered", "mail": "none",
         "created_at": now - timedelta(seconds=n), **fields}
        for n in range(MOST_KEPT + 50)
    ]  # fmt: skip
    rows[MOST_KEPT + 7]["kind"] = "reconnect"
    rows[MOST_KEPT + 8]["mail"] = "digest"
    async with database.begin() as session:
        await session.execute(insert(Notification), rows)
        for number in range(3):
            await notify(session, bob.id, "kind", str(number), "Title", mail="now")
        of_bob = update(Notification).where(Notification.user_id == bob.id)
        await session.execute(of_bob.values(created_at=now - KEPT_FOR - timedelta(seconds=1)))
        mailed = of_bob.where(Notification.once != "0")
        await session.execute(mailed.values(mailed_at=now - KEPT_FOR))
    assert await forget_notifications(database) == 48 + 2
    assert await forget_notifications(database) == 0
    async with database.begin() as session:
        left = select(Notification.user_id, func.count()).group_by(Notification.user_id)
        assert {row[0]: row[1] for row in await session.execute(left)} == {
            ada.id: MOST_KEPT + 2,
            bob.id: 1,
        }
