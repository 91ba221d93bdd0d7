"""A Drive to look at and to drop photos into by hand: this is how one tries Creator."""

import mimetypes
from collections.abc import AsyncIterator
from dataclasses import dataclass

from aiohttp import BodyPartReader, web

from comfyhouse_demo.google.blobs import keep_stream
from comfyhouse_demo.google.failures import Refusal, make_not_found
from comfyhouse_demo.google.files import (
    SHORTCUT,
    File,
    add_file,
    find_file,
    get_file,
    list_children,
    set_trashed,
)
from comfyhouse_demo.google.grants import end_grant, find_grant
from comfyhouse_demo.google.house import GOOGLE, Google
from comfyhouse_demo.google.pages import render
from comfyhouse_demo.google.people import FOLDER, count_used_bytes, get_person, list_people
from comfyhouse_demo.google.scopes import BASIC, describe_scope
from comfyhouse_demo.google.sending import send_content

_PART_BYTES = 256 * 1024
#: What a browser may show; everything else is handed out as a download.
_SHOWN = frozenset({"image/jpeg", "image/png", "image/webp", "image/gif", "image/avif"})


@dataclass(frozen=True, slots=True)
class Shown:
    """A row of the page."""

    file: File
    is_ours: bool
    has_picture: bool


async def list_drives(request: web.Request) -> web.Response:
    return render("people.html", people=list_people(request.app[GOOGLE].store))


async def show_folder(request: web.Request) -> web.Response:
    google = request.app[GOOGLE]
    person = get_person(google.store, request.match_info["sub"])
    folder = get_file(google.store, request.match_info.get("folder", person.root))
    if folder.sub != person.sub or not folder.is_folder:
        raise make_not_found(folder.id)
    scopes = find_grant(google.store, person.sub, google.client.id)
    return render(
        "drive.html",
        person=person,
        folder=folder,
        path=_make_path(google, folder),
        rows=_list_rows(google, folder),
        used=count_used_bytes(google.store, person.sub),
        grants=[describe_scope(one) for one in scopes if one not in BASIC],
        is_connected=bool(scopes),
    )


async def add(request: web.Request) -> web.Response:
    """Take files that were dropped into a folder, or a new folder's name."""
    google = request.app[GOOGLE]
    folder = get_file(google.store, request.match_info["folder"])
    person = get_person(google.store, folder.sub)
    reader = await request.multipart()
    while isinstance(part := await reader.next(), BodyPartReader):
        if part.name == "name" and (name := (await part.text()).strip()):
            add_file(google.store, person, name=name, parent=folder.id, mime=FOLDER)
        elif part.filename:
            blob = await keep_stream(google.store, _read_part(part))
            mime = part.headers.get("Content-Type") or _guess_type(part.filename)
            add_file(
                google.store, person, name=part.filename, parent=folder.id, mime=mime, blob=blob
            )
    return _see(f"/drive/{person.sub}/{folder.id}")


async def bin_file(request: web.Request) -> web.Response:
    google = request.app[GOOGLE]
    file = get_file(google.store, request.match_info["file"])
    set_trashed(google.store, file, is_trashed=not file.is_trashed)
    return _see(f"/drive/{file.sub}/{file.parent}")


async def disconnect(request: web.Request) -> web.Response:
    """Take the app's access back, as one does in the account's settings."""
    google = request.app[GOOGLE]
    person = get_person(google.store, request.match_info["sub"])
    end_grant(google.store, person.sub, google.client.id)
    return _see(f"/drive/{person.sub}")


async def view(request: web.Request) -> web.Response:
    """Show one file: the page to which `webViewLink` leads."""
    google = request.app[GOOGLE]
    file = get_file(google.store, request.match_info["file"])
    person = get_person(google.store, file.sub)
    return render("file.html", person=person, shown=_make_row(google, file))


async def send(request: web.Request) -> web.StreamResponse:
    google = request.app[GOOGLE]
    file = get_file(google.store, request.match_info["file"])
    if file.mime not in _SHOWN:
        # Bytes of strangers are never run in this address's name.
        file.mime = "application/octet-stream"
    return await send_content(request, google.store, file)


async def go_home(_: web.Request) -> web.Response:
    return _see("/drive")


ROUTES = (
    web.get("/", go_home),
    web.get("/drive", list_drives),
    web.get("/drive/{sub}", show_folder),
    web.get("/drive/{sub}/{folder}", show_folder),
    web.post("/drive/{sub}/{folder}", add),
    web.post("/bin/{file}", bin_file),
    web.post("/disconnect/{sub}", disconnect),
    web.get("/file/d/{file}/view", view),
    web.get("/file/d/{file}/content", send),
)


def _list_rows(google: Google, folder: File) -> list[Shown]:
    children = list_children(google.store, folder.id)
    ordered = sorted(children, key=lambda one: (one.is_trashed, not one.is_folder, one.name))
    return [_make_row(google, file) for file in ordered]


def _make_row(google: Google, file: File) -> Shown:
    target = find_file(google.store, file.shortcut) if file.mime == SHORTCUT else file
    has_picture = target is not None and bool(target.blob) and target.mime in _SHOWN
    return Shown(file, bool(file.app_properties.get(google.client.id)), has_picture)


def _make_path(google: Google, folder: File) -> list[File]:
    path = [folder]
    while path[0].parent:
        path.insert(0, get_file(google.store, path[0].parent))
    return path


def _guess_type(name: str) -> str:
    return mimetypes.guess_type(name)[0] or "application/octet-stream"


async def _read_part(part: BodyPartReader) -> AsyncIterator[bytes]:
    while chunk := await part.read_chunk(_PART_BYTES):
        yield bytes(chunk)


def _see(address: str) -> web.Response:
    return web.Response(status=303, headers={"Location": address})


def explain_refusal(refusal: Refusal) -> web.Response:
    """Return a refusal as a page."""
    return render("wrong.html", status=refusal.status, message=refusal.message)
