"""Creator's door: closed without a database, unavailable while it is away, refused unmigrated."""

import asyncio
import re
from pathlib import Path

import pytest
from sqlalchemy import func, select

from comfyhoused.adapters.postgres.database import Database, open_database
from comfyhoused.creator.migrating import upgrade_database
from comfyhoused.creator.notifications import notify
from comfyhoused.creator.tables import Notification
from comfyhoused.settings import Settings
from tests.api_process import LoneApi
from tests.creator_sign_in import create_user, sign_in_creator
from tests.house import SECRET, WorkerProcess
from tests.near_app import open_near_app
from tests.postgres import PostgresProcess, TestPostgres
from tests.processes import ServerProcess
from tests.waiting import PATIENCE_SECONDS, wait_until


@pytest.fixture
def environment(valkey_url: str, redis: object, tmp_path: Path) -> dict[str, str]:
    return {"CH_REDIS_URL": valkey_url, "CH_SECRET": SECRET, "CH_DATA_DIR": str(tmp_path / "data")}


async def test_without_a_database_there_is_one_plain_page_and_all_of_the_api(
    environment: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    async with open_near_app(Settings.load()) as client:
        for path in ("/creator", "/creator/home", "/creator/sign-in"):
            page = await client.get(path)
            assert page.status_code == 404, path
            assert "Creator is not set up here" in page.text
        assert (await client.get("/")).status_code == 200
        assert (await client.get("/api/v1/models")).status_code == 401


async def test_while_the_database_is_away_pages_say_so_and_chores_wait(
    environment: dict[str, str], tmp_path: Path, started: list[ServerProcess]
) -> None:
    server = PostgresProcess(tmp_path / "postgres")
    started.append(server)
    server.start()
    await upgrade_database(server.url)
    environment["CH_DATABASE_URL"] = server.url
    api = LoneApi(tmp_path / "api", environment["CH_REDIS_URL"], **environment)
    worker = WorkerProcess(tmp_path / "worker", environment)
    started.extend([api, worker])
    await asyncio.gather(asyncio.to_thread(api.start), asyncio.to_thread(worker.start))
    database = open_database(server.url)
    user = await create_user(database)
    client = await sign_in_creator(api.url, database, user.id)
    assert (await client.get("/creator/home")).status_code == 200

    server.kill()
    page = await client.get("/creator/home")
    assert page.status_code == 503
    assert "The database does not answer" in page.text
    assert (await client.get("/api/v1/models")).status_code == 401
    await wait_until(lambda: re.search("wait(s:|ing for) Postgres", worker.log.read_text()))

    server.start()
    assert (await client.get("/creator/home")).status_code == 200
    await check_chores(database, user.id)
    await client.aclose()
    await database.aclose()


async def test_nothing_starts_on_tables_that_are_not_migrated(
    environment: dict[str, str],
    tmp_path: Path,
    postgres: TestPostgres,
    started: list[ServerProcess],
) -> None:
    environment["CH_DATABASE_URL"] = await asyncio.to_thread(postgres.make_empty_database)
    api = LoneApi(tmp_path / "api", environment["CH_REDIS_URL"], **environment)
    worker = WorkerProcess(tmp_path / "worker", environment)
    for part in (api, worker):
        started.append(part)
        part.spawn("env", *(f"{k}={v}" for k, v in part.environment.items()), *part.command())
    for part in (api, worker):
        assert part.process is not None
        assert await asyncio.to_thread(part.process.wait, PATIENCE_SECONDS) != 0
        assert "Run `comfyhoused migrate`" in part.log.read_text()


async def check_chores(database: Database, user_id: str) -> None:
    """Have a worker do something for a user."""
    async with database.begin() as session:
        await notify(session, user_id, "k", "once", "A picture is ready", mail="digest")

    async def is_mailed() -> bool:
        told = select(func.count()).where(Notification.mailed_at.is_not(None))
        async with database.begin() as session:
            return bool(await session.scalar(told))

    await wait_until(is_mailed)
