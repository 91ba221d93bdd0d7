"""Memory of API and worker while much is sent in and a large output is delivered."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

import psutil

from bench.figures import Figure, Target
from bench.graphs import make_copy, make_noise_of_20_mb
from bench.place import Place

_CLIENTS = 20
_SAMPLE_SECONDS = 0.02
_MB = 2**20


@dataclass(slots=True)
class _Memory:
    before_mb: float
    peak_mb: float

    @property
    def growth_mb(self) -> float:
        return self.peak_mb - self.before_mb


async def measure_memory(place: Place, details: dict[str, Any]) -> list[Figure]:
    """Let 20 clients upload 20 MB each at once, then have one such picture edited."""
    picture = await asyncio.to_thread(make_noise_of_20_mb)
    async with _watch(place) as uploading:
        file_ids = await asyncio.gather(*(place.customer.upload(picture) for _ in range(_CLIENTS)))
    async with _watch(place) as delivering:
        job_id = await place.customer.submit(make_copy({"file_id": file_ids[0]}))
        await place.customer.follow(job_id)
        job = await place.customer.get(job_id)
        size_bytes = sum(map(len, await place.customer.download(job)))
    details["memory"] = {
        "picture_mb": round(len(picture) / _MB, 1),
        "output_mb": round(size_bytes / _MB, 1),
        "uploading": {name: [m.before_mb, m.peak_mb] for name, m in uploading.items()},
        "delivering": {name: [m.before_mb, m.peak_mb] for name, m in delivering.items()},
    }
    return [
        *_make_figures(f"{_CLIENTS} uploads of 20 MB", uploading),
        *_make_figures("a job with 20 MB in and out", delivering),
    ]


def _make_figures(what: str, memories: dict[str, _Memory]) -> list[Figure]:
    figures = []
    for name, memory in memories.items():
        figures += [
            Figure(f"memory, {what}: {name} grows by", "MB", memory.growth_mb, Target(50)),
            Figure(f"memory, {what}: {name}, peak RSS", "MB", memory.peak_mb, Target(250)),
        ]
    return figures


@asynccontextmanager
async def _watch(place: Place) -> AsyncIterator[dict[str, _Memory]]:
    """Note the peak of each program while the block runs."""
    programs = {
        "API": psutil.Process(place.house.api.pid),
        "worker": psutil.Process(place.house.workers[0].pid),
    }
    memories = {name: _Memory(_read(one), _read(one)) for name, one in programs.items()}

    async def sample() -> None:
        while True:
            for name, program in programs.items():
                memories[name].peak_mb = max(memories[name].peak_mb, _read(program))
            await asyncio.sleep(_SAMPLE_SECONDS)

    sampling = asyncio.create_task(sample())
    try:
        yield memories
    finally:
        sampling.cancel()


def _read(program: psutil.Process) -> float:
    """Return the resident memory of a program and its children, in MB."""
    processes = [program, *program.children(recursive=True)]
    return float(sum(one.memory_info().rss for one in processes) / _MB)
