"""The sample photo, taken in as a file of the demo account like any other."""

from collections.abc import AsyncIterator
from contextlib import suppress
from pathlib import Path

from comfyhoused import web
from comfyhoused.api.house import ApiHouse
from comfyhoused.api.pictures_in import make_limits
from comfyhoused.core.files.receive import receive_file
from comfyhoused.core.files.records import File, FileNotFound, get_file

SAMPLE = "img/coffee.jpg"
_PATH = Path(web.__file__).parent / "static" / SAMPLE


async def get_sample(house: ApiHouse, owner: str) -> File:
    """Return the owner's copy of the sample photo; it is taken in once."""
    resources = house.resources
    place = f"ch:1:page:sample:{owner}"
    known = await resources.store.get(place)
    if known is not None:
        with suppress(FileNotFound):
            return await get_file(resources.store, owner, str(known))
    file = await receive_file(
        resources.store, resources.storage, owner, _read(), "image/jpeg", make_limits(house)
    )
    await resources.store.set(place, file.id)
    return file


async def _read() -> AsyncIterator[bytes]:
    yield _PATH.read_bytes()
