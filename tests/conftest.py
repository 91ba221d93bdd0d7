"""Fixtures every test may use: real servers on free ports of 127.0.0.1."""

import inspect
import os
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

import certifi
import httpx
import pytest
from redis.asyncio import Redis

from comfyhoused.adapters.postgres.database import Database, open_database
from tests.chromium import find_chromium
from tests.google import FakeGoogle
from tests.house import House
from tests.postgres import TestPostgres
from tests.processes import EngineProcess, ServerProcess, ValkeyProcess
from tests.waiting import PATIENCE_SECONDS

MakeValkey = Callable[[], ValkeyProcess]
MakeEngine = Callable[..., EngineProcess]
MakeHouse = Callable[..., Awaitable[House]]


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    if find_chromium() is None and os.environ.get("CH_REQUIRE_BROWSER") != "1":
        terminalreporter.write_line("No Chromium on this machine: the browser tests are skipped.")


@pytest.fixture(scope="session", autouse=True)
def quick_starts(tmp_path_factory: pytest.TempPathFactory) -> None:
    """Spare each of a few hundred processes and clients what no test needs.

    Compiling our source anew, and reading the hundred authorities of the internet: nothing here
    leaves this machine, yet every TLS context would take 70 ms to read them.
    """
    os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
    end = "-----END CERTIFICATE-----\n"
    first = Path(certifi.where()).read_text().partition(end)[0] + end
    file = tmp_path_factory.mktemp("authorities") / "one.pem"
    file.write_text(first)
    os.environ["SSL_CERT_FILE"] = str(file)


@pytest.fixture(scope="session", autouse=True)
def patient_clients() -> None:
    """Have clients that name no time limit wait as long as everything else in the tests.

    httpx's own five seconds are less than a machine with much else to do may take for an answer.
    """
    limits = inspect.signature(httpx.AsyncClient).parameters["timeout"].default
    for name in ("connect", "read", "write", "pool"):
        setattr(limits, name, PATIENCE_SECONDS)


@pytest.fixture(scope="session")
def valkey_url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """One bundled Valkey for the whole session."""
    server = ValkeyProcess(tmp_path_factory.mktemp("valkey of the session"))
    server.start()
    yield server.url
    server.stop()


@pytest.fixture
async def redis(valkey_url: str) -> AsyncIterator[Redis]:
    """A client of the session's Valkey, emptied before the test."""
    client = Redis.from_url(valkey_url, decode_responses=True)
    await client.flushdb()
    yield client
    await client.aclose()


@pytest.fixture(scope="session")
def postgres(tmp_path_factory: pytest.TempPathFactory) -> Iterator[TestPostgres]:
    """One bundled Postgres for the whole session, started when it is first needed."""
    server = TestPostgres(tmp_path_factory.mktemp("postgres of the session"))
    yield server
    server.stop()


@pytest.fixture
def database_url(postgres: TestPostgres) -> Iterator[str]:
    """The address of a database of the test's own, with Creator's tables."""
    url = postgres.make_database()
    yield url
    postgres.drop_database(url)


@pytest.fixture
async def database(database_url: str) -> AsyncIterator[Database]:
    """A database of the test's own, with Creator's tables."""
    opened = open_database(database_url)
    yield opened
    await opened.aclose()


@pytest.fixture(scope="session")
def google_of_session(tmp_path_factory: pytest.TempPathFactory) -> Iterator[FakeGoogle]:
    """One demo Google for the whole session."""
    server = FakeGoogle(tmp_path_factory.mktemp("google of the session"))
    server.start()
    yield server
    server.stop()


@pytest.fixture
def google(google_of_session: FakeGoogle) -> Iterator[FakeGoogle]:
    """The session's demo Google without faults; give each test's users addresses of their own.

    Every exchange with its Drive API is held against Google's own description afterwards.
    """
    google_of_session.reset()
    yield google_of_session
    google_of_session.check_contract()


@pytest.fixture
def started() -> Iterator[list[ServerProcess]]:
    """Processes put into this list are stopped after the test, last one first."""
    servers: list[ServerProcess] = []
    yield servers
    for server in reversed(servers):
        server.stop()


@pytest.fixture
def make_valkey(tmp_path: Path, started: list[ServerProcess]) -> MakeValkey:
    """Start a Valkey of the test's own, which it may kill and restart on the same data."""

    def make() -> ValkeyProcess:
        server = ValkeyProcess(tmp_path / f"valkey {len(started)}")
        started.append(server)
        server.start()
        return server

    return make


@pytest.fixture
def make_engine(tmp_path: Path, started: list[ServerProcess]) -> MakeEngine:
    """Start a built-in engine of the test's own; arguments go to its command line."""

    def make(*arguments: str) -> EngineProcess:
        server = EngineProcess(tmp_path / f"engine {len(started)}", *arguments)
        started.append(server)
        server.start()
        return server

    return make


@pytest.fixture
async def make_house(tmp_path: Path) -> AsyncIterator[MakeHouse]:
    """Start a whole house of the test's own; see House for the arguments."""
    async with AsyncExitStack() as houses:
        numbers = iter(range(100))

        async def make(**arguments: Any) -> House:
            house = House(tmp_path / f"house {next(numbers)}", **arguments)
            return await houses.enter_async_context(house)

        yield make
