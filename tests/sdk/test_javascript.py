"""The JavaScript SDK: built by its own compiler, tested by node against a running house."""

import asyncio

import pytest

from comfyhoused.api.key_records import SCOPES
from comfyhoused.api.keys import create_key
from tests.house import House
from tools import javascript

pytestmark = pytest.mark.asyncio(loop_scope="session")


@pytest.mark.usefixtures("built")
async def test_the_suite_of_the_javascript_sdk_passes(house: House) -> None:
    _, secret = await create_key(
        house.store, account="javascript", mode="test", plan="business", scopes=SCOPES
    )
    environment = {"COMFYHOUSE_URL": house.url, "COMFYHOUSE_API_KEY": secret}
    done = await asyncio.to_thread(
        javascript.run, "npm", "test", "--silent", environment=environment
    )

    assert done.returncode == 0, done.stdout + done.stderr
    assert "# fail 0" in done.stdout or "ℹ fail 0" in done.stdout, done.stdout
