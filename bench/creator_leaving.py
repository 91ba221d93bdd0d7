"""Creator: deleting an account with 10,000 edits, and taking them all along before."""

import asyncio
import os
import tempfile
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any

from sqlalchemy import insert, update

from bench.figures import Figure, Target
from bench.place import Place
from comfyhoused.core.jobs.admission import admit
from comfyhoused.core.jobs.cancel import cancel_job
from comfyhoused.creator.edits.pictures import make_folder
from comfyhoused.creator.erasure import erase_leaving_users, request_erasure
from comfyhoused.creator.export import stream_export
from comfyhoused.creator.house import CreatorHouse, make_owner
from comfyhoused.creator.migrating import upgrade_database
from comfyhoused.creator.tables import Delivery, Edit, Entry, Photo, User
from comfyhoused.kit.each import do_each
from comfyhoused.kit.ids import make_job_id
from tests.integration.test_creator_leaving import make_job
from tests.postgres import PostgresProcess
from tests.processes import ValkeyProcess
from tests.watch_stage import WatchStage, open_watch_stage

_EDITS = 10_000
_PICTURE = b"\xff\xd8" + bytes(20_000)


async def measure_creator_leaving(place: Place, details: dict[str, Any]) -> list[Figure]:
    """Give a user 10,000 edits with their rows, jobs and pictures, export them, delete them."""
    del place
    with tempfile.TemporaryDirectory(prefix="bench-leaving-") as folder:
        async with _open(Path(folder)) as stage:
            await _fill(stage)
            size_bytes, export_seconds = await _export(stage)
            erase_seconds = await _erase(stage.house, stage.user.id)
    details["creator_leaving"] = {
        "edits": _EDITS,
        "export_mb": round(size_bytes / 2**20),
        "export_seconds": round(export_seconds, 1),
        "erase_seconds": round(erase_seconds, 1),
    }
    return [
        Figure(f"Creator: deleting {_EDITS:,} edits", "s", erase_seconds, Target(60)),
        Figure(f"Creator: exporting {_EDITS:,} edits", "s", export_seconds),
    ]


@asynccontextmanager
async def _open(folder: Path) -> AsyncIterator[WatchStage]:
    postgres, valkey = PostgresProcess(folder / "postgres", {}), ValkeyProcess(folder / "valkey")
    environment = dict(os.environ)
    await asyncio.to_thread(postgres.start)
    await asyncio.to_thread(valkey.start)
    try:
        await upgrade_database(postgres.url)
        async with open_watch_stage(
            folder,
            os.environ.__setitem__,
            database_url=postgres.url,
            redis_url=valkey.url,
        ) as stage:
            yield stage
    finally:
        os.environ.clear()
        os.environ.update(environment)
        valkey.kill()
        postgres.kill()


async def _fill(stage: WatchStage) -> None:
    house, user_id = stage.house, stage.user.id
    source = await stage.add_source()
    job_ids = [make_job_id() for _ in range(_EDITS)]
    for table, rows in _list_rows(user_id, source.id, job_ids):
        async with house.database.begin() as session:
            await session.execute(insert(table), rows)
    await asyncio.to_thread(_write_pictures, house, user_id)

    async def run(job_id: str) -> None:
        owner = make_owner(user_id)
        job = make_job(owner, 0)
        object.__setattr__(job, "job_id", job_id)
        await admit(house.resources.store, job)
        await cancel_job(house.resources.store, owner, job_id)

    await do_each(job_ids, run)


def _list_rows(
    user_id: str, source_id: str, job_ids: list[str]
) -> Iterator[tuple[type[Any], list[dict[str, Any]]]]:
    folder, numbers = make_folder(user_id), range(_EDITS)
    of_user = {"user_id": user_id, "source_id": source_id}
    yield (
        Photo,
        [
            {**of_user, "id": f"photo_{n}", "file_key": f"{n}", "revision": "1", "name": f"{n}.jpg"}
            for n in numbers
        ],
    )
    edit = {**of_user, "preset": "cinematic", "preset_version": "1", "strength": 60}
    edit |= {"parameters_digest": "x", "state": "finished", "next_try_at": None}
    yield (
        Edit,
        [
            {
                **edit,
                "id": f"edit_{n}",
                "photo_id": f"photo_{n}",
                "job_id": job_ids[n],
                "preview_file": f"{folder}/edit_{n}/preview.jpg",
            }
            for n in numbers
        ],
    )
    done = {**of_user, "state": "delivered", "next_try_at": None}
    yield Delivery, [{**done, "id": f"d_{n}", "edit_id": f"edit_{n}"} for n in numbers]
    entry = {"user_id": user_id, "period": "2026-11", "round": 1, "units": 1}
    for kind in ("reserve", "settle"):
        yield Entry, [{**entry, "edit_id": f"edit_{n}", "kind": kind} for n in numbers]


def _write_pictures(house: CreatorHouse, user_id: str) -> None:
    """Write them straight to the disk: making them is not what is measured."""
    root = house.resources.settings.house.data_dir / "files" / make_folder(user_id)
    for number in range(_EDITS):
        for name in (f"edit_{number}/preview", f"edit_{number}/thumb", f"photo_{number}/preview"):
            path = root / f"{name}.jpg"
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(_PICTURE)


async def _export(stage: WatchStage) -> tuple[int, float]:
    begun, size_bytes = time.monotonic(), 0
    async for chunk in stream_export(stage.house, stage.user.id):
        size_bytes += len(chunk)
    return size_bytes, time.monotonic() - begun


async def _erase(house: CreatorHouse, user_id: str) -> float:
    begun = time.monotonic()
    await request_erasure(house, user_id)
    await erase_leaving_users(house)
    spent = time.monotonic() - begun
    async with house.database.begin() as session:  # the rest until nothing can be under way
        earlier = User.deleting_at - timedelta(hours=1)
        await session.execute(update(User).values(deleting_at=earlier))
    begun = time.monotonic()
    assert await erase_leaving_users(house) == 1
    return spent + time.monotonic() - begun
