"""Who leaves in the middle of everything is gone, though all workers are killed over it."""

import asyncio
from collections.abc import AsyncIterator, Iterator

import pytest
from redis.asyncio import Redis
from sqlalchemy import func, select

from comfyhoused.creator.erasure import request_erasure
from comfyhoused.creator.tables import Edit, User
from tests.creator_books import list_book_faults
from tests.edit_stage import EditHouse
from tests.integration.test_creator_leaving import count_rows, find_in_redis, list_objects
from tests.integration.test_edits import make_photo
from tests.postgres import TestPostgres
from tests.waiting import wait_until

pytestmark = [pytest.mark.chaos, pytest.mark.soak]


@pytest.fixture
def processes(
    tmp_path_factory: pytest.TempPathFactory, postgres: TestPostgres
) -> Iterator[EditHouse]:
    house = EditHouse(tmp_path_factory.mktemp("leaving"), postgres.make_database())
    try:
        house.start()
        yield house
    finally:
        house.close()


@pytest.fixture
async def house(processes: EditHouse) -> AsyncIterator[EditHouse]:
    async with processes.open() as one:
        yield one


async def test_nothing_of_who_leaves_outlives_kills(house: EditHouse) -> None:
    leaving, staying = await house.add_user(), await house.add_user()
    for number in range(2):
        done = await leaving.drop(f"done {number}.jpg", make_photo((number, 9, 90)))
        assert done is not None
        await leaving.wait_delivered(done.id)
    house.engine.hold("ImageInvert")
    for number in range(6):
        assert await leaving.drop(f"{number}.jpg", make_photo((number, 2 * number, 90)))
    other = await staying.drop("other.jpg", make_photo())
    assert other is not None

    async def is_under_way() -> bool:
        async with house.creator.database.begin() as session:
            mine = select(Edit.state).where(Edit.user_id == leaving.user_id)
            return {"in_line", "running"} & set(await session.scalars(mine)) != set()

    await wait_until(is_under_way)
    originals = sorted(path.name for path in leaving.raw.iterdir())

    await request_erasure(house.creator, leaving.user_id)
    for _ in range(3):  # as they are at it, and twice as they begin anew
        house.workers[0].kill()
        house.workers[0].start()
        await asyncio.gather(*(request_erasure(house.creator, leaving.user_id) for _ in range(3)))
    house.engine.let_go()

    async def is_gone() -> bool:
        async with house.creator.database.begin() as session:
            mine = select(func.count()).where(User.id == leaving.user_id)
            return await session.scalar(mine) == 0

    await wait_until(is_gone, 120)
    assert await count_rows(house.creator, leaving.user_id) == {}
    assert [key for key in await list_objects(house.creator) if leaving.user_id in key] == []
    store: Redis = house.creator.resources.store  # type: ignore[assignment]

    async def is_forgotten() -> bool:
        return await find_in_redis(store, leaving.user_id) == []

    await wait_until(is_forgotten, 60)
    assert sorted(path.name for path in leaving.raw.iterdir()) == originals
    assert len(leaving.list_edited()) >= 2
    await staying.wait_delivered(other.id)
    assert await list_book_faults(house.creator.database) == []
    assert await count_rows(house.creator, leaving.user_id) == {}
    assert [key for key in await list_objects(house.creator) if leaving.user_id in key] == []
