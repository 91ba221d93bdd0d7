"""Which schema of Postgres this version knows; what every process checks before it works with it.

Alembic is only needed where the schema is changed (`creator/migrating.py`): loading it takes as
long as the rest of a process's start.
"""

from sqlalchemy import text
from sqlalchemy.exc import ProgrammingError

from comfyhoused.adapters.postgres.database import Database
from comfyhoused.resources import UnfitHouse

#: Every revision in order, the newest last; a test holds them against the files of migrations/.
REVISIONS = ("0001", "0002", "0003", "0004", "0005")
HEAD = REVISIONS[-1]


class UnfitSchema(UnfitHouse):
    """The schema in Postgres is not this version's; the message says what to do."""


async def check_schema(database: Database) -> None:
    """Raise UnfitSchema where the schema is not this version's; DatabaseUnavailable."""
    found = await _find_revision(database)
    if found is None or found in REVISIONS[:-1]:
        raise UnfitSchema(
            "The database of CH_DATABASE_URL is not of this version yet. Run `comfyhoused migrate`."
        )
    check_known(found)


def check_known(found: str | None) -> None:
    """Raise UnfitSchema for a revision that this version has never heard of."""
    if found is not None and found not in REVISIONS:
        raise UnfitSchema(
            f"The database of CH_DATABASE_URL is of revision {found}, which a newer Comfyhouse has "
            "written. Nothing was changed: run that version, or restore your backup."
        )


async def _find_revision(database: Database) -> str | None:
    try:
        async with database.begin() as session:
            found: str | None = await session.scalar(
                text("SELECT version_num FROM alembic_version")
            )
            return found
    except ProgrammingError:  # there is no such table: nothing was ever made here
        return None
