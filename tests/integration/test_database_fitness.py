"""A Postgres that may lose what it has committed is told of, and refused in production."""

import asyncio
from pathlib import Path

import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from comfyhoused.adapters.postgres.database import (
    Database,
    DatabaseUnavailable,
    TextRefused,
    open_database,
)
from comfyhoused.adapters.postgres.durability import find_weaknesses
from comfyhoused.checkup import Finding, list_findings
from comfyhoused.creator.opening import open_creator, wait_for_schema
from comfyhoused.creator.tables import User
from comfyhoused.resources import UnfitHouse, open_resources
from comfyhoused.settings import Settings
from tests.creator_sign_in import create_user
from tests.ports import take_port
from tests.postgres import PostgresProcess, TestPostgres


async def look(monkeypatch: pytest.MonkeyPatch, redis_url: str, database_url: str) -> Finding:
    monkeypatch.setenv("CH_REDIS_URL", redis_url)
    monkeypatch.setenv("CH_DATABASE_URL", database_url)
    found = await list_findings(Settings.load())
    return next(one for one in found if one.subject == "postgres")


async def test_what_is_off_for_speed_is_told(database: Database) -> None:
    async with database.begin() as session:
        name = await session.scalar(text("SELECT current_database()"))
        await session.execute(text(f'ALTER DATABASE "{name}" SET synchronous_commit = off'))
    await database.aclose()
    told = await find_weaknesses(database)
    assert [one.partition(" ")[0] for one in told] == [
        "fsync",
        "full_page_writes",
        "synchronous_commit",
    ]


async def test_the_doctor_looks_at_it(
    valkey_url: str, database_url: str, postgres: TestPostgres, monkeypatch: pytest.MonkeyPatch
) -> None:
    empty = await asyncio.to_thread(postgres.make_empty_database)
    nobody = f"postgresql://who:secret-word@127.0.0.1:{take_port()}/x"
    assert "fsync" in (await look(monkeypatch, valkey_url, database_url)).detail
    assert "comfyhoused migrate" in (await look(monkeypatch, valkey_url, empty)).detail
    away = await look(monkeypatch, valkey_url, nobody)
    assert away.is_wrong
    assert "secret-word" not in str(away)
    assert not (await look(monkeypatch, valkey_url, "")).is_wrong


@pytest.mark.parametrize("mode", ["development", "production"])
async def test_production_refuses_what_development_warns_of(
    mode: str, valkey_url: str, database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CH_REDIS_URL", valkey_url)
    monkeypatch.setenv("CH_DATABASE_URL", database_url)
    monkeypatch.setenv("CH_MODE", mode)
    async with (
        open_resources(Settings.load(), needs_store=False) as resources,
        open_creator(resources) as house,
    ):
        if mode == "development":
            await wait_for_schema(house)
        else:
            with pytest.raises(UnfitHouse, match="Postgres: fsync"):
                await wait_for_schema(house)


@pytest.mark.parametrize("url", ["mysql://a:secret-word@b/c", "nonsense secret-word"])
async def test_an_address_that_is_none_is_refused_without_repeating_it(
    url: str, valkey_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CH_REDIS_URL", valkey_url)
    monkeypatch.setenv("CH_DATABASE_URL", url)
    with pytest.raises(UnfitHouse, match="CH_DATABASE_URL") as refusal:
        async with open_resources(Settings.load()) as resources, open_creator(resources):
            pass
    assert "secret-word" not in str(refusal.value)


async def test_encryption_is_asked_for_as_everywhere(database_url: str) -> None:
    """The bundled server speaks no TLS: whoever insists on it is not connected."""
    for mode, is_there in (("prefer", True), ("require", False)):
        database = open_database(f"{database_url}?sslmode={mode}")
        try:
            async with database.begin() as session:
                assert await session.scalar(text("SELECT 1")) == 1
            assert is_there
        except DatabaseUnavailable:
            assert not is_there
        finally:
            await database.aclose()


async def test_a_server_that_comes_and_goes_is_unavailable_and_nothing_else(
    tmp_path: Path,
) -> None:
    """Also while it recovers and ends, when it answers, but with a refusal."""
    server = PostgresProcess(tmp_path)
    await asyncio.to_thread(server.start)
    database, is_over = open_database(server.url), asyncio.Event()

    async def ask() -> int:
        failures = 0
        while not is_over.is_set():
            try:
                async with database.begin() as session:
                    await session.execute(text("SELECT 1"))
            except DatabaseUnavailable:
                failures += 1
            await asyncio.sleep(0.002)
        return failures

    asking = asyncio.create_task(ask())
    for end in (server.stop, server.kill):
        await asyncio.to_thread(end)
        await asyncio.to_thread(server.start)
    is_over.set()
    assert await asking > 0
    async with database.begin() as session:
        assert await session.scalar(text("SELECT 1")) == 1
    await database.aclose()
    await asyncio.to_thread(server.stop)


async def test_a_postgres_that_stands_still_is_away_and_found_again(database_url: str) -> None:
    database = open_database(database_url, answer_seconds=1)
    with pytest.raises(DatabaseUnavailable):
        async with database.begin() as session:
            await session.execute(text("SELECT pg_sleep(3600)"))
    async with database.begin() as session:
        assert await session.scalar(text("SELECT 1")) == 1
    await database.aclose()


async def test_an_error_tells_nothing_of_what_was_stored(database: Database) -> None:
    with pytest.raises(DBAPIError) as raised:
        async with database.begin() as session:
            await session.execute(text("SELECT :key / 0, now()"), {"key": 424_242})
    assert "424242" not in str(raised.value)


async def test_text_that_is_none_is_the_senders_fault(database: Database) -> None:
    with pytest.raises(TextRefused):
        async with database.begin() as session:
            await session.scalar(text("SELECT CAST(:name AS text)"), {"name": "a\0b"})


async def test_of_two_that_wait_for_each_other_one_is_told_to_try_again(
    database: Database,
) -> None:
    users = [await create_user(database, f"{name}@example.com") for name in ("ada", "grace")]
    are_held = asyncio.Barrier(2)

    async def hold_both(order: list[User]) -> None:
        async with database.begin() as session:
            for number, user in enumerate(order):
                await session.get_one(User, user.id, with_for_update=True)
                if number == 0:
                    await are_held.wait()

    done = await asyncio.gather(hold_both(users), hold_both(users[::-1]), return_exceptions=True)
    assert sorted(type(one).__name__ for one in done) == ["DatabaseUnavailable", "NoneType"]


async def test_who_stands_still_in_a_transaction_keeps_its_rows_for_a_minute(
    database: Database,
) -> None:
    async with database.begin() as session:
        limit = await session.scalar(text("SHOW idle_in_transaction_session_timeout"))
        keepalive = await session.scalar(text("SHOW tcp_keepalives_idle"))
    assert (limit, keepalive) == ("1min", "30")
    user = await create_user(database)

    async def stand_still() -> None:
        async with database.begin() as session:
            await session.execute(text("SET LOCAL idle_in_transaction_session_timeout = 100"))
            await session.get_one(User, user.id, with_for_update=True)
            async with asyncio.timeout(20), database.begin() as other:
                await other.get_one(User, user.id, with_for_update=True)
            await session.execute(text("SELECT 1"))

    with pytest.raises(DatabaseUnavailable):
        await stand_still()
