"""A house that edits photos, in real processes: Valkey, Postgres, engine and workers.

Users, sources and photos are put into the database as the watcher would; what a user does is done
by calling the verbs in the test's own process.
"""

import json
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import func, select

from comfyhoused.creator.edits.creating import edit_photo
from comfyhoused.creator.edits.finding import find_delivery
from comfyhoused.creator.house import CreatorHouse
from comfyhoused.creator.opening import open_creator
from comfyhoused.creator.sources.opening import open_folder
from comfyhoused.creator.tables import Book, Delivery, Edit, Entry, Photo, Source, User
from comfyhoused.embedded.programs import make_watcher_command
from comfyhoused.kit.ids import make_id
from comfyhoused.resources import open_resources
from comfyhoused.settings import Settings
from tests.house import QUICK, SECRET, Program, WorkerProcess
from tests.processes import EngineProcess, ValkeyProcess
from tests.waiting import PATIENCE_SECONDS, wait_until

PRESET = "negative"
_MANIFEST = """
title = "Negative"
version = "1"
summary = "Turns light into dark, for tests."
image = { node = "1", field = "image" }
strength = { node = "2", field = "color" }

[[parameters]]
name = "height"
title = "Height"
type = "integer"
default = 8
minimum = 1
target = { node = "2", field = "height" }
"""
#: Real nodes of ComfyUI's; the strength tints, so that each gives other pixels.
_GRAPH = {
    "1": {"class_type": "LoadImage", "inputs": {"image": ""}},
    "2": {
        "class_type": "EmptyImage",
        "inputs": {"width": 8, "height": 8, "batch_size": 1, "color": 0},
    },
    "3": {
        "class_type": "ImageBlend",
        "inputs": {
            "image1": ["1", 0],
            "image2": ["2", 0],
            "blend_factor": 0.25,
            "blend_mode": "normal",
        },
    },
    "4": {"class_type": "ImageInvert", "inputs": {"image": ["3", 0]}},
    "5": {"class_type": "SaveImage", "inputs": {"images": ["4", 0], "filename_prefix": "n"}},
}


class WatcherProcess(Program):
    """One watcher process."""

    def command(self) -> tuple[str, ...]:
        return make_watcher_command()


class EditHouse:
    """The processes, and what they are told. `creator` is there while `open` lasts."""

    def __init__(
        self,
        folder: Path,
        database_url: str,
        *,
        workers: int = 1,
        environment: Mapping[str, str] | None = None,
    ) -> None:
        self.folder = folder
        self.valkey = ValkeyProcess(folder / "valkey")
        self.engine = EngineProcess(folder / "engine")
        self.workers: list[WorkerProcess] = []
        self.watchers: list[WatcherProcess] = []
        self._database_url = database_url
        self._count = workers
        self._environment = dict(environment or {})
        self._creator: CreatorHouse | None = None
        _write_preset(folder / "presets" / PRESET)
        self.photos_dir.mkdir()

    def start(self) -> None:
        """Start every process."""
        self.valkey.start()
        self.engine.start()
        for _ in range(self._count):
            self.add_worker()

    def close(self) -> None:
        """End every process."""
        for part in (*self.watchers, *self.workers, self.engine, self.valkey):
            part.kill()

    @asynccontextmanager
    async def open(self) -> AsyncIterator["EditHouse"]:
        """Open Creator's side of the house in this process, too."""
        async with _open_creator(self.environment) as creator:
            self._creator = creator
            yield self

    @property
    def creator(self) -> CreatorHouse:
        assert self._creator is not None, "not open"
        return self._creator

    @property
    def environment(self) -> dict[str, str]:
        """What every program of the house is told."""
        return {
            "CH_DATA_DIR": str(self.folder / "house data"),
            "CH_SECRET": SECRET,
            "CH_REDIS_URL": self.valkey.url,
            "CH_ENGINE_URL": self.engine.url,
            "CH_DATABASE_URL": self._database_url,
            "CH_PRESETS_DIR": str(self.folder / "presets"),
            "CH_LOCAL_SOURCES_DIR": str(self.photos_dir),
            "CH_POLL_SECONDS": "0.5",
            "CH_SETTLE_LOOK_SECONDS": "0.2",
            **QUICK,
            **self._environment,
        }

    @property
    def photos_dir(self) -> Path:
        """The operator's folder of local sources."""
        return self.folder / "photos"

    def add_watcher(self) -> "WatcherProcess":
        """Start one more watcher."""
        watcher = WatcherProcess(self.folder / f"watcher {len(self.watchers)}", self.environment)
        self.watchers.append(watcher)
        watcher.start()
        return watcher

    def add_worker(self) -> WorkerProcess:
        """Start one more worker."""
        worker = WorkerProcess(self.folder / f"worker {len(self.workers)}", self.environment)
        self.workers.append(worker)
        worker.start()
        return worker

    async def add_user(self, plan: str = "studio") -> "EditStage":
        """Add a user with one local source; what it does is done as that user."""
        user_id, source_id = make_id("user"), make_id("source")
        raw, edited = f"{user_id}/Raw", f"{user_id}/Edited"
        for name in (raw, edited):
            (self.photos_dir / name).mkdir(parents=True)
        async with self.creator.database.begin() as session:
            session.add(
                User(id=user_id, google_sub=user_id, email=f"{user_id}@example.com", plan=plan)
            )
            await session.flush()
            session.add(
                Source(
                    id=source_id,
                    user_id=user_id,
                    kind="local",
                    name="Raw",
                    raw_key=raw,
                    edited_key=edited,
                    preset=PRESET,
                    strength=60,
                    parameters={},
                )
            )
        return EditStage(self, user_id, source_id)

    def read_logs(self, size: int = 4000) -> str:
        """Return the ends of all logs, for a failure's message."""
        parts = (*self.watchers, *self.workers, self.engine)
        return "\n".join(f"--- {one.log}\n{one.log.read_text()[-size:]}" for one in parts)

    def count_starts(self) -> dict[str, int]:
        """Return how often the engine began each prompt id."""
        counts: dict[str, int] = {}
        for line in self.engine.executions():
            if line["event"] == "start":
                counts[line["prompt_id"]] = counts.get(line["prompt_id"], 0) + 1
        return counts


class EditStage:
    """One user of the house, and their folder."""

    def __init__(self, house: EditHouse, user_id: str, source_id: str) -> None:
        self.house = house
        self.user_id = user_id
        self.source_id = source_id

    @property
    def creator(self) -> CreatorHouse:
        return self.house.creator

    @property
    def raw(self) -> Path:
        return self.house.photos_dir / self.user_id / "Raw"

    @property
    def edited(self) -> Path:
        return self.house.photos_dir / self.user_id / "Edited"

    def list_edited(self) -> list[str]:
        """Return the names of the results that are in the folder."""
        return sorted(one.name for one in self.edited.rglob("*") if one.is_file())

    async def set_source(self, **fields: Any) -> None:
        """Change the source's row."""
        async with self.creator.database.begin() as session:
            source = await session.get_one(Source, self.source_id)
            for name, value in fields.items():
                setattr(source, name, value)

    async def drop(self, name: str, content: bytes) -> Edit | None:
        """Put a photo into Raw and take it in as the watcher does; None: it waits for units."""
        path = self.raw / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
        async with self.creator.database.begin() as session:
            source = await session.get_one(Source, self.source_id)
            seen = await open_folder(self.creator, source).look(name)
            photo = Photo(
                id=make_id("photo"),
                user_id=self.user_id,
                source_id=self.source_id,
                file_key=seen.key,
                revision=seen.revision,
                folder=seen.folder,
                name=seen.name,
                size_bytes=seen.size_bytes,
            )
            session.add(photo)
            await session.flush()
            return await edit_photo(session, self.creator, photo, source)

    async def get(self, edit_id: str) -> tuple[Edit, Delivery | None]:
        """Return the edit and its delivery as they stand."""
        async with self.creator.database.begin() as session:
            edit = await session.get_one(Edit, edit_id)
            return edit, await find_delivery(session, edit_id)

    async def wait(
        self,
        edit_id: str,
        *states: str,
        delivery: str = "",
        seconds: float = PATIENCE_SECONDS,
    ) -> Edit:
        """Wait until the edit is in one of the states, and its delivery in that one."""

        async def is_there() -> bool:
            edit, its = await self.get(edit_id)
            return edit.state in states and (
                not delivery or (its is not None and its.state == delivery)
            )

        try:
            await wait_until(is_there, seconds)
        except TimeoutError as error:
            raise AssertionError(await self.describe(edit_id)) from error
        return (await self.get(edit_id))[0]

    async def wait_delivered(self, edit_id: str) -> Edit:
        """Wait until the picture is in its folder."""
        return await self.wait(edit_id, "finished", delivery="delivered")

    async def describe(self, edit_id: str) -> str:
        """Return all about an edit, for a failure's message."""
        edit, delivery = await self.get(edit_id)
        rows = [edit.__dict__, delivery.__dict__ if delivery else None]
        return f"{json.dumps(rows, default=str, indent=1)}\n{self.house.read_logs()}"

    async def list_entries(self, edit_id: str) -> list[tuple[int, str]]:
        """Return round and kind of each entry in the ledger, in order."""
        async with self.creator.database.begin() as session:
            rows = await session.execute(
                select(Entry.round, Entry.kind).where(Entry.edit_id == edit_id).order_by(Entry.id)
            )
            return [(row.round, row.kind) for row in rows]

    async def count_deliveries(self) -> dict[str, int]:
        """Return how many deliveries stand in each state."""
        mine = select(Delivery.state, func.count()).where(Delivery.user_id == self.user_id)
        async with self.creator.database.begin() as session:
            return {row[0]: row[1] for row in await session.execute(mine.group_by(Delivery.state))}

    async def read_books(self) -> tuple[int, int, int]:
        """Return what is reserved, charged and credited in all."""
        async with self.creator.database.begin() as session:
            books = list(await session.scalars(select(Book).where(Book.user_id == self.user_id)))
        return (
            sum(one.reserved for one in books),
            sum(one.charged for one in books),
            sum(one.credited for one in books),
        )


@asynccontextmanager
async def _open_creator(environment: Mapping[str, str]) -> AsyncIterator[CreatorHouse]:
    with pytest.MonkeyPatch.context() as patch:
        for name, value in environment.items():
            patch.setenv(name, value)
        settings = Settings.load()
    async with open_resources(settings) as resources, open_creator(resources) as creator:
        yield creator


def _write_preset(folder: Path) -> None:
    folder.mkdir(parents=True)
    (folder / "preset.toml").write_text(_MANIFEST)
    (folder / "workflow.json").write_text(json.dumps(_GRAPH))
