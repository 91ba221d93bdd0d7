"""What Postgres must promise before a photo is taken in and a unit is charged."""

from sqlalchemy import text

from comfyhoused.adapters.postgres.database import Database

_OLDEST = 140_000
_WANTED = {"fsync": "on", "full_page_writes": "on", "server_encoding": "UTF8"}
#: Waits at least for this machine's own disk.
_COMMITS = ("on", "local", "remote_write", "remote_apply")


async def find_weaknesses(database: Database) -> list[str]:
    """Return what makes this server lose what it has committed; empty when it is fit."""
    names = (*_WANTED, "synchronous_commit", "server_version_num", "server_version")
    query = text("SELECT name, setting FROM pg_settings WHERE name = ANY(:names)")
    async with database.begin() as session:
        rows = (await session.execute(query, {"names": list(names)})).all()
    settings = {row.name: str(row.setting) for row in rows}
    faults = [
        f"{name} is {settings[name]!r}, and must be {value!r}"
        for name, value in _WANTED.items()
        if settings[name] != value
    ]
    if settings["synchronous_commit"] not in _COMMITS:
        faults.append("synchronous_commit is 'off', and must be 'on'")
    if int(settings["server_version_num"]) < _OLDEST:
        faults.append(f"it is version {settings['server_version']}, and must be 14 or newer")
    return faults
