"""Creator: how long after a photo is complete its edit is queued: by push, by poll, on a disk."""

import asyncio
import os
import tempfile
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import datetime
from pathlib import Path
from typing import Any

from bench.figures import Figure, Target, find_percentile
from bench.place import Place
from comfyhoused.creator.migrating import upgrade_database
from comfyhoused.kit.clock import get_now
from tests.google import FakeGoogle
from tests.house import ApiProcess
from tests.ports import take_port
from tests.postgres import PostgresProcess
from tests.processes import ServerProcess, ValkeyProcess
from tests.waiting import wait_until
from tests.watch_drive import DriveStage, open_drive_stage
from tests.watch_stage import put

_BY_PUSH = 30
_BY_POLL = 16
_ON_DISK = 30
_PAUSE_SECONDS = {"push": 1.1, "poll": 5.3, "disk": 0.7}
#: What a house has where nothing is set.
_USUAL = {
    "CH_POLL_SECONDS": "45",
    "CH_SETTLE_LOOK_SECONDS": "2",
    "CH_LEASE_SECONDS": "8",
}


async def measure_creator_watching(place: Place, details: dict[str, Any]) -> list[Figure]:
    """Drop photos one after the other into a watched Drive and a watched folder on a disk."""
    with tempfile.TemporaryDirectory(prefix="bench-watching-") as folder:
        async with _open_stage(Path(folder)) as stage:
            pushed = await _measure(stage, "push", _BY_PUSH, lambda name: stage.drop(name))
            await stage.watch.add_source()
            on_disk = await _measure(
                stage, "disk", _ON_DISK, lambda name: str(put(stage.watch.raw / name))
            )
            stage.google.set_switch(pushes="drop")
            polled = await _measure(stage, "poll", _BY_POLL, lambda name: stage.drop(name))
    details["creator_watching"] = {"push": pushed, "poll": polled, "disk": on_disk}
    return [
        Figure("Creator: complete → queued by push, p95", "s", _p95(pushed), Target(5)),
        Figure("Creator: complete → queued by poll, p95", "s", _p95(polled), Target(60)),
        Figure("Creator: complete → queued on a disk, p95", "s", _p95(on_disk), Target(5)),
    ]


@asynccontextmanager
async def _open_stage(folder: Path) -> AsyncIterator[DriveStage]:
    started: list[ServerProcess] = []

    async def start(server: Any) -> Any:
        started.append(server)
        await asyncio.to_thread(server.start)
        return server

    try:
        postgres = await start(PostgresProcess(folder / "postgres", {}))
        valkey = await start(ValkeyProcess(folder / "valkey"))
        google = await start(FakeGoogle(folder / "google"))
        await upgrade_database(postgres.url)
        port = take_port()
        opening = open_drive_stage(
            folder,
            os.environ.__setitem__,
            google,
            database_url=postgres.url,
            redis_url=valkey.url,
            CH_PUBLIC_URL=f"http://127.0.0.1:{port}",
            **_USUAL,
        )
        async with opening as stage:
            api = await start(ApiProcess(folder / "api", stage.watch.environment, port))
            await asyncio.to_thread(api.wait_ready)
            await start(stage.watch.make_process())
            await stage.wait_followed()
            await wait_until(lambda: any(one["status"] == 204 for one in google.list_pushes()))
            yield stage
    finally:
        for server in reversed(started):
            server.kill()


async def _measure(
    stage: DriveStage, how: str, count: int, drop: Callable[[str], str]
) -> list[float]:
    """Return the seconds from each photo's being there to its edit's being stored."""
    dropped: dict[str, datetime] = {}
    before = await stage.watch.count_edits()
    for number in range(count):
        name = f"{how} {number}.jpg"
        await asyncio.to_thread(drop, name)
        dropped[name] = get_now()
        await asyncio.sleep(_PAUSE_SECONDS[how])

    async def are_queued() -> bool:
        return await stage.watch.count_edits() == before + count

    await wait_until(are_queued, 120)
    names = {one.id: one.name for one in await stage.watch.list_photos()}
    return [
        round((edit.created_at - dropped[names[edit.photo_id]]).total_seconds(), 3)
        for edit in await stage.watch.list_edits()
        if names[edit.photo_id] in dropped
    ]


def _p95(seconds: list[float]) -> float:
    return find_percentile(seconds, 95)
