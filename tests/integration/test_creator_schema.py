"""Creator's schema is what its tables say, in both directions, and is changed by one at a time."""

import asyncio
import subprocess
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import pytest
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection as Wire
from sqlalchemy import select, text

from comfyhoused.adapters.postgres.database import Database, DatabaseUnavailable, open_database
from comfyhoused.creator import migrations
from comfyhoused.creator.migrating import make_config, upgrade_database
from comfyhoused.creator.schema import REVISIONS, UnfitSchema, check_schema
from comfyhoused.creator.tables import Book, Connection, Source, Table, User
from comfyhoused.embedded.postgres import find_programs
from comfyhoused.kit.clock import get_now
from tests.creator_sign_in import create_user
from tests.ports import take_port
from tests.postgres import TestPostgres

_RULES = """
SELECT conrelid::regclass::text, pg_get_constraintdef(oid) FROM pg_constraint
WHERE connamespace = 'public'::regnamespace AND conrelid <> 0
UNION ALL SELECT tablename, indexdef FROM pg_indexes WHERE schemaname = 'public'
UNION ALL SELECT table_name, concat_ws(' ', column_name, data_type, is_nullable, column_default)
FROM information_schema.columns WHERE table_schema = 'public'
"""

_OLD_ROWS = """
INSERT INTO books (user_id, period, charged) VALUES (:user, '2026-10', 12);
INSERT INTO connections (id, user_id, google_sub, email, scopes, sealed_tokens, expires_at)
VALUES ('con_1', :user, 'g', 'a@b', '', 'sealed', :now);
INSERT INTO sources (id, user_id, connection_id, kind, name, raw_key, edited_key, preset)
VALUES ('source_1', :user, 'con_1', 'drive', 'n', 'r', 'e', 'cinematic')
"""


@pytest.fixture
async def empty_url(postgres: TestPostgres) -> AsyncIterator[str]:
    """A database without a single table."""
    url = await asyncio.to_thread(postgres.make_empty_database)
    yield url
    await asyncio.to_thread(postgres.drop_database, url)


async def test_the_revisions_make_what_the_tables_say(database: Database) -> None:
    def compare(connection: Wire) -> list[Any]:
        return list(compare_metadata(MigrationContext.configure(connection), Table.metadata))

    assert await _run(database, compare) == []


async def test_constraints_and_defaults_are_the_same_too(
    database: Database, empty_url: str
) -> None:
    made = open_database(empty_url)
    await _run(made, Table.metadata.create_all)
    expected = await _list_rules(made)
    await made.aclose()
    assert await _list_rules(database) == expected
    assert len(expected) > 100


def test_every_revision_is_known_without_alembic() -> None:
    scripts = ScriptDirectory(str(Path(migrations.__file__).parent))
    walked = [one.revision for one in scripts.walk_revisions()]
    assert tuple(reversed(walked)) == REVISIONS


async def test_every_revision_can_be_taken_back(database: Database) -> None:
    await _run(database, lambda connection: command.downgrade(make_config(connection), "base"))
    assert await _list_rules(database) == set()
    await _run(database, lambda connection: command.upgrade(make_config(connection), "head"))
    await check_schema(database)


async def test_what_an_older_version_has_written_is_kept(
    database: Database, database_url: str
) -> None:
    """Books and folders stay; a Drive has to be connected anew, as its tokens are of old."""
    await _run(database, lambda connection: command.downgrade(make_config(connection), "0003"))
    user = await create_user(database)
    whose = {"user": user.id, "now": get_now()}
    async with database.begin() as session:
        for statement in _OLD_ROWS.split(";"):
            await session.execute(text(statement), whose)
    await database.aclose()  # its connections remember the tables as they were
    assert await upgrade_database(database_url)
    async with database.begin() as session:
        book = await session.get_one(Book, (user.id, "2026-10"))
        source = await session.get_one(Source, "source_1")
        connection = await session.get_one(Connection, "con_1")
        assert (book.charged, book.beyond, book.owed_cents) == (12, 0, 0)
        assert (connection.state, connection.sealed_tokens) == ("reconnect", b"")
        assert source.state == "reconnect"
    assert not await upgrade_database(database_url)


async def test_of_four_that_start_at_once_one_makes_the_tables(empty_url: str) -> None:
    done = await asyncio.gather(*(upgrade_database(empty_url) for _ in range(4)))
    assert sorted(done) == [False, False, False, True]


async def test_an_empty_database_is_refused_until_it_is_migrated(empty_url: str) -> None:
    database = open_database(empty_url)
    with pytest.raises(UnfitSchema, match="comfyhoused migrate"):
        await check_schema(database)
    await upgrade_database(empty_url)
    await check_schema(database)
    await database.aclose()


async def test_a_newer_schema_is_left_alone(database: Database, database_url: str) -> None:
    async with database.begin() as session:
        await session.execute(text("UPDATE alembic_version SET version_num = '9999'"))
    with pytest.raises(UnfitSchema, match="9999"):
        await check_schema(database)
    with pytest.raises(UnfitSchema, match="newer Comfyhouse"):
        await upgrade_database(database_url)


async def test_a_backup_is_restored_by_the_documented_commands(
    database: Database, database_url: str, empty_url: str, tmp_path: Path
) -> None:
    user = await create_user(database)
    page = Path(__file__).parents[2] / "docs" / "operations" / "postgres.md"
    block = page.read_text().partition("## Backup\n```sh\n")[2].partition("```")[0]
    save, load = block.strip().splitlines()
    programs = {"PATH": f"{find_programs()}:/usr/bin:/bin"}
    for line, url in ((save, database_url), (load, empty_url)):
        environment = {**programs, "CH_DATABASE_URL": url}
        done = subprocess.run(["sh", "-c", line], cwd=tmp_path, env=environment, check=False)
        assert done.returncode == 0, line
    restored = open_database(empty_url)
    await check_schema(restored)
    assert await _list_rules(restored) == await _list_rules(database)
    async with restored.begin() as session:
        assert await session.scalar(select(User.id)) == user.id
    await restored.aclose()


async def test_a_database_that_is_away_is_said_to_be(database_url: str) -> None:
    nobody = f"postgresql://who:what@127.0.0.1:{take_port()}/x"
    with pytest.raises(DatabaseUnavailable):
        await upgrade_database(nobody)


async def _list_rules(database: Database) -> set[tuple[str, str]]:
    async with database.begin() as session:
        rows = (await session.execute(text(_RULES))).all()
    return {(table, rule) for table, rule in rows if table != "alembic_version"}


async def _run(database: Database, work: Callable[[Wire], Any]) -> Any:
    async with database.begin() as session:
        return await (await session.connection()).run_sync(work)
