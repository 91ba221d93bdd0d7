"""Creator's screens on real servers, for browsers: a Valkey, a Postgres, the web server."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from comfyhoused.adapters.postgres.database import Database, open_database
from comfyhoused.adapters.redis.client import Store, open_store
from comfyhoused.adapters.storage.local import LocalStorage
from tests.api_process import LoneApi
from tests.creator_sign_in import create_user, make_creator_cookie
from tests.creator_stock import Stock
from tests.house import SECRET
from tests.processes import ValkeyProcess


@asynccontextmanager
async def open_stage(folder: Path, database_url: str) -> AsyncIterator["CreatorStage"]:
    """Start a stage with a Valkey of its own."""
    valkey = ValkeyProcess(folder / "valkey")
    await asyncio.to_thread(valkey.start)
    try:
        stage = CreatorStage(folder, valkey.url, database_url)
        try:
            await stage.start()
            yield stage
        finally:
            await stage.close()
    finally:
        valkey.kill()


class CreatorStage:
    """The house behind the screens; no worker runs, so that everything stands as it was stocked."""

    def __init__(self, folder: Path, redis_url: str, database_url: str) -> None:
        photos = folder / "photos"
        photos.mkdir(parents=True)
        self.api = LoneApi(
            folder,
            redis_url,
            CH_SECRET=SECRET,
            CH_DATABASE_URL=database_url,
            CH_LOCAL_SOURCES_DIR=photos,
        )
        self.photos = photos
        self.database: Database = open_database(database_url)
        self.store: Store = open_store(redis_url)
        self.storage = LocalStorage(folder / "data" / "files", SECRET.encode())

    @property
    def url(self) -> str:
        return self.api.url

    async def start(self) -> None:
        """Start the web server."""
        await asyncio.to_thread(self.api.start)

    async def close(self) -> None:
        """End it, and what we hold of it."""
        self.api.kill()
        await self.store.aclose()
        await self.database.aclose()

    async def add_user(self, email: str, **more: Any) -> Stock:
        """Return a user to be stocked."""
        user = await create_user(self.database, email, **more)
        return Stock(self.database, self.storage, user)

    async def make_cookie(self, stock: Stock) -> dict[str, str]:
        """Return the cookie that signs a browser in as that user, as browsers take it."""
        name, value = await make_creator_cookie(self.database, stock.user.id)
        return {"name": name, "value": value, "url": self.url}
