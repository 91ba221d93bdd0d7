"""One house for all tests of the SDKs."""

from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from tests.house import House
from tools import javascript


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def house(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[House]:
    async with House(tmp_path_factory.mktemp("sdk")) as one:
        yield one


@pytest.fixture(scope="session")
def built() -> None:
    """Have the JavaScript SDK compiled."""
    javascript.build()
