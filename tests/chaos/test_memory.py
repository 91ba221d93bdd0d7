"""Flat memory: bodies and pictures are streamed, whatever comes at once. A state, not a time."""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager

import psutil
import pytest

from tests.conftest import MakeHouse
from tests.house import House
from tests.pictures import encode, make_image

pytestmark = pytest.mark.chaos

MEGABYTE = 1024 * 1024
_CLIENTS = 20
_MOST_GROWTH = 60 * MEGABYTE


class Scale:
    """Peak memory of processes while something goes on."""

    def __init__(self, **pids: int) -> None:
        self._processes = {name: psutil.Process(pid) for name, pid in pids.items()}
        self.before = self._weigh()
        self.peaks = dict(self.before)

    @property
    def growth(self) -> dict[str, int]:
        return {name: self.peaks[name] - self.before[name] for name in self.peaks}

    async def watch(self) -> None:
        while True:
            for name, size in self._weigh().items():
                self.peaks[name] = max(self.peaks[name], size)
            await asyncio.sleep(0.02)

    def _weigh(self) -> dict[str, int]:
        return {name: one.memory_info().rss for name, one in self._processes.items()}


@contextmanager
def weighing(house: House) -> Iterator[Scale]:
    scale = Scale(api=house.api.pid, worker=house.workers[0].pid)
    watching = asyncio.create_task(scale.watch())
    yield scale
    watching.cancel()


async def upload(house: House, picture: bytes) -> str:
    answer = await house.client.post(
        "/api/v1/files", content=picture, headers={"Content-Type": "image/png"}, timeout=120
    )
    assert answer.status_code == 201, answer.text
    return str(answer.json()["file_id"])


def make_shrinking_graph(file_id: str) -> dict[str, object]:
    size = {"width": 64, "height": 64, "crop": "center", "upscale_method": "nearest-exact"}
    return {
        "1": {"class_type": "LoadImage", "inputs": {"image": {"file_id": file_id}}},
        "2": {"class_type": "ImageScale", "inputs": {"image": ["1", 0], **size}},
        "3": {"class_type": "SaveImage", "inputs": {"images": ["2", 0], "filename_prefix": "x"}},
        "4": {"class_type": "SaveImage", "inputs": {"images": ["1", 0], "filename_prefix": "y"}},
    }


@pytest.mark.timeout(300)
async def test_twenty_uploads_and_their_jobs_stay_flat(make_house: MakeHouse) -> None:
    picture = encode(make_image(1900, 1900), compress_level=0)
    assert len(picture) > 10 * MEGABYTE
    house = await make_house()
    await house.wait_state(await house.submit(), "succeeded")  # what is loaded once is loaded

    with weighing(house) as scale:
        ids = await asyncio.gather(*(upload(house, picture) for _ in range(_CLIENTS)))
        jobs = []
        for file_id in ids[:2]:
            body = {"workflow": make_shrinking_graph(file_id)}
            jobs.append((await house.client.post("/api/v1/jobs", json=body)).json()["job_id"])
        for job_id in jobs:
            job = await house.wait_state(job_id, "succeeded", seconds=120)
            assert max(one["size_bytes"] for one in job["outputs"]) > 5 * MEGABYTE

    assert max(scale.growth.values()) < _MOST_GROWTH, scale.growth
    assert max(scale.peaks.values()) < 250 * MEGABYTE, scale.peaks
