"""The chosen pictures of the gallery as one ZIP that is made while it is sent."""

from collections.abc import AsyncIterator, Sequence
from contextlib import suppress
from pathlib import PurePath

from fastapi.responses import Response, StreamingResponse

from comfyhoused.adapters.storage.storage import ObjectMissing
from comfyhoused.creator.house import CreatorHouse
from comfyhoused.creator.screens.edit_queries import Picture, list_pictures
from comfyhoused.creator.screens.pages import go_to
from comfyhoused.creator.screens.said import say_at
from comfyhoused.creator.visitors import Visitor
from comfyhoused.kit.clock import get_now
from comfyhoused.kit.zip_stream import Member, stream_members


async def send_pictures(visitor: Visitor, edit_ids: Sequence[str], back: str) -> Response:
    """Send the pictures of these edits: full size where it is still here, else the preview.

    Where none of them is finished, it leads to the page `back`, which says so.
    """
    async with visitor.house.database.begin() as session:
        pictures = await list_pictures(session, visitor.user.id, edit_ids)
    if not pictures:
        return go_to(say_at(back, "no-pictures"))
    headers = {
        "Content-Disposition": f'attachment; filename="pictures-{get_now():%Y-%m-%d}.zip"',
        "Cache-Control": "no-store",
        "X-Content-Type-Options": "nosniff",
    }
    chunks = stream_members(_list_members(visitor.house, pictures))
    return StreamingResponse(chunks, media_type="application/zip", headers=headers)


async def _list_members(house: CreatorHouse, pictures: Sequence[Picture]) -> AsyncIterator[Member]:
    storage, taken = house.resources.storage, set[str]()
    for picture in pictures:
        with suppress(ObjectMissing):  # erased meanwhile
            await storage.get_size(picture.key)
            name = make_free_name(picture.name, taken)
            yield Member(name, picture.finished_at, storage.read(picture.key))


def make_free_name(name: str, taken: set[str]) -> str:
    """Return the name, with a number where it is taken already, and take it.

    Disks that know no capitals would put two into one.
    """
    path, number, free = PurePath(name), 1, name
    while free.lower() in taken:
        number += 1
        free = f"{path.stem} ({number}){path.suffix}"
    taken.add(free.lower())
    return free
