"""Trying all again: each once, a few at once and the rest by and by, as far as the plan goes."""

import asyncio

import pytest
from sqlalchemy import func, select, update

from comfyhoused.creator.edits.due import claim_waiting
from comfyhoused.creator.edits.ending import give_up_edit
from comfyhoused.creator.edits.retrying_all import retry_all, retry_asked
from comfyhoused.creator.house import CreatorHouse
from comfyhoused.creator.ledger import OverageCapReached, PlanUsedUp
from comfyhoused.creator.sources.folder import FileGone
from comfyhoused.creator.tables import Book, Delivery, Edit, Notification, Photo, Source, User
from comfyhoused.kit.errors import make_problem
from comfyhoused.kit.ids import make_id, make_job_id
from comfyhoused.kit.periods import get_period
from tests.broken_rows import break_rows
from tests.watch_stage import WatchStage

#: More than are tried while a page waits, and more than in one turn of the chore.
_MANY = 75


async def add_failed(stage: WatchStage, count: int) -> list[str]:
    """Add so many edits that have failed, one after the other; returns their ids."""
    source = await stage.add_source()
    async with stage.house.database.begin() as session:
        for number in range(count):
            of_user = {"user_id": stage.user.id, "source_id": source.id}
            photo = Photo(id=make_id("photo"), file_key=str(number), revision="1", name="a.jpg",
                          state="complete", **of_user)  # fmt: skip
            session.add(photo)
            await session.flush()
            session.add(
                Edit(id=f"edit_{number:03}", photo_id=photo.id, preset="p", preset_version="1",
                     strength=1, parameters_digest="d", state="failed", job_id=make_job_id(),
                     finished_at=func.clock_timestamp(), next_try_at=None, **of_user)
            )  # fmt: skip
            await session.flush()
    return [f"edit_{number:03}" for number in range(count)]


async def fail_all(house: CreatorHouse) -> None:
    """Take whatever waits and fail it, as a worker does with photos that are gone."""
    problem = make_problem(FileGone("It is not there any more."))
    while True:
        async with house.database.begin() as session:
            claims = await claim_waiting(session, "worker", 30, 12)
        for claim in claims:
            await give_up_edit(house, claim, problem)
        await asyncio.sleep(0)


async def count_rounds(house: CreatorHouse) -> dict[int, int]:
    async with house.database.begin() as session:
        rows = await session.execute(select(Edit.round, func.count()).group_by(Edit.round))
        return {row[0]: row[1] for row in rows}


async def is_asked(stage: WatchStage) -> bool:
    async with stage.house.database.begin() as session:
        return (await session.get_one(User, stage.user.id)).retry_before is not None


async def test_a_page_waits_for_a_few_and_the_rest_follows(stage: WatchStage) -> None:
    await add_failed(stage, _MANY)
    retried = await retry_all(stage.house, stage.user.id)
    assert (retried.count, retried.goes_on, retried.refusal) == (20, True, None)
    # Two workers at once, and again after it is done.
    turns = 0
    while await is_asked(stage):
        await asyncio.gather(retry_asked(stage.house), retry_asked(stage.house))
        turns += 1
        assert turns < 5
    assert await retry_asked(stage.house) == 0
    assert await count_rounds(stage.house) == {2: _MANY}


async def test_what_fails_at_once_is_tried_again_once(stage: WatchStage) -> None:
    await add_failed(stage, _MANY)
    failing = [asyncio.create_task(fail_all(stage.house)) for _ in range(3)]
    try:
        assert (await retry_all(stage.house, stage.user.id)).goes_on
        while await is_asked(stage):
            await asyncio.wait_for(retry_asked(stage.house), 60)
    finally:
        for task in failing:
            task.cancel()
        await asyncio.gather(*failing, return_exceptions=True)
    assert await count_rounds(stage.house) == {2: _MANY}


async def test_where_the_plan_ends_it_stops_and_says_so(stage: WatchStage) -> None:
    await add_failed(stage, _MANY)
    room = 30
    async with stage.house.database.begin() as session:
        user = await session.get_one(User, stage.user.id)
        user.overage_cap_cents = 0
        included = stage.house.plans.get(user.plan).included
        session.add(Book(user_id=user.id, period=get_period(), reserved=included - room))
    assert (await retry_all(stage.house, stage.user.id)).goes_on
    while await is_asked(stage):
        await retry_asked(stage.house)
    assert await count_rounds(stage.house) == {1: _MANY - room, 2: room}
    async with stage.house.database.begin() as session:
        told = (await session.scalars(select(Notification))).all()
    assert [note.kind for note in told] == ["retry_stopped"]
    with pytest.raises((PlanUsedUp, OverageCapReached)):
        await retry_all(stage.house, stage.user.id)
    assert not await is_asked(stage)


async def test_a_fault_with_one_edit_or_one_user_keeps_nobody_waiting(stage: WatchStage) -> None:
    ids = await add_failed(stage, _MANY)
    await break_rows(stage.house.database, "edits", f"NEW.id IN ('{ids[3]}', '{ids[70]}')")
    assert (await retry_all(stage.house, stage.user.id)).count == 19
    while await is_asked(stage):
        await retry_asked(stage.house)
    assert await count_rounds(stage.house) == {1: 2, 2: _MANY - 2}


async def test_deliveries_that_failed_go_again_all_at_once(stage: WatchStage) -> None:
    ids = await add_failed(stage, _MANY)
    async with stage.house.database.begin() as session:
        await session.execute(update(Edit).values(state="finished"))
        source_id = (await session.scalars(select(Source.id))).one()
        for edit_id in ids:
            session.add(Delivery(id=f"of {edit_id}", user_id=stage.user.id, edit_id=edit_id,
                                 source_id=source_id, state="failed", setbacks=4,
                                 error={"code": "disk_full"}, next_try_at=None))  # fmt: skip
    retried = await retry_all(stage.house, stage.user.id)
    assert (retried.count, retried.goes_on) == (_MANY, False)
    async with stage.house.database.begin() as session:
        due = select(func.count()).where(
            Delivery.state == "due", Delivery.error.is_(None), Delivery.setbacks == 0
        )
        assert await session.scalar(due) == _MANY
