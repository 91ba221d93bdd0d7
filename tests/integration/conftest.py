"""One house for all tests that leave it standing."""

from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
import pytest_asyncio

from tests.creator_google_stage import GoogleStage
from tests.house import House
from tests.postgres import TestPostgres
from tests.watch_stage import WatchStage, open_watch_stage


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def house(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[House]:
    """A house that every test shares; each test takes an account of its own."""
    async with House(tmp_path_factory.mktemp("the shared house"), workers=2) as one:
        yield one


@pytest.fixture(autouse=True)
def hold_no_longer(request: pytest.FixtureRequest) -> Iterator[None]:
    """Let go what a test that failed was holding: the next ones have done nothing wrong."""
    yield
    house = request.node.funcargs.get("house")
    if isinstance(house, House) and house.engine.is_holding and house.engine.is_alive:
        house.engine.let_go()


@pytest.fixture(scope="session")
def google_stage(
    tmp_path_factory: pytest.TempPathFactory, postgres: TestPostgres, valkey_url: str
) -> Iterator[GoogleStage]:
    """Creator with a demo Google, which every test shares; each takes people of its own."""
    stage = GoogleStage(tmp_path_factory.mktemp("google"), valkey_url, postgres.make_database())
    yield stage
    stage.close()


@pytest.fixture
async def stage(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, database_url: str, valkey_url: str
) -> AsyncIterator[WatchStage]:
    """A folder of its own that Creator watches, without workers or web server."""
    async with open_watch_stage(
        tmp_path, monkeypatch.setenv, database_url=database_url, redis_url=valkey_url
    ) as opened:
        yield opened
