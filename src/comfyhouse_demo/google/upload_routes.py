"""upload/drive/v3: files with bytes, in one piece or resumable, new or replaced."""

import json
import re
from typing import Any

from aiohttp import web

from comfyhouse_demo.google import metadata, resumable
from comfyhouse_demo.google.access import Visitor, get_visible, get_visitor
from comfyhouse_demo.google.answering import read_body, read_object
from comfyhouse_demo.google.blobs import Blob, keep_bytes, keep_stream
from comfyhouse_demo.google.drive_routes import answer_file
from comfyhouse_demo.google.failures import Refusal, make_invalid
from comfyhouse_demo.google.files import File, check_room, find_file
from comfyhouse_demo.google.house import GOOGLE, Google
from comfyhouse_demo.google.related import read_parts
from comfyhouse_demo.google.scopes import WRITES

_SPAN = re.compile(r"bytes (?:(\d+)-(\d+)|\*)/(\d+|\*)")


async def create(request: web.Request) -> web.Response:
    return await _take(request, None)


async def update(request: web.Request) -> web.Response:
    google = request.app[GOOGLE]
    visitor = get_visitor(google.store, request, WRITES)
    return await _take(
        request, get_visible(google.store, visitor, request.match_info["file_id"], request)
    )


async def put_chunk(request: web.Request) -> web.Response:
    """Take bytes of a resumable upload, or say how far it is."""
    google = request.app[GOOGLE]
    visitor = get_visitor(google.store, request, WRITES)
    upload = resumable.get_upload(google.store, request.query.get("upload_id", ""))
    if upload.result:
        return _answer_result(request, google, visitor, upload.result)
    start, size = _read_span(request)
    if size is not None:
        resumable.set_size(google.store, upload, size)
    if start is not None:
        await resumable.append(google.store, upload, start, request.content.iter_any())
    if not resumable.is_whole(google.store, upload):
        return _answer_more(request, resumable.count_received(google.store, upload))
    blob = resumable.close(google.store, upload)
    file = _store(google, visitor, request, upload.metadata, blob, upload.file_id)
    resumable.set_result(google.store, upload, file.id)
    return answer_file(request, google, visitor, file)


ROUTES = (
    web.post("/upload/drive/v3/files", create),
    web.patch("/upload/drive/v3/files/{file_id}", update),
    web.put("/upload/drive/v3/files", put_chunk),
    web.put("/upload/drive/v3/files/{file_id}", put_chunk),
)


async def _take(request: web.Request, file: File | None) -> web.Response:
    google = request.app[GOOGLE]
    visitor = get_visitor(google.store, request, WRITES)
    kind = request.query.get("uploadType")
    if kind == "resumable":
        return await _begin(request, google, visitor, file)
    if kind == "multipart":
        body, content_type, blob = await _read_related(request, google)
    elif kind == "media":
        body, content_type = {}, request.content_type
        blob = await keep_stream(google.store, request.content.iter_any())
    else:
        raise make_invalid("uploadType")
    body = {**body, "mimeType": body.get("mimeType") or content_type}
    made = _store(google, visitor, request, body, blob, file.id if file else "")
    return answer_file(request, google, visitor, made)


async def _begin(
    request: web.Request, google: Google, visitor: Visitor, file: File | None
) -> web.Response:
    body = await read_body(request)
    shared = request.query.get("supportsAllDrives") == "true"
    if file is None:
        metadata.check_new(google.store, visitor, body, shared)
    length = request.headers.get("X-Upload-Content-Length")
    size = int(length) if length is not None else None
    check_room(google.store, visitor.person, size or 0)
    body.setdefault(
        "mimeType", request.headers.get("X-Upload-Content-Type", "application/octet-stream")
    )
    upload_id = resumable.begin(google.store, visitor, body, size, file.id if file else "")
    url = request.url.with_query({**request.query, "upload_id": upload_id})
    return web.Response(headers={"Location": str(url), "X-GUploader-UploadID": upload_id})


def _store(
    google: Google,
    visitor: Visitor,
    request: web.Request,
    body: dict[str, Any],
    blob: Blob,
    file_id: str,
) -> File:
    existing = find_file(google.store, file_id) if file_id else None
    if existing is not None:
        metadata.update(google.store, visitor, existing, body, request, blob)
        return existing
    shared = request.query.get("supportsAllDrives") == "true"
    return metadata.create(google.store, visitor, body, blob, body.get("mimeType", ""), shared)


async def _read_related(request: web.Request, google: Google) -> tuple[dict[str, Any], str, Blob]:
    """Read metadata and bytes of a body in two parts."""
    first, second = read_parts(request.headers.get("Content-Type", ""), await request.read())
    body = read_object(request, first.content)
    return body, second.content_type, keep_bytes(google.store, second.content)


def _read_span(request: web.Request) -> tuple[int | None, int | None]:
    """Return where these bytes begin (None: a question) and the whole size (None: not known)."""
    text = request.headers.get("Content-Range")
    if text is None:
        return 0, request.content_length
    found = _SPAN.fullmatch(text)
    if found is None:
        raise make_invalid("Content-Range")
    start = None if found[1] is None else int(found[1])
    return start, None if found[3] == "*" else int(found[3])


def _answer_more(request: web.Request, received: int) -> web.Response:
    request["answer"] = None
    headers = {"Range": f"bytes=0-{received - 1}"} if received else {}
    return web.Response(status=308, reason="Resume Incomplete", headers=headers)


def _answer_result(
    request: web.Request, google: Google, visitor: Visitor, file_id: str
) -> web.Response:
    file = find_file(google.store, file_id)
    if file is None:
        raise Refusal(410, "gone", json.dumps("The file was deleted."))
    return answer_file(request, google, visitor, file)
