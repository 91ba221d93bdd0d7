"""Pictures of edits and photos, given to their owner's browser from our own address.

They come from our address wherever they are stored, because pages show pictures of their own
house only. The address holds a part of the key: another picture has another address.
"""

from collections.abc import AsyncIterator

from fastapi import APIRouter
from fastapi.responses import RedirectResponse, Response, StreamingResponse
from sqlalchemy import select

from comfyhoused.adapters.storage.storage import ObjectMissing
from comfyhoused.core.files.content_types import make_safe_type
from comfyhoused.creator.edits.finding import find_delivery, get_edit
from comfyhoused.creator.edits.pictures import make_picture_link
from comfyhoused.creator.house import CreatorHouse
from comfyhoused.creator.tables import Edit, Photo
from comfyhoused.creator.visitors import SignedInUser
from comfyhoused.kit.errors import NotFound

router = APIRouter(prefix="/creator", include_in_schema=False)

_HEADERS = {
    "Cache-Control": "private, max-age=604800, immutable",
    "X-Content-Type-Options": "nosniff",
    "Content-Security-Policy": "default-src 'none'; sandbox",
}


class PictureGone(NotFound):
    """The picture is not made yet, or it was erased."""

    code = "picture_gone"
    title = "The picture is not here"


@router.get("/edits/{edit_id}/thumb")
async def give_thumb(visitor: SignedInUser, edit_id: str) -> Response:
    """Give the small picture of an edit."""
    return await _give_of_edit(visitor, edit_id, "thumb")


@router.get("/edits/{edit_id}/preview")
async def give_preview(visitor: SignedInUser, edit_id: str) -> Response:
    """Give the picture of an edit as its screen shows it."""
    return await _give_of_edit(visitor, edit_id, "preview")


@router.get("/edits/{edit_id}/download")
async def download(visitor: SignedInUser, edit_id: str) -> Response:
    """Lead to the finished picture in full size, under the name that it has in the folder."""
    async with visitor.house.database.begin() as session:
        edit = await get_edit(session, visitor.user.id, edit_id)
        delivery = await find_delivery(session, edit_id)
    if edit.result_file is None:
        raise PictureGone("It was not finished, or it was erased.")
    name = delivery.name if delivery else ""
    return RedirectResponse(await make_picture_link(visitor.house, edit.result_file, name), 303)


@router.get("/photos/{photo_id}/thumb")
async def give_original_thumb(visitor: SignedInUser, photo_id: str) -> Response:
    """Give the small picture of a photo before any edit."""
    return await _give_of_photo(visitor, photo_id, "thumb")


@router.get("/photos/{photo_id}/preview")
async def give_original(visitor: SignedInUser, photo_id: str) -> Response:
    """Give the picture of a photo before any edit, as large as the edit's preview."""
    return await _give_of_photo(visitor, photo_id, "preview")


async def _give_of_edit(visitor: SignedInUser, edit_id: str, kind: str) -> Response:
    column = Edit.thumb_file if kind == "thumb" else Edit.preview_file
    query = select(column).where(Edit.id == edit_id, Edit.user_id == visitor.user.id)
    async with visitor.house.database.begin() as session:
        key = await session.scalar(query)
    return await _give(visitor.house, key)


async def _give_of_photo(visitor: SignedInUser, photo_id: str, kind: str) -> Response:
    column = Photo.thumb_file if kind == "thumb" else Photo.preview_file
    query = select(column).where(Photo.id == photo_id, Photo.user_id == visitor.user.id)
    async with visitor.house.database.begin() as session:
        key = await session.scalar(query)
    return await _give(visitor.house, key)


async def _give(house: CreatorHouse, key: str | None) -> Response:
    if key is None:
        raise PictureGone("It may not be made yet.")
    chunks = aiter(house.resources.storage.read(key))
    try:
        first = await anext(chunks)  # a status can still be sent
    except (ObjectMissing, StopAsyncIteration) as error:
        raise PictureGone("It was erased.") from error

    stream = _go_on(first, chunks)
    return StreamingResponse(stream, media_type=make_safe_type("", key), headers=_HEADERS)


async def _go_on(first: bytes, chunks: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
    yield first
    async for chunk in chunks:
        yield chunk
