"""Serving the bytes behind a signed link, where they lie on our own disk.

A link needs no key. Whatever a file holds, it cannot act in a browser: its type is one of a
list, may not be guessed anew, and a policy forbids it everything.
"""

from urllib.parse import quote

from fastapi import APIRouter, Request, Response
from fastapi.responses import StreamingResponse

from comfyhoused.adapters.storage.links import LinkTerms
from comfyhoused.adapters.storage.local import LocalStorage
from comfyhoused.adapters.storage.storage import ObjectMissing
from comfyhoused.api.house import House
from comfyhoused.api.ranges import ByteRange, find_range
from comfyhoused.core.files.content_types import is_shown_inline, make_safe_type
from comfyhoused.kit.clock import get_now_ms

router = APIRouter(include_in_schema=False)

_HARMLESS = {
    "X-Content-Type-Options": "nosniff",
    "Content-Security-Policy": "default-src 'none'; sandbox",
    "Cross-Origin-Resource-Policy": "cross-origin",
    "Referrer-Policy": "no-referrer",
}


@router.api_route("/files/raw/{key:path}", methods=["GET", "HEAD"])
async def get_raw_file(key: str, request: Request, house: House) -> Response:
    """Stream the bytes, or the range of them that was asked for."""
    storage = house.resources.storage
    if not isinstance(storage, LocalStorage):
        raise ObjectMissing("Files lie in S3 here, and are served from there.")
    terms = storage.verify_link(key, request.query_params)
    size_bytes = await storage.get_size(key)
    headers = _make_headers(terms)
    if terms.etag and request.headers.get("if-none-match") in (headers["ETag"], "*"):
        return Response(status_code=304, headers=headers)
    part = _find_part(request, headers.get("ETag"), size_bytes)
    whole = ByteRange(0, size_bytes, size_bytes)
    headers["Content-Length"] = str((part or whole).length)
    if part is not None:
        headers["Content-Range"] = part.content_range
    status = 200 if part is None else 206
    if request.method == "HEAD":
        return Response(status_code=status, headers=headers)
    wanted = part or whole
    chunks = storage.read(key, start=wanted.start, end=wanted.end)
    return StreamingResponse(chunks, status_code=status, headers=headers)


def _find_part(request: Request, etag: str | None, size_bytes: int) -> ByteRange | None:
    condition = request.headers.get("if-range")
    if condition is not None and condition != etag:  # the client holds a part of other bytes
        return None
    return find_range(request.headers.get("range"), size_bytes)


def _make_headers(terms: LinkTerms) -> dict[str, str]:
    content_type = make_safe_type(terms.content_type)
    disposition = "inline" if is_shown_inline(content_type) else "attachment"
    headers = {
        **_HARMLESS,
        "Content-Type": content_type,
        "Content-Disposition": f"{disposition}; filename*=UTF-8''{quote(terms.filename, safe='')}",
        "Accept-Ranges": "bytes",
        "Cache-Control": f"private, max-age={max(terms.expires - get_now_ms() // 1000, 0)}",
    }
    if terms.etag:
        headers["ETag"] = f'"{terms.etag}"'
    return headers
