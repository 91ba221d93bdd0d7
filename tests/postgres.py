"""A real Postgres for tests: started when the first test asks, a database of its own for each."""

import asyncio
import itertools
import signal
import threading
from collections.abc import Coroutine, Mapping
from pathlib import Path
from typing import Any

import asyncpg

from comfyhoused.creator.migrating import upgrade_database
from comfyhoused.embedded import postgres
from tests.ports import take_port
from tests.processes import ServerProcess
from tests.waiting import PATIENCE_SECONDS, wait_blocking

#: Nothing that a test writes needs to outlive the machine; a kill -9 of Postgres it outlives.
QUICK = {
    "fsync": "off",
    "full_page_writes": "off",
    "shared_buffers": "32MB",
    "max_wal_size": "4GB",
    "autovacuum": "off",
    "max_connections": "200",
}
_TEMPLATE = "creator_template"


class PostgresProcess(ServerProcess):
    """The bundled Postgres on a free port; `start` after `kill` uses the same port and data."""

    def __init__(self, folder: Path, settings: Mapping[str, str] = QUICK) -> None:
        super().__init__(folder)
        self.settings = dict(settings)
        self.port = 0

    @property
    def url(self) -> str:
        return postgres.make_url(self.folder, self.port)

    def start(self) -> None:
        self.port = self.port or take_port()
        self.spawn(*postgres.prepare(self.folder, self.port, self.settings))
        wait_blocking(lambda: not self.is_alive or postgres.is_answering(self.port))
        self._check_alive()

    def restart(self) -> None:
        self.kill()
        self.start()

    def stop(self, seconds: float = PATIENCE_SECONDS) -> None:
        """Ask it for a fast shutdown, then insist."""
        if self.is_alive:
            assert self.process is not None
            self.process.send_signal(signal.SIGCONT)
            self.process.send_signal(signal.SIGINT)
            self.process.wait(seconds)


class TestPostgres:
    """One server, started when the first database is asked for."""

    __test__ = False

    def __init__(self, folder: Path) -> None:
        self._server = PostgresProcess(folder)
        self._numbers = itertools.count(1)

    def make_database(self, template: str | None = None) -> str:
        """Make a database with Creator's tables, or like `template`, and return its address."""
        if not self._server.is_alive:
            self._server.start()
            _run(upgrade_database(self._make(_TEMPLATE, "template0")))
        return self._make(f"test_{next(self._numbers)}", template or _TEMPLATE)

    def make_empty_database(self) -> str:
        """Make a database without tables and return its address."""
        return self.make_database("template0")

    def drop_database(self, url: str) -> None:
        """Take it away, whoever is still connected."""
        name = url.rpartition("/")[2]
        _run(self._execute(f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)'))

    def stop(self) -> None:
        """End the server at once: nobody will need the data."""
        self._server.kill()

    def _make(self, name: str, template: str) -> str:
        _run(self._execute(f'CREATE DATABASE "{name}" TEMPLATE "{template}"'))
        return f"{self._server.url.rpartition('/')[0]}/{name}"

    async def _execute(self, statement: str) -> None:
        connection = await asyncpg.connect(self._server.url)
        try:
            await connection.execute(statement)
        finally:
            await connection.close()


def _run(work: Coroutine[Any, Any, object]) -> None:
    """Do async work from a fixture that is not, without a word to the test's own loop."""
    failures: list[BaseException] = []

    def do() -> None:
        try:
            asyncio.run(work)
        except BaseException as failure:
            failures.append(failure)

    thread = threading.Thread(target=do)
    thread.start()
    thread.join()
    if failures:
        raise failures[0]
