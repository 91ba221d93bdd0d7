"""GET /view: files of the three folders, whole, as previews, or one channel."""

import asyncio
import io
import mimetypes
import os
from pathlib import Path

from aiohttp import web
from PIL import Image

from comfyhouse_engine.server.engine import ENGINE, Engine
from comfyhouse_engine.server.paths import find_folder, is_plain, join_inside, split_annotation

routes = web.RouteTableDef()

_CHUNK_BYTES = 16_384
_DEFAULT_QUALITY = 90
_ACTIVE_TYPES = frozenset({"text/html", "application/xhtml+xml", "text/javascript", "text/css"})


@routes.get("/view")
async def view(request: web.Request) -> web.StreamResponse:
    """Answer a file. 400 for bad names and types, 403 for subfolders that lead out, 404."""
    found = _locate(request)
    if isinstance(found, web.Response):
        return found
    disposition = {"Content-Disposition": f'filename="{found.name}"'}
    channel = request.query.get("channel", "rgba")
    if "preview" in request.query:
        body, kind = await asyncio.to_thread(
            _make_preview, found, request.query["preview"], request.query.get("channel", "")
        )
        return web.Response(body=body, content_type=f"image/{kind}", headers=disposition)
    if channel in ("rgb", "a"):
        body = await asyncio.to_thread(_extract_channel, found, channel)
        return web.Response(body=body, content_type="image/png", headers=disposition)
    return await _send_file(request, found, disposition)


def _locate(request: web.Request) -> Path | web.Response:
    engine: Engine = request.app[ENGINE]
    if "filename" not in request.query:
        return web.Response(status=404)
    name, mark = split_annotation(request.query["filename"])
    if not name or not is_plain(name):
        return web.Response(status=400)
    folder = find_folder(engine.folders, mark or request.query.get("type", "output"))
    if folder is None:
        return web.Response(status=400)
    inside = join_inside(folder, request.query.get("subfolder", ""))
    if inside is None:
        return web.Response(status=403)
    path = inside / Path(name).name
    return path if path.is_file() else web.Response(status=404)


async def _send_file(
    request: web.Request, path: Path, headers: dict[str, str]
) -> web.StreamResponse:
    kind = mimetypes.guess_type(path.name)[0] or "application/octet-stream"
    if kind in _ACTIVE_TYPES:
        kind = "application/octet-stream"
    headers = {**headers, "Content-Type": kind}
    speed = request.app[ENGINE].switches.slow_view_bytes_per_second
    if speed:
        return await _send_slowly(request, path, headers, speed)
    return web.FileResponse(path, headers=headers)


async def _send_slowly(
    request: web.Request, path: Path, headers: dict[str, str], bytes_per_second: float
) -> web.StreamResponse:
    response = web.StreamResponse(headers=headers)
    with path.open("rb") as file:
        response.content_length = os.fstat(file.fileno()).st_size
        await response.prepare(request)
        while chunk := file.read(min(_CHUNK_BYTES, max(1, int(bytes_per_second)))):
            await response.write(chunk)
            await asyncio.sleep(len(chunk) / bytes_per_second)
    await response.write_eof()
    return response


def _make_preview(path: Path, wanted: str, channel: str) -> tuple[bytes, str]:
    """Return (bytes, "webp" or "jpeg") for `format;quality`; what is no JPEG becomes WebP."""
    kind, *rest = wanted.split(";")
    if kind not in ("webp", "jpeg") or "a" in channel:
        kind = "webp"
    quality = int(rest[-1]) if rest and rest[-1].isdigit() else _DEFAULT_QUALITY
    with Image.open(path) as picture:
        shown = picture.convert("RGB") if kind == "jpeg" or channel == "rgb" else picture
        buffer = io.BytesIO()
        shown.save(buffer, format=kind, quality=quality)
    return buffer.getvalue(), kind


def _extract_channel(path: Path, channel: str) -> bytes:
    """Return a PNG of the colours alone, or of the alpha channel as alpha of an empty picture."""
    with Image.open(path) as picture:
        if channel == "rgb":
            result = picture.convert("RGB")
        else:
            has_alpha = picture.mode == "RGBA"
            alpha = picture.getchannel("A") if has_alpha else Image.new("L", picture.size, 255)
            result = Image.new("RGBA", picture.size)
            result.putalpha(alpha)
    buffer = io.BytesIO()
    result.save(buffer, format="PNG")
    return buffer.getvalue()
