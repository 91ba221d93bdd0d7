"""Handing out a file's bytes: as they are, whole or from a byte on."""

import re

from aiohttp import web

from comfyhouse_demo.google import blobs
from comfyhouse_demo.google.failures import Refusal
from comfyhouse_demo.google.files import File
from comfyhouse_demo.google.store import Store

_RANGE = re.compile(r"bytes=(\d+)-(\d*)")
_PART_BYTES = 256 * 1024


async def send_content(request: web.Request, store: Store, file: File) -> web.StreamResponse:
    """Answer with the bytes; raises Refusal where the file has none, or not so many."""
    if not file.blob:
        message = "Only files with binary content can be downloaded. Use Export with Docs files."
        raise Refusal(403, "fileNotDownloadable", message, "alt")
    start, end = _read_range(request.headers.get("Range", ""), file.size)
    response = web.StreamResponse(status=206 if "Range" in request.headers else 200)
    response.content_type = file.mime
    response.headers["X-Content-Type-Options"] = "nosniff"
    response.content_length = end - start
    if response.status == 206:
        response.headers["Content-Range"] = f"bytes {start}-{end - 1}/{file.size}"
    await response.prepare(request)
    with blobs.get_place(store, file.blob).open("rb") as source:
        source.seek(start)
        remaining = _cut_short(request, end - start)
        while remaining > 0 and (part := source.read(min(_PART_BYTES, remaining))):
            await response.write(part)
            remaining -= len(part)
    if request.get("cut_bytes") is not None and request.transport is not None:
        request.transport.close()  # what was written still goes out
    await response.write_eof()
    return response


def _cut_short(request: web.Request, size: int) -> int:
    """Return how much is sent: all, or what a fault of kind `cut` lets through."""
    return min(size, int(request.get("cut_bytes", size)))


def _read_range(text: str, size: int) -> tuple[int, int]:
    found = _RANGE.fullmatch(text)
    if found is None:
        return 0, size
    start = int(found[1])
    end = min(int(found[2]) + 1, size) if found[2] else size
    if start >= end:
        raise Refusal(416, "requestedRangeNotSatisfiable", "Request range not satisfiable")
    return start, end
