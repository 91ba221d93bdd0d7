"""Writes the next revision of Creator's schema: `python -m tools.migration "Add what"`.

It compares `creator/tables.py` with what the revisions make, in a bundled Postgres of its own.
With `--first`, all revisions are replaced by one: only for a schema that nobody has yet. Name a new
one in `creator/schema.py`.
"""

import asyncio
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from alembic import command
from sqlalchemy import Connection

from comfyhoused.adapters.postgres.database import open_database
from comfyhoused.creator import migrating
from comfyhoused.embedded import postgres
from comfyhoused.embedded.ports import find_free_port

_FOLDER = Path(migrating.__file__).with_name("migrations") / "versions"


def main() -> None:
    """Write the revision and bring it into our style."""
    message = sys.argv[-1]
    if "--first" in sys.argv:
        for old in _FOLDER.glob("*.py"):
            old.unlink()
    with tempfile.TemporaryDirectory() as place:
        folder, port = Path(place), find_free_port()
        with (folder / "log").open("wb") as log:
            server = subprocess.Popen(postgres.prepare(folder, port), stdout=log, stderr=log)
        try:
            while server.poll() is None and not postgres.is_answering(port):
                time.sleep(0.05)
            asyncio.run(_write(postgres.make_url(folder, port), message))
        finally:
            server.send_signal(signal.SIGINT)
            server.wait()
    for action in (("format",), ("check", "--fix"), ("format",)):
        subprocess.run([sys.executable, "-m", "ruff", *action, "--quiet", str(_FOLDER)], check=True)


async def _write(url: str, message: str) -> None:
    number = len(list(_FOLDER.glob("*.py"))) + 1
    if number > 1:
        await migrating.upgrade_database(url)

    def write(connection: Connection) -> None:
        config = migrating.make_config(connection)
        config.set_main_option("file_template", "%%(rev)s_%%(slug)s")
        command.revision(config, message, autogenerate=True, rev_id=f"{number:04}")

    database = open_database(url)
    async with database.begin() as session:
        await (await session.connection()).run_sync(write)
    await database.aclose()


if __name__ == "__main__":
    main()
