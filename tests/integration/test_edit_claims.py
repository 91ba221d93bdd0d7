"""Claims on edits: each row has one holder, users take turns, and who lost a row writes nothing."""

import asyncio

import pytest
from sqlalchemy import func, select, update

from comfyhoused.adapters.postgres.database import Database
from comfyhoused.creator.edits.claiming import (
    Claim,
    LeaseGone,
    hold_edit,
    postpone,
    renew,
)
from comfyhoused.creator.edits.due import (
    claim_deliveries,
    claim_edits,
    claim_waiting,
    find_steps_due,
)
from comfyhoused.creator.tables import Delivery, Edit, Photo, Source, User
from comfyhoused.kit.ids import make_id, make_job_id


async def add_user(database: Database, edits: int, state: str = "waiting") -> tuple[str, list[str]]:
    """Add a user with so many edits in this state; return the source's id and theirs."""
    user_id, source_id = make_id("user"), make_id("source")
    edit_ids = [make_id("edit") for _ in range(edits)]
    async with database.begin() as session:
        session.add(User(id=user_id, google_sub=user_id, email="a@example.com"))
        await session.flush()
        session.add(
            Source(
                id=source_id,
                user_id=user_id,
                kind="local",
                name="Raw",
                raw_key=user_id,
                edited_key=f"{user_id}/e",
                preset="p",
            )
        )
        await session.flush()
        for edit_id in edit_ids:
            photo = {"id": make_id("photo"), "user_id": user_id, "source_id": source_id}
            session.add(Photo(**photo, file_key=edit_id, revision="1", name="a.jpg"))
            await session.flush()
            session.add(
                Edit(
                    id=edit_id,
                    user_id=user_id,
                    source_id=source_id,
                    photo_id=photo["id"],
                    preset="p",
                    preset_version="1",
                    strength=1,
                    parameters_digest="d",
                    state=state,
                    job_id=make_job_id(),
                )
            )
    return source_id, edit_ids


async def take(database: Database, most: int, holder: str = "me") -> list[Claim]:
    async with database.begin() as session:
        return await claim_waiting(session, holder, 30, most)


async def test_of_many_workers_one_has_each_edit(database: Database) -> None:
    for _ in range(5):
        await add_user(database, 10)
    taken = await asyncio.gather(*(take(database, 5, f"w{number}") for number in range(20)))
    while more := await take(database, 5, "last"):
        taken.append(more)
    ids = [claim.id for claims in taken for claim in claims]
    assert len(ids) == len(set(ids)) == 50


async def test_users_take_turns_and_nobody_fills_the_house(database: Database) -> None:
    _, many = await add_user(database, 40)
    _, few = await add_user(database, 2)
    first = {claim.id for claim in await take(database, 4)}
    assert len(first & set(few)) == 2, "who brings thousands makes nobody wait"
    while await take(database, 10):
        pass
    async with database.begin() as session:
        held = await session.scalar(
            select(func.count()).where(Edit.id.in_(many), Edit.lease_holder.is_not(None))
        )
    assert held == 16


async def test_who_lost_a_row_writes_nothing(database: Database) -> None:
    await add_user(database, 1)
    [mine] = await take(database, 1)
    assert await take(database, 1, "other") == []
    await renew(database, mine, 30)
    async with database.begin() as session:
        await session.execute(update(Edit).values(next_try_at=func.now()))
    assert await take(database, 1, "other") == [], "waking a row ends no lease"
    async with database.begin() as session:
        await session.execute(update(Edit).values(lease_until=func.now()))
    [other] = await take(database, 1, "other")

    with pytest.raises(LeaseGone):
        await renew(database, mine, 30)
    await postpone(database, mine, 0)
    async with database.begin() as session:
        with pytest.raises(LeaseGone):
            await hold_edit(session, mine)
        edit = await hold_edit(session, other)
    assert (edit.lease_holder, edit.tries) == ("other", 2)


async def test_photos_wait_for_folders_to_be_reconnected(database: Database) -> None:
    source_id, edit_ids = await add_user(database, 2)
    async with database.begin() as session:
        source = await session.get_one(Source, source_id)
        source.state = "reconnect"
        edit = await session.get_one(Edit, edit_ids[1])
        edit.state, edit.next_try_at = "finished", None
        session.add(
            Delivery(
                id="d",
                user_id=source.user_id,
                edit_id=edit.id,
                source_id=source_id,
                state="due",
                next_try_at=func.now() - func.make_interval(0, 0, 0, 0, 1),
            )
        )
    assert await take(database, 5) == []
    async with database.begin() as session:
        assert await claim_deliveries(session, "me", 30, 5) == []
        assert await find_steps_due(session) == {"prepare", "deliver"}
        (await session.get_one(Source, source_id)).state = "active"
    async with database.begin() as session:
        assert [one.id for one in await claim_deliveries(session, "me", 30, 5)] == ["d"]
    assert [one.id for one in await take(database, 5)] == [edit_ids[0]]


async def test_nothing_is_done_for_who_leaves(database: Database) -> None:
    _, [waiting] = await add_user(database, 1)
    _, [finishing] = await add_user(database, 1, "finishing")
    async with database.begin() as session:
        await session.execute(update(User).values(deleting_at=func.now()))
    assert await take(database, 5) == []
    async with database.begin() as session:
        assert await claim_edits(session, "me", 30, 5, ["finishing"]) == []
        await session.execute(update(User).values(deleting_at=None))
    async with database.begin() as session:
        claims = await claim_edits(session, "me", 30, 5, ["finishing"])
    assert [one.id for one in claims] == [finishing]
    assert [one.id for one in await take(database, 5)] == [waiting]
