"""Files in and out of one server, streamed both ways."""

import re
from collections.abc import AsyncIterable, AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Protocol
from urllib.parse import urlencode

import aiohttp

from comfyhoused.adapters.comfyui.documents import find_text, parse_json
from comfyhoused.adapters.comfyui.errors import BackendBroken, OutputMissing, UploadTooLarge
from comfyhoused.adapters.comfyui.wire import (
    Wire,
    check_status,
    read_body,
    translating_failures,
)

MAX_OUTPUT_BYTES = 4 * 1024**3
_UPLOAD_NAME = re.compile(r"[A-Za-z0-9_-][A-Za-z0-9._-]{0,199}")
_SUBFOLDER = re.compile(r"(?:[A-Za-z0-9_-][A-Za-z0-9._-]{0,199}/?)*")


class StoredFile(Protocol):
    """A file in one of the server's folders; OutputRef is one."""

    @property
    def filename(self) -> str: ...
    @property
    def subfolder(self) -> str: ...
    @property
    def type(self) -> str: ...


@dataclass(frozen=True, slots=True)
class InputRef:
    """A file that we uploaded."""

    filename: str
    subfolder: str = ""
    type: str = "input"


@dataclass(frozen=True, slots=True)
class OutputStream:
    """A file on its way to us. `size_bytes` is None where the server does not say."""

    content_type: str
    size_bytes: int | None
    chunks: AsyncIterator[bytes]


async def upload_file(
    wire: Wire, file: StoredFile, chunks: AsyncIterable[bytes], *, overwrite: bool = True
) -> str:
    """Store a file on the server and return the name it got.

    Only plain ASCII names are sent: others are stored percent-encoded, or never found again
    (27). With `overwrite` any other name than the one asked for is an error (26). Raises
    ValueError, UploadTooLarge, BackendBroken, BackendUnreachable, and whatever `chunks` raises.
    """
    if not _UPLOAD_NAME.fullmatch(file.filename) or not _SUBFOLDER.fullmatch(file.subfolder):
        raise ValueError(f"not a name to upload under: {file.subfolder!r} {file.filename!r}")
    source = _Source(chunks)
    try:
        name = await _post_upload(wire, _make_form(file, source, overwrite=overwrite))
    except Exception:
        if source.failure is not None:
            raise source.failure from None  # the reader failed, not the server
        raise
    if overwrite and name != file.filename:
        raise BackendBroken("The ComfyUI server stored the upload under another name.")
    return name


@asynccontextmanager
async def open_file(
    wire: Wire, file: StoredFile, *, max_bytes: int = MAX_OUTPUT_BYTES
) -> AsyncIterator[OutputStream]:
    """Open a file of the server for reading.

    Raises OutputMissing (404), BackendBroken, BackendUnreachable; the last two also while the
    chunks are read: when there are more than `max_bytes`, or when no byte comes for the wire's
    time limit.
    """
    fields = {"filename": file.filename, "subfolder": file.subfolder, "type": file.type}
    response = await wire.send(
        "GET",
        f"/view?{urlencode(fields)}",
        timeout=_make_stream_limits(wire),
        headers={"Accept-Encoding": "identity"},
    )
    try:
        if response.status == 404:
            raise OutputMissing(f"The file {file.filename} of the finished run is gone.")
        check_status(response)
        yield OutputStream(
            response.content_type, response.content_length, _iterate_chunks(response, max_bytes)
        )
    finally:
        response.release()


class _Source:
    """The chunks of an upload; remembers what their reader raised, which aiohttp hides."""

    def __init__(self, chunks: AsyncIterable[bytes]) -> None:
        self._chunks = chunks
        self.failure: Exception | None = None

    async def __aiter__(self) -> AsyncIterator[bytes]:
        try:
            async for chunk in self._chunks:
                yield chunk
        except Exception as error:
            self.failure = error
            raise


def _make_form(file: StoredFile, source: _Source, *, overwrite: bool) -> aiohttp.FormData:
    form = aiohttp.FormData(quote_fields=False)
    form.add_field("type", file.type)
    if file.subfolder:
        form.add_field("subfolder", file.subfolder)
    if overwrite:
        form.add_field("overwrite", "true")  # only the texts "true" and "1" count (26)
    form.add_field("image", source, filename=file.filename, content_type="application/octet-stream")
    return form


async def _post_upload(wire: Wire, form: aiohttp.FormData) -> str:
    limits = _make_stream_limits(wire)
    async with wire.request("POST", "/upload/image", data=form, timeout=limits) as response:
        if response.status == 413:
            raise UploadTooLarge("The file is larger than the ComfyUI server takes.")
        check_status(response)
        name = find_text(parse_json(await read_body(response, 100_000)), "name")
    if name is None:
        raise BackendBroken("The ComfyUI server did not say where it put the upload.")
    return name


async def _iterate_chunks(response: aiohttp.ClientResponse, limit: int) -> AsyncIterator[bytes]:
    size = 0
    while True:
        with translating_failures():
            chunk = await response.content.readany()
        if not chunk:
            return
        size += len(chunk)
        if size > limit:
            raise BackendBroken(f"The file is larger than {limit} bytes.")
        yield chunk


def _make_stream_limits(wire: Wire) -> aiohttp.ClientTimeout:
    """A stream may last; a silence may not."""
    limit = wire.timeout_seconds
    return aiohttp.ClientTimeout(total=None, connect=limit, sock_read=limit)
