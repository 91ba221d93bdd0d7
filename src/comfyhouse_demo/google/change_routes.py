"""drive/v3: the feed of changes, and channels that tell of them."""

import uuid
from typing import Any

from aiohttp import web

from comfyhouse_demo.google.access import Visitor, find_visible, get_visitor
from comfyhouse_demo.google.answering import (
    answer,
    read_body,
    read_page_size,
    read_page_token,
)
from comfyhouse_demo.google.failures import Refusal, make_invalid
from comfyhouse_demo.google.house import GOOGLE, Google
from comfyhouse_demo.google.pushing import PUSHES
from comfyhouse_demo.google.rendering import DEFAULT_FIELDS, render_file
from comfyhouse_demo.google.scopes import READS
from comfyhouse_demo.google.store import now, read_json, write_json, write_time

_USUAL_SECONDS = 3600.0
_LONGEST_SECONDS = 7 * 24 * 3600.0
_LIST_FIELDS = (
    "kind,nextPageToken,newStartPageToken,"
    f"changes(kind,changeType,type,time,removed,fileId,file({DEFAULT_FIELDS}))"
)


async def get_start_page_token(request: web.Request) -> web.Response:
    google = request.app[GOOGLE]
    get_visitor(google.store, request, READS)
    token = str(_find_last(google) + 1)
    return answer(request, {"kind": "drive#startPageToken", "startPageToken": token})


async def list_changes(request: web.Request) -> web.Response:
    google = request.app[GOOGLE]
    visitor = get_visitor(google.store, request, READS)
    start = read_page_token(request)
    if start > _find_last(google) + 1:
        raise make_invalid("pageToken")
    size = read_page_size(request, google.switches.page_size)
    rows = _list_latest(google, visitor, start)
    page = rows[:size]
    document: dict[str, Any] = {
        "kind": "drive#changeList",
        "changes": [one for row in page if (one := _render(request, google, visitor, row))],
    }
    if len(rows) > size:
        document["nextPageToken"] = str(page[-1]["seq"] + 1)
    else:
        document["newStartPageToken"] = str(_find_last(google) + 1)
    return answer(request, document, _LIST_FIELDS)


async def watch(request: web.Request) -> web.Response:
    google = request.app[GOOGLE]
    visitor = get_visitor(google.store, request, READS)
    read_page_token(request)
    body = await read_body(request)
    channel_id, address = _check_channel(google, body)
    asked = int(body.get("expiration") or (now() + _USUAL_SECONDS) * 1000) / 1000
    until = min(asked, now() + _LONGEST_SECONDS)
    resource = str(uuid.uuid5(uuid.NAMESPACE_URL, f"changes of {visitor.person.sub}"))
    google.store.insert(
        "channels",
        id=channel_id,
        sub=visitor.person.sub,
        client=visitor.client,
        scopes=write_json(sorted(visitor.scopes)),
        token=body.get("token", ""),
        address=address,
        resource=resource,
        until=until,
    )
    request.app[PUSHES].greet(channel_id)
    document = {
        "kind": "api#channel",
        "id": channel_id,
        "resourceId": resource,
        "resourceUri": f"{google.public_url}/drive/v3/changes?alt=json",
        "token": body.get("token", ""),
        "expiration": str(int(until * 1000)),
    }
    return answer(request, document)


async def stop(request: web.Request) -> web.Response:
    google = request.app[GOOGLE]
    visitor = get_visitor(google.store, request, READS)
    body = await read_body(request)
    ended = google.store.run(
        "DELETE FROM channels WHERE id = ? AND resource = ? AND sub = ? AND until > ?",
        body.get("id", ""),
        body.get("resourceId", ""),
        visitor.person.sub,
        now(),
    )
    if not ended:
        message = f"Channel '{body.get('id', '')}' not found for project"
        raise Refusal(404, "notFound", message)
    return web.Response(status=204)


ROUTES = (
    web.get("/drive/v3/changes/startPageToken", get_start_page_token),
    web.get("/drive/v3/changes", list_changes),
    web.post("/drive/v3/changes/watch", watch),
    web.post("/drive/v3/channels/stop", stop),
)


def _check_channel(google: Google, body: dict[str, Any]) -> tuple[str, str]:
    channel_id, address = str(body.get("id", "")), str(body.get("address", ""))
    if not 0 < len(channel_id) <= 64 or body.get("type") not in ("web_hook", "webhook"):
        raise make_invalid("id")
    if not address.startswith(("https://", "http://127.0.0.1", "http://localhost", "http://[::1]")):
        message = "WebHook callback must be HTTPS: " + address
        raise Refusal(400, "push.webhookUrlNotHttps", message)
    if google.store.find("SELECT 1 FROM channels WHERE id = ?", channel_id) is not None:
        raise Refusal(400, "channelIdNotUnique", f"Channel id {channel_id} not unique")
    return channel_id, address


def _find_last(google: Google) -> int:
    row = google.store.find("SELECT seq FROM sqlite_sequence WHERE name = 'changes'")
    return 0 if row is None else int(row["seq"])


def _list_latest(google: Google, visitor: Visitor, start: int) -> list[Any]:
    """Return the last change of each file since, as the feed names each file once."""
    return google.store.list(
        "SELECT MAX(seq) AS seq, file, is_removed, apps, at FROM changes"
        " WHERE sub = ? AND seq >= ? GROUP BY file ORDER BY seq",
        visitor.person.sub,
        start,
    )


def _render(
    request: web.Request, google: Google, visitor: Visitor, row: Any
) -> dict[str, Any] | None:
    if not visitor.sees_all and visitor.client not in read_json(row["apps"]):
        return None
    shared = request.query.get("includeItemsFromAllDrives") == "true"
    change: dict[str, Any] = {
        "kind": "drive#change",
        "type": "file",
        "changeType": "file",
        "time": write_time(row["at"]),
        "fileId": row["file"],
        "removed": bool(row["is_removed"]),
    }
    file = find_visible(google.store, visitor, row["file"], shared=shared)
    if not row["is_removed"]:
        if file is None:
            return None
        change["file"] = render_file(
            google.store, file, visitor.person.sub, visitor.client, google.public_url
        )
    return change
