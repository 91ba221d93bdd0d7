"""Brings Creator's schema in Postgres to this version, one starter at a time."""

from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from sqlalchemy import Connection, text

from comfyhoused.adapters.postgres.database import open_database
from comfyhoused.creator.schema import HEAD, check_known

#: Held while the schema is changed: any number that nobody else uses in this database.
_LOCK = 7_216_033_114
_FOLDER = Path(__file__).with_name("migrations")


async def upgrade_database(url: str) -> bool:
    """Bring the schema of the database at `url` to this version; tell whether it was changed.

    All in one transaction, under a lock: two that start at once do it once. Raises UnfitSchema
    where a newer version has written it, and DatabaseUnavailable.
    """
    database = open_database(url, answer_seconds=None)  # large tables may take their time
    try:
        async with database.begin() as session:
            await session.execute(text("SELECT pg_advisory_xact_lock(:lock)"), {"lock": _LOCK})
            return await (await session.connection()).run_sync(_upgrade)
    finally:
        await database.aclose()


def make_config(connection: Connection) -> Config:
    """Return what Alembic's commands are told: where the revisions are, and on what they work."""
    config = Config()
    config.set_main_option("script_location", str(_FOLDER).replace("%", "%%"))
    config.attributes["connection"] = connection
    return config


def _upgrade(connection: Connection) -> bool:
    found = MigrationContext.configure(connection).get_current_revision()
    if found == HEAD:
        return False
    check_known(found)
    command.upgrade(make_config(connection), "head")
    return True
