"""/creator/uploads: what the page "Add photos" sends its photos to, in parts.

`POST` begins one, `HEAD` says how far it is (`Upload-Offset`), `PATCH` sends the next part from
there on, `DELETE` gives it up. Each carries the form's token in `X-Form-Token`.
"""

from datetime import datetime
from typing import Annotated, Any

from fastapi import APIRouter, Header, Request, Response
from pydantic import BaseModel, ConfigDict, Field

from comfyhoused.creator.tables import Upload
from comfyhoused.creator.uploads import (
    LEAST_PART_BYTES,
    MOST_PART_BYTES,
    NewUpload,
    UploadRefused,
    abandon_upload,
    create_upload,
    get_upload,
    list_uploads,
    take_part,
)
from comfyhoused.creator.visitors import SignedInUser

router = APIRouter(prefix="/creator/uploads", include_in_schema=False)

_HEADERS = {"Cache-Control": "no-store", "X-Content-Type-Options": "nosniff"}

FormToken = Annotated[str, Header(alias="X-Form-Token")]


class UploadRequest(BaseModel):
    """A photo that a page is about to send."""

    model_config = ConfigDict(extra="forbid")

    once: str = Field(min_length=1, max_length=100)
    source_id: str = Field(max_length=100)
    name: str = Field(min_length=1, max_length=1000)
    size_bytes: int = Field(gt=0)


class UploadView(BaseModel):
    """How far a photo is. `state`: receiving, received, placed, failed (`error` says why)."""

    id: str
    once: str
    source_id: str
    name: str
    size_bytes: int
    received: int
    state: str
    error: dict[str, Any] | None
    created_at: datetime
    least_part_bytes: int = LEAST_PART_BYTES
    most_part_bytes: int = MOST_PART_BYTES


@router.post("", status_code=201)
async def begin(
    visitor: SignedInUser, request: UploadRequest, response: Response, token: FormToken = ""
) -> UploadView:
    """Begin an upload; the same `once` again gives the same one."""
    visitor.check_form(token)
    new = NewUpload(request.once, request.source_id, request.name, request.size_bytes)
    upload = await create_upload(visitor.house, visitor.user.id, new)
    response.headers["Location"] = f"{router.prefix}/{upload.id}"
    return _show(upload, response)


@router.get("")
async def list_all(visitor: SignedInUser, response: Response) -> list[UploadView]:
    """Return what is on its way, so that a page that was closed can go on."""
    response.headers.update(_HEADERS)
    async with visitor.house.database.begin() as session:
        return [_make_view(one) for one in await list_uploads(session, visitor.user.id)]


@router.api_route("/{upload_id}", methods=["GET", "HEAD"])
async def show(visitor: SignedInUser, upload_id: str, response: Response) -> UploadView:
    """Say how far an upload is."""
    async with visitor.house.database.begin() as session:
        return _show(await get_upload(session, visitor.user.id, upload_id), response)


@router.patch("/{upload_id}")
async def send_part(
    visitor: SignedInUser,
    upload_id: str,
    request: Request,
    response: Response,
    upload_offset: Annotated[int, Header(ge=0)],
    token: FormToken = "",
) -> UploadView:
    """Take the part that begins at `Upload-Offset`; its length is the body's."""
    visitor.check_form(token)
    length = request.headers.get("content-length", "")
    if not length.isascii() or not length.isdigit() or int(length) == 0:
        raise UploadRefused("Send the part with its Content-Length.")
    upload = await take_part(
        visitor.house,
        visitor.user.id,
        upload_id,
        offset=upload_offset,
        size_bytes=int(length),
        chunks=request.stream(),
    )
    return _show(upload, response)


@router.delete("/{upload_id}", status_code=204)
async def give_up(visitor: SignedInUser, upload_id: str, token: FormToken = "") -> Response:
    """Give an upload up."""
    visitor.check_form(token)
    await abandon_upload(visitor.house, visitor.user.id, upload_id)
    return Response(status_code=204)


def _show(upload: Upload, response: Response) -> UploadView:
    response.headers["Upload-Offset"] = str(upload.received)
    response.headers["Upload-Length"] = str(upload.size_bytes)
    response.headers.update(_HEADERS)
    return _make_view(upload)


def _make_view(upload: Upload) -> UploadView:
    return UploadView(
        id=upload.id,
        once=upload.once,
        source_id=upload.source_id,
        name=upload.name,
        size_bytes=upload.size_bytes,
        received=upload.received,
        state=upload.state,
        error=upload.error,
        created_at=upload.created_at,
    )
