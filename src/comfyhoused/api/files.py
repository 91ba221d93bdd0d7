"""Files: pictures sent in, and results that jobs made."""

from datetime import datetime
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Query, Request, Response
from fastapi.responses import RedirectResponse
from pydantic import BaseModel, ConfigDict, Field

from comfyhoused.api.documented_problems import BODY_PROBLEMS, INVALID, NOT_FOUND, PROBLEMS
from comfyhoused.api.house import FileReader, FileWriter, House
from comfyhoused.api.pictures_in import take_upload
from comfyhoused.core.files.links import make_file_link
from comfyhoused.core.files.records import File, delete_file, get_file, list_files
from comfyhoused.resources import Resources

router = APIRouter(prefix="/files", tags=["Files"], responses=PROBLEMS)

_EXAMPLE: dict[str, Any] = {
    "file_id": "file_7w2k9m4q8r1t5v3x6y0z2a",
    "purpose": "input",
    "content_type": "image/png",
    "size_bytes": 1482310,
    "hash": "af1349b9f5f9a1a6a0404dea36dcc9499bcb25c9adc112b7cc9a93cae41f3262",
    "width": 1024,
    "height": 768,
    "url": "https://api.example.com/files/raw/inputs/file_7w2k9m4q8r1t5v3x6y0z2a.png?…",
    "job_id": None,
    "created_at": "2026-11-22T10:00:00Z",
    "expires_at": None,
}
_BINARY = {"type": "string", "format": "binary"}
_UPLOAD: dict[str, Any] = {
    "requestBody": {
        "required": True,
        "description": "The bytes of a PNG, JPEG or WebP picture, or a form with a field `file`.",
        "content": {
            "image/png": {"schema": _BINARY},
            "image/jpeg": {"schema": _BINARY},
            "image/webp": {"schema": _BINARY},
            "application/octet-stream": {"schema": _BINARY},
            "multipart/form-data": {
                "schema": {
                    "type": "object",
                    "properties": {"file": _BINARY},
                    "required": ["file"],
                }
            },
        },
    }
}
_UPLOAD_PROBLEMS: dict[int | str, dict[str, Any]] = {
    status: BODY_PROBLEMS[status] for status in (400, 413, 415, 422)
}


class FileResponse(BaseModel):
    """A file. The link is signed when it is read, and valid for an hour."""

    model_config = ConfigDict(json_schema_extra={"examples": [_EXAMPLE]})

    file_id: str = Field(description="write it into jobs: `init_image`, or a workflow's inputs")
    purpose: Literal["input", "output"]
    content_type: str
    size_bytes: int
    hash: str = Field(description="BLAKE3, hex")
    width: int | None
    height: int | None
    url: str
    job_id: str | None = Field(description="the job that made it")
    created_at: datetime
    expires_at: datetime | None = Field(description="null: stays until it is deleted")


class FileList(BaseModel):
    """A page of files, newest first."""

    files: list[FileResponse]
    next_cursor: str | None = Field(description="send it as `cursor` for the next page")


@router.post(
    "",
    status_code=201,
    summary="Send in a picture",
    openapi_extra=_UPLOAD,
    responses=_UPLOAD_PROBLEMS,
)
async def upload_file(
    request: Request, response: Response, principal: FileWriter, house: House
) -> FileResponse:
    """Store a PNG, JPEG or WebP picture, whole and still, and return its id."""
    file = await take_upload(house, principal, request)
    response.headers["Location"] = f"{request.url.path.rstrip('/')}/{file.id}"
    return await _render(house.resources, file)


@router.get("", summary="List files", responses={**INVALID, 400: INVALID[422]})
async def list_my_files(
    principal: FileReader,
    house: House,
    limit: Annotated[int, Query(ge=1, le=100)] = 20,
    cursor: Annotated[str | None, Query(max_length=200)] = None,
) -> FileList:
    """Return your files, inputs and outputs, newest first."""
    resources = house.resources
    page = await list_files(resources.store, principal.owner, limit=limit, cursor=cursor)
    files = [await _render(resources, file) for file in page.items]
    return FileList(files=files, next_cursor=page.next_cursor)


@router.get("/{file_id}", summary="Look at a file", responses=NOT_FOUND)
async def get_my_file(file_id: str, principal: FileReader, house: House) -> FileResponse:
    """Return what is known of a file, with a fresh link to its bytes."""
    file = await get_file(house.resources.store, principal.owner, file_id)
    return await _render(house.resources, file)


@router.get(
    "/{file_id}/content",
    summary="Fetch a file's bytes",
    status_code=307,
    response_class=RedirectResponse,
    responses=NOT_FOUND,
)
async def get_file_content(file_id: str, principal: FileReader, house: House) -> RedirectResponse:
    """Redirect to a signed link, which needs no key."""
    file = await get_file(house.resources.store, principal.owner, file_id)
    return RedirectResponse(await make_file_link(house.resources, file), status_code=307)


@router.delete("/{file_id}", summary="Delete a file", status_code=204, responses=NOT_FOUND)
async def delete_my_file(file_id: str, principal: FileWriter, house: House) -> None:
    """Remove a file for good: its links stop working at once."""
    resources = house.resources
    await delete_file(resources.store, resources.storage, principal.owner, file_id)


async def _render(resources: Resources, file: File) -> FileResponse:
    return FileResponse(
        file_id=file.id,
        purpose=file.purpose,
        content_type=file.content_type,
        size_bytes=file.size_bytes,
        hash=file.hash,
        width=file.width,
        height=file.height,
        url=await make_file_link(resources, file),
        job_id=file.job_id,
        created_at=file.created_at,
        expires_at=file.expires_at,
    )
