"""Photos that wait for units: each user's begin in turn, whatever is wrong with another's."""

from sqlalchemy import func, select

from comfyhoused.creator.edits.beginning import begin_waiting
from comfyhoused.creator.tables import Book, Photo, Source, User
from comfyhoused.kit.ids import make_id
from comfyhoused.kit.periods import get_period
from tests.broken_rows import break_rows
from tests.creator_sign_in import create_user
from tests.watch_stage import WatchStage


async def add_waiting(stage: WatchStage, user: User, count: int) -> None:
    """Give the user so many photos that wait."""
    of_user = {"user_id": user.id, "source_id": make_id("source")}
    async with stage.house.database.begin() as session:
        session.add(
            Source(
                id=of_user["source_id"],
                user_id=user.id,
                kind="local",
                name="Raw",
                raw_key=f"{user.email}/Raw",
                edited_key=f"{user.email}/Edited",
                preset="cinematic",
            )
        )
        await session.flush()
        for number in range(count):
            photo = make_id("photo")
            session.add(Photo(id=photo, file_key=str(number), revision="1", name="a.jpg",
                              state="waiting", **of_user))  # fmt: skip


async def count_waiting(stage: WatchStage, user: User) -> int:
    async with stage.house.database.begin() as session:
        query = select(func.count()).where(Photo.user_id == user.id, Photo.state == "waiting")
        return await session.scalar(query) or 0


async def test_each_user_begins_some_in_each_turn_and_a_broken_one_holds_up_nobody(
    stage: WatchStage,
) -> None:
    database = stage.house.database
    users = [await create_user(database, f"{name}@example.com", plan="studio") for name in "abcd"]
    for user in users:
        await add_waiting(stage, user, 15)
    poor, broken, *others = users
    async with database.begin() as session:
        (await session.get_one(User, poor.id)).overage_cap_cents = 0
        included = stage.house.plans.get(poor.plan).included
        session.add(Book(user_id=poor.id, period=get_period(), reserved=included))
    begins = f"NEW.user_id = '{broken.id}' AND NEW.state <> 'waiting'"
    await break_rows(database, "photos", begins)

    assert await begin_waiting(stage.house) == 20
    assert [await count_waiting(stage, user) for user in others] == [5, 5]
    assert await begin_waiting(stage.house) == 10
    assert await begin_waiting(stage.house) == 0
    assert [await count_waiting(stage, user) for user in (poor, broken, *others)] == [15, 15, 0, 0]
