"""Watchers that are killed in the middle of anything: no photo is lost, none is edited twice."""

import asyncio
import random
from pathlib import Path

import pytest

from tests.waiting import wait_until
from tests.watch_stage import WatcherProcess, WatchStage, open_watch_stage, put

PHOTOS = 100
KILLS = 3


@pytest.mark.chaos
@pytest.mark.parametrize(
    ("photos", "kills"),
    [(PHOTOS, KILLS), pytest.param(1000, 60, marks=pytest.mark.soak)],
)
async def test_killed_watchers_lose_and_double_nothing(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    database_url: str,
    valkey_url: str,
    photos: int,
    kills: int,
) -> None:
    opening = open_watch_stage(
        tmp_path, monkeypatch.setenv, database_url=database_url, redis_url=valkey_url
    )
    async with opening as stage:
        watchers = [stage.make_process() for _ in range(2)]
        try:
            await stage.add_source()
            for watcher in watchers:
                watcher.start()
            await _drop_and_kill(stage, watchers, photos, kills)
            await stage.wait_states(complete=photos)
        finally:
            for watcher in watchers:
                watcher.kill()
        assert await stage.count_edits() == photos
        edited = {one.photo_id for one in await stage.list_edits()}
        assert len(edited) == photos


async def _drop_and_kill(
    stage: WatchStage, watchers: list[WatcherProcess], photos: int, kills: int
) -> None:
    """Kill a watcher each time another share of the photos has come and some of it is taken."""
    chance = random.Random(4)
    share = photos // kills
    for number in range(kills):
        last = photos if number == kills - 1 else (number + 1) * share
        for one in range(number * share, last):
            put(stage.raw / f"{one % 7}" / f"{one}.jpg")
        least = number * share + chance.randrange(share)

        async def has_taken(least: int = least) -> bool:
            return await stage.count_edits() >= least

        await wait_until(has_taken)
        watcher = chance.choice(watchers)
        await asyncio.to_thread(watcher.restart)
