"""The file in a request's body, raw or in a form, as a stream."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from fastapi import Request
from starlette.requests import ClientDisconnect

from comfyhoused.adapters.storage.storage import FileTooLarge
from comfyhoused.api.multipart import FilePart, open_file_part
from comfyhoused.kit.errors import ComfyhouseError, InvalidRequest

_FORM_BYTES = 64 * 1024  # what a form adds to its file
_DRAIN_SECONDS = 5
_DRAIN_TIMES = 3  # as many times the limit


class UploadInterrupted(InvalidRequest):
    """The connection was lost before the whole file had arrived; nothing of it is kept."""

    code = "upload_interrupted"
    title = "The upload broke off"


@asynccontextmanager
async def open_upload(request: Request, *, max_bytes: int) -> AsyncIterator[FilePart]:
    """Give the file of a request; its size is to be checked again while it arrives.

    Raises MalformedForm, FileTooLarge; reading it may raise UploadInterrupted. A refusal
    first takes in what the sender is still writing, within limits: most clients never see
    an answer that comes with the end of the connection.
    """
    body = _read_body(request)
    try:
        _check_declared_size(request, max_bytes)
        yield await _open_part(request, body)
    except ComfyhouseError as error:
        if not await _drain(request, body, max_bytes):
            error.headers["Connection"] = "close"
        raise


def _check_declared_size(request: Request, max_bytes: int) -> None:
    declared_bytes = request.headers.get("content-length", "0")
    if declared_bytes.isdigit() and int(declared_bytes) > max_bytes + _FORM_BYTES:
        raise FileTooLarge(f"At most {max_bytes:,} bytes are taken here.")


async def _open_part(request: Request, body: AsyncIterator[bytes]) -> FilePart:
    content_type = request.headers.get("content-type", "")
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


async def _drain(request: Request, body: AsyncIterator[bytes], max_bytes: int) -> bool:
    """Drop the rest of the body; tell whether it has come to its end."""
    if request.headers.get("expect", "").lower() == "100-continue":
        return False  # the sender waits for us, and has sent nothing yet
    left = _DRAIN_TIMES * max_bytes
    try:
        async with asyncio.timeout(_DRAIN_SECONDS):
            async for chunk in body:
                left -= len(chunk)
                if left < 0:
                    return False
    except (TimeoutError, UploadInterrupted):
        return False
    return True
