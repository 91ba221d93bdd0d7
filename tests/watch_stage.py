"""A house with Creator in this process, and watchers in it or beside it, for tests of watching."""

import asyncio
import os
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sqlalchemy import func, select

from comfyhoused.creator.house import CreatorHouse
from comfyhoused.creator.opening import open_creator
from comfyhoused.creator.sources.sources import NewSource, create_source
from comfyhoused.creator.tables import Edit, Photo, Source, User
from comfyhoused.creator.watching.watcher import Watcher
from comfyhoused.embedded.programs import make_watcher_command
from comfyhoused.kit.ids import make_id
from comfyhoused.resources import open_resources
from comfyhoused.settings import Settings
from tests.creator_sign_in import create_user
from tests.house import Program
from tests.waiting import PATIENCE_SECONDS, wait_until

EMAIL = "ada@example.com"
#: A look every blink, and a dead watcher's sources are another's within two seconds.
QUICK_WATCH = {
    "CH_POLL_SECONDS": "0.2",
    "CH_SETTLE_LOOK_SECONDS": "0.1",
    "CH_LEASE_SECONDS": "1.5",
}


class WatcherProcess(Program):
    """One watcher process."""

    def command(self) -> tuple[str, ...]:
        return make_watcher_command()


@dataclass
class WatchStage:
    """A user with a folder of local photos; `root` is what CH_LOCAL_SOURCES_DIR says."""

    house: CreatorHouse
    user: User
    root: Path
    environment: Mapping[str, str]
    folder: Path

    @property
    def raw(self) -> Path:
        return self.root / EMAIL / "Raw"

    @property
    def edited(self) -> Path:
        return self.root / EMAIL / "Edited"

    async def add_source(self, raw: str = "Raw", edited: str = "Edited", **more: Any) -> Source:
        """Store a local source; its folders are made."""
        for name in (raw, edited):
            (self.root / EMAIL / name).mkdir(parents=True, exist_ok=True)
        new = NewSource(
            kind="local",
            name=raw,
            raw_key=f"{EMAIL}/{raw}",
            edited_key=f"{EMAIL}/{edited}",
            preset=more.pop("preset", "cinematic"),
            **more,
        )
        async with self.house.database.begin() as session:
            return await create_source(session, self.user.id, new)

    @asynccontextmanager
    async def watching(self, count: int = 1) -> AsyncIterator[None]:
        """Run watchers in this process within the block."""
        watchers = [Watcher(self.house, make_id("watcher", 12)) for _ in range(count)]
        tasks = [asyncio.create_task(one.work()) for one in watchers]
        try:
            yield
        finally:
            for task in tasks:
                task.cancel()
            results = await asyncio.gather(*tasks, return_exceptions=True)
            assert all(isinstance(one, asyncio.CancelledError) for one in results), results

    def make_process(self) -> WatcherProcess:
        """Return a watcher process, to be started and ended by the test."""
        return WatcherProcess(self.folder / f"watcher {make_id('w', 4)}", self.environment)

    async def list_photos(self, **where: Any) -> list[Photo]:
        """Return the photos, in the order of their files' keys and arrival."""
        query = select(Photo).filter_by(**where).order_by(Photo.file_key, Photo.seen_at)
        async with self.house.database.begin() as session:
            return list(await session.scalars(query))

    async def list_edits(self, **where: Any) -> list[Edit]:
        """Return the edits."""
        async with self.house.database.begin() as session:
            return list(await session.scalars(select(Edit).filter_by(**where)))

    async def count_edits(self) -> int:
        """Return how many edits there are."""
        async with self.house.database.begin() as session:
            return await session.scalar(select(func.count()).select_from(Edit)) or 0

    async def get_source(self, source_id: str) -> Source:
        """Return the source as it is now."""
        async with self.house.database.begin() as session:
            return await session.get_one(Source, source_id)

    async def wait_listed(self, source: Source) -> None:
        """Wait until the source was listed for the first time."""

        async def is_listed() -> bool:
            return (await self.get_source(source.id)).reconciled_at is not None

        await wait_until(is_listed)

    async def wait_states(self, **expected: int) -> list[Photo]:
        """Wait until there are exactly so many photos in each state; returns all of them.

        Many take longer: half a second is allowed for each more.
        """

        async def is_so() -> bool:
            query = select(Photo.state, func.count()).group_by(Photo.state)
            async with self.house.database.begin() as session:
                counts = {row[0]: row[1] for row in await session.execute(query)}
            if counts == expected:
                return True
            await asyncio.sleep(sum(expected.values()) / 500)  # asking has its price, too
            return False

        await wait_until(is_so, PATIENCE_SECONDS + sum(expected.values()) / 2)
        return await self.list_photos()


@asynccontextmanager
async def open_watch_stage(
    folder: Path,
    set_variable: Callable[[str, str], object],
    *,
    database_url: str,
    redis_url: str,
    plan: str = "studio",
    **environment: str,
) -> AsyncIterator[WatchStage]:
    """Open a house with Creator on this database; `set_variable` is monkeypatch's `setenv`."""
    root = folder / "photos"
    root.mkdir(parents=True)
    told = {
        "CH_DATA_DIR": str(folder / "data"),
        "CH_DATABASE_URL": database_url,
        "CH_REDIS_URL": redis_url,
        "CH_LOCAL_SOURCES_DIR": str(root),
        "CH_LOG_LEVEL": "WARNING",
        **QUICK_WATCH,
        **environment,
    }
    for name, value in told.items():
        set_variable(name, value)
    async with AsyncExitStack() as stack:
        resources = await stack.enter_async_context(open_resources(Settings.load()))
        house = await stack.enter_async_context(open_creator(resources))
        user = await create_user(house.database, EMAIL, plan=plan)
        async with house.database.begin() as session:
            (await session.get_one(User, user.id)).overage_cap_cents = 10_000_000
        yield WatchStage(house, user, root, told, folder)


def put(path: Path, content: bytes | None = None) -> Path:
    """Write a file in one go, as somebody drops it; its content is of its own if none is given."""
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".{path.name}.part")
    temporary.write_bytes(os.urandom(24) if content is None else content)
    temporary.rename(path)
    return path
