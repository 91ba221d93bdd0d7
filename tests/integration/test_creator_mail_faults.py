"""Mails of many users: what is wrong with one keeps nobody else's, nor do those who wait."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import func, select, update

from comfyhoused.creator.digests import DIGEST_PAUSE, send_digests
from comfyhoused.creator.house import CreatorHouse
from comfyhoused.creator.notifications import Mailing, notify
from comfyhoused.creator.tables import Notification, User
from tests.broken_rows import break_rows
from tests.creator_sign_in import create_user
from tests.watch_stage import open_watch_stage

NOW = datetime.now(UTC)


@pytest.fixture
async def house(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, database_url: str, valkey_url: str
) -> AsyncIterator[CreatorHouse]:
    async with open_watch_stage(
        tmp_path, monkeypatch.setenv, database_url=database_url, redis_url=valkey_url
    ) as stage:
        yield stage.house


async def add_users(house: CreatorHouse, count: int) -> list[User]:
    """Add users who have each been told something of which they are to be mailed."""
    users = [await create_user(house.database, f"{n}@example.com") for n in range(count)]
    for user in users:
        await tell(house, user, "one")
    return users


async def tell(house: CreatorHouse, user: User, once: str, mail: Mailing = "digest") -> None:
    async with house.database.begin() as session:
        await notify(session, user.id, "k", once, "Title", mail=mail)


async def count_unmailed(house: CreatorHouse) -> int:
    async with house.database.begin() as session:
        query = select(func.count()).where(
            Notification.mailed_at.is_(None), Notification.mail != "none"
        )
        return await session.scalar(query) or 0


async def test_a_user_whose_mails_cannot_be_bundled_is_passed_by(house: CreatorHouse) -> None:
    users = sorted(await add_users(house, 3), key=lambda user: user.id)
    await break_rows(house.database, "notifications", f"NEW.user_id = '{users[0].id}'")
    assert await send_digests(house) == 2
    assert await count_unmailed(house) == 1


async def test_a_mail_that_cannot_be_made_is_passed_by_and_dropped_in_the_end(
    house: CreatorHouse,
) -> None:
    users = await add_users(house, 3)
    await tell(house, users[0], "two")
    mine = Notification.user_id == users[0].id
    async with house.database.begin() as session:
        # Two of one mail, of which the older is of no kind of mail.
        await session.execute(update(Notification).where(mine).values(mail_id="mail_0"))
        older = update(Notification).where(mine, Notification.once == "one")
        await session.execute(older.values(mail="none", created_at=NOW - timedelta(days=1)))
    assert await send_digests(house) == 2
    assert await count_unmailed(house) == 1
    async with house.database.begin() as session:
        days_ago = NOW - timedelta(days=4)
        newer = update(Notification).where(mine, Notification.once == "two")
        await session.execute(newer.values(created_at=days_ago))
        await session.execute(older.values(created_at=days_ago - timedelta(days=1)))
    assert await send_digests(house) == 0
    assert await count_unmailed(house) == 0


async def test_those_who_wait_for_their_hour_take_nobodys_turn(house: CreatorHouse) -> None:
    users = await add_users(house, 61)
    last = max(users, key=lambda user: user.id)
    async with house.database.begin() as session:
        others = update(User).where(User.id != last.id)
        await session.execute(others.values(digested_at=NOW))
    assert await send_digests(house, at=NOW + timedelta(minutes=1)) == 1
    assert await send_digests(house, at=NOW + DIGEST_PAUSE) == 60


async def test_a_second_problem_waits_for_a_mail_that_was_not_posted_yet(
    house: CreatorHouse,
) -> None:
    [user] = await add_users(house, 1)
    async with house.database.begin() as session:
        await session.execute(update(Notification).values(mail="now", mail_id="mail_1"))
    await tell(house, user, "two", "now")
    assert await send_digests(house) == 1, "the first; the second comes with what follows"
    assert await count_unmailed(house) == 1
