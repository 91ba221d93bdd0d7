"""The ZIP of a batch is made while it is sent: large outputs pass through, many at once too."""

import asyncio
import os
import zipfile
from pathlib import Path

import pytest

from tests.chaos.test_memory import MEGABYTE, weighing
from tests.conftest import MakeHouse
from tests.house import House
from tests.job_cases import make_blank_graph
from tests.waiting import wait_until

pytestmark = pytest.mark.chaos

BATCHES = "/api/v1/batches"
_ITEMS = 3
_OUTPUT_BYTES = 16 * MEGABYTE
_CLIENTS = 8  # more than asyncio has threads on a small machine
_MOST_GROWTH = 24 * MEGABYTE


async def make_large_batch(house: House) -> str:
    """Return a finished batch whose outputs have grown to 16 MB each."""
    body = {"jobs": [{"workflow": make_blank_graph()}] * _ITEMS}
    batch_id = str((await house.client.post(BATCHES, json=body)).json()["batch_id"])

    async def is_over() -> bool:
        batch = (await house.client.get(f"{BATCHES}/{batch_id}")).json()
        return bool(batch["counts"]["succeeded"] == _ITEMS)

    await wait_until(is_over)
    outputs = list((house.data_dir / "files" / "jobs").rglob("*.png"))
    assert len(outputs) >= _ITEMS
    for path in outputs:
        with path.open("wb") as file:
            for _ in range(_OUTPUT_BYTES // MEGABYTE):
                file.write(os.urandom(MEGABYTE))
    return batch_id


async def fetch(house: House, batch_id: str, target: Path) -> None:
    path = f"{BATCHES}/{batch_id}/archive"
    async with house.client.stream("GET", path) as answer:
        assert answer.status_code == 200
        with target.open("wb") as file:
            async for chunk in answer.aiter_raw():
                file.write(chunk)


@pytest.mark.timeout(300)
async def test_archives_stay_flat(make_house: MakeHouse, tmp_path: Path) -> None:
    house = await make_house()
    batch_id = await make_large_batch(house)
    with weighing(house) as scale:
        await fetch(house, batch_id, tmp_path / "one.zip")
    assert scale.growth["api"] < _MOST_GROWTH, scale.growth
    with zipfile.ZipFile(tmp_path / "one.zip") as archive:
        sizes = [one.file_size for one in archive.infolist()]
        assert archive.testzip() is None
    assert sizes[:-1] == [_OUTPUT_BYTES] * _ITEMS

    # Some clients go away in the midst; the others get all of it, and nothing stands still.
    async def begin_and_leave() -> None:
        path = f"{BATCHES}/{batch_id}/archive"
        async with house.client.stream("GET", path) as answer:
            async for _ in answer.aiter_raw():
                return

    targets = [tmp_path / f"{number}.zip" for number in range(_CLIENTS // 4)]
    await asyncio.gather(
        *(fetch(house, batch_id, target) for target in targets),
        *(begin_and_leave() for _ in range(_CLIENTS - len(targets))),
    )
    assert {target.stat().st_size for target in targets} == {(tmp_path / "one.zip").stat().st_size}
    assert (await house.client.get("/api/v1/health")).status_code == 200
