"""Brings Creator's schema in Postgres to this version, one starter at a time."""

from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, text

from comfyhoused.adapters.postgres.database import Database, open_database
from comfyhoused.resources import UnfitHouse

#: Held while the schema is changed: any number that nobody else uses in this database.
_LOCK = 7_216_033_114
_FOLDER = Path(__file__).with_name("migrations")


class UnfitSchema(UnfitHouse):
    """The schema in Postgres is not this version's; the message says what to do."""


async def upgrade_database(url: str) -> bool:
    """Bring the schema of the database at `url` to this version; tell whether it was changed.

    All in one transaction, under a lock: two that start at once do it once. Raises UnfitSchema
    where a newer version has written it, and DatabaseUnavailable.
    """
    database = open_database(url)
    try:
        async with database.begin() as session:
            await session.execute(text("SELECT pg_advisory_xact_lock(:lock)"), {"lock": _LOCK})
            return await (await session.connection()).run_sync(_upgrade)
    finally:
        await database.aclose()


async def check_schema(database: Database) -> None:
    """Raise UnfitSchema where the schema is not this version's."""
    async with database.begin() as session:
        found = await (await session.connection()).run_sync(_find_revision)
    head = find_head()
    if found is None or found in _list_older(head):
        raise UnfitSchema(
            "The database of CH_DATABASE_URL is not of this version yet. Run `comfyhoused migrate`."
        )
    if found != head:
        raise _newer(found)


def find_head() -> str:
    """Return the revision of this version's schema."""
    head = ScriptDirectory(str(_FOLDER)).get_current_head()
    assert head is not None, "there is at least one revision"
    return head


def make_config(connection: Connection) -> Config:
    """Return what Alembic's commands are told: where the revisions are, and on what they work."""
    config = Config()
    config.set_main_option("script_location", str(_FOLDER).replace("%", "%%"))
    config.attributes["connection"] = connection
    return config


def _upgrade(connection: Connection) -> bool:
    found, head = _find_revision(connection), find_head()
    if found == head:
        return False
    if found is not None and found not in _list_older(head):
        raise _newer(found)
    command.upgrade(make_config(connection), "head")
    return True


def _find_revision(connection: Connection) -> str | None:
    return MigrationContext.configure(connection).get_current_revision()


def _list_older(head: str) -> set[str]:
    script = ScriptDirectory(str(_FOLDER))
    return {one.revision for one in script.iterate_revisions(head, "base")} - {head}


def _newer(found: str) -> UnfitSchema:
    return UnfitSchema(
        f"The database of CH_DATABASE_URL is of revision {found}, which a newer Comfyhouse has "
        "written. Nothing was changed: run that version, or restore your backup."
    )
