"""drive/v3: about, files.get, list, create and update without bytes, delete, generateIds."""

from aiohttp import web

from comfyhouse_demo.google import metadata
from comfyhouse_demo.google.access import Visitor, get_visible, get_visitor
from comfyhouse_demo.google.answering import answer, read_body, read_page_size
from comfyhouse_demo.google.failures import Refusal, make_invalid
from comfyhouse_demo.google.files import File, list_files, make_file_id, remove_file
from comfyhouse_demo.google.house import GOOGLE, Google
from comfyhouse_demo.google.people import count_used_bytes
from comfyhouse_demo.google.queries import read_query
from comfyhouse_demo.google.rendering import DEFAULT_FIELDS, render_file, render_person
from comfyhouse_demo.google.scopes import CHANGES, READS, READS_BYTES, WRITES
from comfyhouse_demo.google.sending import send_content
from comfyhouse_demo.google.store import now

_LIST_FIELDS = f"kind,incompleteSearch,nextPageToken,files({DEFAULT_FIELDS})"
_ORDERS = {
    "name": lambda file: file.name.casefold(),
    "name_natural": lambda file: file.name.casefold(),
    "createdTime": lambda file: file.created,
    "modifiedTime": lambda file: file.modified,
    "folder": lambda file: not file.is_folder,
}


async def about(request: web.Request) -> web.Response:
    google = request.app[GOOGLE]
    visitor = get_visitor(google.store, request, READS)
    if not request.query.get("fields"):
        raise Refusal(
            400, "required", "The 'fields' parameter is required for this method.", "fields"
        )
    person = visitor.person
    used = str(count_used_bytes(google.store, person.sub))
    quota = {"limit": str(person.quota_bytes), "usage": used, "usageInDrive": used}
    document = {
        "kind": "drive#about",
        "user": render_person(person),
        "storageQuota": quota,
        "canCreateDrives": False,
    }
    return answer(request, document)


async def generate_ids(request: web.Request) -> web.Response:
    google = request.app[GOOGLE]
    visitor = get_visitor(google.store, request, WRITES)
    count = request.query.get("count", "10")
    if not count.isdigit() or not 1 <= int(count) <= 1000:
        raise make_invalid("count")
    ids = [make_file_id() for _ in range(int(count))]
    for one in ids:
        google.store.insert("ids", id=one, sub=visitor.person.sub)
    space = request.query.get("space", "drive")
    return answer(request, {"kind": "drive#generatedIds", "space": space, "ids": ids})


async def get_file(request: web.Request) -> web.StreamResponse:
    google = request.app[GOOGLE]
    is_media = request.query.get("alt") == "media"
    visitor = get_visitor(google.store, request, READS_BYTES if is_media else READS)
    file = get_visible(google.store, visitor, request.match_info["file_id"], request)
    if is_media:
        return await send_content(request, google.store, file)
    return answer_file(request, google, visitor, file)


async def list_all(request: web.Request) -> web.Response:
    google = request.app[GOOGLE]
    visitor = get_visitor(google.store, request, READS)
    found = _search(request, google, visitor)
    size = read_page_size(request, google.switches.page_size)
    start = _read_start(request)
    page = found[start : start + size]
    document = {
        "kind": "drive#fileList",
        "incompleteSearch": False,
        "files": [_render(google, visitor, file) for file in page],
    }
    if start + size < len(found):
        document["nextPageToken"] = f"~!!~{start + size}"
    return answer(request, document, _LIST_FIELDS)


async def create(request: web.Request) -> web.Response:
    google = request.app[GOOGLE]
    visitor = get_visitor(google.store, request, WRITES)
    shared = request.query.get("supportsAllDrives") == "true"
    body = await read_body(request)
    file = metadata.create(google.store, visitor, body, None, "", shared)
    return answer_file(request, google, visitor, file)


async def update(request: web.Request) -> web.Response:
    google = request.app[GOOGLE]
    visitor = get_visitor(google.store, request, CHANGES)
    file = get_visible(google.store, visitor, request.match_info["file_id"], request)
    metadata.update(google.store, visitor, file, await read_body(request), request)
    return answer_file(request, google, visitor, file)


async def delete(request: web.Request) -> web.Response:
    google = request.app[GOOGLE]
    visitor = get_visitor(google.store, request, WRITES)
    file = get_visible(google.store, visitor, request.match_info["file_id"], request)
    remove_file(google.store, file)
    return web.Response(status=204)


def answer_file(request: web.Request, google: Google, visitor: Visitor, file: File) -> web.Response:
    """Answer with the file, as the app sees it."""
    return answer(request, _render(google, visitor, file), DEFAULT_FIELDS)


ROUTES = (
    web.get("/drive/v3/about", about),
    web.get("/drive/v3/files/generateIds", generate_ids),
    web.get("/drive/v3/files/{file_id}", get_file),
    web.get("/drive/v3/files", list_all),
    web.post("/drive/v3/files", create),
    web.patch("/drive/v3/files/{file_id}", update),
    web.delete("/drive/v3/files/{file_id}", delete),
)


def _render(google: Google, visitor: Visitor, file: File) -> dict[str, object]:
    return render_file(google.store, file, visitor.person.sub, visitor.client, google.public_url)


def _search(request: web.Request, google: Google, visitor: Visitor) -> list[File]:
    query = request.query
    test = read_query(query.get("q", ""), visitor.person.root, visitor.client)
    shared = query.get("includeItemsFromAllDrives") == "true"
    if shared and query.get("supportsAllDrives") != "true":
        message = "The supportsAllDrives parameter must be true."
        raise Refusal(403, "teamDrivesSupportRequired", message)
    drive = query.get("driveId")
    if drive is not None and query.get("corpora") != "drive":
        raise make_invalid("driveId", "The driveId parameter needs corpora=drive.")
    newest = now() - google.switches.list_lag_seconds
    found = [
        file
        for file in list_files(google.store, visitor.person.sub)
        if visitor.sees(file)
        and file.created <= newest
        and (shared or not file.drive)
        and (drive is None or file.drive == drive)
        and test(file)
    ]
    return _sort(found, query.get("orderBy", ""))


def _sort(files: list[File], orders: str) -> list[File]:
    """Sort by the last key first: Python's sort keeps what was sorted before."""
    for order in reversed([one.strip() for one in orders.split(",") if one.strip()]):
        name, _, direction = order.partition(" ")
        if name not in _ORDERS or direction not in ("", "desc"):
            raise make_invalid("orderBy")
        files = sorted(files, key=_ORDERS[name], reverse=bool(direction))
    return files


def _read_start(request: web.Request) -> int:
    token = request.query.get("pageToken", "")
    if not token:
        return 0
    if not token.startswith("~!!~") or not token[4:].isdigit():
        raise make_invalid("pageToken")
    return int(token[4:])
