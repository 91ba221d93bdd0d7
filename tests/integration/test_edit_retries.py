"""Trying all again ends, however fast what is tried fails again."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from sqlalchemy import func, select, update

from comfyhoused.creator.edits.due import claim_waiting
from comfyhoused.creator.edits.ending import give_up_edit
from comfyhoused.creator.edits.retrying import retry_many
from comfyhoused.creator.house import CreatorHouse
from comfyhoused.creator.sources.folder import FileGone
from comfyhoused.creator.tables import Edit
from comfyhoused.kit.errors import make_problem
from tests.waiting import wait_until
from tests.watch_stage import WatchStage, open_watch_stage, put

_COUNT = 12


@pytest.fixture
async def stage(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, database_url: str, valkey_url: str
) -> AsyncIterator[WatchStage]:
    async with open_watch_stage(
        tmp_path, monkeypatch.setenv, database_url=database_url, redis_url=valkey_url
    ) as opened:
        yield opened


async def fail_all(house: CreatorHouse) -> None:
    """Take whatever waits and fail it, as a worker does with photos that are gone."""
    problem = make_problem(FileGone("It is not there any more."))
    while True:
        async with house.database.begin() as session:
            claims = await claim_waiting(session, "worker", 30, _COUNT)
        for claim in claims:
            await give_up_edit(house, claim, problem)
        await asyncio.sleep(0)


async def test_what_fails_at_once_is_tried_again_once(stage: WatchStage) -> None:
    source = await stage.add_source()
    async with stage.watching():
        await stage.wait_listed(source)
        for number in range(_COUNT):
            put(stage.raw / f"{number}.jpg")

        async def is_there() -> bool:
            return await stage.count_edits() == _COUNT

        await wait_until(is_there)
    async with stage.house.database.begin() as session:
        await session.execute(update(Edit).values(state="failed", next_try_at=None))
    failing = [asyncio.create_task(fail_all(stage.house)) for _ in range(3)]
    try:
        assert await asyncio.wait_for(retry_many(stage.house, stage.user.id), 20) == _COUNT
    finally:
        for task in failing:
            task.cancel()
        await asyncio.gather(*failing, return_exceptions=True)
    async with stage.house.database.begin() as session:
        assert await session.scalar(select(func.max(Edit.round))) == 2
