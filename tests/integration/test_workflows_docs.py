"""The samples of docs/api/workflows.md, as they stand there, against a running house."""

import asyncio
import os
import re
import shutil
from pathlib import Path

import pytest

from comfyhoused.kit.ids import make_id
from tests.house import House

pytestmark = pytest.mark.asyncio(loop_scope="session")

PAGE = Path(__file__).parents[2] / "docs/api/workflows.md"


@pytest.mark.skipif(shutil.which("curl") is None, reason="no curl on this machine")
async def test_samples_run_in_their_order(house: House) -> None:
    samples = re.findall(r"```bash\n(.*?)```", PAGE.read_text(), re.DOTALL)
    key = await house.make_key(account=make_id("acct", 8))
    process = await asyncio.create_subprocess_exec(
        "bash",
        "-ec",
        "\n".join(samples),
        env={**os.environ, "COMFYHOUSE_URL": house.url, "COMFYHOUSE_API_KEY": key},
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    output = (await process.communicate())[0].decode()

    assert process.returncode == 0, output
    assert len(samples) == 3
    assert '"version":1' in output
    assert "https://json-schema.org/draft/2020-12/schema" in output
    assert '"side":128' in output
