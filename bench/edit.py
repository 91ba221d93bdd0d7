"""A real piece of work: a 1024² picture is sent in, edited, and fetched."""

import time
from typing import Any

from bench.figures import Figure, Target, find_percentile, summarise
from bench.graphs import make_edit, make_photo
from bench.place import Place

_PAIRS = 10


async def measure_edit(place: Place, details: dict[str, Any]) -> list[Figure]:
    """Edit pictures in both ways in turn."""
    direct, ours = [], []
    for index in range(_PAIRS + 1):
        photo, other = make_photo(), make_photo()
        directly, through = await _edit_directly(place, photo), await _edit(place, other)
        if index > 0:  # the first pair warms up
            direct.append(directly)
            ours.append(through)
    details["edit_1024"] = {"direct_ms": summarise(direct), "ours_ms": summarise(ours)}
    middle = find_percentile(direct, 50)
    ratio = find_percentile(ours, 50) / middle
    return [
        Figure("edit of 1024²: direct, p50", "ms", middle),
        Figure("edit of 1024²: ours, p50", "ms", find_percentile(ours, 50)),
        Figure("edit of 1024², upload to download: ratio, p50", "×", ratio, Target(1.1)),
    ]


async def _edit_directly(place: Place, photo: bytes) -> float:
    begun = time.perf_counter()
    name = await place.direct.upload(photo)
    pictures = await place.direct.run(make_edit(name))
    assert len(pictures) == 1
    return (time.perf_counter() - begun) * 1000


async def _edit(place: Place, photo: bytes) -> float:
    customer, begun = place.customer, time.perf_counter()
    file_id = await customer.upload(photo)
    job_id = await customer.submit(make_edit({"file_id": file_id}))
    await customer.follow(job_id)
    pictures = await customer.download(await customer.get(job_id))
    assert len(pictures) == 1
    return (time.perf_counter() - begun) * 1000
