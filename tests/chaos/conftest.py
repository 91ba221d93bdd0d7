"""The stage that several files of chaos share."""

from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from tests.chaos.proxy import run_proxy
from tests.chaos.stage import Stage
from tests.house import House


@pytest_asyncio.fixture(
    scope="session", loop_scope="session", params=[True, False], ids=["fence", "lease"]
)
async def stage(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[Stage]:
    """With the node pack on the backend, and without it."""
    folder = tmp_path_factory.mktemp("stage")
    async with (
        run_proxy(has_pack=request.param) as proxy,
        House(folder / "house", workers=0, proxy=proxy) as house,
    ):
        house.add_worker()
        await house.wait_ready()
        yield Stage(house, proxy)
