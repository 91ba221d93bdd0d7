"""The file in a request's body, raw or in a form, as a stream."""

from collections.abc import AsyncIterator

from fastapi import Request
from starlette.requests import ClientDisconnect

from comfyhoused.adapters.storage.storage import FileTooLarge
from comfyhoused.api.multipart import FilePart, open_file_part
from comfyhoused.kit.errors import InvalidRequest

_FORM_BYTES = 64 * 1024  # what a form adds to its file
_CLOSE = {"Connection": "close"}  # the rest of the body is not read


class UploadInterrupted(InvalidRequest):
    """The connection was lost before the whole file had arrived; nothing of it is kept."""

    code = "upload_interrupted"
    title = "The upload broke off"


async def open_upload(request: Request, *, max_bytes: int) -> FilePart:
    """Return the file of a request; its size is checked again while it arrives.

    Raises MalformedForm, FileTooLarge; reading it may raise UploadInterrupted.
    """
    declared_bytes = request.headers.get("content-length", "0")
    if declared_bytes.isdigit() and int(declared_bytes) > max_bytes + _FORM_BYTES:
        raise FileTooLarge(f"At most {max_bytes:,} bytes are taken here.", headers=_CLOSE)
    content_type = request.headers.get("content-type", "")
    body = _read_body(request)
    if content_type.partition(";")[0].strip().lower() == "multipart/form-data":
        return await open_file_part(content_type, body)
    return FilePart(content_type or None, body)


async def _read_body(request: Request) -> AsyncIterator[bytes]:
    try:
        async for chunk in request.stream():
            if chunk:
                yield chunk
    except ClientDisconnect as error:
        raise UploadInterrupted("Send the file again.") from error
