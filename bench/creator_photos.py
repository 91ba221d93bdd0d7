"""Creator: what opening a photo and finishing its result costs, by kind of file and by size.

Each task runs as in the house, in a process of its own bounded to a gigabyte; its CPU time is
what the kernel says of it (the median of three photos of 12 megapixels), its memory is looked at
fifty times a second.
"""

import asyncio
import os
import statistics
import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Any

import numpy as np
import psutil
from PIL import Image

from bench.figures import Figure, Target
from bench.place import Place
from comfyhoused.core.photos.profiles import make_display_p3
from comfyhoused.core.photos.shapes import PreviewWanted
from comfyhoused.core.photos.studio import PhotoStudio
from tests.photo_files import PLUGINS, make_exif, write_photo

_SIZES = {"12 MP": (4000, 3000), "50 MP": (8660, 5773)}
_TIMES = {"12 MP": 3, "50 MP": 1}
_LIMIT_MB = 1024
_CPU_SECONDS, _RSS_MB = 1.5, 400
_BLOCK = 32
_SAMPLE_SECONDS = 0.02


async def measure_creator_photos(place: Place, details: dict[str, Any]) -> list[Figure]:
    """Prepare and finish one photo of every kind, of 12 and of 50 megapixels."""
    del place
    found: dict[str, Any] = {}
    with tempfile.TemporaryDirectory(prefix="bench-photos-") as folder:
        for size, (width, height) in _SIZES.items():
            image = await asyncio.to_thread(_make_image, width, height)
            for name, kind, options in _list_cases():
                path = Path(folder) / f"{name}.{kind}"
                await asyncio.to_thread(write_photo, path, kind, image, **options)
                found[f"{size} {name}"] = await _repeat(path, Path(folder), _TIMES[size])
    details["creator_photos"] = found
    return _make_figures(found)


def _list_cases() -> list[tuple[str, str, dict[str, Any]]]:
    p3 = {"profile": make_display_p3()}
    plain = {"exif": b"Exif\x00\x00" + make_exif(6), "quality": 92, "subsampling": 2}
    tiled = {"profile": p3["profile"], "tile_size": 512, "chroma": 420, "quality": 90}
    cases: list[tuple[str, str, dict[str, Any]]] = [
        ("jpeg, sRGB", "jpeg", {**plain, "orientation": 6}),
        ("jpeg, Display P3", "jpeg", {**plain, **p3}),
    ]
    cases += [(kind, kind, {}) for kind in PLUGINS if kind not in ("jpeg", "heic", "png")]
    cases += [("webp, lossless", "webp", {"lossless": True, "quality": 0})]
    return [*cases, ("png", "png", {"compress_level": 1}), ("heic", "heic", tiled)]


def _make_image(width: int, height: int) -> Image.Image:
    """Return smooth light with a sensor's grain on it: it compresses as photos do."""
    random = np.random.default_rng(0)
    coarse = random.integers(30, 226, (height // _BLOCK + 2, width // _BLOCK + 2, 3), np.uint8)
    smooth = Image.fromarray(coarse).resize((width, height), Image.Resampling.BICUBIC)
    grain = random.normal(0, 2, (height, width, 1)).astype(np.int16)
    pixels = np.clip(np.asarray(smooth).astype(np.int16) + grain, 0, 255)
    return Image.fromarray(pixels.astype(np.uint8))


async def _repeat(path: Path, folder: Path, times: int) -> dict[str, Any]:
    """Return the medians of several photos, and the machine's load over the last minute."""
    async with _watch() as peak:
        done = [await _measure(path, folder) for _ in range(times)]
    medians = {key: round(statistics.median(one[key] for one in done), 2) for key in done[0]}
    return medians | {"peak_mb": round(peak[0]), "load": round(os.getloadavg()[0], 1)}


@asynccontextmanager
async def _watch() -> AsyncIterator[list[float]]:
    """Give the most memory (RSS, MB) that all processes of the studio take together."""
    most = [0.0]

    async def watch() -> None:
        while True:
            taken = 0.0
            for child in psutil.Process().children():
                with suppress(psutil.Error):
                    if "comfyhoused.core.photos.work" in child.cmdline():
                        taken += child.memory_info().rss / 2**20
            most[0] = max(most[0], taken)
            await asyncio.sleep(_SAMPLE_SECONDS)

    task = asyncio.create_task(watch())
    try:
        yield most
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


async def _measure(path: Path, folder: Path) -> dict[str, float]:
    """Return CPU seconds of preparing and finishing, previews included, and sizes in MB."""
    studio = PhotoStudio()
    wanted = [PreviewWanted(folder / "preview", 2048), PreviewWanted(folder / "thumb", 480)]
    prepared, result = folder / "prepared.png", folder / "result"
    before = _read_children()
    await studio.prepare(path, prepared, wanted)
    middle = _read_children()
    await studio.finish(path, prepared, result, wanted)
    after = _read_children()
    return {
        "prepare_cpu_s": round(middle - before, 2),
        "finish_cpu_s": round(after - middle, 2),
        "cpu_s": round(after - before, 2),
        "in_mb": await asyncio.to_thread(_read_mb, path),
        "out_mb": await asyncio.to_thread(_read_mb, result),
    }


def _read_mb(path: Path) -> float:
    return round(path.stat().st_size / 2**20, 1)


def _read_children() -> float:
    times = os.times()
    return times.children_user + times.children_system


def _make_figures(found: dict[str, Any]) -> list[Figure]:
    figures = []
    for name, one in found.items():
        target = Target(_CPU_SECONDS) if name.startswith("12 MP") else None
        label = f"photo, {name}: our CPU for both ways"
        figures.append(Figure(label, "s", one["cpu_s"], target))
    for size, target in (("12 MP", Target(_RSS_MB)), ("50 MP", Target(_LIMIT_MB))):
        most = max(one["peak_mb"] for name, one in found.items() if name.startswith(size))
        figures.append(Figure(f"photos of {size}: most memory of any kind", "MB", most, target))
    done = sum(name.startswith("50 MP") for name in found)
    label = f"photos of 50 MP that were done within {_LIMIT_MB} MB of address space"
    return [*figures, Figure(label, "kinds", done, Target(len(_list_cases()), "≥"))]
