"""Creator: what a 12-megapixel photo costs us without its preset's work."""

import asyncio
import io
import tempfile
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Any

import numpy as np
import psutil
from PIL import Image, ImageFilter

from bench.figures import Figure, Target, find_percentile
from bench.place import Place
from comfyhoused.creator.migrating import upgrade_database
from tests.edit_stage import EditHouse, EditStage
from tests.postgres import PostgresProcess

_PHOTOS = 10
_MB = 2**20
_SAMPLE_SECONDS = 0.02
_REST_SECONDS = 5.0


async def measure_creator_edits(place: Place, details: dict[str, Any]) -> list[Figure]:
    """Edit photos one after the other in a house of its own."""
    with tempfile.TemporaryDirectory(prefix="bench-edits-") as folder:
        async with _open_house(Path(folder)) as house:
            return await _measure_photos(house, details)


@asynccontextmanager
async def _open_house(folder: Path) -> AsyncIterator[EditHouse]:
    postgres = PostgresProcess(folder / "postgres", {})
    await asyncio.to_thread(postgres.start)
    house = EditHouse(folder, postgres.url)
    try:
        await upgrade_database(postgres.url)
        await asyncio.to_thread(house.start)
        async with house.open():
            yield house
    finally:
        house.close()
        postgres.kill()


async def _measure_photos(house: EditHouse, details: dict[str, Any]) -> list[Figure]:
    stage = await house.add_user()
    photos = [_make_photo(number) for number in range(_PHOTOS + 1)]
    await _edit(stage, "warm up.jpg", photos[0])
    worker = psutil.Process(house.workers[0].pid)
    idle = await _measure_idle(worker)
    begun, cpu, waits = time.monotonic(), _read_cpu(worker), []
    async with _watch(worker) as peaks:
        for number, photo in enumerate(photos[1:]):
            waits.append(await _edit(stage, f"{number}.jpg", photo))
    spent = _read_cpu(worker) - cpu - idle * (time.monotonic() - begun)
    details["creator_photo"] = {
        "photos": _PHOTOS,
        "jpeg_mb": round(len(photos[1]) / _MB, 1),
        "idle_cpu_share": round(idle, 4),
        "peaks_mb": peaks,
        "seconds_until_in_line": [round(one, 3) for one in waits],
    }
    return [
        Figure("Creator: our CPU for a photo of 12 MP", "s", spent / _PHOTOS, Target(1.5)),
        Figure("Creator: all processes on it, peak RSS", "MB", peaks["together"], Target(400)),
        Figure("Creator: taken in → in line, p95", "s", find_percentile(waits, 95), Target(5)),
        Figure("Creator: an idle worker's share of a core", "%", idle * 100),
    ]


async def _edit(stage: EditStage, name: str, photo: bytes) -> float:
    """Return the seconds from taking the photo in until it is in line."""
    begun = time.monotonic()
    edit = await stage.drop(name, photo)
    assert edit is not None
    await stage.wait(edit.id, "in_line", "running", "finishing", "finished")
    waited = time.monotonic() - begun
    await stage.wait_delivered(edit.id)
    return waited


async def _measure_idle(worker: psutil.Process) -> float:
    before = _read_cpu(worker)
    await asyncio.sleep(_REST_SECONDS)
    return (_read_cpu(worker) - before) / _REST_SECONDS


def _read_cpu(worker: psutil.Process) -> float:
    """Return the CPU seconds of the worker and of all that it has started and that is over."""
    times = worker.cpu_times()
    return float(times.user + times.system + times.children_user + times.children_system)


@asynccontextmanager
async def _watch(worker: psutil.Process) -> AsyncIterator[dict[str, float]]:
    peaks = {"worker": 0.0, "studio": 0.0, "together": 0.0}

    async def watch() -> None:
        while True:
            own, studio = worker.memory_info().rss / _MB, 0.0
            for child in worker.children(recursive=True):
                with suppress(psutil.NoSuchProcess):
                    studio += child.memory_info().rss / _MB
            for name, value in (("worker", own), ("studio", studio), ("together", own + studio)):
                peaks[name] = max(peaks[name], round(value, 1))
            await asyncio.sleep(_SAMPLE_SECONDS)

    task = asyncio.create_task(watch())
    try:
        yield peaks
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


def _make_photo(number: int) -> bytes:
    """Return 12 megapixels that compress about as a camera's do."""
    chance = np.random.default_rng(number)
    rough = Image.fromarray(chance.integers(0, 255, (150, 200, 3), np.uint8))
    smooth = rough.resize((4000, 3000), Image.Resampling.BICUBIC)
    grain = Image.fromarray(chance.integers(0, 24, (3000, 4000), np.uint8))
    grain = grain.filter(ImageFilter.GaussianBlur(0.6))
    picture = Image.blend(smooth, Image.merge("RGB", (grain, grain, grain)), 0.2)
    exif = Image.Exif()
    exif[0x010F] = "Bench"
    target = io.BytesIO()
    picture.save(target, "JPEG", quality=92, exif=exif)
    return target.getvalue()


def main() -> None:
    """Measure this alone and print it."""
    details: dict[str, Any] = {}

    async def run() -> list[Figure]:
        with tempfile.TemporaryDirectory(prefix="bench-edits-") as folder:
            async with _open_house(Path(folder)) as house:
                return await _measure_photos(house, details)

    for figure in asyncio.run(run()):
        print(f"{figure.name}: {figure.measured:.2f} {figure.unit} {figure.target or ''}")
    print(details)


if __name__ == "__main__":
    main()
