"""POST /upload/image and /upload/mask.

There is no check of the content. Bad `type`, an empty name, a missing directory and the like end as
ComfyUI's plain 500 (http/109-112, 172-182), so they are left to raise.
"""

import asyncio
import hashlib
import json
import shutil
from collections.abc import Callable
from io import BufferedReader
from pathlib import Path
from typing import Any

from aiohttp import web
from multidict import MultiDictProxy
from PIL import Image
from PIL.PngImagePlugin import PngInfo

from comfyhouse_engine.context import Folders
from comfyhouse_engine.server.engine import ENGINE
from comfyhouse_engine.server.paths import find_folder, is_plain, join_inside, split_annotation

routes = web.RouteTableDef()

_MASK_COMPRESSION = 4
_TRUE = ("true", "1")
Form = MultiDictProxy[Any]
Store = Callable[[BufferedReader, Path], None]


class UnknownFolder(Exception):
    """`type` is not input, output or temp; ends as a plain 500, as recorded."""


@routes.post("/upload/image")
async def upload_image(request: web.Request) -> web.Response:
    """Store a file; same name and bytes give the same name back, other bytes `name (1).png`."""
    return await _receive(request, _store_bytes)


@routes.post("/upload/mask")
async def upload_mask(request: web.Request) -> web.Response:
    """Store a picture's colours with the mask's alpha.

    Answers 200 with a name also when the original is missing or refused and nothing was written.
    """
    form = await request.post()
    folders = request.app[ENGINE].folders

    def store(mask: BufferedReader, path: Path) -> None:
        reference = json.loads(str(form["original_ref"]))
        original = _find_original(folders, reference)
        if original is not None:
            _store_masked(original, mask, path)

    return await _receive(request, store)


async def _receive(request: web.Request, store: Store) -> web.Response:
    form: Form = await request.post()
    image = form.get("image")
    if image is None or not image.file:
        return web.Response(status=400)
    if not image.filename:
        return web.Response(status=400)
    kind = form.get("type", "input")
    folder = find_folder(request.app[ENGINE].folders, kind)
    if folder is None:
        raise UnknownFolder(kind)
    subfolder = form.get("subfolder", "")
    path = join_inside(folder, subfolder, image.filename)
    if path is None:
        return web.Response(status=400)
    overwrite = form.get("overwrite") in _TRUE
    name = await asyncio.to_thread(_save, image, folder / subfolder, overwrite, store)
    return web.json_response({"name": name, "subfolder": subfolder, "type": kind})


def _save(image: Any, folder: Path, overwrite: bool, store: Store) -> str:
    """Return the name under which the upload lies in `folder` now."""
    folder.mkdir(parents=True, exist_ok=True)
    name: str = image.filename
    if not overwrite:
        extension = Path(name).suffix
        stem = name.removesuffix(extension)
        number = 1
        while (folder / name).exists():
            if _hash(image.file) == _hash_path(folder / name):
                return name
            name = f"{stem} ({number}){extension}"
            number += 1
    store(image.file, folder / name)
    return name


def _store_bytes(source: BufferedReader, path: Path) -> None:
    source.seek(0)
    with path.open("wb") as target:
        shutil.copyfileobj(source, target)


def _hash(file: BufferedReader) -> str:
    file.seek(0)
    return hashlib.file_digest(file, "sha256").hexdigest()


def _hash_path(path: Path) -> str:
    with path.open("rb") as file:
        return _hash(file)


def _find_original(folders: Folders, reference: dict[str, Any]) -> Path | None:
    name, mark = split_annotation(reference.get("filename", ""))
    folder = find_folder(folders, mark or reference.get("type", "output"))
    if not name or not is_plain(name) or folder is None:
        return None
    inside = join_inside(folder, reference.get("subfolder", ""))
    path = inside / Path(name).name if inside is not None else None
    return path if path is not None and path.is_file() else None


def _store_masked(original: Path, mask: BufferedReader, path: Path) -> None:
    with Image.open(original) as picture, Image.open(mask) as shape:
        text = PngInfo()
        for key, value in getattr(picture, "text", {}).items():
            text.add_text(key, value)
        result = picture.convert("RGBA")
        result.putalpha(shape.convert("RGBA").getchannel("A"))
    result.save(path, compress_level=_MASK_COMPRESSION, pnginfo=text)
