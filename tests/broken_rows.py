"""Rows that cannot be written, for tests of what then becomes of the others."""

from sqlalchemy import text

from comfyhoused.adapters.postgres.database import Database


async def break_rows(database: Database, table: str, condition: str) -> None:
    """Have Postgres refuse to write rows of which this is so (`NEW.id = …`)."""
    async with database.begin() as session:
        await session.execute(
            text(
                "CREATE FUNCTION refuse_change() RETURNS trigger LANGUAGE plpgsql AS "
                "$$ BEGIN RAISE EXCEPTION 'this row is broken'; END $$"
            )
        )
        await session.execute(
            text(
                f"CREATE TRIGGER broken BEFORE INSERT OR UPDATE ON {table} FOR EACH ROW "
                f"WHEN ({condition}) EXECUTE FUNCTION refuse_change()"
            )
        )
