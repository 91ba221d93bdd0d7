"""/console/files: pictures sent in for the playground."""

from typing import Annotated

from fastapi import APIRouter, Query, Request
from fastapi.responses import JSONResponse, Response

from comfyhoused.api.console.console_pages import redirect_to, wants_data
from comfyhoused.api.console.signed_in import SignedIn
from comfyhoused.api.key_secrets import KeyMode
from comfyhoused.api.pictures_in import take_upload

router = APIRouter(prefix="/console", include_in_schema=False)


@router.post("/files")
async def upload(
    member: SignedIn,
    request: Request,
    token: Annotated[str, Query(max_length=64)] = "",
    mode: Annotated[KeyMode, Query()] = "test",
    bench: Annotated[str, Query(max_length=80, pattern=r"^[\w.@-]*$")] = "",
    control: Annotated[str, Query(max_length=80, pattern=r"^\w*$")] = "",
) -> Response:
    """Take in a picture, streamed; its other values stand in the address for that reason."""
    member.check_form(token)
    file = await take_upload(member.house, member.make_principal(mode), request)
    if wants_data(member):
        url = f"/console/files/{file.id}"
        return JSONResponse({"file_id": file.id, "url": url}, status_code=201)
    return redirect_to(f"/console/playground/{bench}?mode={mode}&{control}={file.id}")
